from dataclasses import replace

import numpy as np
import pytest
import torch
from oracles import networks
from scipy.stats import chisquare

from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.recovery import recover
from dtc_helpers.scoring import (
    SCORES,
    HiddenLayer,
    dtc_scores,
    hidden_layer,
    magnitude_scores,
    norm_scores,
    random_scores,
)
from dtc_helpers.sensing import dct_basis, gaussian_matrix
from dtc_helpers.surgery import lowest

N_NEURONS, N_MEASUREMENTS = 24, 5


def layer_of(incoming, outgoing, *, seeds=(0,), l1_penalty=0.3, **switches):
    n_neurons = len(incoming[0])
    matrices = [gaussian_matrix(min(N_MEASUREMENTS, n_neurons), n_neurons, rng=np.random.RandomState(s)) for s in seeds]
    return HiddenLayer(
        torch.as_tensor(incoming, dtype=torch.float64),
        torch.as_tensor(outgoing, dtype=torch.float64),
        torch.as_tensor(incoming, dtype=torch.float64).abs() + 1,
        torch.as_tensor(outgoing, dtype=torch.float64).abs() + 2,
        torch.stack(matrices),
        [np.random.RandomState(s) for s in seeds],
        replace(READINGS["published"], **switches),
        Plan(l1_penalty=l1_penalty),
    )


def random_layer(*, seeds, **settings):
    sums = np.random.default_rng(1).normal(size=(2, len(seeds), N_NEURONS))
    return layer_of(*sums, seeds=seeds, **settings)


def test_methods_are_magnitude_norms_random_dtc():
    assert list(SCORES.items()) == [
        ("magnitude", magnitude_scores),
        ("norms", norm_scores),
        ("random", random_scores),
        ("dtc", dtc_scores),
    ]


@pytest.mark.parametrize("method", SCORES)
def test_score_is_one_number_not_below_0_for_every_neuron_of_every_replicate(method):
    values = SCORES[method](random_layer(seeds=(1, 2, 3), solver="lars")).values
    assert values.shape == (3, N_NEURONS)
    assert (values >= 0).all()


@pytest.mark.parametrize("method", SCORES)
def test_replicate_has_the_scores_that_it_has_alone(method):
    together = random_layer(seeds=(1, 2, 3), solver="lars")
    values = SCORES[method](together).values
    for r, seed in enumerate((1, 2, 3)):
        sums = together.incoming_sums[[r]], together.outgoing_sums[[r]]
        alone = SCORES[method](layer_of(*sums, seeds=(seed,), solver="lars")).values
        torch.testing.assert_close(values[[r]], alone)


def test_layer_sees_the_sums_of_its_own_weights():
    network = networks(5, 4, 6, 3, seeds=[1, 2])
    seen = hidden_layer(network, 1, cycle=1, reading=READINGS["published"], seeds=(1, 2), plan=Plan())
    layer = replace(seen, measurement_matrix=torch.ones(2, 1, 6, dtype=torch.float64))
    torch.testing.assert_close(layer.incoming_sums, network.weights[1].detach().sum(2).double())
    torch.testing.assert_close(layer.outgoing_sums, network.weights[2].detach().sum(1).double())
    everything = torch.stack([layer.incoming_sums.sum(1), layer.outgoing_sums.sum(1)])
    torch.testing.assert_close(layer.measurements.squeeze(-1), everything)  # a row of ones measures the total


def test_measurements_are_those_of_the_slow_product():
    layer = random_layer(seeds=(1, 2))
    for side, sums in enumerate((layer.incoming_sums, layer.outgoing_sums)):
        for replicate in range(2):
            expected = layer.measurement_matrix[replicate].numpy() @ sums[replicate].numpy()
            np.testing.assert_allclose(layer.measurements[side, replicate].numpy(), expected, rtol=1e-12)


def test_norms_of_the_toy_by_hand(toy_network):
    layer = hidden_layer(toy_network, 0, cycle=1, reading=READINGS["published"], seeds=(1,), plan=Plan())
    by_hand = [
        np.sqrt(1 * 17),
        np.sqrt(1 * 29),
        np.sqrt(2 * 45),
    ]  # rows (1, 0) (0, −1) (1, 1), columns (1, 4) (2, 5) (3, 6)
    np.testing.assert_allclose(norm_scores(layer).values[0], by_hand, rtol=1e-6)
    np.testing.assert_allclose(layer.incoming_norms[0], np.sqrt([1, 1, 2]), rtol=1e-6)
    np.testing.assert_allclose(layer.outgoing_norms[0], np.sqrt([17, 29, 45]), rtol=1e-6)


def test_magnitude_by_hand():
    assert magnitude_scores(layer_of([[1, -2, 3]], [[1, 2, -5]])).values.tolist() == [[2, 0, 2]]


