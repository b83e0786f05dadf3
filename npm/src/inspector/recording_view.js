// The recording: records what passes, saves and loads it, and plays it on a sealed bus.

import { make, shownCount, write } from "./dom.js";
import { Player } from "./player.js";
import { Recorder, turnsOf } from "./recording.js";

const SPEEDS = [["0.5", "½ ×"], ["1", "1 ×"], ["4", "4 ×"], ["20", "20 ×"], ["Infinity", "at once"]];
const HANDOVER = "event-inspector recording";

/** `replay` is the address of a page whose bus is sealed; a page whose bus is sealed gets its recording from its opener. */
export function recordingView(collector, inspection, replay) {
  const sealed = inspection.sealed;
  const note = make("p", { class: "note", role: "status" });
  const button = (name, text, onclick) => make("button", { type: "button", class: name, onclick }, text);
  const record = button("record", "Record", () => (recorder === undefined || collector.record === undefined ? begin() : end()));
  const save = button("save", "Save", () => download(recorder.text));
  const open = button("replay", "Replay in a new tab", () => handOver(recorder.text));
  const file = make("input", { type: "file", accept: ".jsonl,.ndjson,application/x-ndjson", "aria-label": "Load a recording" });
  const step = button("step", "Step", () => player.step() || say("The recording is over."));
  const play = button("play", "Play", () => (player.playing ? player.pause() : player.play()));
  const speed = make("select", { "aria-label": "Speed" }, ...SPEEDS.map(([value, text]) => make("option", { value }, text)));
  const progress = make("progress", { "aria-label": "Played", max: "1" });
  const place = make("span", { class: "place" });
  const recording = make("div", { class: "tools" }, record, save, ...(replay === undefined ? [] : [open]));
  const playing = make("div", { class: "tools" }, step, play, speed, progress, place);
  const loading = make("div", { class: "tools" }, make("label", {}, "Load a recording ", file));
  const element = make("div", { class: "stack recording" }, ...(sealed ? [loading, playing] : [recording]), note);
  let recorder;
  let player;

  speed.value = "1";
  speed.addEventListener("change", () => {
    if (player !== undefined) player.speed = Number(speed.value);
  });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (chosen !== undefined) load(await chosen.text());
  });
  say(
    sealed
      ? "This page's bus is sealed: what is played here reaches its components and never leaves the page."
      : "Record what passes on this bus, save it as a file, and replay it on a sealed bus.",
  );
  if (sealed) receive();
  show();

  function say(text) {
    write(note, text);
  }

  function begin() {
    recorder = new Recorder();
    collector.record = (turn, now) => recorder.add(turn, now);
    show();
  }

  function end() {
    collector.record = undefined;
    show();
  }

  function load(text) {
    try {
      player?.pause();
      player = new Player(inspection, turnsOf(text), show);
      player.speed = Number(speed.value);
      say(`${shownCount(player.length)} events are ready.`);
    } catch (error) {
      say(error.message);
    }
    show();
  }

  /** Opens a sealed page, and passes the recording on as soon as that asks for it. */
  function handOver(text) {
    const url = new URL(replay, location.href);
    url.hash = location.hash;
    const target = window.open(url);
    const answer = ({ source, origin, data }) => {
      if (source !== target || origin !== location.origin || data !== `${HANDOVER}?`) return;
      target.postMessage({ [HANDOVER]: text }, origin);
      removeEventListener("message", answer);
    };
    if (target) addEventListener("message", answer);
    else say("The browser has not opened a new tab.");
  }

  function receive() {
    if (!window.opener) return;
    const take = ({ source, origin, data }) => {
      if (source !== window.opener || origin !== location.origin || typeof data?.[HANDOVER] !== "string") return;
      removeEventListener("message", take);
      load(data[HANDOVER]);
    };
    addEventListener("message", take);
    window.opener.postMessage(`${HANDOVER}?`, location.origin);
  }

  function show() {
    const isRecording = collector.record !== undefined;
    write(record, isRecording ? "Stop" : "Record");
    record.setAttribute("aria-pressed", String(isRecording));
    save.disabled = open.disabled = recorder === undefined || recorder.lines.length === 0;
    step.disabled = play.disabled = player === undefined;
    write(play, player?.playing ? "Pause" : "Play");
    progress.value = player === undefined ? 0 : player.at / Math.max(1, player.length);
    write(place, player === undefined ? "" : `${shownCount(player.at)} of ${shownCount(player.length)}`);
    if (!sealed && recorder !== undefined) {
      const lost = recorder.dropped === 0 ? "" : `, ${shownCount(recorder.dropped)} without room or form`;
      say(`${shownCount(recorder.lines.length)} events are recorded${lost}.`);
    }
  }

  return { element, show };
}

function download(text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  make("a", { href: url, download: `recording-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.jsonl` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
