"""Controls of a compress-train run: the neurons of lottery tickets, and what training costs."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import IndependentStreams
from dtc_helpers.surgery import keep_neurons


def rewound(start: ReplicatedMLP, neuron_ids: Sequence[Tensor]) -> ReplicatedMLP:
    """Lottery ticket: some neurons of the untrained network, with the weights that they had there.

    Parameters
    ----------
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

    The widths are inputs, hidden neurons of each layer, classes. The images need no gradient.
    """
    products = [before * after for before, after in itertools.pairwise(widths)]
    return 3 * sum(products) - products[0]
