"""The Gibbs randomness-compression proposition for any process: does entropy go with fitness? (section V).

A process is a sequence of steps; replicates are several processes. Anything that makes steps can be tested.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from dtc_helpers.statistics import pearson, spearman

MIN_STEPS = 4  # with fewer, a partial correlation is ±1 whatever the data
Measure = Callable[[Sequence[np.ndarray]], np.ndarray]  # measurements of a process → one entropy a step


@dataclass(frozen=True)
class Step:
    """One step of a compression process."""

    measurement: np.ndarray  # y, (n_measurements,)
    removed_fraction: float  # of the original size, 0 … below 1
    fitness: float  # performance
    # Some null models measure again: w, what y measures, and what has nothing to do with it and was compressed alike.
    signal: np.ndarray = field(default_factory=lambda: np.empty(0))  # (n_values,); empty where it is not kept
    unrelated_signal: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if not 0 <= self.removed_fraction < 1:
            raise ValueError(f"removed_fraction = {self.removed_fraction}: expected 0 or more, and less than 1")


Process = Sequence[Step]


def column(process: Process, name: str) -> np.ndarray:
    """One number of every step, (n_steps,): "removed_fraction", "fitness" or "length" (m)."""
    if name == "length":
        return np.array([step.measurement.size for step in process])
    return np.array([getattr(step, name) for step in process], dtype=float)


@dataclass(frozen=True)
class Correlations:
    """Correlations of a series with the fitness of one process; NaN where it is not defined."""

    pearson: float
    spearman: float
    given_ratio: float  # partial Pearson correlation, given the compression ratio
    given_length: float  # partial Pearson correlation, given the log of the number of measurements
    given_length_and_step: float  # partial Pearson correlation, given that and the number of the step
    given_length_and_curve: float  # partial Pearson correlation, given those and the square of the step


def correlations(process: Process, series: ArrayLike) -> Correlations:
    """Correlations of a series, (n_steps,), with the fitness of the process.

    Raises ValueError for a process of fewer than 4 steps, or a fitness that is not finite.
    """
    fitness = column(process, "fitness")
    if len(process) < MIN_STEPS:
        raise ValueError(f"a process of {len(process)} steps has no relation: expected at least {MIN_STEPS} steps")
    if not np.isfinite(fitness).all():
        raise ValueError("a fitness is NaN or infinite: expected a finite number at every step")
    x, log_lengths = np.asarray(series, dtype=float), np.log(column(process, "length"))
    steps = np.arange(len(process))
    return Correlations(
        pearson(x, fitness),
        spearman(x, fitness),
        partial_correlation(x, fitness, given=1 / (1 - column(process, "removed_fraction"))),
        partial_correlation(x, fitness, given=log_lengths),
        partial_correlation(x, fitness, given=np.stack([log_lengths, steps])),
        partial_correlation(x, fitness, given=np.stack([log_lengths, steps, steps**2])),
    )


def partial_correlation(series: np.ndarray, fitness: np.ndarray, *, given: np.ndarray) -> float:
    """Pearson correlation of the parts of both that are left when what is linear in `given` is taken away.

    NaN where nothing but rounding is left of either, or fewer than 4 steps are defined (one more for every further
    given).

    Parameters
    ----------
    series, fitness : (n_steps,); steps with an undefined series are passed over.
    given : (n_steps,), or (n_given, n_steps) for several.
    """
    defined, given = np.isfinite(series), np.atleast_2d(given)
    if np.count_nonzero(defined) < MIN_STEPS + len(given) - 1:
        return float("nan")
    return pearson(*(_residual(values[defined], given[:, defined]) for values in (series, fitness)))


def _residual(values: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Rest of the values beside the best fit that is linear in all `given`; exactly 0 where that is rounding."""
    z, centred = (given - given.mean(axis=1, keepdims=True)).T, values - values.mean()
    residual = centred - z @ np.linalg.lstsq(z, centred, rcond=None)[0]
    return residual if np.abs(residual).max() > 1e-9 * np.abs(values).max() else np.zeros_like(residual)
