// Browsers whose storage, locks or channels fail, each in its own way. `breakBrowser` answers what mends it again.

const never = () => new Promise(() => {});
const refusal = (name) => new DOMException("the test says so", name);

/** Replaces a property until it is mended. */
function replace(object, name, descriptor) {
  const before = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { configurable: true, ...descriptor });
  return () => {
    if (before) Object.defineProperty(object, name, before);
    else delete object[name];
  };
}

const value = (object, name, value) => replace(object, name, { value, writable: true });
const throws = (object, name, error) =>
  replace(object, name, {
    get() {
      throw refusal(error);
    },
  });

/** `open` answers with this event, or with none. */
const opens = (event) => {
  const open = () => {
    const request = new EventTarget();
    if (event) setTimeout(() => request.dispatchEvent(new Event(event)));
    return request;
  };
  return value(IDBFactory.prototype, "open", open);
};

/** The transaction in which a database is made does not end well. */
const abortsUpgrades = () => {
  const { createObjectStore } = IDBDatabase.prototype;
  return value(IDBDatabase.prototype, "createObjectStore", function (...args) {
    const store = createObjectStore.apply(this, args);
    store.transaction.abort();
    return store;
  });
};

/** A transaction that goes on and on, until it is aborted. */
const hangs = () => {
  const { getAll } = IDBObjectStore.prototype;
  return value(IDBObjectStore.prototype, "getAll", function () {
    const again = () => {
      let request;
      try {
        request = getAll.call(this, -1);
      } catch {
        // In WebKit a request may succeed after the transaction was aborted.
        return;
      }
      request.onsuccess = again;
      request.onerror = (event) => event.preventDefault();
    };
    again();
    return new EventTarget();
  });
};

const method = (prototype, name, error) =>
  value(prototype, name, () => {
    throw refusal(error);
  });

const faults = {
  "open throws": () => method(IDBFactory.prototype, "open", "SecurityError"),
  "open fails": () => opens("error"),
  "open never answers": () => opens(),
  "upgrades are aborted": abortsUpgrades,
  "no store can be made": () => method(IDBDatabase.prototype, "createObjectStore", "UnknownError"),
  "indexedDB is missing": () => value(globalThis, "indexedDB", undefined),
  "indexedDB throws": () => throws(globalThis, "indexedDB", "SecurityError"),
  "transactions throw": () => method(IDBDatabase.prototype, "transaction", "InvalidStateError"),
  "transactions never end": hangs,
  "reads throw": () => method(IDBObjectStore.prototype, "getAll", "UnknownError"),
  "storage is full": () => method(IDBObjectStore.prototype, "put", "QuotaExceededError"),
  "locks are missing": () => value(navigator, "locks", undefined),
  "locks throw": () => method(LockManager.prototype, "request", "SecurityError"),
  "locks reject": () =>
    value(LockManager.prototype, "request", () => Promise.reject(refusal("SecurityError"))),
  "locks answer nothing": () => value(LockManager.prototype, "request", () => undefined),
  "locks never answer": () => value(LockManager.prototype, "request", never),
  "channels are missing": () => value(globalThis, "BroadcastChannel", undefined),
  "channels throw": () =>
    value(
      globalThis,
      "BroadcastChannel",
      class {
        constructor() {
          throw refusal("SecurityError");
        }
      },
    ),
};

export const names = () => Object.keys(faults);
export const breakBrowser = (name) => faults[name]();

/**
 * Another script opens the database, at its version if it says one, and closes it unless it is to stay open. From version 3
 * on it is a later version of this library, whose store has another form.
 */
export function openElsewhere(name, version, stays) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => {
      if (version > 2) request.result.createObjectStore("outbox");
    };
    request.onsuccess = () => {
      if (!stays) request.result.close();
      resolve(() => request.result.close());
    };
    request.onerror = () => reject(request.error);
  });
}

/** Counts how often databases are opened, until the returned function is called, which returns the count. */
export function countOpens() {
  const { open } = IDBFactory.prototype;
  let count = 0;
  const mend = value(IDBFactory.prototype, "open", function (...args) {
    count += 1;
    return open.apply(this, args);
  });
  return () => {
    mend();
    return count;
  };
}

/** Counts uncaught errors, until the returned function is called, which returns the count. */
export function countErrors() {
  let count = 0;
  const counted = () => (count += 1);
  addEventListener("error", counted);
  return () => {
    removeEventListener("error", counted);
    return count;
  };
}
