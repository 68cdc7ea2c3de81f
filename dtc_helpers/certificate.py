"""How far at most a sparse code is from the optimum: λ_max and the duality gap."""

import torch
from torch import Tensor

from dtc_helpers.products import times, transpose_times


def l1_penalty_max(sensing_matrix: Tensor, measurement: Tensor) -> Tensor:
    """Smallest λ for which ‖Θs − y‖² + λ‖s‖₁ is minimal at s = 0:  2‖Θᵀy‖∞.

    Returns
    -------
    (...), one per problem.
    """
    return 2 * transpose_times(sensing_matrix, measurement).abs().amax(-1)


def certificate(
    sensing_matrix: Tensor,
    measurement: Tensor,
    sparse_code: Tensor,
    *,
    l1_penalty: float | Tensor,
    dual_point: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Objective of any s, and how far at most it is from the optimum.

    The dual of min ‖Θs − y‖² + λ‖s‖₁ is  max 2cᵀy − ‖c‖²  over ‖2Θᵀc‖∞ ≤ λ. The residual r = y − Θs, scaled to the
    best feasible multiple, is such a c; its value bounds the optimum from below whatever solver s came from.

    Parameters
    ----------
    sensing_matrix, measurement, sparse_code : Θ, y and s, (..., m, N), (..., m) and (..., N).
    l1_penalty : λ, one number or (...).
    dual_point : (..., m) another c, instead of the residual. Where λ_max/λ nears 1 / rounding, the residual is all
        rounding, and only a c that was carried along proves anything.

    Returns
    -------
    objective, duality_gap : (...) each; duality_gap = (objective − bound) / objective, in [0, 1], 0 at y = 0.
    """
    residual = measurement - times(sensing_matrix, sparse_code)
    objective = residual.square().sum(-1) + l1_penalty * sparse_code.abs().sum(-1)
    dual_point = residual if dual_point is None else dual_point
    bound = dual_bound(sensing_matrix, measurement, dual_point, l1_penalty=l1_penalty)
    gap = (objective - bound).clamp_min(0) / objective.clamp_min(torch.finfo(objective.dtype).tiny)
    return objective, gap


def dual_bound(
    sensing_matrix: Tensor, measurement: Tensor, dual_point: Tensor, *, l1_penalty: float | Tensor
) -> Tensor:
    """Lower bound of the optimum, 2cᵀy − ‖c‖², from the best feasible multiple of any c; (...)."""
    tiny = torch.finfo(measurement.dtype).tiny
    squared = dual_point.square().sum(-1)
    correlation = (dual_point * measurement).sum(-1)
    largest_feasible = l1_penalty / l1_penalty_max(sensing_matrix, dual_point).clamp_min(tiny)
    unconstrained = correlation / squared.clamp_min(tiny)
    scale = torch.minimum(unconstrained.clamp_min(0), largest_feasible)
    return scale * (2 * correlation - scale * squared)
