// The workloads. Each prepares a library and returns a function that repeats the work.

/** Shared by all listeners, so that their work is not optimised away. */
export const sink = { sum: 0 };

/** Sixteen closures with different code, so that the engine can inline none of them. */
const makers = Array.from(
  { length: 16 },
  (_, at) => new Function("sink", `return (data) => { sink.sum += data + ${at}; };`),
);
const listener = (position) => makers[position % makers.length](sink);

/** Pseudo-random numbers, the same in each run. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

function toListeners(count) {
  return {
    unit: "ns",
    times: Math.round(8_000_000 / (count + 4)),
    prepare({ on, emit }) {
      const topics = Array.from({ length: 16 }, (_, at) => `room.${at}.message`);
      for (let at = 0; at < 16; at += 1) {
        for (let position = 0; position < count; position += 1) on(topics[at], listener(at + position));
      }
      return (times) => {
        for (let turn = 0; turn < times; turn += 1) emit(topics[turn & 15], turn);
      };
    },
  };
}

const TEN_THOUSAND = 10_000;

/** Publishes to topics that are new each time. Building them, as flat strings, is not measured. */
function freshTopics(topicOf) {
  return ({ on, emit }) => {
    for (let at = 0; at < 1_000; at += 1) on(`room.${at}.*`, listener(at));
    let next = 0;
    return (times) => {
      const topics = Array.from({ length: times }, () => Object.keys({ [topicOf((next += 1))]: 0 })[0]);
      const start = performance.now();
      for (let turn = 0; turn < times; turn += 1) emit(topics[turn], turn);
      return performance.now() - start;
    };
  };
}

export const works = {
  "to 1": toListeners(1),
  "to 10": toListeners(10),
  "to 100": toListeners(100),
  "10,000 topics": {
    unit: "ns",
    times: 1_000_000,
    prepare({ on, emit }) {
      const topics = Array.from({ length: TEN_THOUSAND }, (_, at) => `device.${at}.state`);
      topics.forEach((topic, at) => on(topic, listener(at)));
      const below = random(7);
      const order = Array.from({ length: 1 << 17 }, () => topics[below(TEN_THOUSAND)]);
      return (times) => {
        for (let turn = 0; turn < times; turn += 1) emit(order[turn & 0x1ffff], turn);
      };
    },
  },
  "1,000 patterns, repeating topics": {
    unit: "ns",
    times: 1_000_000,
    prepare({ on, emit }) {
      for (let at = 0; at < 1_000; at += 1) on(`room.${at}.*`, listener(at));
      const topics = Array.from({ length: 1_000 }, (_, at) => `room.${at}.message`);
      const below = random(11);
      const order = Array.from({ length: 1 << 12 }, () => topics[below(1_000)]);
      return (times) => {
        for (let turn = 0; turn < times; turn += 1) emit(order[turn & 0xfff], turn);
      };
    },
  },
  "1,000 patterns, fresh topics": {
    unit: "ns",
    times: 50_000,
    prepare: freshTopics((number) => `room.${number % 1_000}.m${number}`),
  },
  "1,000 patterns, fresh topics that none matches": {
    unit: "ns",
    times: 50_000,
    prepare: freshTopics((number) => `room.${number % 1_000}.m${number}.x`),
  },
  "subscribe and end, 10,000 standing": {
    unit: "ns",
    times: 20_000,
    prepare({ on }) {
      for (let at = 0; at < TEN_THOUSAND; at += 1) on("room.lobby.message", listener(at));
      return (times) => {
        for (let turn = 0; turn < times; turn += 1) on("room.lobby.message", listener(turn))();
      };
    },
  },
  "fill and drain 10,000": {
    unit: "ns",
    times: 10_000,
    prepare({ on }) {
      return (times) => {
        const ends = [];
        for (let turn = 0; turn < times; turn += 1) ends.push(on("room.lobby.message", listener(turn)));
        // They end in random order, like the components of a page.
        const below = random(13);
        for (let left = times; left > 0; left -= 1) {
          const at = below(left);
          ends[at]();
          ends[at] = ends[left - 1];
        }
      };
    },
  },
};
