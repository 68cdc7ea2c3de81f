"""A hundred thousand random L1 problems, easy and nasty: whether every answer is proven, and the proof holds.

    python -m benchmarks.random_problems                 # all of them, a few minutes
    python -m benchmarks.random_problems --number 5000   # the first ones

A problem is known by its number. Each answer of `recover` is judged anew in exact rational arithmetic, from nothing
but Θ, y, λ, the code and the dual point. `tests/solvers/test_random_problems.py` does the same for a fixed part.
"""

import argparse
import time
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from dtc_helpers.recovery import Recovery, l1_penalty_max, recover

TOLERANCE = 1e-9
KINDS = (
    "Gaussian", "heavy-tailed", "sparse", "0/1", "±1", "ternary", "integer", "repeated columns", "zero columns",
    "low rank", "scaled rows", "scaled columns",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """One problem of the collection."""

    kind: str
    Theta: torch.Tensor  # (m, N), N ≤ 64
    y: torch.Tensor  # (m,), sometimes of size 1e±150
    penalty_fraction: float  # λ / λ_max, from 1e-6 to 1


def problem(number: int) -> Problem:
    """Problem by its number; kinds take turns."""
    rng, kind = np.random.default_rng(number), KINDS[number % len(KINDS)]
    n_neurons = int(rng.integers(1, 65))
    n_measurements = int(rng.integers(1, n_neurons + 1 if rng.random() < 0.9 else 65))
    Theta = _matrix(kind, rng, n_measurements, n_neurons)
    y = (
        rng.normal(size=n_measurements),
        Theta @ (rng.normal(size=n_neurons) * (rng.random(n_neurons) < 0.3)),
        Theta @ rng.standard_t(1.5, size=n_neurons),
        Theta @ rng.integers(-2, 3, size=n_neurons),  # whole numbers: ties
    )[rng.integers(4)]
    if rng.random() < 0.3:
        y = y * 10.0 ** rng.choice([-150, 150])
    fraction = 10 ** rng.uniform(-6, 0) if rng.random() < 0.95 else rng.choice([1.0, 0.5, 0.25])
    return Problem(kind, torch.from_numpy(Theta), torch.from_numpy(y), float(fraction))


def _matrix(kind: str, rng: np.random.Generator, n_measurements: int, n_neurons: int) -> np.ndarray:
    shape = n_measurements, n_neurons
    gaussian = rng.normal(size=shape)
    made = {
        "heavy-tailed": lambda: rng.standard_t(1.5, size=shape),
        "sparse": lambda: gaussian * (rng.random(shape) < 0.2),
        "0/1": lambda: rng.integers(0, 2, size=shape),
        "±1": lambda: rng.choice([-1, 1], size=shape),
        "ternary": lambda: rng.integers(-1, 2, size=shape),
        "integer": lambda: rng.integers(-5, 6, size=shape),
        "repeated columns": lambda: (
            gaussian[:, rng.integers(0, max(1, n_neurons // 3), size=n_neurons)] * rng.choice([-1, 1], size=n_neurons)
        ),
        "zero columns": lambda: gaussian * (rng.random(n_neurons) < 0.6),
        "low rank": lambda: (
            rng.normal(size=(n_measurements, max(1, n_measurements // 2)))
            @ rng.normal(size=(max(1, n_measurements // 2), n_neurons))
        ),
        "scaled rows": lambda: gaussian * 10 ** rng.uniform(-6, 6, size=(n_measurements, 1)),
        "scaled columns": lambda: gaussian * 10 ** rng.uniform(-6, 6, size=n_neurons),
    }
    return np.asarray(made[kind]() if kind in made else gaussian, dtype=float)


def exact_gap(Theta: np.ndarray, y: np.ndarray, l1_penalty: float, answer: Recovery) -> float:
    """Relative duality gap of a code and a dual point, computed without any rounding."""
    m, n = Theta.shape
    s, c = ([Fraction(v) for v in values.tolist()] for values in (answer.sparse_code, answer.dual_point))
    measured, penalty = [Fraction(v) for v in y.tolist()], Fraction(l1_penalty)
    matrix = [[Fraction(v) for v in row] for row in Theta.tolist()]
    support = [j for j in range(n) if s[j]]
    residual = [measured[i] - sum((matrix[i][j] * s[j] for j in support), Fraction(0)) for i in range(m)]
    objective = sum(r * r for r in residual) + penalty * sum(abs(s[j]) for j in support)
    if objective == 0:
        return 0.0
    squared, correlation = sum(v * v for v in c), sum(v * w for v, w in zip(c, measured, strict=True))
    if squared == 0:
        return 1.0
    steepest = 2 * max(abs(sum(matrix[i][j] * c[i] for i in range(m))) for j in range(n))
    scale = max(Fraction(0), correlation / squared)
    if steepest:
        scale = min(scale, penalty / steepest)
    return float((objective - scale * (2 * correlation - scale * squared)) / objective)


def main() -> None:
    """Print what is unproven, dense or contradicted, and the counts."""
    parser = argparse.ArgumentParser(description="Judge many random L1 problems")
    parser.add_argument("--number", type=int, default=100_000, help="how many problems (default: 100,000)")
    parser.add_argument("--exactly-every", type=int, default=1, help="judge only every so many in exact arithmetic")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    unproven, solved_by, worst, seconds = Counter(), Counter(), 0.0, 0.0
    n_dense = n_contradicted = 0
    for number in range(chosen.number):
        given = problem(number)
        penalty = given.penalty_fraction * float(l1_penalty_max(given.Theta, given.y)) or given.penalty_fraction
        start = time.perf_counter()
        answer = recover(given.Theta, given.y, l1_penalty=penalty)
        seconds += time.perf_counter() - start
        gap, condition = float(answer.duality_gap), np.linalg.cond(given.Theta.numpy())
        place = f"{number}: {given.kind}, {tuple(given.Theta.shape)}, λ/λ_max {given.penalty_fraction:.1e}"
        solved_by[answer.solved_by[0]] += 1
        if not answer.converged:
            unproven[given.kind] += 1
            print(f"{place}: unproven, gap {gap:.1e}, condition of Θ {condition:.0e}")
        if int((answer.sparse_code != 0).sum()) > len(given.y):
            n_dense += 1
            print(f"{place}: more than m nonzeros")
        if number % chosen.exactly_every == 0:
            exact = exact_gap(given.Theta.numpy(), given.y.numpy(), penalty, answer)
            worst = max(worst, abs(exact - gap))
            if gap <= TOLERANCE < exact:
                n_contradicted += 1
                print(f"{place}: gap {gap:.1e}, exactly {exact:.1e}, condition of Θ {condition:.0e}")
    print(f"{chosen.number} problems, {seconds:.0f} s: {unproven.total()} unproven {dict(unproven) or ''},")
    print(f"{n_dense} with more than m nonzeros, {n_contradicted} contradicted; gaps are off by at most {worst:.1e};")
    print(f"solved by {dict(solved_by)}")


if __name__ == "__main__":
    main()
