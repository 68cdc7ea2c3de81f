"""What a network costs, measured: size, multiply-adds, latency beside its own noise, and energy from a real counter."""

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.conv import _ConvNd
from torch.utils.flop_counter import FlopCounterMode

from dtc_helpers.any_network.tracing import Examples, called

WARM_UP = 3  # calls before any is timed
SCATTER = 0.25  # distance of the quartiles over the median, above which no speed-up is told
NOISE = (0.95, 1.05)  # a network's time over its own, outside which no speed-up is told


@dataclass(frozen=True)
class MultiplyAdds:
    """Multiply-adds of one example, as `torch.utils.flop_counter` counts them: matrix products and convolutions."""

    forward: int
    training: int  # forward and backward
    uncounted: tuple[str, ...]  # layers with weights that the counter does not see, e.g. LSTM

    def __str__(self) -> str:
        blind = f", without {', '.join(self.uncounted)} (not counted)" if self.uncounted else ""
        return f"{self.forward:,} forward, {self.training:,} forward and backward{blind}"


def multiply_adds(network: nn.Module, example_inputs: Examples) -> MultiplyAdds:
    """Multiply-adds of one example; the network is left as it is.

    Count once for each shape, not in every step: counting takes several times as long as the step itself.

    Parameters
    ----------
    example_inputs : as the network takes them, examples along the first axis of the first tensor.

    Examples
    --------
    >>> multiply_adds(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)), torch.ones(3, 4)).forward
    30
    """
    twin, n_examples = copy.deepcopy(network).eval(), len(_tensors(example_inputs)[0])
    twin.requires_grad_(True)
    # With gradients attention takes no fast path, to which the counter is blind, and by `MATH` no fused one.
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), torch.random.fork_rng():
        with FlopCounterMode(display=False) as forward:
            answer = called(twin, example_inputs)
        with FlopCounterMode(display=False) as backward:
            sum(part.float().sum() for part in _tensors(answer)).backward()  # pyright: ignore[reportAttributeAccessIssue]
    flops = forward.get_total_flops(), forward.get_total_flops() + backward.get_total_flops()
    once, both = (total // 2 // n_examples for total in flops)  # two operations a multiply-add
    return MultiplyAdds(once, both, tuple(_uncounted(twin, forward.get_flop_counts())))


def _uncounted(network: nn.Module, counts: Mapping[str, Any]) -> list[str]:
    """Layers with a matrix of their own for which nothing was counted."""
    seen, root = {name for name, flops in counts.items() if sum(flops.values())}, type(network).__name__
    kinds = (nn.Linear, _ConvNd, nn.RNNBase, nn.Bilinear, nn.MultiheadAttention)
    inside = {part for each in network.modules() if isinstance(each, nn.MultiheadAttention) for part in each.children()}
    layers = [(name, each) for name, each in network.named_modules() if isinstance(each, kinds) and each not in inside]
    return [name for name, _ in layers if f"{root}.{name}".rstrip(".") not in seen]


def peak_bytes(network: nn.Module, example_inputs: Examples) -> int:
    """Memory of one training step at its peak, in bytes: weights, gradients, and all that is kept and passes between.

    Without the examples and the optimiser's state. It grows with the number of examples. The network is left as it is.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    >>> peak_bytes(network, torch.ones(3, 4)) > 2 * 4 * sum(weights.numel() for weights in network.parameters())
    True
    """
    from torch.distributed._tools.mem_tracker import MemTracker

    twin = copy.deepcopy(network).train().requires_grad_(True)
    tracker = MemTracker()
    tracker.track_external(twin)
    with torch.enable_grad(), torch.random.fork_rng(), tracker:
        answer = called(twin, example_inputs)
        sum(part.float().sum() for part in _tensors(answer)).backward()  # pyright: ignore[reportAttributeAccessIssue]
    return sum(memory["Total"] for memory in tracker.get_tracker_snapshot("peak").values())


def _tensors(values: Any) -> list[Tensor]:
    """All tensors in a structure, in their order."""
    if isinstance(values, Tensor):
        return [values]
    parts = values.values() if isinstance(values, Mapping) else values if isinstance(values, (list, tuple)) else ()
    return [tensor for part in parts for tensor in _tensors(part)]


@dataclass(frozen=True)
class Latency:
    """Time of one call, in seconds."""

    median: float
    lower_quartile: float
    upper_quartile: float
    n: int

    @property
    def scatter(self) -> float:
        """How far the quartiles are apart, as a share of the median."""
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
        """How many times faster the cut network is; None where the clock is too noisy to say.

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
    dense: nn.Module, cut: nn.Module, example_inputs: Tensor, *, batch_size: int, n: int = 30
) -> LatencyComparison:
    """Time both networks in turn, dense, cut and dense again, in `eval()` and without gradients.

    Parameters
    ----------
    example_inputs : examples along the first axis, repeated to the batch size.
    n : turns, after three that are not counted.
    """
    batch = example_inputs[torch.arange(batch_size) % len(example_inputs)]
    modes = [(module, module.training) for network in (dense, cut) for module in network.modules()]
    for network in (dense, cut):
        network.eval()
    turns = [[_seconds(network, batch) for network in (dense, cut, dense)] for _ in range(WARM_UP + n)][WARM_UP:]
    for module, mode in modes:
        module.training = mode
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


def _seconds(network: nn.Module, batch: Tensor) -> float:
    with torch.inference_mode():
        started = time.perf_counter()
        network(batch)
        if batch.is_cuda:
            torch.cuda.synchronize(batch.device)
    return time.perf_counter() - started


def cost_table(
    networks: Mapping[str, nn.Module], example_inputs: Tensor, *, batch_sizes: Sequence[int] = (1, 128), n: int = 30
) -> pd.DataFrame:
    """Cost of networks, one row each.

    Parameters
    ----------
    networks : by title; the first is the one that the others are compared with.
    example_inputs : examples along the first axis.

    Returns
    -------
    Columns parameters, megabytes (of parameters and buffers), peak_megabytes (of a training step with these examples,
    see `peak_bytes`), multiply_adds and training_multiply_adds (of one example), uncounted (names of layers),
    fewer_multiply_adds (a ratio), and for each batch size milliseconds_<size> and faster_<size> (a ratio; NaN where the
    clock is too noisy).
    """
    reference, rows = next(iter(networks.values())), {}
    first = multiply_adds(reference, example_inputs).forward
    for title, network in networks.items():
        counted = multiply_adds(network, example_inputs)
        tensors = [*network.parameters(), *network.buffers()]
        rows[title] = {
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "megabytes": round(sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6, 3),
            "peak_megabytes": round(peak_bytes(network, example_inputs) / 1e6, 3),
            "multiply_adds": counted.forward,
            "training_multiply_adds": counted.training,
            "uncounted": ", ".join(counted.uncounted),
            "fewer_multiply_adds": first / counted.forward,
        }
        for size in batch_sizes:
            timed = latency(reference, network, example_inputs, batch_size=size, n=n)
            rows[title][f"milliseconds_{size}"] = 1e3 * timed.cut.median
            rows[title][f"faster_{size}"] = timed.speed_up or np.nan
    return pd.DataFrame.from_dict(rows, orient="index")
