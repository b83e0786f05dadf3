// The events of embed.html's bus: shows what passes, and publishes what the user likes.

import { copyOf, find } from "./embed.text.js";

const EVENTS_SHOWN = 100;

export function showEvents({ subscribe, publish }) {
  const panel = find("#events");
  const see = find("#see-events");
  const list = panel.querySelector(".passed");
  const [listen, publishing] = panel.querySelectorAll("form");
  let stop = () => {};

  function show(data, event) {
    const item = copyOf("#event");
    item.querySelector(".topic").textContent = event.topic;
    item.querySelector(".status").textContent = event.delivery.status;
    item.querySelector("code").textContent = ArrayBuffer.isView(data) ? `${data.byteLength} bytes` : (JSON.stringify(data) ?? "");
    list.prepend(item);
    if (list.childElementCount > EVENTS_SHOWN) list.lastElementChild.remove();
  }

  /** Does what a form asks for, and says there why it can't be done. */
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
