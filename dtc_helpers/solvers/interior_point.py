"""Primal-dual interior point method for min ‖Θs − y‖² + ‖s‖₁, a whole batch at once; another λ is a scaled y.

With s = u − v, u, v ≥ 0, and the dual point ν (twice the residual at the optimum), the optimum is where

    ν/2 = y − Θ(u − v),   z₁ = 1 − Θᵀν ≥ 0,   z₂ = 1 + Θᵀν ≥ 0,   u z₁ = v z₂ = 0.

Newton's method on these, with the products at μ instead of 0, eliminates to one system of m unknowns,

    (½I + ΘDΘᵀ) Δν = y − ν/2 − Θ(t₁ − t₂),   D = u/z₁ + v/z₂,

solved twice with one Cholesky factor: t = 0 predicts; t₁ = (σμ − Δu Δz₁)/z₁, and t₂ alike, corrects. Every ν
on the way is dual feasible, so every iterate carries its own duality gap.

Source: S. Mehrotra, On the implementation of a primal-dual interior point method, SIAM J. Optim. 2 (1992) 575-601.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from dtc_helpers.solvers import Answer
from dtc_helpers.solvers.polish import independent_support, polish
from dtc_helpers.solvers.products import normal_matrix, times, transpose_times

_FRACTION_TO_BOUNDARY = 0.998
_ROUNDING_BELOW = 1e-6  # a gap below this that does not fall is at the rounding of the factor
_PRODUCTS_FOR_THREADS = 3e7  # m²N of a problem: 0.8 ms in one thread
_FIRST_DUAL_FRACTION = 0.9  # of the largest feasible multiple of y
_FIRST_PRODUCT = 0.05  # of ‖y‖² / λ_max


@dataclass(frozen=True)
class _Best:
    """The best that was seen of every problem; written in place."""

    code: Tensor  # s, (problems, N)
    dual_point: Tensor  # c, (problems, m)
    gap: Tensor  # relative duality gap by the method's own account, (problems,); 0 where it is confirmed

    def write(self, problem: Tensor, chosen: Tensor, code: Tensor, dual_point: Tensor, gap: Tensor) -> None:
        """Take the chosen rows over."""
        rows = problem[chosen]
        self.code[rows], self.dual_point[rows], self.gap[rows] = code[chosen], dual_point[chosen], gap[chosen]


class _Iterate(NamedTuple):
    """State of a batch."""

    problem: Tensor  # which of the caller's problems, (problems,)
    y: Tensor  # (problems, m)
    dual_point: Tensor  # ν, (problems, m)
    pairs: Tensor  # x = (u, v) and their slacks z, (problems, 2, 2, N)


class _Newton(NamedTuple):
    """The system at an iterate, its factor, and the predictor."""

    factor: Tensor  # Cholesky factor of ½I + ΘDΘᵀ, (problems, m, m)
    right_side: Tensor  # y − ν/2, (problems, m)
    products: Tensor  # u z₁ and v z₂, (problems, 2, N)
    total: Tensor  # their sum, (problems,)
    inverse_slacks: Tensor  # −1/z₁ and 1/z₂, (problems, 2, N)
    gap: Tensor  # relative duality gap, (problems,)
    change: Tensor  # Δz/z of a step that aims at μ = 0, (problems, 2, N); Δx/x is −1 less that


_State = TypeVar("_State", _Iterate, _Newton)


def _only(state: _State, kept: Tensor) -> _State:
    """Some of the problems."""
    return state._make(values[kept] for values in state)


@contextmanager
def _few_threads(Theta: Tensor) -> Iterator[None]:
    """One thread where a second one gains less than it costs to wait for it when cores are busy."""
    n_measurements, n_neurons = Theta.shape[-2:]
    n_threads = torch.get_num_threads()
    if n_measurements**2 * n_neurons < _PRODUCTS_FOR_THREADS:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@torch.inference_mode()
def minimise(Theta: Tensor, y: Tensor, *, tolerance: float, max_iterations: int = 60) -> Answer:
    """Minimise ‖Θs − y‖² + ‖s‖₁ for each row of y.

    From a gap of `_polish_below` on, each iteration asks whether the support it sees is the true one; a confirmed
    support ends a problem at once. What ends, by that or by its gap, leaves the batch.

    The answer has at most m nonzeros; of a problem that did not reach the tolerance, a relative duality gap, it is the
    best iterate.
    """
    with _few_threads(Theta):
        best, iterations = _iterate(Theta, y, tolerance, max_iterations)
    return Answer(best.code.cpu().numpy(), best.dual_point.cpu().numpy(), iterations)


def _iterate(Theta: Tensor, y: Tensor, tolerance: float, max_iterations: int) -> tuple[_Best, int]:
    best = _Best(y.new_zeros(len(y), Theta.shape[-1]), y.clone(), torch.ones_like(y[:, 0]))
    correlation = transpose_times(Theta, y)
    largest = correlation.abs().amax(-1)
    matrix, state, iteration = Theta, _first_iterate(y, correlation, largest.unsqueeze(-1)), 0
    signs = y.new_tensor([[-1.0], [1.0]])
    above = 2.0 * largest > 1.0  # elsewhere s = 0 is the optimum, and y its proof
    if not above.all():
        state, Theta = _only(state, above), Theta if Theta.ndim == 2 else Theta[above]
    while len(state.y):
        iteration += 1
        newton = _predict(Theta, state, signs)
        going = _leave(Theta, state, newton, best, tolerance=tolerance, last=iteration == max_iterations)
        if going is not None:
            state, newton = _only(state, going), _only(newton, going)
            Theta = Theta if Theta.ndim == 2 else Theta[going]
        if len(state.y):
            state = _correct(Theta, state, newton)
    for row in torch.nonzero((best.code != 0.0).sum(-1) > y.shape[-1]).flatten().tolist():
        best.code[row] = independent_support(matrix if matrix.ndim == 2 else matrix[row], best.code[row])
    return best, iteration


def _first_iterate(y: Tensor, correlation: Tensor, largest: Tensor) -> _Iterate:
    """A multiple of y well inside the dual feasible set, and u, v with equal products u z₁ = v z₂.

    From the correlation Θᵀy, (problems, N), and its largest magnitude, (problems, 1).
    """
    fraction = _FIRST_DUAL_FRACTION / largest
    slack = fraction * correlation
    z = torch.stack((1.0 - slack, 1.0 + slack), 1)
    x = (_FIRST_PRODUCT / 2 * y.square().sum(-1, keepdim=True) / largest).unsqueeze(-1) / z
    problem = torch.arange(len(y), device=y.device)
    return _Iterate(problem, y, fraction * y, torch.stack((x, z), 1))


def _predict(Theta: Tensor, state: _Iterate, signs: Tensor) -> _Newton:
    """Factor the system, and solve it for μ = 0."""
    x, z = state.pairs.unbind(1)
    factor, _ = torch.linalg.cholesky_ex(normal_matrix(Theta, (x / z).sum(1)))
    right_side = torch.add(state.y, state.dual_point, alpha=-0.5)
    inverse_slacks = signs / z
    slope = transpose_times(Theta, _solve(factor, right_side))
    products = x * z
    change = slope.unsqueeze(1) * inverse_slacks
    total = products.sum((1, 2))
    gap = _gap(Theta, state, right_side, total)
    return _Newton(factor, right_side, products, total, inverse_slacks, gap, change)


def _solve(factor: Tensor, right_side: Tensor) -> Tensor:
    return torch.cholesky_solve(right_side.unsqueeze(-1), factor).squeeze(-1)


def _correct(Theta: Tensor, state: _Iterate, newton: _Newton) -> _Iterate:
    """Corrector and step; in relative changes, Δx/x = (wanted product)/(product) − 1 − Δz/z."""
    changes = torch.empty_like(state.pairs)
    change_x, change_z = changes.unbind(1)
    torch.div(_wanted_products(newton), newton.products, out=change_x)
    positive, negative = (change_x * state.pairs[:, 0]).unbind(1)
    right_side = newton.right_side - times(Theta, positive - negative)
    dual_step = _solve(newton.factor, right_side)
    torch.mul(transpose_times(Theta, dual_step).unsqueeze(1), newton.inverse_slacks, out=change_z)
    change_x.sub_(change_z).sub_(1.0)
    step = _FRACTION_TO_BOUNDARY / changes.amin((2, 3)).neg_().clamp_min_(_FRACTION_TO_BOUNDARY)
    return _Iterate(
        state.problem,
        state.y,
        torch.addcmul(state.dual_point, dual_step, step[:, 1:]),
        torch.addcmul(state.pairs, changes.mul_(state.pairs), step[..., None, None]),
    )


def _wanted_products(newton: _Newton) -> Tensor:
    """Mehrotra's σμ − Δx Δz of the predictor.

    His σ is (μ after the predictor / μ)³. Here it is ((1 − step of x)(1 − step of z))^{3/2}: as many iterations,
    and no sums over the neurons.
    """
    products, change = newton.products, newton.change
    shifted = products * change
    primal = change.amax((1, 2)).clamp_min_(0.0).add_(1.0).reciprocal_()
    dual = change.amin((1, 2)).neg_().clamp_min_(1.0).reciprocal_()
    centre = (1.0 - primal).mul_(1.0 - dual).pow_(1.5).mul_(newton.total).div_(float(products[0].numel()))
    return torch.addcmul(shifted, shifted, change).add_(centre[:, None, None])


def _gap(Theta: Tensor, state: _Iterate, right_side: Tensor, total: Tensor) -> Tensor:
    """Relative duality gap, (problems,): Σ u z₁ + v z₂ and the square of what the first equation still lacks."""
    u, v = state.pairs[:, 0].unbind(1)
    product = times(Theta, u - v)
    residual, lacking = state.y - product, right_side - product
    objective = torch.linalg.vecdot(residual, residual) + state.pairs[:, 0].sum((1, 2))
    return (total + torch.linalg.vecdot(lacking, lacking)) / objective


def _leave(
    Theta: Tensor, state: _Iterate, newton: _Newton, best: _Best, *, tolerance: float, last: bool
) -> Tensor | None:
    """Write what is done, or the best so far; which problems go on, None for all."""
    before = best.gap[state.problem]
    falls = newton.gap < before
    best.write(state.problem, falls, state.pairs[:, 0, 0] - state.pairs[:, 0, 1], state.dual_point / 2.0, newton.gap)
    stalls = ~falls & (before < _ROUNDING_BELOW)
    ends = ~(newton.gap > tolerance) | stalls | last  # also where the factor broke down and the gap is NaN
    tried = torch.nonzero(ends | (newton.gap <= _polish_below(Theta))).squeeze(-1)
    if not len(tried):
        return None
    going = torch.ones_like(ends)
    if len(tried) < len(going):
        state, newton, ends = _only(state, tried), _only(newton, tried), ends[tried]
        Theta = Theta if Theta.ndim == 2 else Theta[tried]
    code, dual_point, confirmed = polish(Theta, state.y, -newton.change)
    best.write(state.problem, confirmed, code, dual_point, torch.zeros_like(newton.gap))
    going[tried[confirmed | ends]] = False
    return None if going.all() else going


def _polish_below(Theta: Tensor) -> float:
    """Gap from which polishing, k²m for a support of k, is worth a try beside an iteration's m²N."""
    n_measurements, n_neurons = Theta.shape[-2:]
    return max(1e-4, 1e-5 * (n_neurons / n_measurements) ** 3)
