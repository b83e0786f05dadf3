// A headless Chromium, driven through ChromeDriver by W3C WebDriver's HTTP.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const PATIENCE = 30_000;

/** Asks until it is answered with something. */
export async function eventually(what, ask) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer) return answer;
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Opens one with an empty profile. */
export async function openBrowser() {
  const driver = spawn(process.env.EDK_CHROMEDRIVER, ["--port=0"], { stdio: ["ignore", "pipe", "ignore"] });
  const address = `http://127.0.0.1:${await portOf(driver)}`;

  async function send(method, path, body) {
    const response = await fetch(address + path, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${path}: ${value.message}`);
    return value;
  }

  const args = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
  const capabilities = {
    "goog:chromeOptions": { binary: process.env.EDK_CHROMIUM, args },
    "goog:loggingPrefs": { browser: "ALL" },
  };
  const { sessionId } = await send("POST", "/session", { capabilities: { alwaysMatch: capabilities } });
  const session = `/session/${sessionId}`;

  /** What a function of the page answers, called with `args`. */
  const run = (script, ...args) =>
    send("POST", `${session}/execute/sync`, { script: `return (${script})(...arguments)`, args });

  /** Waits until the page's `selector` has a text, and answers it without its outer spaces. */
  const text = (selector) =>
    eventually(`the text of ${selector}`, () =>
      run((selector) => document.querySelector(selector)?.innerText.trim(), selector));

  /** What was said on the console since the last call, of its page's policy too, and what is deprecated. */
  async function complaints() {
    const entries = await send("POST", `${session}/se/log`, { type: "browser" });
    return [...entries.map(({ level, message }) => `${level} ${message}`), ...(await run(reports))];
  }

  return {
    open: (url) => send("POST", `${session}/url`, { url }),
    run,
    text,
    complaints,
    async close() {
      await send("DELETE", session);
      driver.kill();
    },
  };
}

/** Runs in the page. */
function reports() {
  const observer = new ReportingObserver(() => {}, { buffered: true });
  observer.observe();
  return observer.takeRecords().map(({ type, body }) => `${type} ${JSON.stringify(body)}`);
}

async function portOf(driver) {
  for await (const line of createInterface({ input: driver.stdout })) {
    const [, port] = /started successfully on port (\d+)/.exec(line) ?? [];
    if (port) return port;
  }
  throw new Error("ChromeDriver ended before it listened: `EDK_CHROMEDRIVER` must name its binary");
}
