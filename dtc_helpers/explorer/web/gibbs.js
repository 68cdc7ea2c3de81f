// Entropies of values in bins, as gibbs.py and numpy.histogram count them.

import { sum } from "./matrices.js";

/** Counts in bins with rising edges, as `numpy.histogram`: what lies outside is not counted, the last edge is. */
export function histogram(values, edges) {
  const counts = new Array(edges.length - 1).fill(0);
  for (const v of values) {
    if (v > edges.at(-1)) continue;
    const bin = edges.findLastIndex((edge) => v >= edge);
    if (bin >= 0) counts[Math.min(bin, counts.length - 1)]++;
  }
  return counts;
}

/** Numbers of the bins [k·width, (k + 1)·width) that hold a value: as `bins_of_width`, for any reach. */
function binNumber(value, width) {
  const k = Math.floor(value / width); // the quotient rounds: the edges decide
  if (value < width * k) return k - 1;
  return value >= width * (k + 1) ? k + 1 : k;
}

/** S = −Σ p ln p of counts, in nats; NaN without any. */
function entropyOfCounts(counts) {
  const total = sum(counts);
  if (total === 0) return NaN;
  return -counts.reduce((S, count) => (count > 0 ? S + (count / total) * Math.log(count / total) : S), 0);
}

/** Counts of values in bins with edges, their entropy, and the share outside all bins. */
export function gibbsEntropy(values, edges) {
  const counts = histogram(values, edges);
  return { counts, entropy: entropyOfCounts(counts), outside: 1 - sum(counts) / values.length };
}

/** Entropy of values in bins of one width that reach everywhere. */
export function entropyOfWidth(values, width) {
  const bins = new Float64Array(values.length); // filled by a loop: this runs for thousands of vectors a move
  for (let i = 0; i < bins.length; i++) bins[i] = binNumber(values[i], width);
  bins.sort();
  const counts = [];
  for (let i = 0; i < bins.length; i++) {
    if (i > 0 && bins[i] === bins[i - 1]) counts[counts.length - 1]++;
    else counts.push(1);
  }
  return entropyOfCounts(counts);
}

/** Edges of the published bins, numpy's arange(−50, 50, 0.2) to the last bit. */
export function publishedBinEdges() {
  const step = -50 + 0.2 - -50; // numpy takes the difference of the first two
  return Array.from({ length: 500 }, (_, i) => -50 + i * step);
}
