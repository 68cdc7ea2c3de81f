"""What solves min ‖Θs − y‖² + λ‖s‖₁ for a batch: one entry of SOLVERS each, all with the same signature."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cvxpy as cp
import numpy as np
import torch
from sklearn.linear_model import lars_path
from torch import Tensor

from dtc_helpers.certificate import l1_penalty_max
from dtc_helpers.interior_point import minimise

_SUPPORT_GAP = 1e-9  # what the interior point aims at however loose the tolerance: below it the support is certain


@dataclass(frozen=True)
class Solved:
    """What a solver says of a flat batch of problems."""

    code: Tensor  # (problems, n_neurons)
    dual_point: Tensor | None  # (problems, n_measurements), where the solver has one
    iterations: int


def _solve_with_interior_point(Theta: Tensor, y: Tensor, penalty: Tensor, tolerance: float) -> Solved:
    """For λ = 1 and y / λ the answer is s / λ. Where λ ≥ λ_max it is 0, with y itself as the proof."""
    nonzero = l1_penalty_max(Theta, y) > penalty
    unit = penalty[nonzero].unsqueeze(-1)
    matrix = Theta if Theta.ndim == 2 or nonzero.all() else Theta[nonzero]
    answer = minimise(matrix, y[nonzero] / unit, tolerance=min(tolerance, _SUPPORT_GAP))
    code, dual_point = y.new_zeros(len(y), Theta.shape[-1]), y.clone()
    code[nonzero] = unit * answer.code
    dual_point[nonzero] = unit * answer.dual_point
    return Solved(code, dual_point, answer.iterations)


def _solve_with_cvxpy(Theta: np.ndarray, y: np.ndarray, l1_penalty: float, *, solver: str) -> tuple[np.ndarray, int]:
    """The paper's way: the objective as cvxpy reads it, handed to a conic solver at its default tolerance."""
    s = cp.Variable(Theta.shape[1])
    problem = cp.Problem(cp.Minimize(cp.sum_squares(Theta @ s - y) + l1_penalty * cp.norm(s, 1)))
    with warnings.catch_warnings():
        # "may be inaccurate": the duality gap of every answer says by how much
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        problem.solve(solver=solver)
    if s.value is None:
        raise RuntimeError(f"{solver} returned no solution (status {problem.status}): choose another solver")
    return s.value, int(problem.solver_stats.num_iters or 0)


def _solve_with_lars(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> tuple[np.ndarray, int]:
    """Homotopy in λ; scikit-learn's objective is ours divided by 2m, so λ = 2·m·alpha.

    Exact up to rounding, except where correlations tie: there it goes astray or fails.
    """
    n_measurements = len(y)
    try:
        _, _, path, iterations = lars_path(  # pyright: ignore[reportAssignmentType]
            Theta,
            y,
            method="lasso",
            alpha_min=l1_penalty / (2 * n_measurements),  # pyright: ignore[reportArgumentType]
            max_iter=20 * n_measurements + 100,  # about m steps are needed; the default of 500 stops early
            return_n_iter=True,
        )
    except ValueError as error:
        raise RuntimeError("scikit-learn's LARS failed, as it does on ties: use solver='interior_point'") from error
    return path[:, -1], int(iterations)


Solver = Callable[[Tensor, Tensor, Tensor, float], Solved]


def _one_by_one(solve: Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, int]]) -> Solver:
    """A solver of one NumPy problem as a solver of a batch; it stops where it likes, not at our tolerance."""

    def solve_batch(Theta: Tensor, y: Tensor, penalty: Tensor, tolerance: float) -> Solved:  # noqa: ARG001
        matrices = Theta.cpu().numpy()
        matrices = np.broadcast_to(matrices, (len(y), *matrices.shape[-2:]))
        answers = list(map(solve, matrices, y.cpu().numpy(), penalty.tolist()))
        code = np.reshape([values for values, _ in answers], (len(y), matrices.shape[-1]))
        return Solved(torch.from_numpy(code).to(y), None, max((iterations for _, iterations in answers), default=0))

    return solve_batch


SOLVERS: dict[str, Solver] = {
    "interior_point": _solve_with_interior_point,
    "scs": _one_by_one(partial(_solve_with_cvxpy, solver=cp.SCS)),
    "clarabel": _one_by_one(partial(_solve_with_cvxpy, solver=cp.CLARABEL)),
    "lars": _one_by_one(_solve_with_lars),
}
