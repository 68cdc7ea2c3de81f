from fractions import Fraction

import numpy as np
import pytest
import torch

from dtc_helpers import recover
from dtc_helpers.solvers.certificate import products_in_twice_the_precision


def exact_products(Theta, c):
    rows = [[Fraction(value) for value in row] for row in Theta.tolist()]
    factors = [Fraction(value) for value in c.tolist()]
    return [float(sum(row[i] * f for row, f in zip(rows, factors, strict=True))) for i in range(Theta.shape[1])]


def test_products_in_twice_the_precision_are_those_of_exact_numbers():
    rng = np.random.default_rng(0)
    for _ in range(20):
        Theta = rng.normal(size=(3, 12, 5)) * 10.0 ** -rng.integers(0, 16, size=(3, 12, 1))
        c = rng.normal(size=(3, 12)) * 10.0 ** rng.integers(-8, 8, size=(3, 12))
        Theta[:, 6:], c[:, 6:] = Theta[:, :6] * (1 + 2.0**-40), -c[:, :6]  # what is left is far below the terms
        found = products_in_twice_the_precision(Theta, c)
        for problem in range(3):
            assert found[problem] == pytest.approx(exact_products(Theta[problem], c[problem]), rel=1e-13)


@pytest.mark.parametrize("solver", ["exact", "active_set", "interior_point"])
def test_products_that_cancel_prove_nothing_wrong(solver):
    """In floating point Θᵀc is 0 here, so that any λ would do: s = 0 with objective 100, where (1, −1) has 4."""
    Theta = torch.zeros(100, 2, dtype=torch.float64)
    Theta[0], Theta[-1], Theta[1:-1, 0] = 1e16, -1e16, 1
    answer = recover(Theta, torch.ones(100, dtype=torch.float64), l1_penalty=1.0, solver=solver)
    assert answer.duality_gap > 0.5 or answer.objective < 4.1
    if answer.duality_gap > 0.5:
        with pytest.raises(RuntimeError, match="did not reach the tolerance"):
            answer.certified()


def test_code_beyond_float64_is_not_certified():
    answer = recover(1e-300 * torch.eye(3).double(), 1e300 * torch.ones(3).double(), l1_penalty=1e-5)
    with pytest.raises(RuntimeError, match="beyond float64: measure in other units"):
        answer.certified()


@pytest.mark.parametrize("solver", ["scs", "exact"])
@pytest.mark.parametrize("tolerance", [-1.0, True, None, float("nan")])
def test_tolerance_that_is_none_is_refused_whatever_the_solver(solver, tolerance):
    with pytest.raises(ValueError, match="expected a relative duality gap, 0 or more"):
        recover(torch.eye(2), torch.ones(2), l1_penalty=1.0, solver=solver, tolerance=tolerance)
