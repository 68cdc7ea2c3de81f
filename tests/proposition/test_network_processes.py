import numpy as np
import pytest
import torch

from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.networks import ReplicatedMLP, outgoing_sums, xavier_mlp
from dtc_helpers.proposition.network_processes import (
    COMPRESSORS,
    magnitude_steps,
    measured_step,
    post_training,
    pruning,
    quantisation_steps,
    svd_steps,
)
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.sensing import gaussian_matrix
from dtc_helpers.training import adam, batches, train

SEEDS = (3, 4)
PLAN = Plan(batches_per_cycle=2, keep_fraction=0.6, stop_at=4)


@pytest.fixture
def weights():
    network = xavier_mlp([20, 30, 5], generators=[torch.Generator().manual_seed(seed) for seed in SEEDS])
    return [weight.detach() for weight in network.weights]


# ---------------------------------------------------------------------------------------- measuring


@pytest.mark.parametrize(("removed", "length"), [(0, 51), (0.5, 25), (0.99, 1), (0.999, 1)])
def test_length_follows_what_is_left_and_is_at_least_1(removed, length):
    numbers = {"removed_fraction": removed, "fitness": 0.5, "measurement_fraction": 0.1}
    step = measured_step(np.zeros(512), np.zeros(512), **numbers, rng=np.random.default_rng(7))
    assert step.measurement.size == length


def test_step_measures_the_signal_with_a_new_matrix():
    w = np.arange(40.0)
    numbers = {"removed_fraction": 0.25, "fitness": 0.5, "measurement_fraction": 0.2}
    step = measured_step(w, 2 * w, **numbers, rng=np.random.default_rng(7))
    Phi = gaussian_matrix(6, 40, rng=np.random.default_rng(7)).numpy()
    np.testing.assert_allclose(step.measurement, Phi @ w)
    assert (step.removed_fraction, step.fitness) == (0.25, 0.5)


# ------------------------------------------------------------------------------------------- pruning


@pytest.fixture
def pruned(tiny_dataset):
    return {m: pruning(tiny_dataset, m, seeds=SEEDS, plan=PLAN, hidden=20) for m in ("random", "dtc")}


def test_pruning_has_a_process_a_seed_whose_measurements_shrink(pruned):
    for processes in pruned.values():
        assert len(processes) == 2
        for process in processes:
            assert [len(step.signal) for step in process] == [20, 12, 7]
            assert [step.measurement.size for step in process] == [1, 1, 1]
            assert [step.removed_fraction for step in process] == pytest.approx([0.4, 0.65, 0.8])
            assert all(0 <= step.fitness <= 1 for step in process)


def test_random_pruning_measures_with_the_matrix_of_dtc(pruned):
    """Published: RandomState(seed), used anew for every method and every cycle."""
    for processes in pruned.values():
        for seed, process in zip(SEEDS, processes, strict=True):
            for step in process:
                Phi = np.random.RandomState(seed).normal(size=(step.measurement.size, step.signal.size))
                np.testing.assert_allclose(step.measurement, Phi @ step.signal, rtol=1e-6)
    # The first cycle begins with the same weights and the same batches.
    np.testing.assert_allclose(pruned["random"][0][0].signal, pruned["dtc"][0][0].signal)


def test_unrelated_network_is_untrained_and_loses_as_many_neurons(pruned):
    for seed, process in zip(SEEDS, pruned["dtc"], strict=True):
        untrained = untrained_sums(20, seed=seed + 1_000_000)
        for step in process:
            np.testing.assert_array_equal(step.unrelated_signal, untrained[: len(step.signal)])


def untrained_sums(hidden, *, seed):
    network = xavier_mlp([6, hidden, 3], generators=[torch.Generator().manual_seed(seed)])
    return outgoing_sums(network)[0].numpy()


