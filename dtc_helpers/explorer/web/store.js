// The state of a view and when it is drawn: views keep none of their own.

/** Values that change together, and who wants to know. Nobody is told where nothing changed. */
export function createStore(initial) {
  let state = { ...initial };
  const listeners = [];
  return {
    get: () => state,
    set(changes) {
      const before = state;
      state = { ...state, ...changes };
      const changed = Object.keys(changes).filter((k) => JSON.stringify(before[k]) !== JSON.stringify(state[k]));
      if (changed.length) listeners.forEach((listener) => listener(state, changed));
    },
    subscribe: (listener) => listeners.push(listener),
  };
}

/** Another function as `later`, once with the next picture however often it is called until then, or `now` in its place. */
export function oncePerFrame(run) {
  let frame = null;
  const now = () => {
    cancelAnimationFrame(frame);
    frame = null;
    run();
  };
  return { now, later: () => (frame ??= requestAnimationFrame(now)) };
}

/** Function that runs another one when it has not been called for a while. */
export function whenSettled(run, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
}

/** Lets the page move before what comes next. */
export const rest = () => new Promise((done) => setTimeout(done));

/** Function of a key that is computed once for each of the last few keys. */
export function remembered(compute, size = 12) {
  const known = new Map();
  return (key, ...given) => {
    if (!known.has(key)) known.set(key, compute(...given));
    if (known.size > size) known.delete(known.keys().next().value);
    return known.get(key);
  };
}

export const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
