"""Lesson 1, inverse compressed sensing by hand: the objective and its floor in plain numbers, and the exercises."""

from dataclasses import dataclass

import numpy as np
import torch

from dtc_helpers.checks.fields import Seed
from dtc_helpers.lessons.exercises import Exercise
from dtc_helpers.recovery import recover
from dtc_helpers.runs.checking import NotebookParameters
from dtc_helpers.sensing import dct_basis, gaussian_matrix


@dataclass(frozen=True)
class InverseSensingParameters(NotebookParameters):
    """Parameters of lesson 1; it raises as `Parameters` does."""

    answer_measurement: float | None
    answer_third_cosine: float | None
    answer_larger_penalty: float | None
    answer_largest_penalty: float | None
    answer_gap: float | None
    seed: Seed
    figures_dir: str


def others_with_same_measurement(
    measurement_matrix: np.ndarray, weights: np.ndarray, *, n_others: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Other weights that give the same measurement: w + v, where v is a random direction that Φ does not see.

    `measurement_matrix` is Φ, (n_measurements, n_neurons), with fewer rows than columns, and `weights` w, (n_neurons,).
    """
    unseen = np.linalg.svd(measurement_matrix)[2][np.linalg.matrix_rank(measurement_matrix) :]
    return [weights + 3 * rng.normal(size=len(unseen)) @ unseen for _ in range(n_others)]


def objective(sensing_matrix: np.ndarray, measurement: np.ndarray, code: np.ndarray, *, l1_penalty: float) -> float:
    """‖Θs − y‖² + λ‖s‖₁ of any code."""
    return float(((sensing_matrix @ code - measurement) ** 2).sum() + l1_penalty * np.abs(code).sum())


def floor(sensing_matrix: np.ndarray, measurement: np.ndarray, witness: np.ndarray, *, l1_penalty: float) -> float:
    """2 c·y − ‖c‖², below which no code's objective lies, for a witness c with 2|Θᵀc| ≤ λ in every entry.

    Raises
    ------
    ValueError for a c that breaks this rule: it witnesses nothing.
    """
    largest = 2 * np.abs(sensing_matrix.T @ witness).max()
    if largest > l1_penalty * (1 + 1e-12):
        raise ValueError(f"the largest entry of 2|Θᵀc| is {largest:.3g}, above λ = {l1_penalty:g}: make c smaller")
    return float(2 * witness @ measurement - witness @ witness)


def share_found(weights: np.ndarray, *, n_measurements: int, n_draws: int, l1_penalty: float, seed: int) -> float:
    """Share of Gaussian matrices Φ from which w comes back within 15 %: ‖Ψs − w‖ < 0.15 ‖w‖."""
    rng, w = np.random.default_rng(seed), torch.from_numpy(np.asarray(weights, dtype=float))
    Phi = torch.stack([gaussian_matrix(n_measurements, len(w), rng=rng) for _ in range(n_draws)])
    Psi = dct_basis(len(w))
    found = recover(Phi @ Psi, Phi @ w, l1_penalty=l1_penalty).sparse_code @ Psi.mT
    return float((torch.linalg.norm(found - w, dim=-1) < 0.15 * torch.linalg.norm(w)).double().mean())


# -------------------------------------------------------------------------- exercises

_ROW, _WEIGHTS = np.array([1.0, 2, 0, -1, 1]), np.array([2.0, -1, 4, 1, -3])
_OTHER = np.array([1.0, 3, 0, -3, -1])
_THETA = np.array([0.5, -2, 1.5])
_Y = np.array([4.0, -2])


def _along_cosine(number: int) -> float:
    return float(_OTHER @ dct_basis(5).numpy()[:, number])


def _gap(l1_penalty: float) -> float:
    """Distance of the code (4, 2) from the floor of c = λ (½, −½); cosines 1 and 3 have the columns (1, 0), (0, −1)."""
    Theta, witness = np.diag([1.0, -1]), np.array([0.5, -0.5]) * l1_penalty
    handed_in = objective(Theta, _Y, np.array([4.0, 2]), l1_penalty=l1_penalty)
    return handed_in - floor(Theta, _Y, witness, l1_penalty=l1_penalty)


EXERCISES = {
    "measurement": Exercise(
        right=float(_ROW @ _WEIGHTS),
        mistakes=(
            (np.abs(_ROW * _WEIGHTS).sum(), "A sign got lost: -1 times 1 takes away, and so does -3."),
            (_ROW.sum() * _WEIGHTS.sum(), "First multiply each pair, and only then add up."),
            (_WEIGHTS[_ROW != 0].sum(), "You added the weights: the row says how often each counts."),
        ),
        hint="Five products, one for each neuron; then their sum.",
    ),
    "third cosine": Exercise(
        right=_along_cosine(3),
        mistakes=(
            (_along_cosine(1), "That is the entry of cosine 1."),
            (-_along_cosine(3), "The sign is turned: cosine 3 begins with +0.5, then -0.5."),
            (2 * _along_cosine(3), "Twice too much: the cosines have entries of 0.5, not of 1."),
        ),
        hint="Multiply w, entry by entry, with (0.5, -0.5, 0, 0.5, -0.5), and add up.",
    ),
    "larger penalty": Exercise(
        right=4 - 3 / 2,
        mistakes=(
            (4 - 3.0, "It moved by all of λ. Where (s - 4)² + 3s is lowest, its slope 2(s - 4) + 3 is 0."),
            (4.0, "That is the answer without a penalty."),
            (2 - 3 / 2, "That is entry 3."),
        ),
        hint="How far did the entry move when the penalty was 1?",
    ),
    "largest penalty": Exercise(
        right=2 * np.abs(3 * _THETA).max(),
        mistakes=(
            (np.abs(3 * _THETA).max(), "Half of it: the slope of a square has a factor 2."),
            (2 * (3 * _THETA).max(), "The sign does not matter: a large negative entry pulls as hard."),
            (2 * np.abs(_THETA).max(), "You left out the measurement y = 3."),
        ),
        hint="Multiply every entry of Θ by y, take the one that is largest without its sign, and double it.",
    ),
    "gap": Exercise(
        right=_gap(2.0),
        mistakes=(
            (objective(np.diag([1.0, -1]), _Y, np.array([4.0, 2]), l1_penalty=2.0), "That is the objective."),
            (floor(np.diag([1.0, -1]), _Y, np.array([1.0, -1]), l1_penalty=2.0), "That is the floor."),
            (_gap(1.0), "That is the gap for λ = 1."),
        ),
        hint="The objective of the code that was handed in, minus 2 c·y - c·c.",
    ),
}
