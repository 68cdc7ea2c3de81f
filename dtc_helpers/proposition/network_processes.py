"""Compression processes of networks behind one interface: each function gives the replicates of a process.

In every step the outgoing sums w of the hidden neurons are measured, y = Φw, with m = int(0.1 · size left · 512): the
vector shrinks with the compression, as in the paper. Pruning takes the published reading, whose Φ is its seed's; the
other processes compress one trained network step by step, with no training in between, and draw a new Φ at every step.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.images.datasets import Dataset
from dtc_helpers.networks import ReplicatedMLP, outgoing_sums
from dtc_helpers.proposition.relation import Step
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.sensing import gaussian_matrix, measure
from dtc_helpers.training import accuracy, adam, batches, train

READING = READINGS["published"]
UNRELATED_SEED_SHIFT = 1_000_000  # seed of the network that has nothing to do with the process


def measured_step(
    signal: np.ndarray,
    unrelated_signal: np.ndarray,
    *,
    removed_fraction: float,
    fitness: float,
    measurement_fraction: float,
    rng: np.random.Generator,
) -> Step:
    """Step whose measurement y = Φw is made with a new Gaussian Φ of m = int(fraction · size left) rows, at least 1.

    The signals are w and what has nothing to do with it, (n_values,) each.
    """
    n = max(1, int(measurement_fraction * (1 - removed_fraction) * signal.size))
    y = measure(gaussian_matrix(n, signal.size, rng=rng), torch.from_numpy(signal)).numpy()
    return Step(y, removed_fraction, fitness, signal, unrelated_signal)


# ------------------------------------------------------------------------- pruning, as the paper has it


def pruning(dataset: Dataset, method: str, *, seeds: Sequence[int], plan: Plan, hidden: int = 512) -> list[list[Step]]:
    """Compress-train in the published reading: "dtc", "random" (with the same Φ) or "magnitude" neurons are cut.

    The unrelated signal belongs to an untrained network that loses as many of its neurons, any of them.
    """
    network, others = _networks(dataset, hidden, seeds)
    unrelated = outgoing_sums(others).cpu().numpy()  # independent numbers: the first n are as good as any n
    processes: list[list[Step]] = [[] for _ in seeds]
    for record in compress_train(network, dataset, method=method, reading=READING, seeds=seeds, plan=plan):
        (cut,) = record.layers
        for r, process in enumerate(processes):
            w, y = cut.neuron_sums[1, r].cpu().numpy(), cut.measurements[1, r].cpu().numpy()
            fitness = float(record.accuracy.batch_mean[r])
            process.append(Step(y, record.removed_fraction, fitness, w, unrelated[r, : w.size]))
    return processes


def _networks(dataset: Dataset, hidden: int, seeds: Sequence[int]) -> Iterator[ReplicatedMLP]:
    """Untrained networks: those of the process, and those that have nothing to do with it."""
    for shift in (0, UNRELATED_SEED_SHIFT):
        shifted, device = [(seed + shift) % 2**32 for seed in seeds], dataset.train.images.device
        yield start_networks(dataset, [hidden], reading=READING, seeds=shifted, device=device)


# --------------------------------------------------------------- one trained network, compressed step by step


@dataclass(frozen=True)
class Compressed:
    """Weights after one step."""

    weights: list[Tensor]  # (R, outputs, inputs) a layer
    removed_fraction: float  # of the bits of the dense float32 weights


Compressor = Callable[[Sequence[Tensor]], Iterator[Compressed]]


def magnitude_steps(weights: Sequence[Tensor]) -> Iterator[Compressed]:
    """Unstructured magnitude pruning: the smallest |weights| of both layers together are set to 0.

    34 steps, each keeps 0.9 of what the one before kept. Their positions are not counted.
    """
    sizes = torch.cat([weight.abs().flatten(1) for weight in weights], dim=1)
    ranks = sizes.argsort(dim=1, stable=True).argsort(dim=1)  # by count: a threshold would not part equal weights
    parts = ranks.split([weight[0].numel() for weight in weights], dim=1)
    for step in range(1, 35):
        n_removed = int((1 - 0.9**step) * sizes.shape[1])
        stays = [(part >= n_removed).view_as(weight) for part, weight in zip(parts, weights, strict=True)]
        yield Compressed([w * stay for w, stay in zip(weights, stays, strict=True)], n_removed / sizes.shape[1])


def svd_steps(weights: Sequence[Tensor]) -> Iterator[Compressed]:
    """Truncated singular value decomposition of each layer: rank k, or the layer's own where that is less.

    Each k is 0.9 of the one before, from the largest at which the factors are smaller than the layers, to 1.
    """
    factors = [torch.linalg.svd(weight, full_matrices=False) for weight in weights]
    dense = sum(weight[0].numel() for weight in weights)
    for rank in _ranks(factors[0].S.shape[-1]):
        kept = [min(rank, layer.S.shape[-1]) for layer in factors]
        size = sum(k * sum(weight.shape[1:]) for k, weight in zip(kept, weights, strict=True))
        if size < dense:
            lower = [(U[..., :k] * S[:, None, :k]) @ V[:, :k] for k, (U, S, V) in zip(kept, factors, strict=True)]
            yield Compressed(lower, 1 - size / dense)


def _ranks(largest: int) -> list[int]:
    ranks = itertools.accumulate(itertools.repeat(0.9, 100), lambda k, share: int(k * share), initial=largest)
    return [rank for rank in ranks if rank > 0]


def quantisation_steps(weights: Sequence[Tensor]) -> Iterator[Compressed]:
    """Weights rounded to 2ᵇ levels, b = 8 … 1: the middles of equal intervals between ± the largest |weight|."""
    for bits in range(8, 0, -1):
        yield Compressed([_rounded(weight, bits) for weight in weights], 1 - bits / 32)


def _rounded(weight: Tensor, bits: int) -> Tensor:
    width = weight.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-30) / 2 ** (bits - 1)
    level = (weight / width).floor().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)  # the largest is in the last
    return (level + 0.5) * width


COMPRESSORS: dict[str, Compressor] = {
    "magnitude weights": magnitude_steps,
    "truncated SVD": svd_steps,
    "quantisation": quantisation_steps,
}


def post_training(
    dataset: Dataset, compressor: str, *, seeds: Sequence[int], plan: Plan, hidden: int = 512
) -> list[list[Step]]:
    """Train once, 200 batches with the usual loss over the classes, then compress further by one of `COMPRESSORS`.

    The untrained network of the unrelated signal is compressed alike.
    """
    network, others = _networks(dataset, hidden, seeds)
    images = batches(dataset.train.images, dataset.train.labels, n_batches=plan.batches_per_cycle)
    train(network, images, optimizer=adam(network), loss_axis="class")
    compress, rngs = COMPRESSORS[compressor], [np.random.default_rng(seed) for seed in seeds]
    processes: list[list[Step]] = [[] for _ in seeds]
    stages = (compress([weight.detach() for weight in each.weights]) for each in (network, others))
    for done, other in zip(*stages, strict=True):
        smaller = ReplicatedMLP(done.weights)
        fitness = accuracy(smaller, dataset.test.images, dataset.test.labels, loss_axis="class").overall
        signals, unrelated = (outgoing_sums(each).cpu().numpy() for each in (smaller, ReplicatedMLP(other.weights)))
        for r, process in enumerate(processes):
            numbers = {"removed_fraction": done.removed_fraction, "fitness": float(fitness[r])}
            numbers["measurement_fraction"] = plan.measurement_fraction
            process.append(measured_step(signals[r], unrelated[r], **numbers, rng=rngs[r]))
    return processes
