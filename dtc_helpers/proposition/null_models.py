"""Null models of the proposition, each a function: what else could make entropy go with fitness.

A null model answers with two series of entropies over the same steps: what is put to the test, and what knows less.
Only what the first correlates more with the fitness than the second is credited to the proposition.

For a Gaussian Φ drawn without knowledge of w, y = Φw is m independent normal numbers of standard deviation ‖w‖: each is
a sum of w_i times independent standard normal numbers, and rows of Φ are independent. So a measurement can show m and
‖w‖, and nothing else; the nulls take them away one after the other. Where neurons were chosen by an earlier Φ that
shares its numbers with this one, as published, that is an approximation: the exact null is what a fresh Φ would give.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dtc_helpers.gibbs import entropy_series
from dtc_helpers.proposition.relation import Measure, Process, column, correlations
from dtc_helpers.sensing import RandomSource


@dataclass(frozen=True)
class TestedAndNull:
    """Two series of entropies that a null model sets against each other."""

    steps: Process  # those that take part
    tested: np.ndarray  # (n_steps,)
    null: np.ndarray  # (n_steps,)


Null = Callable[[Process, Measure, np.random.Generator], TestedAndNull]


def exact_null(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Independent normal numbers of the same lengths, at every step of the standard deviation ‖w‖ of its own signal.

    Does a measurement show anything but its length m and the norm ‖w‖? A fresh Φ could not.
    """
    return TestedAndNull(process, _own(process, measure), measure(exact_measurements(process, rng)))


def gaussian_vectors(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Independent normal numbers of the same lengths, all with the standard deviation of all measurements together.

    Does it take more than that the vector shrinks? These vectors know no network, only one scale.
    """
    scale = np.concatenate([step.measurement for step in process]).std()
    vectors = [rng.normal(0, scale, n) for n in column(process, "length")]
    return TestedAndNull(process, _own(process, measure), measure(vectors))


def log_lengths(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:  # noqa: ARG001
    """Logarithm of the length, ln m, in place of the entropy: no histogram, no values, no chance.

    Does looking at the measurements do better than counting them?
    """
    return TestedAndNull(process, _own(process, measure), np.log(column(process, "length")))


def unrelated_signal(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Measurements, of the same lengths, of what has nothing to do with the process, e.g. an untrained network.

    Does it matter which signal is compressed? This one has the lengths, and a norm that falls alike.
    """
    lengths = column(process, "length")
    return TestedAndNull(process, _own(process, measure), measure(_measured(process, "unrelated_signal", lengths, rng)))


def one_length(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Same measurements subsampled to one length, the median of all; shorter steps are left out.

    Is anything left where all have one length? They are set against normal numbers of that length and one scale.
    """
    lengths = column(process, "length")
    length = int(np.median(lengths))
    steps = [step for step in process if step.measurement.size >= length]
    tested = [rng.choice(step.measurement, length, replace=False) for step in steps]
    scale = np.concatenate([step.measurement for step in process]).std()
    return TestedAndNull(steps, measure(tested), measure([rng.normal(0, scale, length) for _ in steps]))


def fixed_m(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Signal of every step measured again with the same m, that of the first step, so that every step takes part.

    Is anything left where all have one length, beyond what any signal shows that is compressed alike? It is set against
    the unrelated signal measured with that m: the norm of any vector falls as it gets shorter.
    """
    lengths = np.full(len(process), column(process, "length").max())
    tested, null = (measure(_measured(process, name, lengths, rng)) for name in ("signal", "unrelated_signal"))
    return TestedAndNull(process, tested, null)


def shuffled_steps(process: Process, measure: Measure, rng: np.random.Generator) -> TestedAndNull:
    """Entropies in a random order of the steps.

    Is it more than chance? Any two series that fall along the process are; it is the weakest question of all.
    """
    own = _own(process, measure)
    return TestedAndNull(process, own, rng.permutation(own))


NULLS: dict[str, Null] = {
    "exact null": exact_null,
    "Gaussian vectors": gaussian_vectors,
    "ln m alone": log_lengths,
    "unrelated signal": unrelated_signal,
    "one length": one_length,
    "fixed m": fixed_m,
    "shuffled steps": shuffled_steps,
}


def _own(process: Process, measure: Measure) -> np.ndarray:
    return measure([step.measurement for step in process])


def exact_measurements(process: Process, rng: RandomSource) -> list[np.ndarray]:
    """Measurements of the signal of every step by a fresh Gaussian Φ: normal numbers of standard deviation ‖w‖.

    Raises ValueError where a step has no signal.
    """
    return _measured(process, "signal", column(process, "length"), rng)


def _measured(process: Process, name: str, lengths: np.ndarray, rng: RandomSource) -> list[np.ndarray]:
    signals = [getattr(step, name) for step in process]
    if any(len(signal) == 0 for signal in signals):
        raise ValueError(f"a step has no {name}: this null model needs it at every step, see proposition.Step")
    return [rng.normal(0, np.linalg.norm(signal), n) for signal, n in zip(signals, lengths, strict=True)]


# ---------------------------------------------------------------------------------------- comparison


@dataclass(frozen=True)
class DrawnCorrelations:
    """Correlations with the fitness of one process: a row a draw, a column a field of `Correlations`."""

    tested: pd.DataFrame
    null: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Means over the draws that have one, and the Monte-Carlo standard error of their difference.

        A row a field of `Correlations`; columns tested, expected, monte_carlo (NaN for fewer than two draws).
        """
        error = np.hypot(self.tested.sem(), self.null.sem())
        return pd.DataFrame({"tested": self.tested.mean(), "expected": self.null.mean(), "monte_carlo": error})


def draw_null(
    process: Process, null: Null, *, rng: np.random.Generator, n_draws: int, measure: Measure = entropy_series
) -> DrawnCorrelations:
    """Correlations of both series of a null model, for several draws of its random numbers.

    Raises ValueError as `relation.correlations`, or where the null needs what the process does not have.
    """
    pairs = pairs_of(process, null, measure=measure, rng=rng, n_draws=n_draws)
    series = {id(pair.tested): pair for pair in pairs}  # one that no draw changes is correlated once
    tested = {key: correlations(pair.steps, pair.tested) for key, pair in series.items()}
    return DrawnCorrelations(
        pd.DataFrame([tested[id(pair.tested)] for pair in pairs]),
        pd.DataFrame([correlations(pair.steps, pair.null) for pair in pairs]),
    )


def pairs_of(
    process: Process, null: Null, *, measure: Measure, rng: np.random.Generator, n_draws: int
) -> list[TestedAndNull]:
    """Draws of a null model; the process's own measurements, which no draw changes, are measured once."""
    own = [step.measurement for step in process]
    known = measure(own)

    def measure_once(vectors: Sequence[np.ndarray]) -> np.ndarray:
        is_own = len(vectors) == len(own) and all(one is other for one, other in zip(vectors, own, strict=True))
        return known if is_own else measure(vectors)

    return [null(process, measure_once, rng) for _ in range(n_draws)]
