// What a view shows. It is read again for each drawing, but not while the reader has paused.

/** Reads with `read(isPaused)`. During a pause the result is kept. */
export function held(read) {
  let kept;
  let wasPaused = false;
  return (isPaused) => {
    if (!isPaused || !wasPaused) kept = read(isPaused);
    wasPaused = isPaused;
    return kept;
  };
}
