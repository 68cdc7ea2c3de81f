"""The L1 solve of inverse compressed sensing, one entry function, with its proof of optimality."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dtc_helpers.solvers import certificate, exact
from dtc_helpers.solvers.products import transpose_times

REFERENCES = ("scs", "clarabel", "lars")
SOLVERS = ("exact", *exact.METHODS, *REFERENCES)
_PENALTIES = 1e-300, 1e300  # λ in the units of the solve


def l1_penalty_max(sensing_matrix: Tensor, measurement: Tensor) -> Tensor:
    """Smallest λ for which ‖Θs − y‖² + λ‖s‖₁ is minimal at s = 0:  2‖Θᵀy‖∞.

    Returns
    -------
    (...), one per problem.
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
        """Itself, if every problem reached the tolerance.

        Raises
        ------
        RuntimeError that says how many did not, and the worst gap.
        """
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
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver = {solver!r} is not one of {', '.join(SOLVERS)}")
    Theta, y, batch_shape = _flat_batch(sensing_matrix, measurement)
    given = _given_penalty(batch_shape, l1_penalty, l1_penalty_fraction)
    of_matrix, of_measurement = _unit(Theta), _unit(y, axis=-1)
    scaled = Theta / of_matrix, y / of_measurement[:, None]
    penalty = given * certificate.l1_penalty_max(*scaled) if l1_penalty is None else given / of_matrix / of_measurement
    penalty = np.clip(penalty, *_PENALTIES)  # y = 0 has no λ_max: its answer is 0 for any λ
    if solver in REFERENCES:  # they see the problem as it is given, for where they stop depends on its units
        from dtc_helpers.solvers import reference  # cvxpy takes a second

        answer = reference.minimise(Theta, y, penalty * of_matrix * of_measurement, solver=solver)
        answer = replace(answer, code=answer.code * of_matrix / of_measurement[:, None])
        found = certificate.judged(*scaled, penalty, answer, solver)
    else:
        device = sensing_matrix.device
        methods = exact.methods_for(solver, *scaled, penalty, device=device)
        found = exact.minimise(*scaled, penalty, tolerance=tolerance, methods=methods, device=device)
    return _recovery(found, of_matrix, of_measurement, batch_shape, tolerance, sensing_matrix.device)


def _flat_batch(sensing_matrix: Tensor, measurement: Tensor) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Θ as (m, N) if shared, else (problems, m, N); y as (problems, m); both float64. Refuses what cannot be solved."""
    for name, value in (("sensing_matrix", sensing_matrix), ("measurement", measurement)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} is of type {type(value).__name__}: expected a torch.Tensor, see torch.as_tensor")
    if sensing_matrix.shape[-2:-1] != measurement.shape[-1:] or 0 in sensing_matrix.shape[-2:]:
        raise ValueError(
            f"sensing_matrix {tuple(sensing_matrix.shape)} and measurement {tuple(measurement.shape)} do not fit: "
            "expected (..., n_measurements, n_neurons) and (..., n_measurements), at least one of each"
        )
    Theta, y = (np.asarray(values.detach().cpu().numpy(), dtype=float) for values in (sensing_matrix, measurement))
    matrix_shape, leading = Theta.shape[-2:], Theta.shape[:-2]
    batch_shape = np.broadcast_shapes(leading, y.shape[:-1])
    y = np.broadcast_to(y, (*batch_shape, y.shape[-1])).reshape(-1, y.shape[-1])
    if math.prod(leading) == 1:
        return Theta.reshape(matrix_shape), y, batch_shape
    return np.broadcast_to(Theta, (*batch_shape, *matrix_shape)).reshape(-1, *matrix_shape), y, batch_shape


def _given_penalty(
    batch_shape: tuple[int, ...], l1_penalty: float | Tensor | None, l1_penalty_fraction: float | Tensor | None
) -> np.ndarray:
    """What was given for each problem, (problems,)."""
    if (l1_penalty is None) == (l1_penalty_fraction is None):
        raise ValueError("give either l1_penalty or l1_penalty_fraction (of l1_penalty_max), and not both")
    given = l1_penalty if l1_penalty_fraction is None else l1_penalty_fraction
    penalty = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given, dtype=float)
    if not ((penalty > 0) & (penalty < np.inf)).all():
        name = "l1_penalty" if l1_penalty_fraction is None else "l1_penalty_fraction"
        raise ValueError(f"{name} = {given}: expected finite numbers above 0; at 0 the minimiser is not unique")
    return np.broadcast_to(penalty, batch_shape).reshape(-1)


def _unit(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Power of two near the largest entry: in this unit nothing overflows, and to scale by it rounds nothing."""
    largest = np.abs(values).max(axis, initial=0.0)
    if not np.isfinite(largest).all():
        raise ValueError("sensing_matrix or measurement holds NaN or infinity: look at the weights they came from")
    return np.ldexp(1.0, np.clip(np.frexp(largest)[1], -1021, 1023))


def _recovery(
    found: certificate.Proven,
    of_matrix: np.ndarray,
    of_measurement: np.ndarray,
    batch_shape: tuple[int, ...],
    tolerance: float,
    device: torch.device,
) -> Recovery:
    """Answer in the units of the problem as it was given."""
    of_row = of_measurement[:, None]
    with np.errstate(over="ignore", under="ignore"):  # where float64 has no such number
        code, objective = found.code * of_row / of_matrix, found.objective * of_measurement * of_measurement

    def tensor(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.reshape((*batch_shape, *values.shape[1:]))).to(device)

    return Recovery(
        tensor(code),
        tensor(objective),
        tensor(found.gap),
        tensor(found.dual_point * of_row),
        tuple(found.solved_by),
        found.iterations,
        tolerance,
    )
