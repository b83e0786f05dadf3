// A recording: turns of a bus as lines of CloudEvents 1.0 in JSON, which keep where and how each event was delivered.

import { bytesOf, expectJson } from "./payload.js";

const MAX_EVENTS = 20_000;
const MAX_CHARACTERS = 32 << 20;

/** The years 0 to 9999: RFC 3339 cannot express others. */
const FIRST_TIME = -62_167_219_200_000;
const END_OF_TIME = 253_402_300_800_000;

function randomHex() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const base64Of = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** A failure without the value that the handler threw, which JSON often cannot express. Its message describes it. */
const withoutCause = (failure) => (failure?.cause === undefined ? failure : { ...failure, cause: undefined });

/**
 * A turn as a line. Throws if JSON has no form for its data. A time that RFC 3339 cannot express, which a publisher's clock
 * may say, is left out.
 */
export function lineOf({ topic, stage, data, time, source, account, cause, code, message, ...rest }, elapsed) {
  const { id = randomHex(), stream, epoch, offset } = rest;
  const bytes = bytesOf(data);
  const content =
    bytes === undefined
      ? {
          datacontenttype: data === undefined ? undefined : "application/json",
          data: topic === "$bus.error" ? withoutCause(data) : data,
        }
      : { datacontenttype: "application/octet-stream", data_base64: base64Of(bytes) };
  const line = {
    ...{ specversion: "1.0", id, source: source || "/", type: topic },
    time: time >= FIRST_TIME && time < END_OF_TIME ? new Date(time).toISOString() : undefined,
    ...{ elapsed: Math.round(elapsed) },
    ...{ stage, stream, epoch, sequence: offset, code, reason: message, authid: account, cause },
    ...content,
  };
  return JSON.stringify(line, expectJson);
}

/** The turns of a recording, with the milliseconds since it began. */
export function turnsOf(text) {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [turnOfLine(JSON.parse(line))];
    } catch (cause) {
      throw new Error(`line ${index + 1} is not an event of a recording: ${cause.message}`, { cause });
    }
  });
}

function turnOfLine(line) {
  if (typeof line?.type !== "string") throw new TypeError("it has no type");
  const { type: topic, stage = "local", data, data_base64: base64, time, id, source, elapsed = 0 } = line;
  const { authid: account, cause, stream, epoch, sequence: offset, code, reason: message } = line;
  const bytes = base64 === undefined ? undefined : Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const published = Date.parse(time);
  return {
    ...{ topic, stage, data: bytes ?? data, time: Number.isNaN(published) ? undefined : published, id, at: elapsed },
    ...{ source: source === "/" ? undefined : source, account, cause, stream, epoch, offset, code, message },
  };
}

/** Records turns, until its bounds are reached. */
export class Recorder {
  #start;
  #characters = 0;
  lines = [];
  /** Events without a JSON form, and those beyond the bounds. */
  dropped = 0;

  add(turn, now) {
    this.#start ??= now;
    let line;
    try {
      line = lineOf(turn, now - this.#start);
    } catch {
      this.dropped += 1;
      return;
    }
    this.#characters += line.length;
    if (this.lines.length < MAX_EVENTS && this.#characters < MAX_CHARACTERS) this.lines.push(line);
    else this.dropped += 1;
  }

  get text() {
    return this.lines.map((line) => `${line}\n`).join("");
  }
}
