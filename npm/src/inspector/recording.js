// A recording: turns of a bus as lines of CloudEvents 1.0 in JSON, which keep where and how each event was delivered.

const MAX_EVENTS = 20_000;
const MAX_CHARACTERS = 32 << 20;

function randomHex() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64Of(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** A turn as a line. Throws if JSON has no form for its data. */
export function lineOf({ topic, stage, data, time, source, account, cause, code, message, ...rest }, elapsed) {
  const { id = randomHex(), stream, epoch, offset } = rest;
  const content = ArrayBuffer.isView(data)
    ? { datacontenttype: "application/octet-stream", data_base64: base64Of(data) }
    : { datacontenttype: data === undefined ? undefined : "application/json", data };
  return JSON.stringify({
    ...{ specversion: "1.0", id, source: source || "/", type: topic },
    ...{ time: time === undefined ? undefined : new Date(time).toISOString(), elapsed: Math.round(elapsed) },
    ...{ stage, stream, epoch, sequence: offset, code, reason: message, authid: account, cause },
    ...content,
  });
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
  return {
    ...{ topic, stage, data: bytes ?? data, time: Date.parse(time) || undefined, id, at: elapsed },
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
