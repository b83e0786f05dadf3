// The composer of embed.html: new messages, replies and edits.

import { find, shownName } from "./embed.text.js";
import { MAX_CHARACTERS } from "./npm/browser-chat.js";

const TYPING_EVERY_MS = 2000;

/** What to say of a text that can't be sent as one message; nothing, if it can. */
function tooLong(text) {
  const { length } = [...text.trim()];
  const most = `At most ${MAX_CHARACTERS} can be sent.`;
  return length > MAX_CHARACTERS ? `This message has ${length} characters. ${most}` : "";
}

/** Returns functions that send a text, and that begin a reply or an edit. */
export function compose({ bus, kit, typing }) {
  const form = find(".write form");
  const area = find("#composer");
  const problem = find(".write .problem");
  const about = find(".about");
  let lastTyping = -Infinity;
  /** Sends what the composer holds, as a new message, a reply or an edit. */
  let submitted = send;

  kit.use({ format: (text) => text.trim() });

  /** The row of a message shows what becomes of it. One that did not get that far goes back into the composer. */
  function send(text, options) {
    problem.textContent = "";
    kit.sendText(text, options).catch(({ id, message }) => {
      if (id) return;
      problem.textContent = `Not sent: ${message}`;
      area.value ||= text;
    });
  }

  /** Ends a reply or an edit. */
  function reset() {
    about.hidden = true;
    submitted = send;
    area.focus();
  }

  function begin(what, message, submit) {
    about.hidden = false;
    about.querySelector(".what").textContent = what;
    about.querySelector("bdi").textContent = message.text;
    submitted = (text) => {
      submit(text);
      reset();
    };
    area.focus();
  }

  function edit(message) {
    begin("Edit:", message, (text) => {
      kit.edit(message, text).catch((error) => (problem.textContent = `Not edited: ${error.message}`));
    });
    area.value = message.text;
  }

  function reply(message) {
    begin(`Reply to ${shownName(message.sender.name)}:`, message, (text) => send(text, { replyTo: message }));
  }

  function submit() {
    if (!area.value.trim() || tooLong(area.value)) return;
    const text = area.value;
    area.value = "";
    lastTyping = -Infinity;
    submitted(text);
    area.focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  area.addEventListener("keydown", (event) => {
    // 229: the key belongs to an input method.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && !about.hidden) about.querySelector("button").click();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    submit();
  });
  area.addEventListener("input", () => {
    problem.textContent = tooLong(area.value);
    if (!area.value || performance.now() - lastTyping < TYPING_EVERY_MS) return;
    lastTyping = performance.now();
    bus.publish(typing, kit.sender);
  });
  about.querySelector("button").addEventListener("click", () => {
    area.value = "";
    reset();
  });
  area.focus();
  return { send, edit, reply, say: (text) => (problem.textContent = text) };
}
