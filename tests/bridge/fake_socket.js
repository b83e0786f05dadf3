// A WebSocket class whose other end is held by the test. It does what browsers do: nothing is open at
// once, and what is sent on a socket that is closing is thrown away.

const sockets = [];
const { CloseEvent } = globalThis;

class FakeWebSocket extends EventTarget {
  constructor(url, protocol) {
    super();
    if (!/^wss?:/.test(url)) throw new DOMException(`no WebSocket address: ${url}`, "SyntaxError");
    Object.assign(this, { url, asked: protocol, protocol: "", binaryType: "blob" });
    Object.assign(this, { readyState: 0, bufferedAmount: 0, sent: [], closedWith: undefined });
    sockets.push(this);
  }
  send(data) {
    if (this.readyState === 0) throw new DOMException("still connecting", "InvalidStateError");
    if (this.readyState === 1) this.sent.push(new Uint8Array(data).slice());
  }
  close(code = 1005, reason = "") {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.closedWith = code;
    setTimeout(() => this.end(code, reason));
  }
  end(code, reason) {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean: code !== 1006 }));
  }
}

export function install() {
  // What an earlier test has left must not connect again among the sockets of this one: after this code a link stops.
  for (const socket of sockets.splice(0)) socket.end(4500, "another test has begun");
  globalThis.WebSocket = FakeWebSocket;
}

export const count = () => sockets.length;
export const state = (at) => sockets[at].readyState;
export const asked = (at) => sockets[at].asked;
export const closedWith = (at) => sockets[at].closedWith;
export const takeSent = (at) => sockets[at].sent.shift();

export function setBuffered(at, bytes) {
  sockets[at].bufferedAmount = bytes;
}

export function accept(at, protocol) {
  const socket = sockets[at];
  socket.protocol = protocol;
  socket.readyState = 1;
  socket.dispatchEvent(new Event("open"));
}

export function deliver(at, bytes) {
  if (sockets[at].readyState !== 1) return;
  const data = bytes.slice().buffer;
  sockets[at].dispatchEvent(new MessageEvent("message", { data }));
}

/** The peer's end closes, or was never there. */
export function hangUp(at, code, reason) {
  const socket = sockets[at];
  if (socket.readyState === 0) socket.dispatchEvent(new Event("error"));
  socket.end(code, reason);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const evaluate = (code, ...values) => new Function("bus", "other", code)(...values);
