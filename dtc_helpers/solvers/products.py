"""Products with Θ, one matrix shared by a flat batch of problems, (m, N), or one each, (problems, m, N)."""

import torch
from torch import Tensor

# Numbers in a scaled copy of a part of Θ: on a CPU it should stay in the cache, on a GPU launches should be few.
_SCALED_NUMBERS = {"cpu": 2**17, "cuda": 2**26}


def times(Theta: Tensor, code: Tensor) -> Tensor:
    """Θs for each problem: (..., N) → (..., m); a shared Θ makes it one matrix product."""
    if Theta.ndim == 2:
        return code @ Theta.mT
    return (Theta @ code.unsqueeze(-1)).squeeze(-1)


def transpose_times(Theta: Tensor, residual: Tensor) -> Tensor:
    """Θᵀc for each problem: (..., m) → (..., N)."""
    if Theta.ndim == 2:
        return residual @ Theta
    return (residual.unsqueeze(-2) @ Theta).squeeze(-2)


def columns(Theta: Tensor, index: Tensor) -> Tensor:
    """Chosen columns of Θ for each problem: index (problems, k) → (problems, m, k)."""
    if Theta.ndim == 2:
        n_problems, n_chosen = index.shape
        chosen = Theta.index_select(1, index.flatten())
        return chosen.view(-1, n_problems, n_chosen).transpose(0, 1)
    return Theta.gather(2, index.unsqueeze(1).expand(-1, Theta.shape[1], -1))


def normal_matrix(Theta: Tensor, diagonal: Tensor) -> Tensor:
    """Lower triangles of ½I + Θ diag(d) Θᵀ: d (problems, N) → (problems, m, m); what is above them is not set.

    Θ diag(d) is made for few problems, or few rows of one, at a time: it stays in the cache, the whole of it is never
    held, and of each block of rows only the columns up to the diagonal are computed.
    """
    n_problems, (n_rows, n_columns) = len(diagonal), Theta.shape[-2:]
    room = _SCALED_NUMBERS.get(Theta.device.type, _SCALED_NUMBERS["cuda"])
    if Theta.ndim == 2 and n_problems * Theta.numel() <= room:
        normal = ((Theta * diagonal.unsqueeze(1)).view(-1, n_columns) @ Theta.mT).view(-1, n_rows, n_rows)
    else:
        normal = _normal_in_parts(Theta, diagonal, room)
    normal.diagonal(dim1=-2, dim2=-1).add_(0.5)
    return normal


def _normal_in_parts(Theta: Tensor, diagonal: Tensor, room: int) -> Tensor:
    n_problems, (n_rows, n_columns) = len(diagonal), Theta.shape[-2:]
    problems_at_once = max(1, room // (n_rows * n_columns))
    rows_at_once = n_rows if problems_at_once > 1 else max(64, room // n_columns)
    normal = diagonal.new_empty(n_problems, n_rows, n_rows)
    for first in range(0, n_problems, problems_at_once):
        chosen = slice(first, first + problems_at_once)
        weights, matrix = diagonal[chosen].unsqueeze(1), Theta if Theta.ndim == 2 else Theta[chosen]
        for top in range(0, n_rows, rows_at_once):
            bottom = min(top + rows_at_once, n_rows)
            scaled = matrix[..., top:bottom, :] * weights
            _multiply_into(normal[chosen, top:bottom, :bottom], scaled, matrix[..., :bottom, :].mT)
    return normal


def _multiply_into(target: Tensor, scaled: Tensor, other: Tensor) -> None:
    """Write scaled @ other into target, by one plain product wherever the problems share `other`."""
    if len(scaled) == 1:
        torch.mm(scaled[0], other if other.ndim == 2 else other[0], out=target[0])
    elif other.ndim == 2:
        torch.mm(scaled.flatten(0, 1), other, out=target.view(-1, other.shape[1]))
    else:
        torch.bmm(scaled, other, out=target)
