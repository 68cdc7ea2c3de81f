"""The certificate of an answer: its objective, a lower bound of all objectives, the gap between them.

NumPy, on the CPU, whatever solved the problem where: a dozen small products, for which it needs half of torch's time.
They are dot products and no calls of BLAS, whose threads wait for each other where cores are busy.
"""

from dataclasses import dataclass, field

import numpy as np

from dtc_helpers.solvers import Answer

_TINY = np.finfo(float).tiny
_FELT = 1e-10  # of λ: a tenth of the tolerance that is usual


@dataclass
class Proven:
    """Best code and best bound of a flat batch of problems, written in place."""

    code: np.ndarray  # s, (problems, N)
    dual_point: np.ndarray  # c, (problems, m)
    objective: np.ndarray  # of the code, (problems,)
    bound: np.ndarray  # of the dual point, (problems,)
    solved_by: list[str]  # whose code it is
    iterations: int
    gap: np.ndarray = field(init=False)  # relative duality gap, (problems,)

    def __post_init__(self) -> None:
        self.gap = relative_gap(self.objective, self.bound)

    def keep_better(self, rows: np.ndarray, other: "Proven") -> None:
        """Take over what is better in the other, whose problems are these rows."""
        smaller, higher = other.objective < self.objective[rows], other.bound > self.bound[rows]
        self.code[rows[smaller]], self.objective[rows[smaller]] = other.code[smaller], other.objective[smaller]
        self.dual_point[rows[higher]], self.bound[rows[higher]] = other.dual_point[higher], other.bound[higher]
        for row in np.flatnonzero(smaller):
            self.solved_by[rows[row]] = other.solved_by[row]
        self.iterations = max(self.iterations, other.iterations)
        self.gap = relative_gap(self.objective, self.bound)


def judged(Theta: np.ndarray, y: np.ndarray, penalty: np.ndarray, answer: Answer, solver: str) -> Proven:
    """Objective of an answer, and the lower bound that its dual point proves.

    The dual of min ‖Θs − y‖² + λ‖s‖₁ is  max 2cᵀy − ‖c‖²  over ‖2Θᵀc‖∞ ≤ λ. The residual r = y − Θs, scaled to the
    best feasible multiple, is such a c; its value bounds the optimum from below whatever solver s came from. Where
    λ_max/λ nears 1 / rounding the residual is all rounding, and only a c that was carried along proves anything.

    No entry of Θ is above 1, so Θᵀc is rounded by at most m · eps · ‖c‖₁. Where λ feels that, it is computed again.
    """
    residual = y - np.vecdot(Theta, answer.code[:, None, :])
    objective = np.vecdot(residual, residual) + penalty * np.abs(answer.code).sum(-1)
    c = residual if answer.dual_point is None else answer.dual_point
    squared, correlation = np.vecdot(c, c), np.vecdot(c, y)
    reached = l1_penalty_max(Theta, c)
    rounding = 2 * Theta.shape[-2] * np.finfo(float).eps * np.abs(c).sum(-1)
    if len(felt := np.flatnonzero(rounding > _FELT * penalty)):
        precise = products_in_twice_the_precision(Theta if Theta.ndim == 2 else Theta[felt], c[felt])
        reached[felt] = 2 * np.abs(precise).max(-1)
    with np.errstate(over="ignore"):
        feasible = penalty / np.maximum(reached, _TINY)  # the largest multiple of c that is
    scale = within(correlation / np.maximum(squared, _TINY), 0.0, feasible)
    bound = scale * (2 * correlation - scale * squared)
    return Proven(answer.code, c, objective, bound, [solver] * len(y), answer.iterations)


def l1_penalty_max(Theta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Smallest λ for which s = 0 is optimal, 2‖Θᵀy‖∞, (problems,)."""
    return 2 * np.abs(np.einsum("...mn,...m->...n", Theta, y)).max(-1)


def products_in_twice_the_precision(Theta: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Products Θᵀc, (problems, N), as if added up in numbers of 106 bits (Ogita, Rump and Oishi, 2005: Dot2)."""
    total = rest = np.zeros((len(c), Theta.shape[-1]))
    for row, factor in zip(np.moveaxis(Theta, -2, 0), c.T[..., None], strict=True):
        product = row * factor
        (high, low), (high_factor, low_factor) = _split(row), _split(factor)
        lost = low * low_factor - (((product - high * high_factor) - low * high_factor) - high * low_factor)
        added = total + product
        taken = added - total
        rest = rest + ((total - (added - taken)) + (product - taken) + lost)
        total = added
    return total + rest


def _split(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values as sums of two numbers of 26 bits, whose products are not rounded."""
    large = (2.0**27 + 1) * values
    high = large - (large - values)
    return high, values - high


def within(values: np.ndarray, lowest: float, highest: float | np.ndarray) -> np.ndarray:
    """`numpy.clip` in half of its time, which counts where a whole solve takes 0.2 ms."""
    return np.minimum(np.maximum(values, lowest), highest)


def relative_gap(objective: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """(objective − bound) / objective, in [0, 1]: 0 proves the optimum; 0 too where the objective is 0."""
    return np.maximum(objective - bound, 0.0) / np.maximum(objective, _TINY)
