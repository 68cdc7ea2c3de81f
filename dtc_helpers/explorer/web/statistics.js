// Statistics, as statistics.py and numpy compute them.

import { dot, norm, sum } from "./matrices.js";

/** Pearson correlation over the places at which the first is defined; NaN where either does not vary. */
export function pearson(values, others) {
  const places = Array.from(values, (_, i) => i).filter((i) => Number.isFinite(values[i]));
  const centred = (all) => {
    const here = places.map((i) => all[i]);
    const mean = sum(here) / here.length;
    const range = Math.max(...here) - Math.min(...here);
    const varies = range > 1e-12 * Math.max(...here.map(Math.abs)); // else it is rounding
    return varies ? here.map((v) => v - mean) : [];
  };
  const [x, y] = [centred(values), centred(others)];
  if (x.length < 2 || y.length < 2) return NaN;
  return Math.min(1, Math.max(-1, dot(x, y) / (norm(x) * norm(y))));
}

/** Value below which a share of the numbers lies, between the two nearest as `numpy.quantile`. */
export function quantile(values, share) {
  const rising = [...values].sort((a, b) => a - b);
  const place = share * (rising.length - 1);
  const low = Math.floor(place);
  return rising[low] + (place - low) * ((rising[low + 1] ?? rising[low]) - rising[low]);
}
