"""The L1 solve of inverse compressed sensing, one entry function, with its proof of optimality."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dtc_helpers.certificate import certificate, l1_penalty_max
from dtc_helpers.solvers import SOLVERS

__all__ = ["SOLVERS", "Recovery", "certificate", "l1_penalty_max", "recover"]


@dataclass(frozen=True)
class Recovery:
    """Answer of the L1 solve, with its proof."""

    sparse_code: Tensor  # s, (..., n_neurons)
    objective: Tensor  # ‖Θs − y‖² + λ‖s‖₁, (...)
    duality_gap: Tensor  # relative to the objective, (...); 0 proves the optimum
    iterations: int  # of the problem that took most
    tolerance: float = 1e-9  # of the duality gap, as it was asked for

    @property
    def converged(self) -> Tensor:
        """Whether each problem reached the tolerance, (...) of bool."""
        return self.duality_gap <= self.tolerance

    def certified(self) -> "Recovery":
        """Itself, if every problem reached the tolerance.

        Raises
        ------
        RuntimeError that says how many did not, and the worst gap.
        """
        if not self.converged.all():
            raise RuntimeError(
                f"{int((~self.converged).sum())} of {self.converged.numel()} problems did not reach the tolerance "
                f"{self.tolerance:g}: the largest relative duality gap is {float(self.duality_gap.max()):.2g}; "
                'use solver="interior_point", or a larger tolerance'
            )
        return self


def recover(
    sensing_matrix: Tensor,
    measurement: Tensor,
    *,
    l1_penalty: float | Tensor | None = None,
    l1_penalty_fraction: float | Tensor | None = None,
    solver: str = "interior_point",
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
    solver : "interior_point" (exact, batched), "scs" (the paper's, stops early), "clarabel" (both through cvxpy) or
        "lars" (homotopy; exact, except where correlations tie: its gap shows it).
    tolerance : relative duality gap above which `Recovery.converged` is false and `Recovery.certified` refuses.

    Returns
    -------
    Recovery in float64; its objective and duality gap are computed here, whatever the solver says. The interior point
    returns exact zeros off the support and at most n_measurements nonzeros.

    Raises
    ------
    ValueError for an unknown solver, shapes that do not fit, λ ≤ 0 or numbers that are not finite;
    RuntimeError where a solver gives no answer at all.

    Source: arXiv:2505.23869, section III.
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver = {solver!r} is not one of {', '.join(SOLVERS)}")
    Theta, y, batch_shape = _flat_batch(sensing_matrix, measurement)
    penalty = _penalties(Theta, y, batch_shape, l1_penalty, l1_penalty_fraction)
    solved = SOLVERS[solver](Theta, y, penalty, tolerance)
    objective, gap = certificate(Theta, y, solved.code, l1_penalty=penalty, dual_point=solved.dual_point)
    code = solved.code.view(*batch_shape, Theta.shape[-1])
    return Recovery(code, objective.view(batch_shape), gap.view(batch_shape), solved.iterations, tolerance)


def _flat_batch(sensing_matrix: Tensor, measurement: Tensor) -> tuple[Tensor, Tensor, torch.Size]:
    """Θ as (m, N) if shared, else (problems, m, N); y as (problems, m); both float64. Refuses what cannot be solved."""
    if sensing_matrix.shape[-2:-1] != measurement.shape[-1:] or 0 in sensing_matrix.shape[-2:]:
        raise ValueError(
            f"sensing_matrix {tuple(sensing_matrix.shape)} and measurement {tuple(measurement.shape)} do not fit: "
            "expected (..., n_measurements, n_neurons) and (..., n_measurements), at least one of each"
        )
    if not (_all_finite(sensing_matrix) and _all_finite(measurement)):
        raise ValueError("sensing_matrix or measurement holds NaN or infinity: look at the weights they came from")
    matrix_shape, leading = sensing_matrix.shape[-2:], sensing_matrix.shape[:-2]
    batch_shape = torch.broadcast_shapes(leading, measurement.shape[:-1])
    y = measurement.double().expand(*batch_shape, -1).reshape(-1, matrix_shape[0])
    if leading.numel() == 1:
        return sensing_matrix.double().view(matrix_shape), y, batch_shape
    return (
        sensing_matrix.double().expand(*batch_shape, *matrix_shape).reshape(-1, *matrix_shape),
        y,
        batch_shape,
    )


def _all_finite(values: Tensor) -> bool:
    """By the sum, which is faster; by each value where the sum alone may have overflown."""
    return bool(values.sum().isfinite() or values.isfinite().all())


def _penalties(
    Theta: Tensor,
    y: Tensor,
    batch_shape: torch.Size,
    l1_penalty: float | Tensor | None,
    l1_penalty_fraction: float | Tensor | None,
) -> Tensor:
    """λ of each problem, (problems,)."""
    if (l1_penalty is None) == (l1_penalty_fraction is None):
        raise ValueError("give either l1_penalty or l1_penalty_fraction (of l1_penalty_max), and not both")
    given = l1_penalty if l1_penalty_fraction is None else l1_penalty_fraction
    penalty = torch.as_tensor(given, dtype=y.dtype, device=y.device).expand(batch_shape).reshape(-1)
    if not ((penalty > 0) & penalty.isfinite()).all():
        name = "l1_penalty" if l1_penalty_fraction is None else "l1_penalty_fraction"
        raise ValueError(f"{name} = {given}: expected finite numbers above 0; at 0 the minimiser is not unique")
    if l1_penalty_fraction is None:
        return penalty
    penalty_max = l1_penalty_max(Theta, y)
    return penalty * penalty_max.where(penalty_max > 0, 1.0)  # y = 0: the answer is 0 for any λ
