// What tests do to the browser's databases: delete, refuse, fail, look at transactions.

export function deleteDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

export function refuseDatabases() {
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = () => {
    throw new DOMException("not in a private window", "SecurityError");
  };
  return () => {
    IDBFactory.prototype.open = open;
  };
}

export function failNextPut(name) {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...args) {
    // Of a row: the client itself stands under 0.
    if (args[1] === 0) return put.apply(this, args);
    IDBObjectStore.prototype.put = put;
    throw new DOMException("the test says so", name);
  };
}

/** Until the returned function is called, no row is written: the space is used up. */
export function useUpQuota() {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...args) {
    if (args[1] === 0) return put.apply(this, args);
    throw new DOMException("the test says so", "QuotaExceededError");
  };
  return () => {
    IDBObjectStore.prototype.put = put;
  };
}

const durabilities = [];
const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (...args) {
  durabilities.push(String(args[2]?.durability));
  return transaction.apply(this, args);
};

export function takeDurabilities() {
  return durabilities.splice(0);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A browser that keeps the storage when it is asked: Firefox would ask its user, which no test has, and
 * WebKitGTK has nothing to ask. */
export function agreeToPersist() {
  const storage = { persist: async () => true };
  Object.defineProperty(navigator, "storage", { configurable: true, value: storage });
}