def test_fitness_of_pruning_is_the_mean_accuracy_of_batches_of_each_network(pruned, tiny_dataset):
    shared = {"reading": READINGS["published"], "seeds": SEEDS}
    network = start_networks(tiny_dataset, [20], device=torch.device("cpu"), **shared)
    records = list(compress_train(network, tiny_dataset, method="dtc", plan=PLAN, **shared))
    for r, process in enumerate(pruned["dtc"]):
        assert [step.fitness for step in process] == [float(record.accuracy.batch_mean[r]) for record in records]
        assert process[-1].fitness != float(records[-1].accuracy.overall[r])


# ------------------------------------------------------------------------------------ compressors


@pytest.mark.parametrize("name", COMPRESSORS)
def test_compressor_removes_more_at_every_step_and_keeps_the_shapes(weights, name):
    steps = list(COMPRESSORS[name](weights))
    removed = [step.removed_fraction for step in steps]
    assert removed == sorted(set(removed))
    assert all(0 < fraction < 1 for fraction in removed)
    assert len(steps) >= 4
    for step in steps:
        assert [weight.shape for weight in step.weights] == [weight.shape for weight in weights]


def test_magnitude_sets_exactly_the_smallest_weights_of_each_replicate_to_0(weights):
    for step in magnitude_steps(weights):
        for r in range(2):
            before, after = (torch.cat([w[r].flatten() for w in each]) for each in (weights, step.weights))
            kept = after != 0
            assert (~kept).double().mean() == pytest.approx(step.removed_fraction)
            assert torch.equal(before[kept], after[kept])
            assert before[~kept].abs().max() <= before[kept].abs().min()


def test_magnitude_keeps_nine_tenths_of_what_it_kept_in_34_steps(weights):
    kept = [1 - step.removed_fraction for step in magnitude_steps(weights)]
    assert kept == pytest.approx([0.9**step for step in range(1, 35)], abs=1 / 750)  # of 20·30 + 30·5 weights


def test_truncation_is_the_best_approximation_of_its_rank_and_counts_the_factors(weights):
    first_ranks = []
    for step in svd_steps(weights):
        ranks = [int(torch.linalg.matrix_rank(weight[0].double(), rtol=1e-5)) for weight in step.weights]
        size = ranks[0] * (20 + 30) + ranks[1] * (30 + 5)
        assert step.removed_fraction == pytest.approx(1 - size / (20 * 30 + 30 * 5))
        for weight, lower, rank in zip(weights, step.weights, ranks, strict=True):
            values = np.linalg.svd(weight[1].numpy(), compute_uv=False)
            left = float((weight[1] - lower[1]).norm())  # Eckart and Young: what the values left out hold
            assert left == pytest.approx(np.sqrt((values[rank:] ** 2).sum()), abs=1e-5)
        first_ranks.append(ranks[0])
    assert ranks == [1, 1]
    # 20 18 16 14 12 10 …, each int(0.9 · the one before); at 12 the factors are larger than the layers
    assert first_ranks == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_factors_as_large_as_the_layer_are_no_compression():
    layer = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert [step.removed_fraction for step in svd_steps([layer])] == [0.5]  # rank 2 takes 2·8 of 16 numbers, 1 takes 8


