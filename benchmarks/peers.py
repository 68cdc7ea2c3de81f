"""Peers of the exact solve, by themselves: quadratic programs on the dual, without checks, units or a certificate."""

import daqp
import numpy as np
import piqp
import quadprog

from dtc_helpers.solvers import Answer


def by_daqp(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> Answer:
    """Dual active set in C: projection of y / λ on |Θᵀc| ≤ ½; what `solvers.active_set` calls."""
    bound = np.full(Theta.shape[1], 0.5)
    columns, eye = np.ascontiguousarray(Theta.T), np.eye(len(y))
    point, _, _, info = daqp.solve(eye, -y / l1_penalty, columns, bound, -bound, primal_tol=1e-9)
    return Answer(l1_penalty * info["lam"][None], l1_penalty * point[None], info["iterations"])


def by_piqp(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> Answer:
    """Proximal interior point in C++, on the same projection."""
    solver, bound = piqp.DenseSolver(), np.full(Theta.shape[1], 0.5)
    solver.settings.eps_abs = solver.settings.eps_rel = 1e-11
    solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = 1e-11
    solver.setup(np.eye(len(y)), -y / l1_penalty, None, None, np.ascontiguousarray(Theta.T), -bound, bound)
    solver.solve()
    found = solver.result
    code = l1_penalty * (np.asarray(found.z_u) - np.asarray(found.z_l))
    return Answer(code[None], l1_penalty * np.asarray(found.x)[None], found.info.iter)


def by_quadprog(Theta: np.ndarray, y: np.ndarray, l1_penalty: float) -> Answer:
    """Goldfarb and Idnani's dual active set, on the same projection; it needs both signs of every column."""
    bound = np.full(2 * Theta.shape[1], -0.5)
    solved = quadprog.solve_qp(np.eye(len(y)), y / l1_penalty, np.hstack([Theta, -Theta]), bound)
    point, iterations, multipliers = solved[0], solved[3], solved[4]
    code = multipliers[Theta.shape[1] :] - multipliers[: Theta.shape[1]]
    return Answer(l1_penalty * code[None], l1_penalty * point[None], int(iterations[0]))


PEERS = {"DAQP itself": by_daqp, "PIQP": by_piqp, "quadprog": by_quadprog}
