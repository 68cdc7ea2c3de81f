"""Solvers of others behind one signature, for comparison and for the published reading: SCS, Clarabel, LARS."""

import warnings

import cvxpy as cp
import numpy as np

from dtc_helpers.solvers import Answer


def minimise(Theta: np.ndarray, y: np.ndarray, penalty: np.ndarray, *, solver: str) -> Answer:
    """Minimise ‖Θs − y‖² + λ‖s‖₁ one problem at a time by "scs", "clarabel" or "lars".

    Each stops where it likes, not at our tolerance; RuntimeError where it gives no answer at all.
    """
    problems = zip(np.broadcast_to(Theta, (len(y), *Theta.shape[-2:])), y, penalty.tolist(), strict=True)
    solve = _by_lars if solver == "lars" else lambda *problem: _by_cvxpy(*problem, solver=solver)
    answers = [solve(*problem) for problem in problems]
    code = np.reshape([values for values, _ in answers], (len(y), Theta.shape[-1]))
    return Answer(code, None, max((iterations for _, iterations in answers), default=0))


def _by_cvxpy(Theta: np.ndarray, y: np.ndarray, l1_penalty: float, *, solver: str) -> tuple[np.ndarray, int]:
    """The paper's way: the objective as cvxpy reads it, handed to a conic solver at its default tolerance."""
    s = cp.Variable(Theta.shape[1])
    problem = cp.Problem(cp.Minimize(cp.sum_squares(Theta @ s - y) + l1_penalty * cp.norm(s, 1)))
    with warnings.catch_warnings():
        # "may be inaccurate": the duality gap of every answer says by how much
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        try:
            problem.solve(solver=solver.upper())
        except cp.SolverError as error:
            raise RuntimeError(_no_answer(solver, l1_penalty, str(error).split(". ")[0])) from error
    if s.value is None:
        raise RuntimeError(_no_answer(solver, l1_penalty, f"status {problem.status}"))
    return s.value, int(problem.solver_stats.num_iters or 0)


def _by_lars(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> tuple[np.ndarray, int]:
    """Homotopy in λ; scikit-learn's objective is ours divided by 2m, so λ = 2·m·alpha.

    Exact up to rounding, except where correlations tie: there it goes astray or fails.
    """
    from sklearn.linear_model import lars_path

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
        raise RuntimeError(_no_answer("lars", l1_penalty, "it fails on ties")) from error
    return path[:, -1], int(iterations)


def _no_answer(solver: str, l1_penalty: float, reason: str) -> str:
    return f"{solver} gives no answer for l1_penalty = {l1_penalty:g} ({reason}): use solver='exact'"
