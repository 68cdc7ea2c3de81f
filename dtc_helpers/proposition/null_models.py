"""Null models of the proposition, each a function: what else could make entropy go with fitness.

A null model answers with two series of entropies over the same steps: what is put to the test, and what knows less.
Only what the first correlates more with the fitness than the second is credited to the proposition.

For a Gaussian Φ drawn anew, y = Φw is exactly m independent normal numbers of standard deviation ‖w‖. So of a signal, a
measurement can show two things only, its own length m and the norm ‖w‖; the nulls take them away one after the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dtc_helpers.gibbs import entropy_series
from dtc_helpers.proposition.relation import Correlations, Measure, Process, column, correlations
from dtc_helpers.statistics import pearson


@dataclass(frozen=True)
class TestedAndNull:
    """Two series of entropies that a null model sets against each other."""

    steps: Process  # those that take part
    tested: np.ndarray  # (n_steps,)
    null: np.ndarray  # (n_steps,)


Null = Callable[[Process, Measure, np.random.Generator], TestedAndNull]


def gaussian_vectors(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Independent Gaussian vectors of the same lengths, all with the standard deviation of all measurements together.

    Rules out that the entropy goes with fitness only because the vector shrinks: these vectors know no network.
    """
    return TestedAndNull(
        process, _own(process, measure), measure(gaussian_measurements(process, column(process, "length"), rng))
    )


def log_lengths(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:  # noqa: ARG001
    """Logarithm of the length, ln m, in place of the entropy: no histogram, no values, no chance.

    Rules out that counting the measurements does as well as looking at them.
    """
    return TestedAndNull(process, _own(process, measure), np.log(column(process, "length")))


def unrelated_signal(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Measurements, of the same lengths, of what has nothing to do with the process, e.g. an untrained network.

    Rules out that any signal that is compressed alike would do: it has the lengths, and a norm that falls alike.
    """
    lengths = column(process, "length")
    return TestedAndNull(process, _own(process, measure), measure(_measured(process, "unrelated_signal", lengths, rng)))


def one_length(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Same measurements subsampled to one length, the median of all; shorter steps are left out.

    Set against Gaussian vectors of that one length. Rules out that the correlation comes from the number of values:
    if it does, nothing is left here.
    """
    lengths = column(process, "length")
    length = int(np.median(lengths))
    steps = [step for step in process if step.measurement.size >= length]
    tested = [rng.choice(step.measurement, length, replace=False) for step in steps]
    return TestedAndNull(steps, measure(tested), measure(gaussian_measurements(process, [length] * len(steps), rng)))


def fixed_m(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Signal of every step measured again with the same m, that of the first step, so that every step takes part.

    Set against the unrelated signal measured with that m. Rules out the length of the measurement together with
    whatever any signal shows that is compressed alike: the norm of any vector falls as it gets shorter.
    """
    lengths = np.full(len(process), column(process, "length").max())
    tested, null = (measure(_measured(process, name, lengths, rng)) for name in ("signal", "unrelated_signal"))
    return TestedAndNull(process, tested, null)


def shuffled_steps(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Entropies in a random order of the steps.

    Rules out chance alone; any two series that fall along the process pass it, so it is the weakest of the nulls.
    """
    own = _own(process, measure)
    return TestedAndNull(process, own, rng.permutation(own))


def gaussian_null(
    lengths: Sequence[int],
    fitness: ArrayLike,
    *,
    scale: float,
    bin_edges: np.ndarray,
    rng: np.random.Generator,
    n_draws: int = 1000,
) -> np.ndarray:
    """Correlations of `gaussian_vectors` without a process: what shrinking alone is worth.

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
            pearson(entropy_series([rng.normal(0, scale, n) for n in lengths], bins=bin_edges), fitness)
            for _ in range(n_draws)
        ]
    )


NULLS: dict[str, Null] = {
    "Gaussian vectors": gaussian_vectors,
    "ln m alone": log_lengths,
    "unrelated signal": unrelated_signal,
    "one length": one_length,
    "fixed m": fixed_m,
    "shuffled steps": shuffled_steps,
}


def _own(process: Process, measure: Measure) -> np.ndarray:
    return measure([step.measurement for step in process])


def gaussian_measurements(
    process: Process, lengths: Sequence[int] | np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """Independent Gaussian vectors of such lengths, with the standard deviation of all measurements of the process."""
    scale = np.concatenate([step.measurement for step in process]).std()
    return [rng.normal(0, scale, n) for n in lengths]


def _measured(process: Process, name: str, lengths: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """New measurements of a signal of every step: normal numbers of standard deviation ‖w‖, which is what Φw is."""
    signals = [getattr(step, name) for step in process]
    if any(len(signal) == 0 for signal in signals):
        raise ValueError(f"a step has no {name}: this null model needs it at every step, see proposition.Step")
    return [rng.normal(0, np.linalg.norm(signal), n) for signal, n in zip(signals, lengths, strict=True)]


# ---------------------------------------------------------------------------------------- comparison


@dataclass(frozen=True)
class NullDraws:
    """Correlations with the fitness of one process: what is tested, and the null; (n_draws,) of each."""

    tested: list[Correlations]
    null: list[Correlations]

    def mean(self, which: str, statistic: str) -> float:
        """Mean over the draws of "tested" or "null"; NaN if no draw has one."""
        values = np.array([getattr(found, statistic) for found in getattr(self, which)])
        return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else float("nan")


def draw_null(
    process: Process, null: Null, *, rng: np.random.Generator, measure: Measure = entropy_series, n_draws: int = 20
) -> NullDraws:
    """Correlations of both series of a null model, for several draws of its random numbers.

    Raises
    ------
    ValueError as `relation.correlations`, or where the null needs what the process does not have.
    """
    pairs = [null(process, measure, rng) for _ in range(n_draws)]
    return NullDraws(
        [correlations(pair.steps, pair.tested) for pair in pairs],
        [correlations(pair.steps, pair.null) for pair in pairs],
    )
