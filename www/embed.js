// The chat's rooms in a plain page: what an application without Yew does with the npm package. It joins
// by ?room=...&name=..., or by its form, which goes to such an address.

import { createTextKit } from "./npm/browser-chat.js";
import { createSingleton } from "./npm/browser.js";

const HISTORY = 200;
const TYPING_EVERY_MS = 2000;
const TYPING_FADES_MS = 4000;
const MAX_TOPIC_BYTES = 256;
const EVENTS_SHOWN = 100;

const find = (selector) => document.querySelector(selector);
const utf8 = new TextEncoder();

/** One spelling for names that look the same, as the chat has it. */
const spell = (text) => text.normalize("NFC").trim();

/** Makes one token of a topic of any text, as `escape_token` does in Rust. */
function escapeToken(text) {
  const hex = (byte) => "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  return text.replace(/[\s\u0085\p{Cc}.*>%$]/gu, (character) =>
    character === "\uFEFF" ? character : Array.from(utf8.encode(character), hex).join(""),
  );
}

function topicsOf(room) {
  const topic = (event) => `chat.${escapeToken(room)}.${event}`;
  return { message: topic("TEXT_MESSAGE"), typing: topic("typing") };
}

const isTooLong = ({ message }) => utf8.encode(message).length > MAX_TOPIC_BYTES;

function start() {
  const query = new URLSearchParams(location.search);
  const room = spell(query.get("room") ?? "");
  const name = (query.get("name") ?? "").trim();
  const topics = topicsOf(room);
  if (room && name && !isTooLong(topics)) {
    enter(room, { id: ownId(), name }, topics);
  } else {
    ask(room, name);
  }
}

function ask(room, name) {
  const page = find(".join");
  const fields = { name: find("#name"), room: find("#room") };
  const problem = page.querySelector(".problem");
  page.hidden = false;
  fields.name.value = name;
  if (room) fields.room.value = room;
  fields.name.focus();
  page.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = { name: fields.name.value.trim(), room: spell(fields.room.value) };
    if (!asked.name || !asked.room) {
      problem.textContent = "Give a name and a room.";
    } else if (isTooLong(topicsOf(asked.room))) {
      problem.textContent = "This name is too long for a room. Choose a shorter one.";
    } else {
      location.search = new URLSearchParams(asked);
    }
  });
}

/** Lasts as long as the tab, so that a reload is the same person. */
function ownId() {
  const key = "event-driven-kit.embed.id";
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const fresh = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const id = sessionStorage.getItem(key) ?? fresh;
    sessionStorage.setItem(key, id);
    return id;
  } catch {
    return fresh;
  }
}

function enter(room, me, topics) {
  const bus = createSingleton("embed");
  find(".title").textContent = `#${room}`;
  document.title = `${room} - event-driven-kit in a plain page`;
  find(".room").hidden = false;
  find("#link").hidden = false;

  // Subscribed first, connected last: so nothing of the history passes by.
  showEvents(bus);
  bus.subscribe("$bus.link", showLink);
  const kit = createTextKit({ bus, room, sender: me });
  showMessages({ bus, kit, topic: topics.message });
  showTyping({ bus, me, topics });
  compose({ bus, kit, topics });
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  bus.connect({
    url: `${scheme}//${location.host}/ws`,
    rules: [
      { pattern: topics.message, direction: "both", durable: true, from: { last: HISTORY } },
      { pattern: topics.typing, direction: "both", durable: false },
    ],
  });
}

/** Shows what passes on the bus, and publishes what the user likes. */
function showEvents({ subscribe, publish }) {
  const panel = find("#events");
  const see = find("#see-events");
  const list = panel.querySelector(".passed");
  const [listen, publishing] = panel.querySelectorAll("form");
  let stop = () => {};

  function show(data, event) {
    const item = find("#event").content.firstElementChild.cloneNode(true);
    item.querySelector(".topic").textContent = event.topic;
    item.querySelector(".status").textContent = event.delivery.status;
    item.querySelector("code").textContent = JSON.stringify(data) ?? "";
    list.prepend(item);
    if (list.childElementCount > EVENTS_SHOWN) list.lastElementChild.remove();
  }

  /** Does what a form asks for, and says there why it could not be done. */
  function onSubmit(form, act) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const problem = form.querySelector(".problem");
      problem.textContent = "";
      try {
        act();
      } catch (error) {
        problem.textContent = error.message;
      }
    });
  }

  function open(isOpen) {
    panel.hidden = !isOpen;
    see.setAttribute("aria-expanded", String(isOpen));
  }

  onSubmit(listen, () => {
    const next = subscribe(find("#pattern").value.trim(), show, { echo: true, label: "events" });
    stop();
    stop = next;
    list.replaceChildren();
  });
  onSubmit(publishing, () => {
    publish(find("#topic").value.trim(), JSON.parse(find("#data").value || "null"));
  });
  see.addEventListener("click", () => open(panel.hidden));
  see.hidden = false;
  open(matchMedia("(min-width: 64rem)").matches);
  listen.requestSubmit();
}

let countdown;

