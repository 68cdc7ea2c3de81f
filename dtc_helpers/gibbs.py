"""Gibbs entropy of measurement vectors, and the simplest null model of the proposition."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

PUBLISHED_BIN_EDGES = np.arange(-50, 50, 0.2)  # −50, −49.8, …, 49.8
BASES = {"nats": 1.0, "bits": np.log(2.0)}


@dataclass(frozen=True)
class Entropy:
    """Gibbs entropy of a histogram, and how much of the data the histogram saw."""

    value: float  # in `unit`; NaN when no value lies in the bins, for then there is no distribution
    unit: str
    share_outside: float  # of the values, outside all bins


def gibbs_entropy(measurement: np.ndarray, *, bin_edges: np.ndarray, base: str = "nats") -> Entropy:
    """Gibbs entropy of a measurement vector:  S = −Σ p log p,  p = counts / Σ counts.

    Parameters
    ----------
    measurement : y, (n_measurements,).
    bin_edges : (n_bins + 1,) rising; values outside are not counted, the last edge belongs to the last bin.
    base : "nats" or "bits".

    Raises
    ------
    ValueError if the measurement is empty or not finite, or the base is unknown.

    Source: arXiv:2505.23869, section V.
    """
    if base not in BASES:
        raise ValueError(f"base = {base!r} is not one of {', '.join(BASES)}")
    if measurement.size == 0 or not np.isfinite(measurement).all():
        raise ValueError(
            f"a measurement of {measurement.size} values, all finite or not, has no entropy: expected finite values"
        )
    counts = np.histogram(measurement, bins=bin_edges)[0]
    share_outside = 1 - counts.sum() / measurement.size
    probabilities = counts / max(counts.sum(), 1)
    value = float(scipy.special.entr(probabilities).sum()) / BASES[base] if counts.any() else float("nan")
    return Entropy(value, base, float(share_outside))


def occurrence_probabilities(measurement: np.ndarray, *, bin_edges: np.ndarray) -> np.ndarray:
    """Share of the counted values in every bin, (n_bins,); all NaN when none is counted."""
    counts = np.histogram(measurement, bins=bin_edges)[0]
    return counts / counts.sum() if counts.any() else np.full(len(counts), np.nan)


def covering_bin_edges(measurements: Sequence[np.ndarray], *, width: float = 0.2) -> np.ndarray:
    """Edges at whole multiples of `width` that cover every value of all measurements, with an empty bin at each end."""
    lowest = min(measurement.min() for measurement in measurements)
    highest = max(measurement.max() for measurement in measurements)
    return width * np.arange(np.floor(lowest / width) - 1, np.floor(highest / width) + 3)


def pearson(entropies: ArrayLike, fitness: ArrayLike) -> float:
    """Pearson correlation over the steps at which the entropy is defined; NaN if either does not vary."""
    x, y = np.asarray(entropies), np.asarray(fitness)
    x, y = x[np.isfinite(x)], y[np.isfinite(x)]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def gaussian_null(
    lengths: Sequence[int],
    fitness: ArrayLike,
    *,
    scale: float,
    bin_edges: np.ndarray,
    rng: np.random.Generator,
    n_draws: int = 1000,
) -> np.ndarray:
    """Correlations that Gaussian vectors of the same lengths give: what shrinking alone is worth.

    Parameters
    ----------
    lengths : number of measurements of every step.
    fitness : performance of every step.
    scale : standard deviation of the Gaussian values.

    Returns
    -------
    (n_draws,) Pearson correlations.
    """
    return np.array(
        [
            pearson([gibbs_entropy(rng.normal(0, scale, n), bin_edges=bin_edges).value for n in lengths], fitness)
            for _ in range(n_draws)
        ]
    )
