// Times and rates: a histogram with four buckets for each doubling, from a microsecond on, and counts of seconds.

const PER_DOUBLING = 4;
const BUCKETS = 40 * PER_DOUBLING;

export class Histogram {
  #buckets = new Uint32Array(BUCKETS);
  count = 0;

  /** Adds a time in microseconds. */
  add(micros) {
    const bucket = micros > 1 ? Math.floor(PER_DOUBLING * Math.log2(micros)) : 0;
    this.#buckets[Math.min(bucket, BUCKETS - 1)] += 1;
    this.count += 1;
  }

  /** The microseconds that this share of the times did not exceed, at most a fifth too many. */
  percentile(share) {
    let rest = Math.max(1, Math.ceil(this.count * share));
    const bucket = this.#buckets.findIndex((count) => (rest -= count) <= 0);
    return this.count === 0 ? undefined : 2 ** ((bucket + 1) / PER_DOUBLING);
  }
}

const SECONDS = 5;

/** How many events there were in each of the last seconds. */
export class Rate {
  #counts = new Uint32Array(SECONDS + 1);
  #second = 0;

  add(now) {
    this.#move(now);
    this.#counts[this.#second % this.#counts.length] += 1;
  }

  /** The mean of the last complete seconds. */
  perSecond(now) {
    this.#move(now);
    const current = this.#counts[this.#second % this.#counts.length];
    return (this.#counts.reduce((sum, count) => sum + count, 0) - current) / SECONDS;
  }

  #move(now) {
    const second = Math.floor(now / 1_000);
    this.#second = Math.max(this.#second, second - this.#counts.length);
    while (this.#second < second) {
      this.#second += 1;
      this.#counts[this.#second % this.#counts.length] = 0;
    }
  }
}