function showLink(link) {
  const bar = find("#link");
  const detail = bar.querySelector(".detail");
  bar.dataset.state = link.state;
  bar.querySelector("[role=status]").textContent = link.state[0].toUpperCase() + link.state.slice(1);
  detail.textContent = link.reason ? `${link.reason} (${link.code})` : "";
  clearInterval(countdown);
  if (link.state === "offline") {
    const until = Date.now() + link.retryInMs;
    const tell = () => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      detail.textContent = seconds ? `next try in ${seconds} s` : "trying again";
    };
    tell();
    countdown = setInterval(tell, 1000);
  }
}

/** Shows each message once: in the log's order what it holds, and after it one's own that it does not. */
function showMessages({ bus, kit, topic }) {
  const list = find(".messages");
  const log = find(".log");
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
  const rows = new Map();
  const epochs = [];
  let pending = 0;

  function placeOf({ status, position }) {
    if (status !== "stored") return [Infinity, (pending += 1)];
    if (!epochs.includes(position.epoch)) epochs.push(position.epoch);
    return [epochs.indexOf(position.epoch), Number(position.offset)];
  }

  const isBefore = (one, two) => one[0] < two[0] || (one[0] === two[0] && one[1] < two[1]);

  function put(row) {
    const stickToEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 48;
    let next = null;
    for (let item = list.lastElementChild; item; item = item.previousElementSibling) {
      const other = rows.get(item.dataset.id);
      if (other !== row && isBefore(other.place, row.place)) break;
      if (other !== row) next = item;
    }
    list.insertBefore(row.item, next);
    if (stickToEnd) log.scrollTop = log.scrollHeight;
  }

  function forget(row) {
    rows.delete(row.item.dataset.id);
    row.item.remove();
  }

  function make(message, { id, time }) {
    const item = find("#message").content.firstElementChild.cloneNode(true);
    const row = { item, place: undefined };
    item.dataset.id = id;
    item.classList.toggle("own", message.sender.id === kit.sender.id);
    item.querySelector(".sender bdi").textContent = message.sender.name;
    item.querySelector(".text").textContent = message.text;
    const when = new Date(time);
    const isTime = !Number.isNaN(when.valueOf());
    item.querySelector("time").dateTime = isTime ? when.toISOString() : "";
    item.querySelector("time").textContent = isTime ? clock.format(when) : "";
    item.querySelector(".retry").addEventListener("click", () => {
      forget(row);
      send(kit, message.text);
    });
    rows.set(id, row);
    return row;
  }

  bus.subscribe(
    topic,
    (message, event) => {
      if (typeof message?.text !== "string" || typeof message.sender?.name !== "string") {
        throw new TypeError("a TEXT_MESSAGE is { sender: { id, name }, text }");
      }
      const { delivery } = event;
      const state = delivery.status === "rejected" ? "failed" : delivery.status;
      const known = rows.get(event.id);
      const row = known ?? make(message, event);
      row.item.dataset.state = state;
      row.item.querySelector(".state").textContent = row.item.classList.contains("own") ? state : "";
      row.item.querySelector(".failure").hidden = state !== "failed";
      row.item.querySelector(".reason").textContent = `Failed: ${delivery.message ?? ""}`;
      if (!known || state === "stored") {
        row.place = placeOf(delivery);
        put(row);
      }
    },
    { echo: true },
  );
}

function showTyping({ bus, me, topics }) {
  const line = find(".typing");
  const people = new Map();

  function show() {
    const names = [...people.values()].map(({ name }) => name);
    line.textContent = names.length ? `${names.slice(0, 3).join(", ")} typing…` : "";
  }

  function gone(id) {
    clearTimeout(people.get(id)?.timer);
    people.delete(id);
    show();
  }

  bus.subscribe(topics.typing, ({ id, name }) => {
    if (id === me.id) return;
    clearTimeout(people.get(id)?.timer);
    people.set(id, { name: String(name), timer: setTimeout(gone, TYPING_FADES_MS, id) });
    show();
  });
  bus.subscribe(topics.message, ({ sender }) => gone(sender?.id));
}

/** Sends a text. What becomes of it shows its row; one that did not get so far goes back into the composer. */
function send(kit, text) {
  const problem = find(".write .problem");
  problem.textContent = "";
  kit.sendText(text).catch(({ id, message }) => {
    if (id) return;
    problem.textContent = `Not sent: ${message}`;
    find("#composer").value ||= text;
  });
}

function compose({ bus, kit, topics }) {
  const form = find(".write form");
  const area = find("#composer");
  let lastTyping = -Infinity;

  kit.use({ format: (text) => text.trim() });

  function submit() {
    if (!area.value.trim()) return;
    send(kit, area.value);
    area.value = "";
    lastTyping = -Infinity;
    area.focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  area.addEventListener("keydown", (event) => {
    // 229: the key belongs to an input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  area.addEventListener("input", () => {
    if (!area.value || Date.now() - lastTyping < TYPING_EVERY_MS) return;
    lastTyping = Date.now();
    bus.publish(topics.typing, kit.sender);
  });
  area.focus();
}

start();
