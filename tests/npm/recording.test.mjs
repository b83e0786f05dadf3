// What the inspector records and shows of payloads and times. Its modules are read from the repository, `EDK_ROOT`.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import vm from "node:vm";

import { fit, unfit } from "./payloads.mjs";

const moduleOf = (name) => import(join(process.env.EDK_ROOT, "npm/src/inspector", name));
const { lineOf, turnsOf, Recorder } = await moduleOf("recording.js");
const { Player } = await moduleOf("player.js");
const { jsonOf } = await moduleOf("payload.js");

const turn = (data, more) => ({ topic: "a", stage: "local", data, time: 0, ...more });

test("a payload that JSON cannot represent is counted as dropped and not recorded", () => {
  const recorder = new Recorder();
  for (const data of unfit) recorder.add(turn(data), 0);
  assert.deepEqual([recorder.lines, recorder.dropped], [[], unfit.length]);
  for (const data of fit) recorder.add(turn(data), 0);
  assert.deepEqual([recorder.lines.length, recorder.dropped], [fit.length, unfit.length]);
});

test("buffers and views of all realms are recorded as bytes", () => {
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const foreign = vm.runInNewContext("new Uint8Array([1, 2, 3, 4]).buffer");
  for (const data of [bytes, bytes.buffer, new DataView(bytes.buffer), foreign]) {
    assert.deepEqual(turnsOf(lineOf(turn(data), 0))[0].data, bytes);
  }
  assert.deepEqual(turnsOf(lineOf(turn(bytes.subarray(1, 2)), 0))[0].data, new Uint8Array([2]));
});

test("a step and a play say why an event was not delivered, and go on after it", async () => {
  const delivered = [];
  const deliver = ({ data }) => {
    if (data === 2) throw new Error("no milk");
    delivered.push(data);
  };
  const turns = [1, 2, 3].map((data) => ({ ...turn(data), at: 0 }));
  const stepped = new Player({ deliver }, turns, () => {}, assert.fail);
  assert.equal(stepped.step(), true);
  assert.throws(() => stepped.step(), { message: "no milk" });
  assert.deepEqual([stepped.step(), stepped.step(), delivered.splice(0)], [true, false, [1, 3]]);
  const [error, player] = await new Promise((resolve) => {
    const player = new Player({ deliver }, turns, () => {}, (error) => resolve([error, player]));
    player.play();
  });
  assert.deepEqual([error.message, player.playing, player.at, delivered], ["no milk", false, 2, [1]]);
});

test("a failure is recorded without the thrown value, which its message describes", () => {
  const failure = { topic: "a", label: "b", message: "no milk", cause: new Error("no milk") };
  const [{ data }] = turnsOf(lineOf(turn(failure, { topic: "$bus.error" }), 0));
  assert.deepEqual(data, { topic: "a", label: "b", message: "no milk" });
  assert.throws(() => lineOf(turn(failure), 0), TypeError);
});

test("a time that RFC 3339 cannot represent is left out, and all others come back", () => {
  for (const time of [0, -1, Date.UTC(9999, 11, 31, 23, 59, 59, 999)]) {
    assert.equal(turnsOf(lineOf(turn(1, { time }), 0))[0].time, time);
  }
  for (const time of [undefined, NaN, Date.UTC(10_000, 0), 9e15, 2 ** 64, -9e15]) {
    assert.equal(turnsOf(lineOf(turn(1, { time }), 0))[0].time, undefined);
  }
});

test("what JSON cannot represent is shown as a text", () => {
  const bytes = new Uint8Array(4);
  const cycle = Object.create(null);
  cycle.self = cycle;
  for (const [data, shown] of [
    [undefined, ""], [null, "null"], ["a", '"a"'], [{ a: 1 }, '{"a":1}'], [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [bytes, "4 bytes"], [bytes.buffer, "4 bytes"], [new DataView(bytes.buffer), "4 bytes"],
    [new Map([[1, 2]]), "Map(1)"], [new Set(), "Set(0)"], [NaN, "NaN"], [7n, "7"], [Symbol("a"), "Symbol(a)"],
    [function named() {}, "function named() {}"], [new TypeError("no"), "TypeError: no"], [/a/, "[object RegExp]"],
    [{ all: new Map([[1, 2]]), bytes, no: NaN }, '{"all":"Map(1)","bytes":"4 bytes","no":"NaN"}'], [cycle, "[object Object]"],
  ]) {
    assert.equal(jsonOf(data), shown);
  }
});
