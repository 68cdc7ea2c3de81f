// The L1 solve of recovery.py, argmin ‖Θs − y‖² + λ‖s‖₁, for every λ at once, with its proof.

import { dot, largest, matrixProduct, times, transposed } from "./matrices.js";

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
  const correlation = times(transposed(Theta), y).map((c) => 2 * c);
  const lambdaMax = largest(correlation);
  const state = { lambda: lambdaMax, code: new Float64Array(Theta.columns), sign: new Float64Array(Theta.columns) };
  const knots = [{ lambda: lambdaMax, code: state.code.slice() }];
  const gram = matrixProduct(transposed(Theta), Theta); // the path asks for the same inner products again and again
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
function codeAt({ knots }, lambda) {
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

const REFINEMENTS = 3;

function polished(code, { Theta, gram, y, lambda }) {
  const floor = 1e-11 * largest(code);
  const columns = new ColumnSet(gram);
  code.forEach((s, j) => Math.abs(s) > floor && columns.add(j));
  const sign = columns.indices.map((j) => Math.sign(code[j]));
  const exact = new Float64Array(code.length);
  for (let round = 0; round < REFINEMENTS; round++) {
    const slope = times(transposed(Theta), residual(Theta, y, exact));
    const change = columns.solve(columns.indices.map((j, i) => slope[j] - (lambda / 2) * sign[i]));
    columns.indices.forEach((j, i) => (exact[j] += change[i]));
  }
  return columns.indices.every((j, i) => exact[j] * sign[i] >= 0) ? exact : code;
}

const residual = (Theta, y, code) => times(Theta, code).map((v, i) => y[i] - v);

/** Objective, and how far it is at most from the optimum, as `solvers/certificate.py` proves it. */
function certificate(Theta, y, code, lambda) {
  const c = residual(Theta, y, code);
  const squared = dot(c, c);
  const objective = squared + lambda * code.reduce((total, s) => total + Math.abs(s), 0);
  const correlation = dot(c, y);
  const steepest = 2 * largest(times(transposed(Theta), c));
  const feasible = steepest > 0 ? lambda / steepest : Infinity; // the largest multiple of c that is
  const scale = Math.min(squared > 0 ? Math.max(correlation / squared, 0) : 0, feasible);
  const bound = scale * (2 * correlation - scale * squared);
  return { objective, gap: objective > 0 ? Math.max(objective - bound, 0) / objective : 0 };
}
