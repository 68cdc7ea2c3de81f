// Numerics of the explorer, without a page: the same definitions as sensing, recovery, surgery, gibbs and statistics
// in Python, and the same numbers. tests/explorer/test_core.py holds both to 1e-9 of each other.

// ------------------------------------------------------------------ random numbers: numpy.random.RandomState

const MT_LENGTH = 624;
const MT_SHIFT = 397;

/** Mersenne Twister as `RandomState(seed)` starts it; each call gives the next 32 bits. */
function mersenneTwister(seed) {
  const key = new Uint32Array(MT_LENGTH);
  key[0] = seed;
  for (let i = 1; i < MT_LENGTH; i++) key[i] = Math.imul(1812433253, key[i - 1] ^ (key[i - 1] >>> 30)) + i;
  let position = MT_LENGTH;
  return () => {
    if (position === MT_LENGTH) {
      twist(key);
      position = 0;
    }
    return tempered(key[position++]);
  };
}

function twist(key) {
  for (let i = 0; i < MT_LENGTH; i++) {
    const bits = (key[i] & 0x80000000) | (key[(i + 1) % MT_LENGTH] & 0x7fffffff);
    key[i] = key[(i + MT_SHIFT) % MT_LENGTH] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
  }
}

function tempered(word) {
  word ^= word >>> 11;
  word ^= (word << 7) & 0x9d2c5680;
  word ^= (word << 15) & 0xefc60000;
  return (word ^ (word >>> 18)) >>> 0;
}

/** Numbers of `RandomState(seed)`: `normal()` by the polar method, which keeps every second number for the next call. */
export function randomState(seed) {
  const word = mersenneTwister(seed);
  const uniform = () => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992;
  let spare = null;
  function normal() {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    let x, y, r2;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      r2 = x * x + y * y;
    } while (r2 >= 1 || r2 === 0);
    const scale = Math.sqrt((-2 * Math.log(r2)) / r2);
    spare = scale * x;
    return scale * y;
  }
  return { normal, permutation: (n) => permutation(word, n) };
}

/** Legacy shuffle of 0 … n − 1: a number up to i is drawn with as many bits as i has, until one is small enough. */
function permutation(word, n) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1;
    let j;
    do j = (word() & mask) >>> 0;
    while (j > i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// ---------------------------------------------------------------------------------------------- matrices

/** Matrix with its rows one after the other. */
export function matrix(rows, columns, values = new Float64Array(rows * columns)) {
  return { rows, columns, values };
}

/** A·x */
export function times(A, x) {
  const product = new Float64Array(A.rows);
  for (let i = 0; i < A.rows; i++) {
    let sum = 0;
    for (let j = 0; j < A.columns; j++) sum += A.values[i * A.columns + j] * x[j];
    product[i] = sum;
  }
  return product;
}

/** Aᵀ·x */
export function transposeTimes(A, x) {
  const product = new Float64Array(A.columns);
  for (let i = 0; i < A.rows; i++) for (let j = 0; j < A.columns; j++) product[j] += A.values[i * A.columns + j] * x[i];
  return product;
}

/** A·B */
export function matrixProduct(A, B) {
  const C = matrix(A.rows, B.columns);
  for (let i = 0; i < A.rows; i++) {
    for (let k = 0; k < A.columns; k++) {
      const a = A.values[i * A.columns + k];
      for (let j = 0; j < B.columns; j++) C.values[i * B.columns + j] += a * B.values[k * B.columns + j];
    }
  }
  return C;
}

export const sum = (values) => values.reduce((total, v) => total + v, 0);
export const dot = (x, y) => x.reduce((total, v, i) => total + v * y[i], 0);
export const norm = (x) => Math.sqrt(dot(x, x));
export const largest = (x) => x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

// ----------------------------------------------------------------------------------------------- sensing

/** Φ, as `gaussian_matrix(…, rng=RandomState(seed))`. */
export function gaussianMatrix(nMeasurements, nNeurons, seed) {
  const { normal } = randomState(seed);
  return matrix(nMeasurements, nNeurons, Float64Array.from({ length: nMeasurements * nNeurons }, normal));
}

/** Entry (k, j) of the orthonormal DCT of each type; angles are reduced by whole turns first, so that they stay exact. */
const DCT_ENTRY = {
  1: (k, j, n) => {
    const end = (i) => (i === 0 || i === n - 1 ? Math.SQRT1_2 : 1);
    return Math.sqrt(2 / (n - 1)) * end(k) * end(j) * cosineOfTurns(k * j, 2 * (n - 1));
  },
  2: (k, j, n) => Math.sqrt(2 / n) * (k === 0 ? Math.SQRT1_2 : 1) * cosineOfTurns(k * (2 * j + 1), 4 * n),
  3: (k, j, n) => DCT_ENTRY[2](j, k, n),
  4: (k, j, n) => Math.sqrt(2 / n) * cosineOfTurns((2 * k + 1) * (2 * j + 1), 8 * n),
};

/** cos(2π · numerator / denominator) */
function cosineOfTurns(numerator, denominator) {
  return Math.cos((2 * Math.PI * (numerator % denominator)) / denominator);
}

/** Ψ, as `dct_basis`. */
export function dctBasis(nNeurons, type = 1) {
  const Psi = matrix(nNeurons, nNeurons);
  for (let k = 0; k < nNeurons; k++) {
    for (let j = 0; j < nNeurons; j++) Psi.values[k * nNeurons + j] = DCT_ENTRY[type](k, j, nNeurons);
  }
  return Psi;
}

// -------------------------------------------------- the L1 solve:  argmin ‖Θs − y‖² + λ‖s‖₁  for every λ at once

/** ΘᵀΘ, made once: the path asks for the same inner products again and again. */
function gramMatrix(Theta) {
  const n = Theta.columns;
  const G = matrix(n, n);
  for (let r = 0; r < Theta.rows; r++) {
    const row = Theta.values.subarray(r * n, (r + 1) * n);
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) G.values[i * n + j] += row[i] * row[j];
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) G.values[j * n + i] = G.values[i * n + j];
  return G;
}

