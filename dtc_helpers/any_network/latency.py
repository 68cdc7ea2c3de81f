"""Latency of a network beside the noise of the clock: in turn with another network, and with itself."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from dtc_helpers.any_network.modules import cuda_devices, in_eval
from dtc_helpers.any_network.tracing import Examples, called, tensors

WARM_UP = 3  # calls before any is timed
SCATTER = 0.25  # distance of the quartiles over the median, above which no speed-up is told
NOISE = (0.95, 1.05)  # a network's time over its own, outside which no speed-up is told


@dataclass(frozen=True)
class Latency:
    """Time of one call, in seconds."""

    median: float
    lower_quartile: float
    upper_quartile: float
    n: int

    @property
    def scatter(self) -> float:
        """Distance of the quartiles as a share of the median."""
        return (self.upper_quartile - self.lower_quartile) / self.median


@dataclass(frozen=True)
class LatencyComparison:
    """Two networks at one batch size, called in turn, and the first one against itself."""

    batch_size: int
    dense: Latency
    cut: Latency
    null_ratio: float  # of the dense network's times to its own, taken in the same turns: 1 without noise

    @property
    def speed_up(self) -> float | None:
        """Factor by which the cut network is faster; None where the clock is too noisy to say.

        That is where the dense network is not even as fast as itself, or where the times of a network scatter: on a
        busy machine a long call is interrupted more often than a short one, which looks like a speed-up.
        """
        is_quiet = NOISE[0] <= self.null_ratio <= NOISE[1] and max(self.dense.scatter, self.cut.scatter) <= SCATTER
        return self.dense.median / self.cut.median if is_quiet else None

    def __str__(self) -> str:
        if self.speed_up is None:
            scatter = max(self.dense.scatter, self.cut.scatter)
            return (
                f"batch {self.batch_size}: too noisy to say (dense/dense = {self.null_ratio:.2f}, "
                f"quartiles {scatter:.0%} of the median apart)"
            )
        times = f"{1e3 * self.dense.median:.3g} → {1e3 * self.cut.median:.3g} ms"
        return f"batch {self.batch_size}: {self.speed_up:.2f} × ({times}; dense/dense = {self.null_ratio:.2f})"


def latency(
    dense: nn.Module, cut: nn.Module, example_inputs: Examples, *, batch_size: int, n: int = 30
) -> LatencyComparison:
    """Time both networks in n turns, dense, cut and dense again, in `eval()` and without gradients.

    The examples are along the first axis of the first tensor, and of all that have as many, repeated to the batch size.
    Three turns before are not counted.
    """
    n_examples = len(tensors(example_inputs)[0])
    places = torch.arange(batch_size) % n_examples
    batch = tree_map(
        lambda part: part[places] if isinstance(part, Tensor) and part.shape[:1] == (n_examples,) else part,
        example_inputs,
    )
    with in_eval(dense, cut):
        turns = [[_seconds(network, batch) for network in (dense, cut, dense)] for _ in range(WARM_UP + n)][WARM_UP:]
    first, of_cut, again = np.array(turns).T
    return LatencyComparison(
        batch_size,
        _latency(np.concatenate([first, again])),
        _latency(of_cut),
        float(np.median(first) / np.median(again)),
    )


def _latency(seconds: np.ndarray) -> Latency:
    lower, middle, upper = np.quantile(seconds, [0.25, 0.5, 0.75]).tolist()
    return Latency(middle, lower, upper, len(seconds))


def _seconds(network: nn.Module, batch: Examples) -> float:
    with torch.inference_mode():
        started = time.perf_counter()
        called(network, batch)
        for device in cuda_devices(network):
            torch.cuda.synchronize(device)
    return time.perf_counter() - started
