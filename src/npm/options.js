// Validation: arguments of users are checked here, and only here, before they are used.

/** An Error with a code for programs and a message that says what to do. */
export function fail(code, message) {
  return Object.assign(new Error(message), { code });
}

/** Half of a surrogate pair. Strings cross into wasm as UTF-8, which cannot express it. */
const HALF = /\p{Cs}/u;
const U32 = 2 ** 32 - 1;

const isObject = (value) => typeof value === "object" && value !== null;
const isNumber = (value, least) => typeof value === "number" && value >= least;
const isDecimal = (value) => typeof value === "string" && /^\d{1,20}$/.test(value) && BigInt(value) >> 64n === 0n;

const whole = (least, most = U32) => [
  (value) => Number.isInteger(value) && value >= least && value <= most,
  `a whole number from ${least} to ${most}`,
];
const word = (words, other = () => false, more = "") => [
  (value) => words.includes(value) || other(value),
  words.map((word) => `"${word}"`).join(", ") + more,
];

const COUNT = whole(1);
const MILLISECONDS = [(value) => isNumber(value, 0), "a number of milliseconds, 0 or more"];
const YES_OR_NO = [(value) => typeof value === "boolean", "true or false"];
export const TEXT = [(value) => typeof value === "string" && !HALF.test(value), "a string, well-formed in Unicode"];
export const STRING = [(value) => typeof value === "string", "a string"];
export const FUNCTION = [(value) => typeof value === "function", "a function"];
export const OBJECT = [isObject, "an object"];

export const POSITION = [
  (value) =>
    isObject(value) && isDecimal(value.offset) && isDecimal(value.epoch) && /^(string|undefined)$/.test(typeof value.stream),
  "a position: the `next` of a page, or of a stored event",
];

/** The valid values of each option. */
const RULES = {
  atMost: COUNT,
  balance: word(["round-robin", "least-pending"], (value) => FUNCTION[0](value?.by), " or { by: key }"),
  batch: [
    (value) => value === "microtask" || value === "frame" || (isNumber(value, 0) && value < Infinity) || isBatch(value),
    '"microtask", "frame", milliseconds, or { ms, count }',
  ],
  after: POSITION,
  before: POSITION,
  bytes: COUNT,
  capacity: COUNT,
  certify: FUNCTION,
  count: COUNT,
  credentials: FUNCTION,
  direction: word(["both", "in", "out"]),
  durable: YES_OR_NO,
  echo: YES_OR_NO,
  events: COUNT,
  expiresInMs: MILLISECONDS,
  freeze: YES_OR_NO,
  from: word(
    ["latest", "earliest"],
    (value) => Number.isSafeInteger(value?.last) && value.last >= 0,
    " or { last: n }",
  ),
  group: TEXT,
  identity: TEXT,
  label: TEXT,
  limit: COUNT,
  ms: word(["microtask", "frame"], (value) => isNumber(value, 0) && value < Infinity, " or milliseconds"),
  overflow: word(
    ["drop-oldest", "drop-newest", "wait"],
    (value) => FUNCTION[0](value?.conflate),
    " or { conflate: key }",
  ),
  pattern: STRING,
  priority: whole(-(2 ** 31), 2 ** 31 - 1),
  queue: COUNT,
  replay: YES_OR_NO,
  sealed: YES_OR_NO,
  rules: [(value) => isObject(value) && FUNCTION[0](value[Symbol.iterator]), "an array of rules"],
  signed: YES_OR_NO,
  signal: [(value) => value === null || FUNCTION[0](value?.addEventListener), "an AbortSignal"],
  speed: [(value) => isNumber(value, Number.MIN_VALUE), "a number above 0"],
  storage: word(["indexeddb", "memory"]),
  timeout: MILLISECONDS,
  topic: STRING,
  topics: COUNT,
  trust: [(value) => isObject(value?.issuers), "{ issuers: { [iss]: keys } }"],
  url: TEXT,
  wait: YES_OR_NO,
  window: OBJECT,
};

function isBatch(value) {
  if (!isObject(value)) return false;
  const { ms, count } = take(value, ["ms", "count"]);
  return ms !== undefined || count !== undefined;
}

export function expect(value, [is, must], what) {
  if (!is(value)) throw fail("illegal_argument", `${what} must be ${must}`);
}

/** A topic or a pattern; wasm checks the rest. */
export function expectTopic(value, what) {
  expect(value, STRING, what);
  if (HALF.test(value)) throw fail("illegal_topic", `invalid topic: ${what} has half of a surrogate pair`);
}

/** The options with these names, each checked and read once. */
export function take(options = {}, names) {
  expect(options, OBJECT, "the options");
  const taken = {};
  for (const name of names) {
    const value = options[name];
    if (value !== undefined) expect(value, RULES[name], `\`${name}\``);
    taken[name] = value ?? undefined;
  }
  return taken;
}
