import numpy as np
import pytest
import torch

from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.lessons.lesson_2_numbering import layer_of, neurons_cut, trained
from dtc_helpers.recovery import recover
from dtc_helpers.sensing import dct_basis


@pytest.fixture(scope="module")
def networks():
    return trained(load_dataset("digits"), seeds=[3])


def cut_slowly(layer, order, n_cut):
    """DTC of the neurons in an order, one sum and one cosine after the other."""
    Phi, Psi, neurons = layer.measurement_matrix[0], dct_basis(len(order)), [int(number) for number in order]
    rays = torch.zeros(len(order), dtype=torch.float64)
    for sums in (layer.incoming_sums[0], layer.outgoing_sums[0]):
        standing = torch.stack([sums[number] for number in neurons])
        rays += Psi @ recover(Phi @ Psi, Phi @ standing, l1_penalty=0.3).sparse_code
    weakest = sorted(range(len(order)), key=lambda place: abs(float(rays[place])))[:n_cut]
    return sorted(neurons[place] for place in weakest)


@pytest.mark.parametrize("seed", [0, 1])
def test_neurons_that_are_cut_in_another_order_go_by_their_own_numbers(networks, seed):
    layer, order = layer_of(networks, seeds=[3]), np.random.default_rng(seed).permutation(64)
    assert neurons_cut(layer, order, n_cut=9) == cut_slowly(layer, order, 9)


def test_layer_of_the_lesson_is_measured_sixteen_times_and_has_learned(networks):
    data = load_dataset("digits")
    assert layer_of(networks, seeds=[3]).measurement_matrix.shape == (1, 16, 64)
    assert (networks(data.test.images)[0].argmax(-1) == data.test.labels).double().mean() > 0.85
