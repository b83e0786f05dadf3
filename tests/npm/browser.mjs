// A headless Chromium, driven through ChromeDriver over the HTTP of W3C WebDriver.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const PATIENCE = 30_000;

/** Calls `ask` until it returns something truthy. */
export async function eventually(what, ask) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const result = await ask();
    if (result) return result;
  }
  throw new Error(`timed out waiting for ${what}`);
}

/** Opens a browser with an empty profile. */
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

  /** Calls a function in the page with `args`, and returns its result. */
  const run = (script, ...args) =>
    send("POST", `${session}/execute/sync`, { script: `return (${script})(...arguments)`, args });

  /** Waits until the element of `selector` has a text, and returns it trimmed. */
  const text = (selector) =>
    eventually(`the text of ${selector}`, () =>
      run((selector) => document.querySelector(selector)?.innerText.trim(), selector));

  /** Returns the console messages since the last call, violations of the page's policy included, and the page's use of deprecated features. */
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
