// What tests do to the browser's locks.

export async function stealLock(name) {
  await navigator.locks.request(name, { steal: true }, () => {});
}

export async function lockUsers(name) {
  const { held, pending } = await navigator.locks.query();
  return [...held, ...pending].filter((lock) => lock.name === name).length;
}