/** Cholesky factor of the Gram matrix of a growing set of columns of Θ: L Lᵀ = Θ_Aᵀ Θ_A. */
class ColumnSet {
  constructor(gram) {
    this.gram = gram;
    this.indices = [];
    this.rows = []; // of L, each as long as its number
  }

  inner(i, j) {
    return this.gram.values[i * this.gram.columns + j];
  }

  /** Take in a column; false, and nothing done, where the others already span it. */
  add(column) {
    const row = [];
    this.indices.forEach((other, i) => {
      let rest = this.inner(other, column);
      for (let p = 0; p < i; p++) rest -= row[p] * this.rows[i][p];
      row.push(rest / this.rows[i][i]);
    });
    const squared = this.inner(column, column);
    const pivot = squared - dot(row, row);
    if (!(pivot > 1e-12 * squared)) return false;
    this.rows.push([...row, Math.sqrt(pivot)]);
    this.indices.push(column);
    return true;
  }

  without(column) {
    const smaller = new ColumnSet(this.gram);
    for (const index of this.indices) if (index !== column) smaller.add(index);
    return smaller;
  }

  /** (Θ_Aᵀ Θ_A)⁻¹ b */
  solve(b) {
    const x = Float64Array.from(b);
    const n = x.length;
    for (let i = 0; i < n; i++) {
      for (let p = 0; p < i; p++) x[i] -= this.rows[i][p] * x[p];
      x[i] /= this.rows[i][i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let p = i + 1; p < n; p++) x[i] -= this.rows[p][i] * x[p];
      x[i] /= this.rows[i][i];
    }
    return x;
  }
}

const RATE_FLOOR = 1e-9; // slower than this, a correlation runs beside λ and never meets it

/**
 * The whole path of solutions from λ_max down to `fraction`·λ_max by homotopy: between two knots the code is linear in λ.
 * At every λ the correlations 2Θᵀ(y − Θs) are ±λ on the support, and smaller elsewhere; a knot is where one of them
 * meets λ (a column enters) or an entry of the code meets 0 (it leaves).
 */
