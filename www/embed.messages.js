// The messages of embed.html: a timeline of the kit, and what a reader does with a message.

import { copyOf, find, folded } from "./embed.text.js";

const LOOK_MS = 10_000;
const HIGHLIGHT_MS = 2_000;
const QUICK_REACTIONS = ["👍", "❤️", "😂", "🎉"];

export function showMessages(kit, { send, edit, reply, say }) {
  const list = find(".messages");
  const log = find(".log");
  const older = find(".older");
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
  const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  /** By the keys of their messages. */
  const rows = new Map();
  let isArranging = false;
  const timeline = kit.timeline(draw);

  /** Reads the page before, and offers the next one if there is more. */
  async function readOlder() {
    older.disabled = true;
    try {
      older.hidden = !(await timeline.older());
    } catch (error) {
      older.hidden = false;
      say(`Older messages could not be read: ${error.message}`);
    }
    older.disabled = false;
  }
  older.addEventListener("click", readOlder);
  readOlder();

  /** The time of day, and the date before it unless it is today; nothing, where the event has no time. */
  function showTime({ item, message }) {
    const when = new Date(message.event.time ?? 0);
    if (!(when > 0)) return;
    const isToday = when.toDateString() === new Date().toDateString();
    item.querySelector("time").dateTime = when.toISOString();
    item.querySelector("time").textContent = (isToday ? clock : calendar).format(when);
  }

  let today = new Date().toDateString();
  setInterval(() => {
    if (today === (today = new Date().toDateString())) return;
    for (const row of rows.values()) showTime(row);
  }, LOOK_MS);

  /** Shows the text, of which more than a reader likes is shown when asked for. */
  function showText({ item, message, isOpen }) {
    const text = message.isDeleted ? "This message was deleted." : message.text;
    const beginning = folded(text);
    const button = item.querySelector(".unfold");
    const place = item.querySelector(".text");
    place.textContent = isOpen ? text : beginning;
    place.classList.toggle("deleted", message.isDeleted);
    place.classList.toggle("folded", !isOpen && beginning.length < text.length);
    button.textContent = isOpen ? "Show less" : "Show all";
    button.ariaExpanded = String(isOpen);
    button.hidden = beginning.length === text.length;
  }

  /** Shows what the message replies to. */
  function showQuote({ item, message }) {
    const quote = item.querySelector(".quote");
    quote.hidden = message.replyTo === undefined;
    if (quote.hidden) return;
    const target = timeline.find(message.replyTo);
    quote.querySelector("b").textContent = target ? target.sender.name : "";
    const text = target?.isDeleted ? "This message was deleted." : target?.text;
    quote.querySelector("bdi").textContent = text ?? "An older message";
  }

  function showReactions({ item, message }) {
    const buttons = message.reactions.map(({ emoji, count, isOwn }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${emoji} ${count}`;
      button.ariaPressed = String(isOwn);
      button.addEventListener("click", () => react(message, emoji));
      return button;
    });
    item.querySelector(".reactions").replaceChildren(...buttons);
  }

  /** Adds a reaction, or takes it back. */
  function react(message, emoji) {
    const isOn = !message.reactions.some((reaction) => reaction.emoji === emoji && reaction.isOwn);
    kit.react(message, emoji, isOn).catch((error) => say(`No reaction: ${error.message}`));
  }

  function open(item, isOpen) {
    item.querySelector(".more").ariaExpanded = String(isOpen);
    item.querySelector(".actions").hidden = !isOpen;
    if (!isOpen) item.querySelector(".delete").textContent = "Delete";
  }

  function jump(reference) {
    const target = rows.get(timeline.find(reference)?.key)?.item;
    if (target === undefined) return;
    target.scrollIntoView({ block: "center" });
    target.classList.add("target");
    setTimeout(() => target.classList.remove("target"), HIGHLIGHT_MS);
  }

  /** Creates the row of a message. What its buttons do concerns the message that the row shows then. */
  function make(key) {
    const item = copyOf("#message");
    const row = { item, message: undefined, isOpen: false };
    const onClick = (selector, act) => item.querySelector(selector).addEventListener("click", act);
    const choose = (selector, act) =>
      onClick(selector, () => {
        open(item, false);
        act(row.message);
      });
    for (const emoji of QUICK_REACTIONS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = emoji;
      button.addEventListener("click", () => {
        open(item, false);
        react(row.message, emoji);
      });
      item.querySelector(".reply").before(button);
    }
    onClick(".more", () => open(item, item.querySelector(".actions").hidden));
    onClick(".unfold", () => {
      row.isOpen = !row.isOpen;
      showText(row);
    });
    onClick(".quote", () => jump(row.message.replyTo));
    choose(".reply", reply);
    choose(".edit", edit);
    onClick(".delete", ({ currentTarget }) => {
      // A second click confirms it.
      if (currentTarget.textContent === "Delete") return void (currentTarget.textContent = "Really delete?");
      open(item, false);
      kit.delete(row.message).catch((error) => say(`Not deleted: ${error.message}`));
    });
    onClick(".retry", () => {
      forget(key);
      const { text, replyTo } = row.message;
      send(text, { replyTo: replyTo && timeline.find(replyTo) });
    });
    rows.set(key, row);
    return row;
  }

  function forget(key) {
    rows.get(key)?.item.remove();
    rows.delete(key);
  }

  /** Puts the rows in order before the next frame. */
  function arrangeSoon() {
    if (isArranging) return;
    isArranging = true;
    requestAnimationFrame(() => {
      isArranging = false;
      const stickToEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 48;
      let following = null;
      for (const { key } of [...timeline.messages].reverse()) {
        const item = rows.get(key)?.item;
        if (item === undefined) continue;
        if (item.parentNode !== list || item.nextElementSibling !== following) list.insertBefore(item, following);
        following = item;
      }
      if (stickToEnd) log.scrollTop = log.scrollHeight;
    });
  }

  function draw(message) {
    const { key, event, isOwn, isDeleted } = message;
    if (message.isDropped) return forget(key);
    const row = rows.get(key) ?? make(key);
    const { item } = row;
    const { status } = event.delivery;
    const state = status === "rejected" ? "failed" : status;
    const isStored = status === "stored";
    row.message = message;
    item.classList.toggle("own", isOwn);
    item.dataset.state = state;
    item.querySelector(".sender bdi").textContent = message.sender.name;
    item.querySelector(".edited").hidden = !message.isEdited;
    item.querySelector(".state").textContent = isOwn ? state : "";
    item.querySelector(".more").hidden = !isStored || isDeleted;
    item.querySelector(".edit").hidden = item.querySelector(".delete").hidden = !isOwn;
    item.querySelector(".failure").hidden = state !== "failed";
    item.querySelector(".reason").textContent = `Failed: ${event.delivery.message ?? ""}`;
    if (isDeleted) open(item, false);
    showText(row);
    showTime(row);
    showQuote(row);
    showReactions(row);
    for (const other of rows.values()) if (other.message?.replyTo?.id === message.id) showQuote(other);
    arrangeSoon();
  }
}
