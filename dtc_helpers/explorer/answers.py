"""Answers that the views show, as the package computes them: JavaScript must show the same, widgets give them on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from dtc_helpers.gibbs import entropy_series
from dtc_helpers.proposition.binning import bins_of_width
from dtc_helpers.proposition.null_models import exact_measurements
from dtc_helpers.proposition.relation import Process, column
from dtc_helpers.recovery import recover
from dtc_helpers.sensing import RandomSource, gaussian_matrix, measure, recovered_weights, sensing_matrix
from dtc_helpers.statistics import pearson
from dtc_helpers.surgery import CHOICES, n_keep

KEEP_FRACTION = 0.9


def _shuffled(weights: np.ndarray, shuffle: int) -> np.ndarray:
    rng = np.random.RandomState(shuffle)
    return rng.permutation(weights.size)


ORDERS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "as_numbered": lambda weights, _: np.arange(weights.size),
    "sorted": lambda weights, _: np.argsort(weights, kind="stable"),
    "shuffled": _shuffled,
}


@dataclass(frozen=True)
class LabSettings:
    """Controls of the lab, by their names in an address."""

    n_measurements: int = 16
    l1_penalty_fraction: float = 0.01  # λ / λ_max
    seed: int = 0  # of Φ
    dct_type: int = 1
    ray_domain: str = "recovered_weights"  # or "sparse_code": what the scores are
    cut_scores: str = "lowest"  # or "highest"
    order: str = "as_numbered"  # or "sorted" or "shuffled"
    shuffle: int = 0  # seed of the shuffled order


@dataclass(frozen=True)
class LabAnswer:
    """Answer of inverse compressed sensing for weights in an order, (n_neurons,) each."""

    weights: np.ndarray  # w in that order
    sparse_code: np.ndarray  # s
    recovered_weights: np.ndarray  # Ψs
    cut: list[int]  # places in that order of the tenth that goes, rising
    duality_gap: float
    error: float  # ‖Ψs − w‖ / ‖w‖; NaN for w = 0
    shared: float  # share of the cut that a cut by |w| has too


def lab_answer(weights: np.ndarray, settings: LabSettings) -> LabAnswer:
    """Measure weights in an order, recover them, and choose who is cut."""
    w = weights[ORDERS[settings.order](weights, settings.shuffle)]
    n_measurements = min(settings.n_measurements, w.size)
    Phi = gaussian_matrix(n_measurements, w.size, rng=np.random.RandomState(settings.seed))
    Theta = sensing_matrix(Phi, dct_type=settings.dct_type)
    answer = recover(Theta, measure(Phi, torch.from_numpy(w)), l1_penalty_fraction=settings.l1_penalty_fraction)
    code = answer.sparse_code.numpy()
    back = recovered_weights(answer.sparse_code, dct_type=settings.dct_type).numpy()
    cut = cut_neurons(code if settings.ray_domain == "sparse_code" else back, settings.cut_scores)
    also = set(cut_neurons(w, settings.cut_scores))
    size = float(np.linalg.norm(w))
    error = float(np.linalg.norm(back - w)) / size if size > 0 else float("nan")
    return LabAnswer(w, code, back, cut, float(answer.duality_gap), error, len(also & set(cut)) / len(cut))


def cut_neurons(scores: np.ndarray, which: str) -> list[int]:
    """Places of the tenth of the lowest or highest |scores|, rising: those that `surgery.CHOICES` does not keep."""
    keep = CHOICES["highest" if which == "lowest" else "lowest"]
    kept = keep(torch.from_numpy(np.abs(scores))[None], n_keep(scores.size, KEEP_FRACTION))[0]
    return sorted(set(range(scores.size)) - set(kept.tolist()))


@dataclass(frozen=True)
class Trial:
    """A process beside draws of the exact null model."""

    own: np.ndarray  # entropy of every step
    null: np.ndarray  # of the first draw, (n_steps,)
    tested: float  # Pearson correlation with the fitness
    found: np.ndarray  # of the draws
    by_length: float  # of ln m alone


def exact_trial(process: Process, *, bin_width: float, rng: RandomSource, n_draws: int = 100) -> Trial:
    """Set a process against its exact null, y ~ N(0, ‖w‖²) at every step: all that a Gaussian Φ can show of w."""
    entropies = partial(entropy_series, bins=bins_of_width(bin_width))
    fitness, own = column(process, "fitness"), entropies([step.measurement for step in process])
    draws = [entropies(exact_measurements(process, rng)) for _ in range(n_draws)]
    found = np.array([pearson(series, fitness) for series in draws])
    by_length = pearson(np.log(column(process, "length")), fitness)
    return Trial(own, draws[0], pearson(own, fitness), found, by_length)