export function l1Path(Theta, y, fraction) {
  const correlation = transposeTimes(Theta, y).map((c) => 2 * c);
  const lambdaMax = largest(correlation);
  const state = { lambda: lambdaMax, code: new Float64Array(Theta.columns), sign: new Float64Array(Theta.columns) };
  const knots = [{ lambda: lambdaMax, code: state.code.slice() }];
  const gram = gramMatrix(Theta);
  let columns = new ColumnSet(gram);
  const spanned = new Set(); // columns that would add nothing; looked at again when one leaves
  const end = fraction * lambdaMax;
  for (let step = 0; step < 30 * Theta.columns && state.lambda > end; step++) {
    const direction = pathDirection(columns, state.sign, correlation);
    const event = nextEvent(columns, state, correlation, { direction, spanned, end });
    advance(columns, state, correlation, { direction, by: event.by });
    if (event.leaves !== undefined) {
      state.code[event.leaves] = state.sign[event.leaves] = 0;
      columns = columns.without(event.leaves);
      spanned.clear();
    } else if (event.enters !== undefined) {
      if (columns.indices.length < Theta.rows && columns.add(event.enters)) state.sign[event.enters] = event.sign;
      else spanned.add(event.enters);
    }
    if (event.by > 0) knots.push({ lambda: state.lambda, code: state.code.slice() });
  }
  return { lambdaMax, knots, gram };
}

/** How code and correlations move while λ falls by 1. */
function pathDirection(columns, sign, correlation) {
  const code = columns.solve(columns.indices.map((i) => sign[i] / 2));
  const slope = new Float64Array(correlation.length);
  columns.indices.forEach((column, i) => {
    for (let j = 0; j < slope.length; j++) slope[j] += 2 * columns.inner(column, j) * code[i];
  });
  return { code, correlation: slope };
}

function nextEvent(columns, { lambda, code, sign }, correlation, { direction, spanned, end }) {
  let event = { by: lambda - end };
  columns.indices.forEach((column, i) => {
    if (direction.code[i] * sign[column] >= 0) return;
    const by = Math.abs(code[column] / direction.code[i]);
    if (by < event.by) event = { by, leaves: column };
  });
  for (let j = 0; j < correlation.length; j++) {
    if (sign[j] !== 0 || spanned.has(j)) continue;
    for (const side of [1, -1]) {
      const rate = 1 - side * direction.correlation[j];
      const by = Math.max(lambda - side * correlation[j], 0) / rate;
      if (rate > RATE_FLOOR && by < event.by) event = { by, enters: j, sign: side };
    }
  }
  return event;
}

function advance(columns, state, correlation, { direction, by }) {
  columns.indices.forEach((column, i) => (state.code[column] += by * direction.code[i]));
  for (let j = 0; j < correlation.length; j++) correlation[j] -= by * direction.correlation[j];
  state.lambda -= by;
  columns.indices.forEach((column) => (correlation[column] = state.sign[column] * state.lambda)); // rounding ends here
}

/** Code of the path at one λ. */
export function codeAt({ knots }, lambda) {
  const next = knots.findIndex((knot) => knot.lambda <= lambda);
  if (next === 0) return knots[0].code.slice(); // above λ_max
  if (next < 0) return knots[knots.length - 1].code.slice();
  const [above, below] = [knots[next - 1], knots[next]];
  const share = (above.lambda - lambda) / (above.lambda - below.lambda);
  return below.code.map((v, j) => above.code[j] + share * (v - above.code[j]));
}

/** Solution at one λ with its proof; the normal equations on the support are solved again, so that it is exact. */
export function solutionAt(path, Theta, y, lambda) {
  const code = polished(codeAt(path, lambda), { Theta, gram: path.gram, y, lambda });
  return { code, lambda, lambdaMax: path.lambdaMax, ...certificate(Theta, y, code, lambda) };
}

/** `solutionAt` for a single λ = fraction · λ_max. */
export function recover(Theta, y, fraction) {
  const path = l1Path(Theta, y, Math.min(fraction, 1));
  return solutionAt(path, Theta, y, fraction * path.lambdaMax);
}

const REFINEMENTS = 3;

function polished(code, { Theta, gram, y, lambda }) {
  const floor = 1e-11 * largest(code);
  const columns = new ColumnSet(gram);
  code.forEach((s, j) => Math.abs(s) > floor && columns.add(j));
  const sign = columns.indices.map((j) => Math.sign(code[j]));
  const exact = new Float64Array(code.length);
  for (let round = 0; round < REFINEMENTS; round++) {
    const slope = transposeTimes(Theta, residual(Theta, y, exact));
    const change = columns.solve(columns.indices.map((j, i) => slope[j] - (lambda / 2) * sign[i]));
    columns.indices.forEach((j, i) => (exact[j] += change[i]));
  }
  return columns.indices.every((j, i) => exact[j] * sign[i] >= 0) ? exact : code;
}

