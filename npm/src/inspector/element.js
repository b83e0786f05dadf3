// The element `<event-inspector>`: tabs over the views, one of which is shown and kept up to date.

import { Collector } from "./collector.js";
import { make, write } from "./dom.js";
import { flowView } from "./flow_view.js";
import { inspection } from "./inspection.js";
import { recordingView } from "./recording_view.js";
import { t } from "./language.js";
import { sheet } from "./style.js";
import { causesView, linkView, outboxView, subscribersView, topicsView } from "./tables.js";

const NAME = "event-inspector";
/** Fast enough for eyes, and slow enough that drawing costs little. */
const DRAW_EVERY_MS = 250;
const HEIGHT = "--event-inspector-height";

/** Registers the element, where there are elements. */
export function defineInspector() {
  if (globalThis.customElements === undefined || customElements.get(NAME) !== undefined) return;

  customElements.define(
    NAME,
    class extends HTMLElement {
      #bus;
      #ends = [];
      /** The element that had the focus before it came in here, and whether it is still here. */
      #before;
      #hasFocus = false;

      constructor() {
        super();
        // Moves within the element do not reach it.
        this.addEventListener("focusin", ({ relatedTarget }) => {
          this.#before = relatedTarget ?? this.#before;
          this.#hasFocus = true;
        });
        // Later: a browser takes the focus away before it removes an element. A page in the background keeps it.
        this.addEventListener("focusout", () =>
          queueMicrotask(() => {
            this.#hasFocus = !!this.shadowRoot?.activeElement;
            if (!this.#hasFocus) this.#before = undefined;
          }),
        );
      }

      /** The bus to show: one of the package, or the function `ask` of another program's bus. */
      set bus(bus) {
        this.#bus = bus;
        if (this.isConnected) this.#open();
      }

      get bus() {
        return this.#bus;
      }

      connectedCallback() {
        // `bus` was set before the element was registered.
        if (Object.hasOwn(this, "bus")) {
          const { bus } = this;
          delete this.bus;
          this.#bus = bus;
        }
        this.#open();
      }

      /** Gives the focus back to where it was. */
      disconnectedCallback() {
        this.#close();
        if (this.#hasFocus) this.#before?.focus();
        this.#hasFocus = false;
      }

      #close() {
        for (const end of this.#ends.splice(0)) end();
      }

      #open() {
        this.#close();
        if (this.#bus === undefined) return;
        const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
        root.adoptedStyleSheets = [sheet()];
        this.#ends.push(show(this, root, inspection(this.#bus)));
      }
    },
  );
}

/** Fills the element, and returns a function that stops what it has started. */
function show(host, root, its) {
  const collector = new Collector(its);
  const replay = host.getAttribute("replay") ?? undefined;
  const views = {
    Flow: flowView(collector),
    Topics: topicsView(collector),
    Subscribers: subscribersView(collector, its),
    Causes: causesView(collector),
    Link: linkView(its),
    Outbox: outboxView(its),
    Recording: recordingView(collector, its, replay),
  };
  const titles = {
    ...{ Flow: t("Flow"), Topics: t("Topics"), Subscribers: t("Subscribers"), Causes: t("Causes") },
    ...{ Link: t("Link"), Outbox: t("Outbox"), Recording: t("Recording") },
  };
  const names = Object.keys(views);
  let current = its.sealed ? "Recording" : "Flow";
  let isPaused = false;

  const tabs = names.map((name) =>
    make("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", onclick: () => choose(name) }, titles[name]),
  );
  const tablist = make("div", { role: "tablist", "aria-label": t("Inspector"), onkeydown: move }, ...tabs);
  const filter = make("input", { type: "search", placeholder: t("Filter"), "aria-label": t("Filter: words, or -words that must be missing") });
  filter.setAttribute("spellcheck", "false");
  const pause = make("button", { type: "button", "aria-pressed": "false", onclick: () => setPaused(!isPaused) }, t("Pause"));
  const clear = make("button", { type: "button", onclick: forget }, t("Clear"));
  const close = make("button", { type: "button", class: "close", "aria-label": t("Close the inspector"), onclick: () => host.remove() }, "×");
  const bar = make("div", { class: "bar" }, tablist, filter, pause, clear, close);
  const panel = make("div", { id: "panel", role: "tabpanel" });
  const grip = make("div", { class: "grip", role: "separator", tabindex: "0", "aria-orientation": "horizontal", "aria-label": t("Height of the inspector"), "aria-valuemin": "20", "aria-valuemax": "90" });
  root.replaceChildren(grip, bar, panel);
  // A landmark of the page.
  if (!host.hasAttribute("role")) host.setAttribute("role", "complementary");
  if (!host.hasAttribute("aria-label")) host.setAttribute("aria-label", t("Inspector"));

  filter.addEventListener("input", draw);
  host.addEventListener("keydown", onEscape);
  const resize = resizing(host, grip);
  collector.start();
  choose(current);
  const timer = setInterval(() => document.visibilityState === "visible" && draw(), DRAW_EVERY_MS);

  function choose(name) {
    current = name;
    tabs.forEach((tab, at) => {
      const isChosen = names[at] === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `tab-${name}`);
    panel.replaceChildren(views[name].element);
    // There is nothing to filter or to hold in what is recorded and played.
    filter.hidden = pause.hidden = name === "Recording";
    draw();
  }

  function move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = { Home: 0, End: names.length - 1 }[event.key] ?? (step && names.indexOf(current) + step);
    if (at === undefined) return;
    event.preventDefault();
    const to = (at + names.length) % names.length;
    choose(names[to]);
    tabs[to].focus();
  }

  function setPaused(next) {
    isPaused = next;
    pause.setAttribute("aria-pressed", String(isPaused));
    write(pause, isPaused ? t("Go on") : t("Pause"));
    // The hidden views, too, keep what they would show now.
    for (const view of Object.values(views)) view.show(filter.value, isPaused);
  }

  function forget() {
    collector.clear();
    views.Flow.clear();
    setPaused(false);
  }

  function onEscape(event) {
    if (event.key === "Escape" && event.composedPath()[0] !== filter) host.remove();
  }

  function draw() {
    views[current].show(filter.value, isPaused);
  }

  return () => {
    clearInterval(timer);
    collector.record = undefined;
    collector.stop();
    host.removeEventListener("keydown", onEscape);
    resize();
  };
}

/** Lets the reader drag the upper edge, or move it by arrow keys. The page knows the height as a custom property. */
function resizing(host, grip) {
  const page = document.documentElement.style;
  let share = 42;
  const set = (next) => {
    share = Math.min(90, Math.max(20, next));
    page.setProperty(HEIGHT, `${share}vh`);
    grip.setAttribute("aria-valuenow", String(Math.round(share)));
  };
  const drag = (event) => set(100 * (1 - event.clientY / innerHeight));
  grip.addEventListener("pointerdown", (event) => {
    grip.setPointerCapture(event.pointerId);
    grip.addEventListener("pointermove", drag);
    grip.addEventListener("lostpointercapture", () => grip.removeEventListener("pointermove", drag), { once: true });
  });
  grip.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 5, ArrowDown: -5 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    set(share + step);
  });
  set(share);
  return () => page.removeProperty(HEIGHT);
}

/**
 * Shows the inspector of a bus at the bottom of the page, or in another element. Returns a function that closes it.
 * `replay` is the address of a page whose bus is sealed.
 */
export function inspect(bus, { parent = document.body, replay } = {}) {
  defineInspector();
  const element = make(NAME, { replay });
  element.bus = bus;
  parent.append(element);
  return () => element.remove();
}
