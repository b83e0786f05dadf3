// The style, as a constructed sheet: a page's Content Security Policy may forbid inline styles.

const STYLE = `
:host {
  --ground: light-dark(#ffffff, #191d22);
  --bar: light-dark(#eef0f2, #23282e);
  --ink: light-dark(#20252b, #e6e8ea);
  --quiet: light-dark(#5c646d, #a3abb4);
  --line: light-dark(#d5d9de, #363d45);
  --accent: light-dark(#1f5c92, #8fc0ee);
  --chosen: light-dark(#dfeaf5, #1d3a55);
  --good: light-dark(#1d6b43, #7fcfa2);
  --wait: light-dark(#7c5200, #e3b565);
  --bad: light-dark(#ad2b2b, #f2a09a);
  position: fixed;
  inset: auto 0 0;
  z-index: 1000;
  display: flex;
  flex-direction: column;
  height: var(--event-inspector-height, 42vh);
  box-sizing: border-box;
  border-top: 1px solid var(--line);
  color: var(--ink);
  background: var(--ground);
  font: 13px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  text-align: start;
}
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
button, input, select { font: inherit; color: inherit; }
.grip { flex: none; height: 6px; margin-top: -3px; cursor: ns-resize; touch-action: none; }
.grip:hover, .grip:focus-visible { background: var(--accent); }
.bar { flex: none; display: flex; flex-wrap: wrap; align-items: center; gap: 4px 6px; padding: 0 8px; background: var(--bar); border-bottom: 1px solid var(--line); }
[role="tablist"] { flex: 1 1 auto; display: flex; overflow-x: auto; scrollbar-width: none; }
[role="tab"] { padding: 8px 10px 6px; border: 0; border-bottom: 2px solid transparent; background: none; color: var(--quiet); cursor: pointer; white-space: nowrap; }
[role="tab"]:hover { color: var(--ink); }
[role="tab"][aria-selected="true"] { color: var(--ink); font-weight: 600; border-bottom-color: var(--accent); }
.bar > input, .tools input, .tools select { min-width: 0; height: 26px; padding: 0 8px; border: 1px solid var(--quiet); border-radius: 6px; background: var(--ground); }
.bar > input { flex: 0 1 180px; }
.tools input[type="file"] { height: auto; padding: 4px; }
.bar > button, .tools button { min-height: 26px; padding: 0 10px; border: 1px solid var(--line); border-radius: 6px; background: var(--ground); cursor: pointer; }
.bar > button:hover, .tools button:hover:enabled { border-color: var(--accent); }
.tools button:disabled { color: var(--quiet); cursor: default; opacity: 0.7; }
button[aria-pressed="true"] { background: var(--chosen); border-color: var(--accent); }
.bar > .close { padding: 0 8px; border-color: transparent; background: none; font-size: 17px; line-height: 1; }
[role="tabpanel"] { flex: 1; min-height: 0; display: flex; }
[role="tabpanel"] > * { flex: 1; min-width: 0; }
.beside { display: flex; min-height: 0; }
.main { flex: 1; min-width: 0; display: flex; flex-direction: column; position: relative; }
.flow { flex: 1; min-height: 0; overflow: auto; scrollbar-gutter: stable; }
.rows { position: relative; min-width: 560px; }
.row { display: grid; grid-template-columns: 108px 84px minmax(130px, 2fr) minmax(80px, 1.2fr) minmax(120px, 3fr); align-items: center; height: 24px; min-width: 560px; padding: 0 8px; }
.rows > .row { position: absolute; inset: 0 0 auto; cursor: default; contain: strict; }
.row > * { overflow: hidden; padding-inline-end: 10px; text-overflow: ellipsis; white-space: nowrap; }
.rows > .row:hover { background: var(--bar); }
.rows > .row[aria-selected="true"] { background: var(--chosen); }
.row.head { position: sticky; top: 0; z-index: 1; background: var(--ground); border-bottom: 1px solid var(--line); color: var(--quiet); }
.row > :first-child { color: var(--quiet); font-variant-numeric: tabular-nums; }
.row > :last-child, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; }
.row.head > * { font: inherit; }
.row > :nth-child(4) { color: var(--quiet); }
[data-is]::before { display: inline-block; width: 7px; height: 7px; margin-inline-end: 6px; border-radius: 50%; background: currentColor; content: ""; }
[data-is=""]::before { display: none; }
[data-is="stored"] { color: var(--good); }
[data-is="queued"], [data-is="kept"], [data-is="sent"] { color: var(--wait); }
[data-is="rejected"], [data-is="failed"] { color: var(--bad); }
[data-is="local"], [data-is="ephemeral"] { color: var(--quiet); }
.details { flex: 0 1 400px; min-width: 0; overflow: auto; padding: 8px 12px; border-inline-start: 1px solid var(--line); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 12px; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: 8px 0; padding: 8px; overflow: auto; max-height: 20em; border-radius: 6px; background: var(--bar); white-space: pre-wrap; overflow-wrap: anywhere; }
h2 { margin: 8px 0 2px; font-size: 13px; }
ol { margin: 0; padding-inline-start: 20px; }
.scroll { overflow: auto; min-height: 0; }
table { width: 100%; border-collapse: collapse; }
th { position: sticky; top: 0; background: var(--ground); color: var(--quiet); font-weight: 400; text-align: start; box-shadow: inset 0 -1px var(--line); }
th, td { padding: 3px 8px; }
th { white-space: nowrap; }
td { overflow-wrap: break-word; vertical-align: top; }
tbody tr:nth-child(even) { background: var(--bar); }
th button { padding: 0; border: 0; background: none; color: inherit; cursor: pointer; }
th button::after { content: " ↓"; visibility: hidden; }
th[aria-sort] button::after { visibility: visible; }
th.number, td.number { text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums; }
.note { margin: 0; padding: 10px 12px; color: var(--quiet); }
.note:empty { display: none; }
.main > .note { position: absolute; inset: 32px 0 auto; }
.stack { display: flex; flex-direction: column; min-height: 0; overflow: auto; }
.stack > .scroll { flex: 1 0 auto; }
.facts { padding: 10px 12px; grid-template-columns: repeat(auto-fill, minmax(86px, max-content) minmax(120px, 1fr)); }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 10px 12px 0; }
progress { accent-color: var(--accent); }
.place { color: var(--quiet); font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) {
  .beside { flex-direction: column; }
  .details { flex: 1 1 50%; border-inline-start: 0; border-top: 1px solid var(--line); }
  .bar > input { flex: 1 1 100px; }
  [role="tablist"] { flex-basis: 100%; }
}
`;

let shared;

/** One sheet for all inspectors of a page. */
export function sheet() {
  if (shared === undefined) {
    shared = new CSSStyleSheet();
    shared.replaceSync(STYLE);
  }
  return shared;
}
