import numpy as np
import pytest
import torch

from dtc_helpers.lessons.lesson_1_inverse_sensing import floor, objective, others_with_same_measurement, share_found
from dtc_helpers.recovery import recover
from dtc_helpers.sensing import dct_basis, gaussian_matrix

WEIGHTS = np.array([3.0, 1, 0, -1, -3])


@pytest.fixture
def problem():
    """Θ, y and λ of some random measurements."""
    rng = np.random.default_rng(3)
    Theta = rng.normal(size=(3, 6))
    return Theta, Theta @ rng.normal(size=6), 1.5


def test_other_weights_give_the_same_measurement_and_are_far_from_each_other():
    Phi = np.random.default_rng(0).normal(size=(2, 5))
    others = others_with_same_measurement(Phi, WEIGHTS, n_others=4, rng=np.random.default_rng(1))
    vectors = [WEIGHTS, *others]
    assert len(others) == 4
    for number, vector in enumerate(vectors):
        np.testing.assert_allclose([sum(row * vector) for row in Phi], [sum(row * WEIGHTS) for row in Phi])
        assert all(np.linalg.norm(vector - other) > 0.5 for other in vectors[:number])


def test_other_weights_differ_in_every_direction_that_is_not_seen():
    Phi = np.array([[1.0, 1, 0, 0, 0], [0, 1, 0, 0, 1]])
    others = others_with_same_measurement(Phi, WEIGHTS, n_others=9, rng=np.random.default_rng(1))
    assert np.linalg.matrix_rank(np.array(others) - WEIGHTS) == 3


def test_objective_is_what_the_solver_lowers_and_its_residual_is_a_witness_of_no_gap(problem):
    Theta, y, penalty = problem
    answer = recover(torch.from_numpy(Theta), torch.from_numpy(y), l1_penalty=penalty)
    code = answer.sparse_code.numpy()
    assert objective(Theta, y, code, l1_penalty=penalty) == pytest.approx(float(answer.objective))
    assert floor(Theta, y, (y - Theta @ code) * (1 - 1e-9), l1_penalty=penalty) == pytest.approx(
        float(answer.objective)
    )


def test_no_code_is_below_the_floor_of_any_witness(problem):
    Theta, y, penalty = problem
    rng = np.random.default_rng(4)
    codes = [rng.normal(size=6) * rng.integers(0, 2, size=6) for _ in range(200)]
    lowest = min(objective(Theta, y, code, l1_penalty=penalty) for code in codes)
    for _ in range(200):
        witness = rng.normal(size=3)
        witness *= penalty / (2 * np.abs(Theta.T @ witness).max())
        assert floor(Theta, y, witness, l1_penalty=penalty) <= lowest


def test_witness_that_is_too_large_is_refused(problem):
    Theta, y, penalty = problem
    with pytest.raises(ValueError, match=r"above λ = 1\.5: make c smaller"):
        floor(Theta, y, 100 * np.ones(3), l1_penalty=penalty)


@pytest.mark.parametrize("n_measurements", [1, 3])
def test_share_found_counts_one_matrix_after_the_other(n_measurements):
    rng, Psi, n_found = np.random.default_rng(7), dct_basis(5), 0
    for _ in range(30):
        Phi = gaussian_matrix(n_measurements, 5, rng=rng)
        code = recover(Phi @ Psi, Phi @ torch.from_numpy(WEIGHTS), l1_penalty=0.1).sparse_code
        n_found += np.linalg.norm((Psi @ code).numpy() - WEIGHTS) < 0.15 * np.linalg.norm(WEIGHTS)
    settings = {"n_measurements": n_measurements, "n_draws": 30, "l1_penalty": 0.1, "seed": 7}
    assert share_found(WEIGHTS, **settings) == pytest.approx(n_found / 30)
