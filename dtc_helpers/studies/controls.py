"""Controls of a compress-train run: what training without cutting, from scratch, or from a lottery ticket gives."""

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from dtc_helpers.cycle import cycle_batches, test_accuracy
from dtc_helpers.images.datasets import Dataset
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import IndependentStreams, Plan, Reading
from dtc_helpers.surgery import keep_neurons
from dtc_helpers.training import Accuracy, adam, train


def dense(
    network: ReplicatedMLP, dataset: Dataset, *, n_cycles: int, reading: Reading, seeds: Sequence[int], plan: Plan
) -> Iterator[Accuracy]:
    """Train as `compress_train` does, with the same batches, and cut nothing: the test accuracy after every cycle.

    Parameters
    ----------
    network : changed in place.
    n_cycles : of `plan.batches_per_cycle` batches each.
    """
    optimizer = adam(network)
    for cycle in range(1, n_cycles + 1):
        if reading.optimizer == "new":
            optimizer = adam(network)
        shown = cycle_batches(dataset, cycle, reading=reading, seeds=seeds, plan=plan)
        train(network, shown, optimizer=optimizer, loss_axis=reading.loss_axis)
        yield test_accuracy(network, dataset, reading=reading)


def trained_to(
    network: ReplicatedMLP, dataset: Dataset, *, stops: Sequence[int], reading: Reading, seeds: Sequence[int]
) -> Iterator[Accuracy]:
    """Train in place without a break, by one Adam, from the first batch of the reading: test accuracy at every stop.

    In the published reading too, whose compress-train begins at image 0 and with a new Adam in every cycle.

    Parameters
    ----------
    network : changed in place.
    stops : batches so far at which to measure, ascending.
    """
    optimizer = adam(network)
    shown = cycle_batches(dataset, 1, reading=reading, seeds=seeds, plan=Plan(stops[-1]))
    for done, stop in itertools.pairwise([0, *stops]):
        train(network, itertools.islice(shown, stop - done), optimizer=optimizer, loss_axis=reading.loss_axis)
        yield test_accuracy(network, dataset, reading=reading)


def rewound(start: ReplicatedMLP, neuron_ids: Sequence[Tensor]) -> ReplicatedMLP:
    """Lottery ticket: some neurons of the untrained network, with the weights that they had there.

    Parameters
    ----------
    start : untrained.
    neuron_ids : for each hidden layer (n_replicates, n_kept), names in the untrained network; those of a cut network
        are its `neuron_ids`.
    """
    for layer, kept in enumerate(neuron_ids):
        start = keep_neurons(start, kept, layer=layer)
    return start


def random_ids(start: ReplicatedMLP, widths: Sequence[int], *, seeds: Sequence[int]) -> list[Tensor]:
    """Neurons drawn for a random ticket of these widths: for each hidden layer (n_replicates, width).

    Whatever the reading, the draws are independent of each other and of those of random pruning.
    """
    drawn = []
    for layer, (n_neurons, width) in enumerate(zip(start.hidden_widths, widths, strict=True)):
        # cycle 0 is never scored: these draws are not those of random pruning
        permutations = [IndependentStreams(seed).choice(0, layer).permutation(n_neurons)[:width] for seed in seeds]
        drawn.append(torch.stack([torch.from_numpy(p) for p in permutations]).to(start.device))
    return drawn


def multiply_adds(widths: Sequence[int]) -> int:
    """Multiply-adds of one image in one training step: forward, gradients of the weights, gradients of activities.

    Parameters
    ----------
    widths : inputs, hidden neurons of each layer, classes. The images need no gradient.
    """
    products = [before * after for before, after in itertools.pairwise(widths)]
    return 3 * sum(products) - products[0]


def batches_of_equal_cost(widths: Sequence[int], costs: Sequence[tuple[Sequence[int], int]]) -> int:
    """Number of batches that a network can train at the multiply-adds of others.

    Parameters
    ----------
    widths : of the network, as in `multiply_adds`.
    costs : (widths, number of batches) of each stage of the other training.
    """
    return round(sum(n * multiply_adds(stage) for stage, n in costs) / multiply_adds(widths))
