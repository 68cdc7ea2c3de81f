"""The L1 solve of inverse compressed sensing, one entry function, with its proof of optimality."""

from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from dtc_helpers.solvers import certificate, exact
from dtc_helpers.solvers.batch import FlatBatch
from dtc_helpers.solvers.products import transpose_times

REFERENCES = ("scs", "clarabel", "lars")
SOLVERS = ("exact", *exact.METHODS, *REFERENCES)


def l1_penalty_max(sensing_matrix: Tensor, measurement: Tensor) -> Tensor:
    """Smallest λ for which ‖Θs − y‖² + λ‖s‖₁ is minimal at s = 0:  2‖Θᵀy‖∞, (...), one per problem.

    Examples
    --------
    >>> float(l1_penalty_max(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([3.0, 1.0])))
    6.0
    """
    return 2 * transpose_times(sensing_matrix, measurement).abs().amax(-1)


@dataclass(frozen=True)
class Recovery:
    """Answer of the L1 solve, with its proof."""

    sparse_code: Tensor  # s, (..., n_neurons)
    objective: Tensor  # ‖Θs − y‖² + λ‖s‖₁, (...)
    duality_gap: Tensor  # relative to the objective, (...); 0 proves the optimum
    dual_point: Tensor  # c, (..., n_measurements): its best feasible multiple proves the gap
    solved_by: tuple[str, ...]  # solver whose code it is, one a problem in the order of a flat batch
    iterations: int  # of the problem that took most
    tolerance: float = 1e-9  # of the duality gap, as it was asked for

    @property
    def converged(self) -> Tensor:
        """Whether each problem reached the tolerance, (...) of bool."""
        return self.duality_gap <= self.tolerance

    def certified(self) -> "Recovery":
        """Itself, if every problem reached the tolerance; else RuntimeError. So for a code that float64 cannot hold."""
        if not self.sparse_code.isfinite().all():
            raise RuntimeError("an entry of the sparse code is beyond float64: measure in other units")
        if not self.converged.all():
            raise RuntimeError(
                f"{int((~self.converged).sum())} of {self.converged.numel()} problems did not reach the tolerance "
                f"{self.tolerance:g}: the largest relative duality gap is {float(self.duality_gap.max()):.2g}; "
                'use solver="exact", a larger l1_penalty, or a larger tolerance'
            )
        return self


def recover(
    sensing_matrix: Tensor,
    measurement: Tensor,
    *,
    l1_penalty: float | Tensor | None = None,
    l1_penalty_fraction: float | Tensor | None = None,
    solver: str = "exact",
    tolerance: float = 1e-9,
) -> Recovery:
    """Sparse code of inverse compressed sensing:  s* = argmin ‖Θs − y‖² + λ‖s‖₁  (no ½).

    Parameters
    ----------
    sensing_matrix : Θ, (..., n_measurements, n_neurons). One without leading axes is shared by all problems, which is
        faster than a copy for each.
    measurement : y, (..., n_measurements); leading axes are independent problems and broadcast with Θ's.
    l1_penalty : λ > 0, one number or (...). scikit-learn's Lasso calls λ / (2·n_measurements) `alpha`.
    l1_penalty_fraction : instead of `l1_penalty`: λ / λ_max, above 0; from 1 on the answer is s = 0.
    solver : "exact" takes the faster of "active_set" (DAQP, one problem after the other) and "interior_point" (ours,
        batched), and the other one where the tolerance is not reached. "scs" (the paper's, stops early), "clarabel"
        (both through cvxpy) and "lars" (homotopy; goes astray where correlations tie) are for comparison.
    tolerance : relative duality gap above which `Recovery.converged` is false and `Recovery.certified` refuses.

    Returns
    -------
    Recovery in float64; its objective and duality gap are computed here, whatever the solver says. The exact solvers
    return exact zeros off the support and at most n_measurements nonzeros, also where columns repeat or tie. The
    objective is infinite, or 0, where float64 has no such number: the gap is not.

    Raises
    ------
    TypeError for what is no tensor; ValueError for an unknown solver, shapes that do not fit, λ ≤ 0 or numbers that
    are not finite; RuntimeError where a solver gives no answer at all.

    Source: arXiv:2505.23869, section III.

    Examples
    --------
    With Θ = I each entry shrinks towards 0 by λ / 2:

    >>> answer = recover(torch.eye(3), torch.tensor([3.0, 0.5, -2.0]), l1_penalty=2.0)
    >>> answer.sparse_code.round(decimals=6).tolist()
    [2.0, 0.0, -1.0]
    >>> round(float(answer.certified().objective), 6)
    8.25
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver = {solver!r} is not one of {', '.join(SOLVERS)}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not tolerance >= 0:
        raise ValueError(f"tolerance = {tolerance!r}: expected a relative duality gap, 0 or more")
    batch = FlatBatch(sensing_matrix, measurement)
    penalty = batch.scaled_penalty(l1_penalty, l1_penalty_fraction)
    problem, device = (batch.Theta, batch.y, penalty), sensing_matrix.device
    if solver in REFERENCES:
        from dtc_helpers.solvers import reference  # cvxpy takes a second

        found = certificate.judged(*problem, batch.solved_as_given(reference.minimise, penalty, solver), solver)
    else:
        methods = exact.methods_for(solver, *problem, device=device)
        found = exact.minimise(*problem, tolerance=tolerance, methods=methods, device=device)
    code, objective, gap, dual_point = (torch.from_numpy(values).to(device) for values in batch.as_given(found))
    return Recovery(code, objective, gap, dual_point, tuple(found.solved_by), found.iterations, tolerance)