const residual = (Theta, y, code) => times(Theta, code).map((v, i) => y[i] - v);

/** Objective, and how far it is at most from the optimum, as `solvers/certificate.py` proves it. */
export function certificate(Theta, y, code, lambda) {
  const c = residual(Theta, y, code);
  const squared = dot(c, c);
  const objective = squared + lambda * code.reduce((total, s) => total + Math.abs(s), 0);
  const correlation = dot(c, y);
  const steepest = 2 * largest(transposeTimes(Theta, c));
  const feasible = steepest > 0 ? lambda / steepest : Infinity; // the largest multiple of c that is
  const scale = Math.min(squared > 0 ? Math.max(correlation / squared, 0) : 0, feasible);
  const bound = scale * (2 * correlation - scale * squared);
  return { objective, gap: objective > 0 ? Math.max(objective - bound, 0) / objective : 0 };
}

// ------------------------------------------------------------------------------------- who is cut: surgery.py

/** Places of the values in rising order, ties to the lower place. */
export const ranked = (values) => Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b] || a - b);

/** ⌈keep · (N − 1)⌉ */
export const nKeep = (nNeurons, keepFraction = 0.9) => Math.max(1, Math.ceil(keepFraction * (nNeurons - 1)));

/** Neurons that go: the `lowest` or the `highest` |scores|, in rising order. The kept are chosen, and ties favour them. */
export function cutNeurons(scores, which, keepFraction = 0.9) {
  const size = Array.from(scores, Math.abs);
  const keepFirst = which === "lowest" ? size.map((v) => -v) : size;
  return ranked(keepFirst)
    .slice(nKeep(size.length, keepFraction))
    .sort((a, b) => a - b);
}

/** Share of the first list that stands in the second too. */
export const sharedFraction = (some, others) => some.filter((v) => others.includes(v)).length / some.length;

// ------------------------------------------------------------------------------------ entropy and correlation

/** Counts in bins with rising edges, as `numpy.histogram`: what lies outside is not counted, the last edge is. */
export function histogram(values, edges) {
  const counts = new Array(edges.length - 1).fill(0);
  const last = edges.length - 1;
  for (const v of values) {
    if (!(v >= edges[0] && v <= edges[last])) continue;
    let [low, high] = [0, last];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (v >= edges[middle]) low = middle;
      else high = middle;
    }
    counts[low]++;
  }
  return counts;
}

/** Numbers of the bins [k·width, (k + 1)·width) that hold a value: as `bins_of_width`, for any reach. */
export function binNumber(value, width) {
  const k = Math.floor(value / width); // the quotient rounds: the edges decide
  if (value < width * k) return k - 1;
  return value >= width * (k + 1) ? k + 1 : k;
}

/** S = −Σ p ln p of counts, in nats; NaN without any. */
export function entropyOfCounts(counts) {
  const total = sum(counts);
  if (total === 0) return NaN;
  return -counts.reduce((S, count) => (count > 0 ? S + (count / total) * Math.log(count / total) : S), 0);
}

/** Entropy of values in bins with edges, and the share outside all bins. */
export function gibbsEntropy(values, edges) {
  const counts = histogram(values, edges);
  return { nats: entropyOfCounts(counts), shareOutside: 1 - sum(counts) / values.length };
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

/** Pearson correlation over the places at which the first is defined; NaN where either does not vary. */
export function pearson(values, others) {
  const places = Array.from(values, (_, i) => i).filter((i) => Number.isFinite(values[i]));
  const centred = (all) => {
    const here = places.map((i) => all[i]);
    const mean = sum(here) / here.length;
    return here.every((v) => v === here[0]) ? [] : here.map((v) => v - mean);
  };
  const [x, y] = [centred(values), centred(others)];
  if (x.length < 2 || y.length < 2) return NaN;
  return Math.min(1, Math.max(-1, dot(x, y) / (norm(x) * norm(y))));
}

/** Edges of the published bins, numpy's arange(−50, 50, 0.2) to the last bit. */
export function publishedBinEdges() {
  const step = -50 + 0.2 - -50; // numpy takes the difference of the first two
  return Array.from({ length: 500 }, (_, i) => -50 + i * step);
}
