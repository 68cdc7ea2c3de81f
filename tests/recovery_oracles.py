"""Slow, obvious or independent ways to the same answers."""
# pyright: reportAttributeAccessIssue=false
# (clarabel is compiled and has no stubs)

import clarabel
import numpy as np
import scipy.sparse as sp


def l1_minimiser(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> np.ndarray:
    """Argmin ‖Θs − y‖² + λ‖s‖₁ by Clarabel at high accuracy.

    In units in which λ is 1, or where Clarabel takes that for infeasible (it does when y is then very large), y is.
    """
    for unit in (l1_penalty, float(np.linalg.norm(y))):
        solution = _solve(Theta, y / unit, l1_penalty / unit)
        if solution.status == clarabel.SolverStatus.Solved:
            return np.array(solution.x[: Theta.shape[1]]) * unit
    raise AssertionError(f"Clarabel, the oracle, says {solution.status}")


def _solve(Theta: np.ndarray, y: np.ndarray, l1_penalty: float):
    """As a quadratic program in (s, t, r): min ‖r‖² + λΣt  subject to  Θs − r = y,  −t ≤ s ≤ t."""
    n_measurements, n_neurons = Theta.shape
    eye, zero = sp.identity(n_neurons), sp.csc_matrix((n_neurons, n_measurements))
    quadratic = sp.block_diag([sp.csc_matrix((2 * n_neurons, 2 * n_neurons)), 2 * sp.identity(n_measurements)])
    linear = np.concatenate([np.zeros(n_neurons), np.full(n_neurons, l1_penalty), np.zeros(n_measurements)])
    constraints = sp.bmat(
        [
            [sp.csc_matrix(Theta), sp.csc_matrix((n_measurements, n_neurons)), -sp.identity(n_measurements)],
            [eye, -eye, zero],
            [-eye, -eye, zero],
        ]
    )
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    solver = clarabel.DefaultSolver(
        sp.csc_matrix(quadratic),
        linear,
        sp.csc_matrix(constraints),
        np.concatenate([y, np.zeros(2 * n_neurons)]),
        [clarabel.ZeroConeT(n_measurements), clarabel.NonnegativeConeT(2 * n_neurons)],
        settings,
    )
    return solver.solve()


def l1_objective(Theta: np.ndarray, y: np.ndarray, s: np.ndarray, l1_penalty: float) -> float:
    """‖Θs − y‖² + λ‖s‖₁, literally."""
    return float(np.sum((Theta @ s - y) ** 2) + l1_penalty * np.sum(np.abs(s)))
