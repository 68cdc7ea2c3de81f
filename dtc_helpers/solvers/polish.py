"""From a good guess of the support to the exact optimum on it, confirmed by the optimality conditions.

Everything here is for λ = 1:  min ‖Θs − y‖² + ‖s‖₁, optimal where 2Θᵀ(y − Θs) is sign(s) on the support and within
±1 off it (Karush, Kuhn, Tucker).
"""

import torch
from torch import Tensor

from dtc_helpers.solvers.products import columns, times, transpose_times

_KKT_TOLERANCE = 5e-10  # of |Θᵀ(y − Θs)| ≤ ½, and = ½ on the support
_SMALL_IN_NULL_SPACE = 1e-9  # an entry of a unit vector that does not count as part of a dependence
_REFINEMENTS = 2  # of the normal equations, whose condition is that of Θ squared


def polish(Theta: Tensor, y: Tensor, activity: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Exact minimiser on a guessed support.

    Solves 2Θ_Aᵀ(y − Θ_A s_A) = sign for the columns A whose activity is above ½, at most m of them.

    Parameters
    ----------
    activity : (problems, 2, N): above ½ where the positive, or the negative, part of s is thought to be nonzero.

    Returns
    -------
    sparse_code, dual_point, confirmed : (problems, N), (problems, m) and (problems,); confirmed where the
    optimality conditions hold. What is not confirmed means nothing.
    """
    positive, negative = activity.unbind(1)
    score = torch.maximum(positive, negative)
    n_chosen = int((score > 0.5).sum(-1).amax().clamp(1, y.shape[-1]))
    top, chosen = score.topk(n_chosen, dim=-1)
    used = (top > 0.5).to(y)
    signs = used.copysign(positive.gather(1, chosen) - 0.5)
    Theta_A = columns(Theta, chosen) * used.unsqueeze(1)
    values, factor, hopeful = _solve_on_support(Theta_A, y, signs)
    if not hopeful.any():
        return torch.zeros_like(score), y, hopeful
    values, dual_point = _refine(Theta_A, y, signs, values, factor)
    slope = transpose_times(Theta, dual_point)  # half the subgradient of ‖s‖₁, where s is optimal
    bound_holds = slope.abs().amax(-1) <= 0.5 + _KKT_TOLERANCE
    equality_holds = (slope.gather(1, chosen) * signs - 0.5 * used).abs().amax(-1) <= _KKT_TOLERANCE
    signs_hold = (values * signs >= 0.0).all(-1)
    code = torch.zeros_like(score).scatter_(1, chosen, values * used)
    return code, dual_point, hopeful & signs_hold & bound_holds & equality_holds


def _solve_on_support(Theta_A: Tensor, y: Tensor, signs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Values, Cholesky factor of Θ_AᵀΘ_A, and where columns are independent and signs right. Sign ±0 marks padding."""
    gram = Theta_A.mT @ Theta_A
    gram.diagonal(dim1=-2, dim2=-1).add_(signs == 0.0)
    factor, info = torch.linalg.cholesky_ex(gram)
    right_side = transpose_times(Theta_A, y) - 0.5 * signs
    values = torch.cholesky_solve(right_side.unsqueeze(-1), factor).squeeze(-1)
    return values, factor, (info == 0) & (values * signs >= 0.0).all(-1)


def _refine(Theta_A: Tensor, y: Tensor, signs: Tensor, values: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Values and dual point to full precision: the normal equations have the condition of Θ_A squared."""
    dual_point = y - times(Theta_A, values)
    for _ in range(_REFINEMENTS):
        lacking = 0.5 * signs - transpose_times(Theta_A, dual_point)
        correction = torch.cholesky_solve(lacking.unsqueeze(-1), factor).squeeze(-1)
        values = values - correction
        dual_point = dual_point + times(Theta_A, correction)
    return values, dual_point


def independent_support(Theta: Tensor, code: Tensor) -> Tensor:
    """The same Θs and no larger ‖s‖₁ on columns that are independent: at most m of them.

    Duplicate columns share what one of them can carry. Along n with Θ_A n = 0 the objective changes by sign(s)ᵀn per
    step, so one way it does not grow until an entry of s is zero (Carathéodory); that entry leaves, and so on.
    Here Θ is that of one problem, (m, N), and the code (N,).
    """
    support = torch.nonzero(code).squeeze(-1)
    values, null_space = code[support], _null_space(Theta[:, support])
    while null_space.shape[1]:
        direction = null_space[:, 0]
        direction = direction * torch.copysign(direction.new_ones(()), (values.sign() * direction).sum())
        moving = (values * direction > 0.0) & (direction.abs() > _SMALL_IN_NULL_SPACE)
        reached = torch.where(moving, values / direction, torch.inf)
        leaving = reached.argmin()
        values = (values - reached[leaving] * direction).index_fill(0, leaving, 0.0)
        null_space = _without_row(null_space, leaving)
    return torch.zeros_like(code).index_put((support,), values)


def _without_row(null_space: Tensor, row: Tensor) -> Tensor:
    """Orthonormal columns of what is left when a row must be 0, by one Householder reflection."""
    mirror = null_space[row].clone()
    mirror[0] += torch.copysign(mirror.norm(), mirror[0])
    reflected = null_space - torch.outer(null_space @ mirror, 2.0 / mirror.square().sum() * mirror)
    return reflected[:, 1:].index_fill(0, row, 0.0)


def _null_space(matrix: Tensor) -> Tensor:
    """Orthonormal columns n with matrix · n = 0 up to rounding."""
    _, singular, rows = torch.linalg.svd(matrix)
    rounding = torch.finfo(matrix.dtype).eps * max(matrix.shape)
    rank = int((singular > rounding * singular[:1]).sum())  # the largest comes first
    return rows[rank:].mT
