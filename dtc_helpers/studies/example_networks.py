"""Small networks of several kinds for images, and for sequences: what studies 14 and 15 cut."""

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from dtc_helpers.any_network.lenet import LeNet5
from dtc_helpers.images.datasets import Dataset


class Block(nn.Module):
    """Two convolutions with batch norms, and a shortcut past them."""

    def __init__(self, n_inputs: int, n_outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_inputs, n_outputs, 3, stride=stride, padding=1, bias=False)
        self.second = nn.Conv2d(n_outputs, n_outputs, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n_outputs) for _ in range(2))
        self.shortcut = nn.Conv2d(n_inputs, n_outputs, 1, stride=stride) if stride > 1 else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Pictures (n_images, n_outputs, height, width) of pictures (n_images, n_inputs, height, width)."""
        hidden = functional.relu(self.norms[0](self.first(images)))
        return functional.relu(self.norms[1](self.second(hidden)) + self.shortcut(images))


class Attention(nn.Module):
    """Self-attention; the scale belongs to the width of a head, so that whole heads can be cut."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads, self.head_width = n_heads, width // n_heads
        self.queries, self.keys, self.values, self.output = (nn.Linear(width, width) for _ in range(4))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (n_images, n_tokens, width) of tokens of the same shape."""
        shape = (*tokens.shape[:2], self.n_heads, self.head_width)
        q, k, v = (part(tokens).view(shape).transpose(1, 2) for part in (self.queries, self.keys, self.values))
        mixed = torch.softmax(q @ k.mT / math.sqrt(self.head_width), -1) @ v
        return self.output(mixed.transpose(1, 2).flatten(2))


class EncoderLayer(nn.Module):
    """Attention and a perceptron, each behind a layer norm and beside a shortcut."""

    def __init__(self, width: int, n_heads: int, n_hidden: int) -> None:
        super().__init__()
        self.attention, self.norms = Attention(width, n_heads), nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.up, self.down = nn.Linear(width, n_hidden), nn.Linear(n_hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (n_images, n_tokens, width) of tokens of the same shape."""
        tokens = tokens + self.attention(self.norms[0](tokens))
        return tokens + self.down(functional.gelu(self.up(self.norms[1](tokens))))


class VisionTransformer(nn.Module):
    """Patches of 7 × 7 pixels as tokens of width 64, two encoder layers of 8 heads, and the mean as the answer."""

    def __init__(self, image_shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 64, 7, stride=7)
        self.places = nn.Parameter(torch.zeros(1, math.prod(size // 7 for size in image_shape), 64))
        self.encoder = nn.Sequential(*(EncoderLayer(64, 8, 128) for _ in range(2)))
        self.norm, self.classes = nn.LayerNorm(64), nn.Linear(64, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (n_images, n_classes), of images (n_images, 1, height, width)."""
        tokens = self.patches(images).flatten(2).mT + self.places
        return self.classes(self.norm(self.encoder(tokens)).mean(1))


def perceptron(data: Dataset) -> nn.Module:
    """512 hidden neurons, as in the paper."""
    return nn.Sequential(nn.Flatten(), nn.Linear(data.n_inputs, 512), nn.ReLU(), nn.Linear(512, data.n_classes))


def resnet8(data: Dataset) -> nn.Module:
    """Three blocks of 16, 32 and 64 channels behind a convolution with stride 2."""
    stem = [nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    blocks = [Block(a, b, stride=1 if a == b else 2) for a, b in itertools.pairwise((16, 16, 32, 64))]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, data.n_classes))


def convolution_1d(data: Dataset) -> nn.Module:
    """Two convolutions along a sequence, two linear layers."""
    n_left = math.prod(data.image_shape) // 4 * 50
    return nn.Sequential(
        nn.Conv1d(1, 20, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(20, 50, 5, padding=2), nn.ReLU(),
        nn.MaxPool1d(2), nn.Flatten(), nn.Linear(n_left, 100), nn.ReLU(), nn.Linear(100, data.n_classes),
    )  # fmt: skip


EXAMPLES: dict[str, tuple[str, Callable[[Dataset], nn.Module]]] = {  # its dataset, and how it is made
    "perceptron": ("mnist", perceptron),
    "lenet5": ("mnist", lambda data: LeNet5(data.image_shape, data.n_classes)),
    "resnet8": ("mnist", resnet8),
    "vision transformer": ("mnist", lambda data: VisionTransformer(data.image_shape, data.n_classes)),
    "convolution 1d": ("mnist1d", convolution_1d),
}
TITLES = {
    "perceptron": "perceptron", "lenet5": "LeNet-5", "resnet8": "ResNet-8", "vision transformer": "transformer",
    "convolution 1d": "1-D convolution",
}  # fmt: skip
HEADS = {  # of attention modules: their attribute with the number of heads
    "vision transformer": {f"encoder.{i}.attention": "n_heads" for i in range(2)},
}
