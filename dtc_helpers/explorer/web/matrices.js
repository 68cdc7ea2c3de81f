// Matrices and vectors, as far as the explorer needs them.

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

/** Aᵀ */
export function transposed(A) {
  const T = matrix(A.columns, A.rows);
  A.values.forEach((v, k) => (T.values[(k % A.columns) * A.rows + Math.floor(k / A.columns)] = v));
  return T;
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