@pytest.mark.parametrize("seed", [0, 7, 42424242])
@pytest.mark.parametrize("n_kept", [1, 17, 460, 512])
def test_lowest_random_scores_in_order_are_the_published_choice_bit_for_bit(seed, n_kept):
    layer = layer_of(np.zeros((2, 512)), np.zeros((2, 512)), seeds=(seed, seed + 1))
    kept = lowest(random_scores(layer).values, n_kept, ranked=True)
    for replicate in range(2):
        expected = np.random.RandomState(seed + replicate).choice(512, n_kept, replace=False)
        assert kept[replicate].tolist() == expected.tolist()


def test_random_scores_say_nothing_of_the_weights_and_are_places():
    values = random_scores(layer_of(np.full((1, 50), 1e9), np.zeros((1, 50)))).values
    other = random_scores(layer_of(np.zeros((1, 50)), np.full((1, 50), -1e9))).values
    assert torch.equal(values, other)
    assert sorted(values[0].tolist()) == list(range(50))


def test_random_choice_is_uniform_over_neurons():
    survivors = np.zeros(20)
    for seed in range(2000):
        layer = layer_of(np.zeros((1, 20)), np.zeros((1, 20)), seeds=(seed,))
        survivors[lowest(random_scores(layer).values, 5)[0].numpy()] += 1
    # Drawn without replacement the counts vary less than chisquare assumes, by (1 − 5/20): both tails are looked at.
    assert 0.001 < chisquare(survivors).pvalue < 0.9999


@pytest.mark.parametrize("ray_domain", ["sparse_code", "recovered_weights"])
def test_dtc_is_the_sum_of_both_recoveries(ray_domain):
    layer = random_layer(seeds=(1, 2), l1_penalty=0.7, solver="lars", ray_domain=ray_domain)
    scores = dtc_scores(layer)
    basis = dct_basis(N_NEURONS)
    for replicate in range(2):
        theta = layer.measurement_matrix[replicate] @ basis
        rays = torch.zeros(N_NEURONS, dtype=torch.float64)
        for sums in (layer.incoming_sums, layer.outgoing_sums):
            y = layer.measurement_matrix[replicate] @ sums[replicate]
            code = recover(theta, y, l1_penalty=0.7, solver="lars").sparse_code
            rays += code if ray_domain == "sparse_code" else basis @ code
        torch.testing.assert_close(scores.values[replicate], rays.abs())
    assert scores.recovery is not None
    assert scores.recovery.duality_gap.shape == (2, 2)
    assert scores.recovery.duality_gap.max() < 1e-6


def test_recovery_behind_dtc_is_first_that_of_the_incoming_sums_then_that_of_the_outgoing_ones():
    layer = random_layer(seeds=(1, 2), l1_penalty=0.7, solver="lars")
    recovery = dtc_scores(layer).recovery
    assert recovery is not None
    for side, sums in enumerate((layer.incoming_sums, layer.outgoing_sums)):
        for replicate in range(2):
            Phi = layer.measurement_matrix[replicate]
            alone = recover(Phi @ dct_basis(N_NEURONS), Phi @ sums[replicate], l1_penalty=0.7, solver="lars")
            torch.testing.assert_close(recovery.sparse_code[side, replicate], alone.sparse_code)
            torch.testing.assert_close(recovery.objective[side, replicate], alone.objective)


@pytest.mark.parametrize(
    "solver",
    ["clarabel", "interior_point"],
)
def test_recovered_weights_point_at_the_neuron_when_everything_is_measured(solver):
    n_neurons = 6
    layer = HiddenLayer(
        torch.tensor([[0, 0, 50.0, 0, 0, 0]], dtype=torch.float64),
        torch.tensor([[0, 0, 0, 0, -20.0, 0]], dtype=torch.float64),
        torch.ones(1, n_neurons, dtype=torch.float64),
        torch.ones(1, n_neurons, dtype=torch.float64),
        torch.eye(n_neurons, dtype=torch.float64)[None],
        [],
        replace(READINGS["published"], solver=solver, ray_domain="recovered_weights"),
        Plan(l1_penalty=1e-6),
    )
    expected = torch.tensor([[0, 0, 50.0, 0, 20.0, 0]], dtype=torch.float64)
    torch.testing.assert_close(dtc_scores(layer).values, expected, rtol=0, atol=1e-4)


def test_homotopy_that_goes_astray_where_correlations_tie_is_betrayed_by_its_gap():
    basis = dct_basis(6)
    assert recover(basis, 50 * basis[:, 2].flip(0), l1_penalty=1e-6, solver="interior_point").converged
    assert not recover(basis, 50 * torch.eye(6, dtype=torch.float64)[2], l1_penalty=1e-6, solver="lars").converged


def test_nothing_is_solved_for_magnitude_and_random():
    layer = random_layer(seeds=(1,))
    assert magnitude_scores(layer).recovery is None
    assert random_scores(layer).recovery is None
