// What ends a subscription, or whatever else stands: a function, also `Symbol.dispose`, and an `AbortSignal`.

/** Lets `using` end `it`. */
export function disposer(it, dispose = it) {
  if (Symbol.dispose) it[Symbol.dispose] = dispose;
  return it;
}

/** Ends by `end`, once, also when `signal` aborts; the signal holds nothing of it later. */
export function ending(end, signal) {
  let live = true;
  const dispose = disposer(() => {
    if (!live) return;
    live = false;
    signal?.removeEventListener("abort", dispose);
    end();
  });
  if (signal?.aborted) dispose();
  else signal?.addEventListener("abort", dispose, { once: true });
  return dispose;
}
