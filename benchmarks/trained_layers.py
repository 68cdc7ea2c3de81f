"""Neuron sums of really trained layers of any width: MNIST where it is found, else the embedded digits."""

import torch
from torch import Tensor

from dtc_helpers.cycle import start_networks
from dtc_helpers.networks import incoming_sums, outgoing_sums
from dtc_helpers.paper import PUBLISHED_SEED
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.runs.reproduce import available_dataset, load_dataset
from dtc_helpers.training import adam, batches, train

READING = READINGS["published"]
BATCHES_BETWEEN = 3


def trained_sums(n_neurons: int, *, n_networks: int) -> Tensor:
    """Incoming and outgoing sums of one network after a cycle of training and every 3 batches on, (2·n_networks, N)."""
    dataset = load_dataset(available_dataset("mnist"))
    network = start_networks(dataset, [n_neurons], reading=READING, seeds=[PUBLISHED_SEED], device=torch.device("cpu"))
    optimizer, sums = adam(network), []
    for i in range(n_networks):
        n_batches = BATCHES_BETWEEN if i else Plan().batches_per_cycle
        image_batches = batches(dataset.train.images, dataset.train.labels, n_batches=n_batches)
        train(network, image_batches, optimizer=optimizer, loss_axis=READING.loss_axis)
        sums += [incoming_sums(network)[0], outgoing_sums(network)[0]]
    return torch.stack(sums)
