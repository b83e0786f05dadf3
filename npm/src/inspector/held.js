// What a view shows: read each time that it is drawn, but not while the reader has paused.

/** Reads with `read`, which is told whether the reader has paused: then the result is kept until the pause is over. */
export function held(read) {
  let kept;
  let wasPaused = false;
  return (isPaused) => {
    if (!isPaused || !wasPaused) kept = read(isPaused);
    wasPaused = isPaused;
    return kept;
  };
}