def test_quantised_weights_have_at_most_2_to_the_bits_values_and_are_nearest(weights):
    for bits, step in zip(range(8, 0, -1), quantisation_steps(weights), strict=True):
        assert step.removed_fraction == 1 - bits / 32
        for weight, rounded in zip(weights, step.weights, strict=True):
            width = weight[0].abs().max() / 2 ** (bits - 1)
            assert len(rounded[0].unique()) <= 2**bits
            assert (weight[0] - rounded[0]).abs().max() <= width / 2 * (1 + 1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_bit_is_the_sign_times_half_the_largest_weight(sign):
    weight = sign * torch.tensor([[[-1.0, -0.2, 0.1, 0.8]]])
    *_, last = quantisation_steps([weight])
    assert last.weights[0].tolist() == [[[-0.5 * sign, -0.5 * sign, 0.5 * sign, 0.5 * sign]]]


# ------------------------------------------------------------------------------------ post-training


@pytest.mark.parametrize("name", COMPRESSORS)
def test_trained_network_is_compressed_measured_and_loses_accuracy(tiny_dataset, name):
    plan = Plan(batches_per_cycle=30, measurement_fraction=0.5)
    processes = post_training(tiny_dataset, name, seeds=SEEDS, plan=plan, hidden=64)
    assert len(processes) == 2
    for process in processes:
        lengths = [step.measurement.size for step in process]
        assert lengths == sorted(lengths, reverse=True)
        assert process[0].fitness > 0.6
        assert name == "quantisation" or process[-1].fitness < process[0].fitness  # signs are enough for clouds
        assert {len(step.signal) for step in process} == {len(step.unrelated_signal) for step in process} == {64}


def test_post_training_is_what_it_is_by_hand(tiny_dataset):
    plan = Plan(batches_per_cycle=5, measurement_fraction=0.9)
    found = post_training(tiny_dataset, "quantisation", seeds=SEEDS, plan=plan, hidden=16)
    trained = xavier_mlp([6, 16, 3], generators=[torch.Generator().manual_seed(seed) for seed in SEEDS])
    shown = batches(tiny_dataset.train.images, tiny_dataset.train.labels, n_batches=5)
    train(trained, shown, optimizer=adam(trained), loss_axis="class")
    rngs, test = [np.random.default_rng(seed) for seed in SEEDS], tiny_dataset.test
    for i, step in enumerate(quantisation_steps([weight.detach() for weight in trained.weights])):
        is_right = ReplicatedMLP(step.weights)(test.images).argmax(dim=2) == test.labels
        for r, rng in enumerate(rngs):
            w, m = outgoing_sums(ReplicatedMLP(step.weights))[r].numpy(), int(0.9 * 16 * (8 - i) / 32) or 1
            assert found[r][i].fitness == pytest.approx(is_right[r].double().mean().item())
            np.testing.assert_allclose(found[r][i].signal, w)
            np.testing.assert_allclose(found[r][i].measurement, gaussian_matrix(m, 16, rng=rng).numpy() @ w, rtol=1e-6)


def test_post_training_comes_from_its_seeds_alone(tiny_dataset):
    one, other, third = (
        post_training(tiny_dataset, "quantisation", seeds=[s], plan=PLAN, hidden=16) for s in (1, 1, 2)
    )
    for step, again, different in zip(one[0], other[0], third[0], strict=True):
        np.testing.assert_array_equal(step.measurement, again.measurement)
        assert step.fitness == again.fitness
        assert not np.array_equal(step.measurement, different.measurement)


def test_unrelated_network_of_post_training_is_untrained_and_compressed_alike(tiny_dataset):
    for seed, process in zip(
        SEEDS, post_training(tiny_dataset, "quantisation", seeds=SEEDS, plan=PLAN, hidden=16), strict=True
    ):
        untrained = untrained_sums(16, seed=seed + 1_000_000)
        eight_bits, *_, one_bit = (step.unrelated_signal for step in process)
        assert np.corrcoef(eight_bits, untrained)[0, 1] > 0.999 > np.corrcoef(one_bit, untrained)[0, 1]
        assert np.corrcoef(eight_bits, process[0].signal)[0, 1] < 0.99


def test_largest_seed_of_a_study_has_an_unrelated_network_too(tiny_dataset):
    (process,) = pruning(tiny_dataset, method="random", hidden=12, seeds=[2**32 - 1], plan=Plan(batches_per_cycle=1))
    assert all(len(step.unrelated_signal) == len(step.signal) for step in process)


def test_equal_weights_are_cut_by_count():
    for step in magnitude_steps([torch.ones(2, 3, 4), -torch.ones(2, 2, 3)]):
        left = torch.stack([weight.count_nonzero(dim=(1, 2)) for weight in step.weights]).sum(0)
        assert left.tolist() == [round(18 * (1 - step.removed_fraction))] * 2


def test_layer_of_zeros_is_quantised_to_next_to_nothing():
    *_, last = quantisation_steps([torch.zeros(1, 2, 3)])
    assert last.weights[0].abs().max() < 1e-20
