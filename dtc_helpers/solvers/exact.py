"""The exact solve: the faster of two methods for the size, the other where the certificate is not reached."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from dtc_helpers.solvers import Answer, active_set, interior_point
from dtc_helpers.solvers.certificate import Proven, judged, l1_penalty_max

METHODS = ("active_set", "interior_point")
_ALWAYS_ACTIVE_SET = 2**13  # numbers in Θ below which it is the faster one at any λ, in any batch
_SUPPORT_GAP = 1e-9  # what is aimed at however loose the tolerance: below it the support is certain
_SMALLEST_PENALTY = 1e-14  # that methods are asked for, in the units of the solve: below it λ is rounding beside y


def minimise(
    Theta: np.ndarray,
    y: np.ndarray,
    penalty: np.ndarray,
    *,
    tolerance: float,
    methods: Sequence[str],
    device: torch.device,
) -> Proven:
    """Minimise ‖Θs − y‖² + λ‖s‖₁ for each row of y, with at most m nonzeros; Θ and y are of about unit size.

    Of what the methods find the better code and the better bound are kept, so that nothing is lost.

    Parameters
    ----------
    tolerance : relative duality gap.
    methods : of METHODS, in the order in which they are tried.
    device : where the interior point works.
    """
    gap = min(tolerance, _SUPPORT_GAP)
    find = partial(_found, gap=gap, device=device)
    first, *others = (*methods, "zero")  # s = 0 with c = y is the best where nothing else was found
    best = find(Theta, y, penalty, first)
    for method in others:
        left = np.flatnonzero(~(best.gap <= gap))
        if not len(left):
            break
        matrix = Theta if Theta.ndim == 2 else Theta[left]
        best.keep_better(left, find(matrix, y[left], penalty[left], method))
    return best


def _found(
    Theta: np.ndarray, y: np.ndarray, penalty: np.ndarray, method: str, *, gap: float, device: torch.device
) -> Proven:
    """Answer of a method, judged; for λ = 1 and y / λ it is s / λ."""
    if method == "zero":
        return judged(Theta, y, penalty, Answer(np.zeros((len(y), Theta.shape[-1])), y.copy(), 0), method)
    unit = np.maximum(penalty, _SMALLEST_PENALTY)[:, None]
    if method == "active_set":
        answer = active_set.minimise(Theta, y / unit)
    else:
        tensors = (torch.from_numpy(values).to(device) for values in (Theta, y / unit))
        answer = interior_point.minimise(*tensors, tolerance=gap)
    return judged(Theta, y, penalty, Answer(unit * answer.code, unit * answer.dual_point, answer.iterations), method)


def methods_for(
    solver: str, Theta: np.ndarray, y: np.ndarray, penalty: np.ndarray, *, device: torch.device
) -> tuple[str, ...]:
    """Methods in the order in which they are tried: a named one alone; for "exact" the faster for the size first.

    On a GPU that is the interior point, whose batch stays there.
    """
    if solver in METHODS:
        return (solver,)
    if device.type != "cpu":
        return METHODS[::-1]
    if Theta.shape[-2] * Theta.shape[-1] < _ALWAYS_ACTIVE_SET:
        return METHODS
    is_faster = _active_set_seconds(Theta, y, penalty).sum() < _interior_point_seconds(Theta, y)
    return METHODS if is_faster else METHODS[::-1]


def _active_set_seconds(Theta: np.ndarray, y: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Of each problem on a core of 2025: iterations that grow with m and with ln(λ_max/λ), times their products."""
    n_measurements, n_neurons = Theta.shape[-2:]
    ratio = l1_penalty_max(Theta, y) / penalty
    iterations = 0.38 * n_measurements * n_neurons**0.4 * (n_neurons / n_measurements) ** 0.17
    share = np.log(np.clip(ratio, 1.1, 1e4)) / np.log(1e4)
    return iterations * share * (2e-7 + n_measurements * (1.65e-10 * n_neurons + 4e-10 * n_measurements))


def _interior_point_seconds(Theta: np.ndarray, y: np.ndarray) -> float:
    """Of the whole batch there, in one thread: a dozen iterations at any λ."""
    n_measurements, n_neurons = Theta.shape[-2:]
    return 1.5e-3 + len(y) * n_measurements * n_neurons * (3e-8 + 8.5e-10 * n_measurements)
