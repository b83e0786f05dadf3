// Payloads that JSON can represent, and payloads that it would empty, drop or change.

import vm from "node:vm";

const cycle = {};
cycle.self = cycle;

export const unfit = [
  () => {}, 1n, Symbol("a"), new Map([[1, 2]]), new Set([1]), new Error("no"), new Blob(["a"]), /a/, NaN, Infinity, cycle,
  Promise.resolve(), new WeakMap(), { inner: new Map() }, [new Set()], { bytes: new Uint8Array(1) }, { call() {} }, [NaN],
  vm.runInNewContext("new Map([[1, 2]])"), { toJSON() { throw new Error("no"); } },
];

export const fit = [1, "a", "\ud800", true, null, undefined, [1, [undefined]], { a: undefined }, new Date(0), Object.create(null)];
