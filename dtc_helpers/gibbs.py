"""Gibbs entropy of measurement vectors: one vector, or all vectors of a compression process."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

PUBLISHED_BIN_EDGES = np.arange(-50, 50, 0.2)  # −50, −49.8, …, 49.8
MOST_BINS = 10**7  # that a rule may make
BASES = {"nats": 1.0, "bits": float(np.log(2.0))}
Bins = ArrayLike | str | int  # edges; or what `numpy.histogram_bin_edges` takes: a rule such as "fd", or a number


@dataclass(frozen=True)
class Entropy:
    """Gibbs entropy of a histogram, and how much of the data the histogram saw."""

    value: float  # in `unit`; NaN when no value lies in the bins, for then there is no distribution
    unit: str
    share_outside: float  # of the values, outside all bins
    normalised: float  # value / log m, of all m values; 0 for one value, whose entropy is 0


def gibbs_entropy(
    measurement: np.ndarray, *, bin_edges: Bins, base: str = "nats", miller_madow: bool = False
) -> Entropy:
    """Gibbs entropy of a measurement vector:  S = −Σ p log p,  p = counts / Σ counts.

    Parameters
    ----------
    measurement : y, (n_measurements,).
    bin_edges : (n_bins + 1,) rising; values outside are not counted, the last edge belongs to the last bin.
        Or a rule of `numpy.histogram_bin_edges` ("fd", "scott", "sturges", …) or a number of bins, for this vector.
    base : "nats" or "bits".
    miller_madow : add (occupied bins − 1) / (2 · counted values) nats, the first term of the bias of S (Miller, 1955);
        S may then exceed log n_measurements.

    Returns
    -------
    Entropy; without the correction 0 ≤ value ≤ log min(n_measurements, n_bins), and 0 ≤ normalised ≤ 1.

    Raises
    ------
    ValueError if the measurement is empty or not finite, the base unknown, or edges fall, are too few or too many.

    Source: arXiv:2505.23869, section V.

    Examples
    --------
    Four values in two bins, two in each, are one bit, half of what four values can have:

    >>> entropy = gibbs_entropy(np.array([0.1, 0.2, 1.1, 1.2]), bin_edges=[0, 1, 2], base="bits")
    >>> print(f"{entropy.value:.3f} {entropy.unit}, normalised {entropy.normalised:.3f}")
    1.000 bits, normalised 0.500
    """
    _check(measurement, base)
    counts = np.histogram(measurement, bins=_edges(measurement, bin_edges))[0]
    return _of_counts(counts, measurement.size, base, miller_madow)


def occurrence_probabilities(measurement: np.ndarray, *, bin_edges: Bins) -> np.ndarray:
    """Share of the counted values in every bin, p = counts / Σ counts, (n_bins,); all NaN when none is counted.

    Raises
    ------
    ValueError for edges that make no bins.

    Examples
    --------
    >>> occurrence_probabilities(np.array([0.1, 1.1, 1.2, 1.3, 7.0]), bin_edges=[0, 1, 2]).tolist()
    [0.25, 0.75]
    """
    counts = np.histogram(measurement, bins=_edges(measurement, bin_edges))[0]
    return counts / counts.sum() if counts.any() else np.full(len(counts), np.nan)


def _of_counts(counts: np.ndarray, n_measurements: int, base: str, miller_madow: bool) -> Entropy:
    n_counted = int(counts.sum())
    share_outside = 1 - n_counted / n_measurements
    if n_counted == 0:
        return Entropy(float("nan"), base, share_outside, float("nan"))
    nats = float(scipy.special.entr(counts / n_counted).sum())
    if miller_madow:
        nats += (np.count_nonzero(counts) - 1) / (2 * n_counted)
    return Entropy(nats / BASES[base], base, share_outside, float(nats / np.log(max(n_measurements, 2))))


def _check(measurement: np.ndarray, base: str) -> None:
    if base not in BASES:
        raise ValueError(f"base = {base!r} is not one of {', '.join(BASES)}")
    n_bad = np.count_nonzero(~np.isfinite(measurement))
    if measurement.size == 0 or n_bad:
        values = f"a measurement of {measurement.size} values, {n_bad} of them NaN or infinite, has no entropy"
        raise ValueError(f"{values}: expected finite values, at least one")


def _edges(values: np.ndarray, bins: Bins) -> np.ndarray:
    if isinstance(bins, str) and bins in ("fd", "auto"):  # NumPy would make them all
        width = 2 * np.subtract(*np.percentile(values, [75, 25])) / np.cbrt(values.size)
        if width > 0 and np.ptp(values) / width > MOST_BINS:
            reach = f"{bins!r} takes bins of {width:g} for values from {values.min():g} to {values.max():g}"
            raise ValueError(f"{reach}, more than {MOST_BINS:,}: look for outliers, or give edges")
    edges = np.histogram_bin_edges(values, bins=bins) if isinstance(bins, str | int) else np.asarray(bins)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) >= 0).all():
        raise ValueError(f"edges of shape {edges.shape}: expected at least two numbers, none below the one before")
    return edges


def entropy_series(
    measurements: Sequence[np.ndarray],
    *,
    bins: Bins = "fd",
    shared: bool = True,
    base: str = "nats",
    miller_madow: bool = False,
    normalised: bool = False,
) -> np.ndarray:
    """Gibbs entropy of the measurements of a process at every step, (n_steps,): S, or S / log m if normalised.

    Parameters
    ----------
    measurements : y of every step.
    bins : edges, or a rule or number of `numpy.histogram_bin_edges`.
    shared : a rule makes ONE set of edges from the values of all steps together, which cover them all; otherwise
        every step has edges of its own, and a vector that only grows in scale keeps its entropy.

    Raises
    ------
    ValueError as `gibbs_entropy`, and for a process without steps.

    Examples
    --------
    One set of edges for both steps: the shorter vector lies in one bin.

    >>> entropy_series([np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.2, 0.4])], bins=4, base="bits").tolist()
    [2.0, 0.0]
    """
    if len(measurements) == 0:
        raise ValueError("a process without steps has no entropies: expected at least one measurement")
    for measurement in measurements:
        _check(measurement, base)
    if shared:  # one histogram for all, of which only the occupied bins are looked at
        sizes, values = [y.size for y in measurements], np.concatenate(measurements)
        edges = _edges(values, bins)
        places = np.searchsorted(edges, values, side="right") - 1 - (values == edges[-1])  # the last edge counts too
        cells = np.repeat(np.arange(len(sizes)), sizes) * len(edges) + places
        cells, counts = np.unique(cells[(places >= 0) & (places < len(edges) - 1)], return_counts=True)
        of_steps = np.split(counts, np.searchsorted(cells, np.arange(1, len(sizes)) * len(edges)))
        found = [_of_counts(n, size, base, miller_madow) for n, size in zip(of_steps, sizes, strict=True)]
    else:
        found = [gibbs_entropy(y, bin_edges=bins, base=base, miller_madow=miller_madow) for y in measurements]
    return np.array([entropy.normalised if normalised else entropy.value for entropy in found])
