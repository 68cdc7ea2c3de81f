"""Φ, Ψ, Θ and y: fast transforms against the matrices they stand for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_helpers.sensing import (
    MEASUREMENT_COUNTS,
    dct_basis,
    gaussian_matrix,
    measure,
    recovered_weights,
    sensing_matrix,
)

PUBLISHED_SEED = 42424242
DCT_TYPES = (1, 2, 3, 4)


@settings(deadline=None)
@given(n_neurons=st.integers(2, 60), dct_type=st.sampled_from(DCT_TYPES))
def test_basis_is_orthonormal(n_neurons, dct_type):
    basis = dct_basis(n_neurons, dct_type=dct_type)
    torch.testing.assert_close(basis.T @ basis, torch.eye(n_neurons, dtype=torch.float64))


@pytest.mark.parametrize("n_neurons", [2, 3, 51])
def test_types_1_and_4_are_symmetric_and_2_and_3_transposed(n_neurons):
    basis = {dct_type: dct_basis(n_neurons, dct_type=dct_type) for dct_type in DCT_TYPES}
    torch.testing.assert_close(basis[1], basis[1].T)
    torch.testing.assert_close(basis[4], basis[4].T)
    torch.testing.assert_close(basis[2], basis[3].T)


@settings(deadline=None)
@given(n_neurons=st.integers(2, 80), dct_type=st.sampled_from(DCT_TYPES), seed=st.integers(0, 1000))
def test_fast_transforms_are_products_with_the_basis(n_neurons, dct_type, seed):
    basis = dct_basis(n_neurons, dct_type=dct_type)
    rows = gaussian_matrix(max(1, n_neurons // 3), n_neurons, rng=np.random.default_rng(seed))
    torch.testing.assert_close(sensing_matrix(rows, dct_type=dct_type), rows @ basis)
    torch.testing.assert_close(recovered_weights(rows, dct_type=dct_type), rows @ basis.T)


def test_code_of_the_weights_measures_the_same():
    measurement_matrix = gaussian_matrix(7, 20, rng=np.random.default_rng(0))
    code = torch.from_numpy(np.random.default_rng(1).normal(size=20))
    for dct_type in DCT_TYPES:
        through_weights = measure(measurement_matrix, recovered_weights(code, dct_type=dct_type))
        through_code = sensing_matrix(measurement_matrix, dct_type=dct_type) @ code
        torch.testing.assert_close(through_weights, through_code)


def test_batch_of_matrices_is_a_loop():
    matrices = torch.stack([gaussian_matrix(4, 9, rng=np.random.default_rng(i)) for i in range(3)])
    torch.testing.assert_close(
        sensing_matrix(matrices, dct_type=2), torch.stack([sensing_matrix(matrix, dct_type=2) for matrix in matrices])
    )


def test_measure_broadcasts_weights_and_matrices():
    matrices = torch.arange(12.0).reshape(2, 2, 3)
    weights = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    torch.testing.assert_close(measure(matrices, weights), torch.tensor([[0.0, 3], [7, 10]]))
    torch.testing.assert_close(measure(matrices[0], weights), torch.tensor([[0.0, 3], [1, 4]]))


def test_measuring_loses_nothing_of_64_bits():
    weights = torch.tensor([1 + 1e-12, 1e9 + 1e-6], dtype=torch.float64)
    eye = torch.eye(2, dtype=torch.float64)
    assert torch.equal(measure(eye, weights), weights)
    assert torch.equal(measure(eye[None], weights), weights[None])


def test_published_draws():
    # numpy.random.RandomState(42424242).normal(size=(45, 460)), as the published notebooks draw Φ after the first cut
    drawn = gaussian_matrix(45, 460, rng=np.random.RandomState(PUBLISHED_SEED))
    expected = np.random.RandomState(PUBLISHED_SEED).normal(size=(45, 460))
    np.testing.assert_array_equal(drawn.numpy(), expected)


@pytest.mark.parametrize(("n_neurons", "expected"), [(460, 45), (300, 29), (19, 1), (10, 1), (512, 51)])
def test_published_number_of_measurements(n_neurons, expected):
    assert MEASUREMENT_COUNTS["truncated"](n_neurons, 0.1) == expected


# Halves go to the even number, as Python rounds: 2.5 → 2, 3.5 → 4, 4.5 → 4. Widths 25 and 45 are on the schedule.
@pytest.mark.parametrize(
    ("n_neurons", "expected"), [(460, 46), (300, 30), (25, 2), (35, 4), (45, 4), (51, 5), (4, 1), (1, 1)]
)
def test_described_number_of_measurements(n_neurons, expected):
    assert MEASUREMENT_COUNTS["rounded"](n_neurons, 0.1) == expected


@pytest.mark.parametrize("n_measurements", [0, -1, 11])
def test_impossible_numbers_of_measurements_are_refused(n_measurements):
    with pytest.raises(ValueError, match=f"n_measurements = {n_measurements} is outside 1…10"):
        gaussian_matrix(n_measurements, 10, rng=np.random.RandomState(0))


@pytest.mark.parametrize("transform", [dct_basis, lambda n, **kind: sensing_matrix(torch.ones(1, n), **kind)])
def test_cosine_transforms_that_do_not_exist_are_refused(transform):
    with pytest.raises(ValueError, match="dct_type = 5 is not one of 1, 2, 3, 4"):
        transform(8, dct_type=5)
    with pytest.raises(ValueError, match="type 1 needs more than 1 neurons"):
        transform(1)
