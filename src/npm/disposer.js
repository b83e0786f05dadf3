// What ends a subscription, or whatever else stands: a function, also `Symbol.dispose`, and an `AbortSignal`.

export function disposer(dispose) {
  if (Symbol.dispose) dispose[Symbol.dispose] = dispose;
  return dispose;
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
