// The made-up measurement, as sensing.py makes it: Φ, Ψ.

import { matrix } from "./matrices.js";
import { randomState } from "./random.js";

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
