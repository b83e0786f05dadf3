// Plays a recording on a sealed bus: each event is delivered as it was, and none leaves the bus.

/** A local event that a handler has published: the handler publishes it again when its cause is played. */
const isPublishedAgain = ({ stage, cause, topic }) =>
  topic === "$bus.error" || (cause !== undefined && stage === "local" && !topic.startsWith("$"));

export class Player {
  #inspection;
  #turns;
  #timer;
  #changed;
  #failed;
  at = 0;
  speed = 1;

  /** `failed` is called with the error that has stopped `play`. */
  constructor(inspection, turns, changed, failed) {
    this.#inspection = inspection;
    this.#turns = turns.filter((turn) => !isPublishedAgain(turn));
    this.#changed = changed;
    this.#failed = failed;
  }

  get length() {
    return this.#turns.length;
  }

  get playing() {
    return this.#timer !== undefined;
  }

  /**
   * Delivers the next event. Returns false at the end. Throws with the reason if the event was not delivered; the next call
   * goes on after it.
   */
  step() {
    const turn = this.#turns[this.at];
    if (turn === undefined) return false;
    this.at += 1;
    this.#inspection.deliver(turn);
    return true;
  }

  /** Delivers the rest with its pauses, divided by the speed, up to an event that was not delivered. */
  play() {
    this.pause();
    this.#next();
  }

  #next() {
    const turn = this.#turns[this.at];
    if (turn === undefined) return this.pause();
    const before = this.#turns[this.at - 1] ?? turn;
    const pause = this.speed === Infinity ? 0 : Math.max(0, turn.at - before.at) / this.speed;
    this.#timer = setTimeout(() => {
      try {
        this.step();
      } catch (error) {
        this.pause();
        return this.#failed(error);
      }
      this.#next();
    }, Math.min(pause, 2 ** 31 - 1));
    this.#changed();
  }

  pause() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#changed();
  }
}
