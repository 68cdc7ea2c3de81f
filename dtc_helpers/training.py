"""Training by batches of Adam, and test accuracy, for all replicates at once.

Everywhere images are (n_images, n_inputs), labels (n_images,) and logits (n_replicates, n_images, n_classes).
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dtc_helpers.sensing import RandomSource

BATCH_SIZE = 512
LEARNING_RATE = 1e-3
Batch = tuple[Tensor, Tensor]  # images, labels
RngOfPass = Callable[[int], RandomSource]


def batches(images: Tensor, labels: Tensor, *, n_batches: int) -> Iterator[Batch]:
    """Batches in stored order, passing over the images as often as needed; each pass ends with what is left."""
    one_pass = list(zip(images.split(BATCH_SIZE), labels.split(BATCH_SIZE), strict=True))
    return itertools.islice(itertools.cycle(one_pass), n_batches)


def shuffled_batches(
    images: Tensor, labels: Tensor, *, first: int, n_batches: int, rng_of_pass: RngOfPass, batch_size: int = BATCH_SIZE
) -> Iterator[Batch]:
    """Batches in an order drawn anew for every pass; each pass ends with what is left.

    Parameters
    ----------
    first : number of the first batch, counted from the beginning of the training; cycles continue each other's passes.
    rng_of_pass : gives the source of the order of a pass by its number.
    """
    n_per_pass, pass_of_order, order = math.ceil(len(labels) / batch_size), -1, labels
    for number in range(first, first + n_batches):
        n_pass, place = divmod(number, n_per_pass)
        if n_pass != pass_of_order:
            order = torch.from_numpy(rng_of_pass(n_pass).permutation(len(labels))).to(labels.device)
            pass_of_order = n_pass
        chosen = order[place * batch_size : (place + 1) * batch_size]
        yield images[chosen], labels[chosen]


def adam(network: nn.Module) -> torch.optim.Adam:
    """Adam at the learning rate 1e-3 (fused: one kernel for all weights)."""
    return torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)


def train(
    network: nn.Module, image_batches: Iterable[Batch], *, optimizer: torch.optim.Optimizer, loss_axis: str
) -> None:
    """Train in place, one optimiser step a batch.

    Parameters
    ----------
    network, optimizer : both are changed.
    loss_axis : "batch" (as published) or "class"; see `cross_entropy`.
    """
    for images, labels in image_batches:
        optimizer.zero_grad()
        cross_entropy(network(images), labels, axis=loss_axis).backward()
        optimizer.step()


def outputs(logits: Tensor, *, axis: str) -> Tensor:
    """Answers of the network, the largest of which is its prediction.

    The published network ends in a log-softmax over the BATCH axis, so its answer for an image depends on the other
    images of the batch, in training and in testing alike. Over the class axis the largest logit stays the largest.

    Parameters
    ----------
    logits : (n_replicates, n_images, n_classes).
    axis : "batch" or "class".

    Raises
    ------
    ValueError for any other axis.
    """
    if axis not in ("batch", "class"):
        raise ValueError(f"loss_axis = {axis!r} is not one of batch, class")
    return functional.log_softmax(logits.mT, dim=2).mT if axis == "batch" else logits


def cross_entropy(logits: Tensor, labels: Tensor, *, axis: str) -> Tensor:
    """Mean cross-entropy of each replicate, summed over replicates, so that each has the gradient it has alone.

    Parameters
    ----------
    logits : (n_replicates, n_images, n_classes).
    labels : (n_images,).
    axis : "batch" takes the cross-entropy of a log-softmax over the images, as published; "class" is the usual one.

    Returns
    -------
    scalar, in nats.
    """
    n_replicates = len(logits)
    # Images last, as the network makes them: five times faster than a softmax over neighbouring classes.
    scores = outputs(logits, axis=axis).mT
    return functional.cross_entropy(scores, labels.expand(n_replicates, -1)) * n_replicates


@dataclass(frozen=True)
class Accuracy:
    """Shares of test images classified rightly, (n_replicates,) each."""

    overall: Tensor  # correct / all
    batch_mean: Tensor  # mean of the accuracies of the batches, the last of which is smaller (as published)
    single_image: Tensor  # correct / all when each image is classified on its own
    calibrated: Tensor  # the same once each class has its constant (`class_constants`); NaN where none are given


@torch.no_grad()
def accuracy(
    network: nn.Module, images: Tensor, labels: Tensor, *, loss_axis: str, constants: Tensor | None = None
) -> Accuracy:
    """Accuracy with the images shown in batches of 512, in stored order (the last batch is smaller).

    Parameters
    ----------
    constants : (n_replicates, n_classes), taken off the logits of single images for the accuracy `calibrated`.
    """
    answers: tuple[list[Tensor], ...] = ([], [], [])
    n_batches = math.ceil(len(labels) / BATCH_SIZE)
    for batch_images, batch_labels in batches(images, labels, n_batches=n_batches):
        logits = network(batch_images)
        shifted = [] if constants is None else [logits - constants.unsqueeze(1)]
        for right, values in zip(answers, [outputs(logits, axis=loss_axis), logits, *shifted], strict=False):
            right.append((values.argmax(-1) == batch_labels).double())
    batch_mean = torch.stack([batch.mean(-1) for batch in answers[0]]).mean(0)
    overall, single, *calibrated = (torch.cat(right, -1).mean(-1) for right in answers if right)
    return Accuracy(overall, batch_mean, single, calibrated[0] if calibrated else torch.full_like(single, torch.nan))


@torch.no_grad()
def class_constants(network: nn.Module, images: Tensor) -> Tensor:
    """Constants that a log-softmax over the batch takes off the logits of every class, all images in one batch.

    A constant added to all logits of a class changes no loss, so a network trained with it never learns this scale.

    Returns
    -------
    (n_replicates, n_classes): log Σ exp of the logits of a class over the images.
    """
    return torch.stack([network(part).logsumexp(1) for part in images.split(BATCH_SIZE)]).logsumexp(0)
