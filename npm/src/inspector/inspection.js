// What developer tools ask of a bus. A function of wasm answers, by the numbers in src/inspect.rs.

const QUESTION = { observe: 0, subscriptions: 1, links: 2, isSealed: 3, deliver: 4 };

/** The questions to a bus of the package, or to the function `ask` of another program's bus. */
export function inspection(bus) {
  const ask = typeof bus === "function" ? bus : bus.inspect();
  return Object.freeze({
    observe({ turn, called }) {
      ask(QUESTION.observe, (first, micros, failed) => {
        if (typeof first === "string") called?.(first, micros, failed);
        else turn?.(turnOf(first));
      });
      return () => ask(QUESTION.observe, undefined);
    },
    subscriptions: () => ask(QUESTION.subscriptions) ?? [],
    links: () => ask(QUESTION.links) ?? [],
    get sealed() {
      return ask(QUESTION.isSealed) === true;
    },
    deliver(turn) {
      const answer = ask(QUESTION.deliver, rowOf(turn));
      if (answer !== true) throw new Error(answer ?? "the bus is gone");
    },
  });
}

function turnOf([topic, stage, data, time, id, source, account, cause, first, second, third]) {
  const turn = { topic, stage, data, time, id, source, account, cause };
  if (stage === "stored") Object.assign(turn, { stream: first, epoch: second, offset: third });
  else if (stage === "rejected") Object.assign(turn, { code: first, message: second });
  return turn;
}

function rowOf({ topic, stage, data, time, id, source, account, ...rest }) {
  const { stream, epoch, offset, code, message } = rest;
  const last = stage === "rejected" ? [code, message] : [stream, epoch, offset];
  return [topic, stage, data, time, id, source, account, undefined, ...last];
}
