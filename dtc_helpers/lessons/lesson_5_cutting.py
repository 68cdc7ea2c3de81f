"""Lesson 5, cutting a network and keeping Adam alive: what an optimiser forgets in a cut, Adam by hand, exercises."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from dtc_helpers.checks.fields import Seed
from dtc_helpers.images.datasets import Dataset
from dtc_helpers.lessons.exercises import Exercise
from dtc_helpers.networks import ReplicatedMLP, xavier_mlp
from dtc_helpers.runs.checking import NotebookParameters
from dtc_helpers.surgery import carry_adam, keep_neurons
from dtc_helpers.training import LEARNING_RATE, adam, batches, cross_entropy, train

NEURONS, BATCHES_BEFORE = 8, 1000
Trained = tuple[ReplicatedMLP, torch.optim.Adam]


@dataclass(frozen=True)
class CuttingParameters(NotebookParameters):
    """Parameters of lesson 5; it raises as `Parameters` does."""

    answer_weights_left: float | None
    answer_with_a_bias: float | None
    answer_who_remains: list[int] | None
    answer_first_step: float | None
    answer_forgotten_moments: float | None
    seed: Seed
    figures_dir: str


def trained(dataset: Dataset, *, seed: int) -> Trained:
    """Perceptron of 8 hidden neurons after 1,000 batches, and the Adam that trained it."""
    generator = torch.Generator().manual_seed(seed)
    network = xavier_mlp([dataset.n_inputs, NEURONS, dataset.n_classes], generators=[generator])
    optimizer = adam(network)
    train_on(dataset, network, optimizer, first=0, n_batches=BATCHES_BEFORE)
    return network, optimizer


def train_on(
    dataset: Dataset, network: ReplicatedMLP, optimizer: torch.optim.Optimizer, *, first: int, n_batches: int
) -> None:
    """Train in place for the batches from number `first` on."""
    images, labels = dataset.train.images, dataset.train.labels
    shown = list(batches(images, labels, n_batches=first + n_batches))[first:]
    train(network, shown, optimizer=optimizer, loss_axis="class")


def masked(network: ReplicatedMLP, optimizer: torch.optim.Adam, gone: Sequence[int]) -> Trained:
    """Network of the old size in which some neurons are 0 and stay 0; copies of both, the given ones are untouched.

    Their rows and columns are set to 0, and so are the moments of these weights: a weight of 0 between zeros has no
    gradient, and without moments Adam does not move it.
    """
    network, optimizer = copy.deepcopy((network, optimizer))  # together: the optimiser then holds the new weights
    incoming, outgoing = network.weights
    with torch.no_grad():
        for values in (incoming, *_moments(optimizer, incoming)):
            values[:, gone] = 0
        for values in (outgoing, *_moments(optimizer, outgoing)):
            values[:, :, gone] = 0
    return network, optimizer


def _moments(optimizer: torch.optim.Adam, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    state = optimizer.state[weight]
    return state["exp_avg"], state["exp_avg_sq"]


def ways_on(network: ReplicatedMLP, optimizer: torch.optim.Adam, kept: Sequence[int]) -> dict[str, Trained]:
    """Ways to go on after a cut, each with a cut network of its own; the given ones are untouched.

    Returns
    -------
    "carried": all that Adam knows is cut like the weights. "new": an Adam that knows nothing. "old": the one of the
    uncut network. "steps forgotten": moments carried, counted from step 0. "moments forgotten": zeros, steps carried.
    """
    forgotten = {"carried": [], "steps forgotten": ["step"], "moments forgotten": ["exp_avg", "exp_avg_sq"]}
    new, stale = (keep_neurons(network, list(kept)) for _ in range(2))
    ways = {"new": (new, adam(new)), "old": (stale, copy.deepcopy(optimizer))}
    for name, keys in forgotten.items():
        before, known = copy.deepcopy((network, optimizer))
        cut = keep_neurons(before, list(kept))
        carried = carry_adam(known, before, cut, kept=[torch.tensor([list(kept)])])
        for state in carried.state.values():
            for key in keys:
                state[key].zero_()
        ways[name] = cut, carried
    return ways


def followed(dataset: Dataset, way: Trained, *, n_batches: int) -> pd.DataFrame:
    """Train on after the cut, in place, and look at every batch.

    Returns
    -------
    Columns batch (from 1), step (mean |change of a weight| in learning rates), accuracy (of test images, after it).
    """
    network, optimizer = way
    images, labels, rows = dataset.test.images, dataset.test.labels, []
    for number in range(n_batches):
        before = [weight.detach().clone() for weight in network.weights]
        train_on(dataset, network, optimizer, first=BATCHES_BEFORE + number, n_batches=1)
        moved = [(new.detach() - old).abs().flatten() for new, old in zip(network.weights, before, strict=True)]
        right = (network(images)[0].argmax(-1) == labels).double().mean()
        rows.append((number + 1, float(torch.cat(moved).mean()) / LEARNING_RATE, float(right)))
    return pd.DataFrame(rows, columns=["batch", "step", "accuracy"])


def gradient_size(dataset: Dataset, network: ReplicatedMLP) -> float:
    """Mean |gradient| over all weights, of the loss on all training images; gradients are left as they were."""
    loss = cross_entropy(network(dataset.train.images), dataset.train.labels, axis="class")
    gradients = torch.autograd.grad(loss, list(network.weights))
    return float(torch.cat([gradient.abs().flatten() for gradient in gradients]).mean())


def adam_by_hand(
    gradients: Sequence[float], *, first_moment: float = 0.0, second_moment: float = 0.0, steps_before: int = 0
) -> pd.DataFrame:
    """Adam of one weight: m ← 0.9 m + 0.1 g, v ← 0.999 v + 0.001 g², step = m̂ / √v̂ learning rates.

    `first_moment`, `second_moment` and `steps_before` are m, v and t before the first of the gradients.

    Returns
    -------
    Columns t, g, m, v, m_corrected = m / (1 − 0.9ᵗ), v_corrected = v / (1 − 0.999ᵗ), step.
    """
    m, v, rows = first_moment, second_moment, []
    for t, g in enumerate(gradients, start=steps_before + 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        m_corrected, v_corrected = m / (1 - 0.9**t), v / (1 - 0.999**t)
        rows.append((t, g, m, v, m_corrected, v_corrected, m_corrected / np.sqrt(v_corrected)))
    return pd.DataFrame(rows, columns=["t", "g", "m", "v", "m_corrected", "v_corrected", "step"])


# -------------------------------------------------------------------------- exercises

_KEPT, _KEPT_THEN = [0, 1, 3, 4, 6, 7], [1, 2, 5]


def _first_step(gradient: float, steps_before: int = 0) -> float:
    return float(adam_by_hand([gradient], steps_before=steps_before).step[0])


EXERCISES = {
    "weights left": Exercise(
        right=6 * 64 + 10 * 6,
        mistakes=(
            (6 * 64 + 10 * 8, "You cut the rows of the first matrix, but not the columns of the second."),
            (8 * 64 + 10 * 6, "You cut the columns of the second matrix, but not the rows of the first."),
            (2 * 64 + 10 * 2, "That is how many weights went."),
        ),
        hint="Rows times columns of each matrix: 6 neurons are left, 64 pixels come in, 10 classes go out.",
    ),
    "with a bias": Exercise(
        right=2 * max(0.0, 0.5),
        mistakes=(
            (0.0, "With a bias the neuron is not silent: ReLU(0 + 0.5) is not 0."),
            (0.5, "That is its activity. What does the class hear of it?"),
            (2.5, "The class multiplies the activity by its weight; it does not add them."),
        ),
        hint="First the activity, ReLU(0 + bias); then the outgoing weight.",
    ),
    "who remains": Exercise(
        right=[_KEPT[place] for place in _KEPT_THEN],
        mistakes=(
            (list(_KEPT_THEN), "Those are places in the cut layer. Which neurons stood there?"),
            (sorted(set(_KEPT) & set(_KEPT_THEN)), "You looked for the numbers of the second cut in the first."),
            ([_KEPT[place] for place in (0, 3, 4)], "Those are the ones that went in the second cut."),
        ),
        hint="After the first cut neuron 3 stands at place 2. Write the six names down, and count from 0.",
    ),
    "first step": Exercise(
        right=_first_step(0.02),
        mistakes=(
            (0.02, "That is the gradient. Adam divides by its size."),
            (0.1 * 0.02 / (0.001 * 0.02**2) ** 0.5, "That is m / √v: both still have to be corrected."),
            (0.02 / 0.02**2, "You forgot the root of v."),
        ),
        hint="Corrected, m is g and v is g². What is g / √g² ?",
    ),
    "forgotten moments": Exercise(
        right=_first_step(0.02, steps_before=10_000),
        mistakes=(
            (1.0, "That would be a new Adam, with t = 1. Here t is 10,001, and nothing is corrected any more."),
            (0.001**0.5 / 0.1, "That is turned around: m is above the line, √v below."),
            (0.1 / 0.001, "You forgot the root of v."),
        ),
        hint="m = 0.1 g and v = 0.001 g², both uncorrected. The step is m / √v.",
    ),
}
