// The chat's rooms in a plain page: what an application without Yew does with the npm package. It joins
// by ?room=...&name=..., or by its form, which goes to such an address.

import { compose } from "./embed.compose.js";
import { showEvents } from "./embed.events.js";
import { showMessages } from "./embed.messages.js";
import { showLink, showTyping } from "./embed.status.js";
import { bytesOf, escapeToken, find, first, line, NAME_CHARACTERS, spell } from "./embed.text.js";
import { createTextKit, isVisible } from "./npm/browser-chat.js";
import { createSingleton } from "./npm/browser.js";

const MAX_TOPIC_BYTES = 256;

function topicsOf(room) {
  const topic = (event) => `chat.${escapeToken(room)}.${event}`;
  // The longest one is about messages of a day.
  return { message: topic("TEXT_MESSAGE"), typing: topic("typing"), longest: topic("on.20261129.REACTED") };
}

const isTooLong = ({ longest }) => bytesOf(longest).length > MAX_TOPIC_BYTES;

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

function enter(room, me, topics) {
  const bus = createSingleton("embed");
  find(".title").textContent = `#${room}`;
  document.title = `${room} - event-driven-kit in a plain page`;
  find(".room").hidden = false;
  find("#link").hidden = false;

  find("#open-inspector").hidden = false;
  find("#open-inspector").addEventListener("click", () => openInspector(bus));
  // Subscribed before it connects, so that nothing passes by.
  showEvents(bus);
  bus.subscribe("$bus.link", showLink);
  showTyping({ bus, me, topics });
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const url = `${scheme}//${location.host}/ws`;
  // The timeline reads the messages of the past.
  const kit = createTextKit({ bus, url, room, sender: me, last: 0 });
  // Both share one link.
  bus.connect({ url, rules: [{ pattern: topics.typing, direction: "both", durable: false }] });
  const composer = compose({ bus, kit, typing: topics.typing });
  showMessages(kit, composer);
}

/** Opens the developer tools, or closes them. Their file is loaded when they are opened. */
async function openInspector(bus) {
  const open = find("event-inspector");
  if (open) return open.remove();
  const { inspect } = await import("./npm/inspector.js");
  inspect(bus);
}

start();
