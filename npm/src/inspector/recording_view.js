// The recording: records what passes, saves and loads it, and plays it on a sealed bus.

import { make, shownCount, write } from "./dom.js";
import { t } from "./language.js";
import { Player } from "./player.js";
import { Recorder, turnsOf } from "./recording.js";

const HANDOVER = "event-inspector recording";

/** `replay` is the address of a page whose bus is sealed; a page whose bus is sealed gets its recording from its opener. */
export function recordingView(collector, inspection, replay) {
  const sealed = inspection.sealed;
  const speeds = [["0.5", "½ ×"], ["1", "1 ×"], ["4", "4 ×"], ["20", "20 ×"], ["Infinity", t("at once")]];
  const note = make("p", { class: "note", role: "status" });
  const button = (name, text, onclick) => make("button", { type: "button", class: name, onclick }, text);
  const record = button("record", t("Record"), () => (recorder === undefined || collector.record === undefined ? begin() : end()));
  const save = button("save", t("Save"), () => download(recorder.text));
  const open = button("replay", t("Replay in a new tab"), () => handOver(recorder.text));
  const file = make("input", { type: "file", accept: ".jsonl,.ndjson,application/x-ndjson", "aria-label": t("Load a recording") });
  const step = button("step", t("Step"), oneStep);
  const play = button("play", t("Play"), () => (player.playing ? player.pause() : player.play()));
  const speed = make("select", { "aria-label": t("Speed") }, ...speeds.map(([value, text]) => make("option", { value }, text)));
  const progress = make("progress", { "aria-label": t("Played"), max: "1" });
  const place = make("span", { class: "place" });
  const recording = make("div", { class: "tools" }, record, save, ...(replay === undefined ? [] : [open]));
  const playing = make("div", { class: "tools" }, step, play, speed, progress, place);
  const loading = make("div", { class: "tools" }, make("label", {}, t("Load a recording"), " ", file));
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
      ? t("This page's bus is sealed: what is played here reaches its components and never leaves the page.")
      : t("Record what passes on this bus, save it as a file, and replay it on a sealed bus."),
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

  function oneStep() {
    try {
      if (!player.step()) say(t("The recording is over."));
    } catch (error) {
      sayNotDelivered(error);
    }
    show();
  }

  function sayNotDelivered({ message }) {
    say(t("Event {n} was not delivered: {reason}", { n: shownCount(player.at), reason: message }));
  }

  function load(text) {
    try {
      player?.pause();
      player = new Player(inspection, turnsOf(text), show, sayNotDelivered);
      player.speed = Number(speed.value);
      say(t("{n} events are ready.", { n: shownCount(player.length) }));
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
    else say(t("The browser has not opened a new tab."));
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
    write(record, isRecording ? t("Stop") : t("Record"));
    record.setAttribute("aria-pressed", String(isRecording));
    save.disabled = open.disabled = recorder === undefined || recorder.lines.length === 0;
    step.disabled = play.disabled = player === undefined;
    write(play, player?.playing ? t("Pause") : t("Play"));
    progress.value = player === undefined ? 0 : player.at / Math.max(1, player.length);
    write(place, player === undefined ? "" : t("{count} of {all}", { count: shownCount(player.at), all: shownCount(player.length) }));
    if (!sealed && recorder !== undefined) {
      const counts = { n: shownCount(recorder.lines.length), lost: shownCount(recorder.dropped) };
      const hasLost = recorder.dropped > 0;
      say(hasLost ? t("{n} events are recorded, {lost} without room or form.", counts) : t("{n} events are recorded.", counts));
    }
  }

  return { element, show };
}

function download(text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  make("a", { href: url, download: `recording-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.jsonl` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
