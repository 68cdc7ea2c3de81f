"""LeNet-5 on the images of this project: the example of notebook 3 and the subject of its benchmark."""

import math
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.conv import _ConvNd
from torch.optim import Optimizer

from dtc_helpers.any_network.modules import in_eval
from dtc_helpers.any_network.plan import Train
from dtc_helpers.images.datasets import Dataset, Split
from dtc_helpers.readings import IndependentStreams
from dtc_helpers.training import shuffled_batches

BATCH_SIZE = 128
Network = TypeVar("Network", bound=nn.Module)


class LeNet5(nn.Module):
    """Two convolutions with pooling, two linear layers; 28 × 28 pixels, or 8 × 8 with smaller kernels."""

    def __init__(self, image_shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        kernel: dict[str, Any] = {"kernel_size": 5} if min(image_shape) >= 28 else {"kernel_size": 3, "padding": 1}
        self.first, self.second = nn.Conv2d(1, 20, **kernel), nn.Conv2d(20, 50, **kernel)
        pixels = [((size - 4) // 2 - 4) // 2 if min(image_shape) >= 28 else size // 4 for size in image_shape]
        self.hidden, self.output = nn.Linear(50 * math.prod(pixels), 500), nn.Linear(500, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (n_images, n_classes), of images (n_images, 1, height, width)."""
        images = functional.max_pool2d(functional.relu(self.first(images)), 2)
        images = functional.max_pool2d(functional.relu(self.second(images)), 2)
        return self.output(functional.relu(self.hidden(images.flatten(1))))


def lenet5(data: Dataset, *, seed: int) -> LeNet5:
    """Untrained LeNet-5 for a dataset, with PyTorch's own distribution of weights, drawn from a seed.

    Raises ValueError for a dataset without two-dimensional images.
    """
    if len(data.image_shape) != 2:
        raise ValueError(f"{data.name} has no images of two dimensions: LeNet-5 needs some")
    return with_drawn_weights(LeNet5(data.image_shape, data.n_classes), seed=seed)


@torch.no_grad()
def with_drawn_weights(network: Network, *, seed: int) -> Network:
    """Network whose linear and convolutional layers are drawn anew, in place, from PyTorch's own distribution.

    That is uniform in ±1 / √(weights of an output), biases too.
    """
    generator = IndependentStreams(seed).weights()
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, _ConvNd)):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for parameter in layer.parameters():
                parameter.uniform_(-bound, bound, generator=generator)
    return network


def trainer(split: Split, image_shape: tuple[int, ...], *, seed: int) -> Train:
    """Training in batches of 128 images, each pass shuffled anew; a batch depends on its number and the seed only."""
    order = {"rng_of_pass": IndependentStreams(seed).data_order, "batch_size": BATCH_SIZE}

    def train(network: nn.Module, optimizer: Optimizer, batch_numbers: range) -> None:
        network.train()
        numbers = {"first": batch_numbers.start, "n_batches": len(batch_numbers)}
        for images, labels in shuffled_batches(split.images, split.labels, **numbers, **order):
            optimizer.zero_grad()
            functional.cross_entropy(network(images.view(-1, 1, *image_shape)), labels).backward()
            optimizer.step()

    return train


@torch.no_grad()
def accuracy(network: nn.Module, split: Split, image_shape: tuple[int, ...]) -> float:
    """Share of images classified rightly, in `eval()`; modes are put back."""
    images = split.images.view(-1, 1, *image_shape).split(1000)
    with in_eval(network):
        answers = torch.cat([network(part).argmax(1) for part in images])
    return float((answers == split.labels).double().mean())
