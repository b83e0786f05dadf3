// The chat's rooms in a plain page: what an application without Yew does with the npm package. It joins
// by ?room=...&name=..., or by its form, which goes to such an address.

import { createTextKit, isVisible, MAX_CHARACTERS } from "./npm/browser-chat.js";
import { createSingleton } from "./npm/browser.js";

const HISTORY = 200;
const TYPING_EVERY_MS = 2000;
const TYPING_FADES_MS = 4000;
const MAX_TOPIC_BYTES = 256;
const EVENTS_SHOWN = 100;
const LOOK_MS = 10_000;
const NAME_CHARACTERS = 64;
const [FOLDED_BYTES, FOLDED_LINES] = [2000, 30];

const find = (selector) => document.querySelector(selector);
const utf8 = new TextEncoder();

/** A text of one line that changes nothing beside it, as the chat has it: no control characters, no overrides. */
const line = (text) => text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, "").trim();

/** One spelling for names that look the same, as the chat has it. */
const spell = (text) => line(text.normalize("NFC"));

/** The maximum number of code points of a text. */
const first = (count, text) => (text.length <= count ? text : [...text.slice(0, 2 * count)].slice(0, count).join(""));

/** What the page shows of a name that others have sent. */
function shownName(name) {
  const shown = first(NAME_CHARACTERS, line(name));
  return isVisible(shown) ? shown : "(no name)";
}

/** The beginning of a text that is too long to be shown at once; otherwise all of it. */
function folded(text) {
  const bytes = new Uint8Array(FOLDED_BYTES);
  const { read } = utf8.encodeInto(text, bytes);
  const lines = text.slice(0, read).split(/[\n-\r\u0085\u2028\u2029]/u);
  return lines.length > FOLDED_LINES ? lines.slice(0, FOLDED_LINES).join("\n") : text.slice(0, read);
}

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
  const name = first(NAME_CHARACTERS, line(query.get("name") ?? ""));
  const topics = topicsOf(room);
  if (isVisible(room) && isVisible(name) && !isTooLong(topics)) {
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
    const asked = { name: line(fields.name.value), room: spell(fields.room.value) };
    if (!isVisible(asked.name) || !isVisible(asked.room)) {
      problem.textContent = "Give a name and a room.";
    } else if (isTooLong(topicsOf(asked.room))) {
      problem.textContent = "This name is too long for a room. Choose a shorter one.";
    } else {
      location.search = new URLSearchParams(asked);
    }
  });
}

/** What this tab remembers under a key, so that a reload is the same person; if nothing, `fresh` from now on. */
function remembered(key, fresh) {
  try {
    return sessionStorage.getItem(key) ?? remember(key, fresh);
  } catch {
    return fresh;
  }
}

function remember(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // Then it lasts as long as the page.
  }
  return value;
}

function ownId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const fresh = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return remembered("event-driven-kit.embed.id", fresh);
}

/** Of `/clients/<id>/what-the-client-says` what the peer has written; empty for an event of this page. */
const clientOf = ({ source }) => source.split("/", 3).join("/");

function enter(room, me, topics) {
  const bus = createSingleton("embed");
  find(".title").textContent = `#${room}`;
  document.title = `${room} - event-driven-kit in a plain page`;
  find(".room").hidden = false;
  find("#link").hidden = false;

  find("#open-inspector").hidden = false;
  find("#open-inspector").addEventListener("click", () => openInspector(bus));
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

/** Opens the developer tools, or closes them. Their file is loaded when they are opened. */
async function openInspector(bus) {
  const open = find("event-inspector");
  if (open) return open.remove();
  const { inspect } = await import("./npm/inspector.js");
  inspect(bus);
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
    const until = performance.now() + link.retryInMs;
    const tell = () => {
      const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1000));
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
  const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const rows = new Map();
  let ownClient = remembered("event-driven-kit.embed.client", "");
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

  /** The time of day, and the date before it unless it is today; nothing, where the event has no time. */
  function showTime({ item, when }) {
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

  /** Shows a text, of which more than a reader likes is shown when asked for. */
  function showText(item, text) {
    const [whole, beginning] = [first(MAX_CHARACTERS, text), folded(text)];
    const button = item.querySelector(".unfold");
    const show = (isOpen) => {
      item.querySelector(".text").textContent = isOpen ? whole : beginning;
      button.textContent = isOpen ? "Show less" : "Show all";
      button.ariaExpanded = String(isOpen);
    };
    button.hidden = beginning.length === text.length;
    button.addEventListener("click", () => show(button.ariaExpanded === "false"));
    show(false);
  }

  function make(message, id, time) {
    const item = find("#message").content.firstElementChild.cloneNode(true);
    const row = { item, place: undefined, when: new Date(time ?? 0) };
    item.dataset.id = id;
    item.querySelector(".sender bdi").textContent = shownName(message.sender.name);
    showText(item, message.text);
    showTime(row);
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
      if (!isVisible(message.text)) return;
      const { delivery } = event;
      const state = delivery.status === "rejected" ? "failed" : delivery.status;
      // Only this page knows the id of its message until that is stored; after that others may use it too.
      const client = clientOf(event);
      const before = rows.get(event.id)?.item.dataset.state ?? "stored";
      if (client && before !== "stored") ownClient = remember("event-driven-kit.embed.client", client);
      const isHere = !client || client === ownClient;
      const id = isHere ? event.id : `${client} ${event.id}`;
      const known = rows.get(id);
      const row = known ?? make(message, id, event.time);
      row.item.classList.toggle("own", isHere && message.sender.id === kit.sender.id);
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

  function gone(client) {
    clearTimeout(people.get(client)?.timer);
    people.delete(client);
    show();
  }

  bus.subscribe(topics.typing, ({ id, name }, event) => {
    const client = clientOf(event);
    if (!client && id === me.id) return;
    clearTimeout(people.get(client)?.timer);
    people.set(client, { name: shownName(String(name)), timer: setTimeout(gone, TYPING_FADES_MS, client) });
    show();
  });
  bus.subscribe(topics.message, (message, event) => gone(clientOf(event)));
}

/** What to say of a text that can't be sent as one message; nothing, if it can. */
function tooLong(text) {
  const { length } = [...text.trim()];
  const most = `At most ${MAX_CHARACTERS} can be sent.`;
  return length > MAX_CHARACTERS ? `This message has ${length} characters. ${most}` : "";
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
    if (!area.value.trim() || tooLong(area.value)) return;
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
    find(".write .problem").textContent = tooLong(area.value);
    if (!area.value || performance.now() - lastTyping < TYPING_EVERY_MS) return;
    lastTyping = performance.now();
    bus.publish(topics.typing, kit.sender);
  });
  area.focus();
}

start();
