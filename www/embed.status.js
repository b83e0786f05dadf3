// The state of the link, and who is typing.

import { find, shownName } from "./embed.text.js";

const TYPING_FADES_MS = 4000;

let countdown;

export function showLink(link) {
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

/** The part of `/clients/<id>/what-the-client-says` that the peer has written; empty for an event of this page. */
const clientOf = ({ source }) => source.split("/", 3).join("/");

export function showTyping({ bus, me, topics }) {
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
