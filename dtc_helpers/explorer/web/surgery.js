// Who is cut, as surgery.py chooses.

/** Places of the values in rising order, ties to the lower place. */
export const ranked = (values) => Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b] || a - b);

/** ⌈0.9 (N − 1)⌉ */
export const nKeep = (nNeurons) => Math.max(1, Math.ceil(0.9 * (nNeurons - 1)));

/** Neurons that go: the `lowest` or the `highest` |scores|, in rising order. The kept are chosen, and ties favour them. */
export function cutNeurons(scores, which) {
  const size = Array.from(scores, Math.abs);
  const keepFirst = which === "lowest" ? size.map((v) => -v) : size;
  return ranked(keepFirst)
    .slice(nKeep(size.length))
    .sort((a, b) => a - b);
}

/** Share of the first list that stands in the second too. */
export const sharedFraction = (some, others) => some.filter((v) => others.includes(v)).length / some.length;
