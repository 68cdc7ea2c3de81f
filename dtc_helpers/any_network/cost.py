"""The cost of a network, counted: size, multiply-adds and memory; and all of it, with the latency, as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.conv import _ConvNd
from torch.utils.flop_counter import FlopCounterMode, conv_backward_flop

from dtc_helpers.any_network.latency import latency
from dtc_helpers.any_network.modules import (
    all_tensors,
    attention_parts,
    copied,
    cuda_devices,
    n_parameters,
    with_gradients,
)
from dtc_helpers.any_network.tracing import Examples, called, tensors


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

    Count once for each shape, not in every step: counting takes several times as long as the step itself. The inputs
    are as the network takes them, examples along the first axis of the first tensor.

    Examples
    --------
    >>> multiply_adds(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)), torch.ones(3, 4)).forward
    30
    """
    twin, n_examples = with_gradients(copied(network).eval()), len(tensors(example_inputs)[0])
    # With gradients attention takes no fast path, to which the counter is blind, and by `MATH` no fused one.
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), torch.random.fork_rng(cuda_devices(twin)):
        with FlopCounterMode(display=False) as forward:
            answer = called(twin, example_inputs)
        with FlopCounterMode(display=False, custom_mapping=GROUPED) as backward:
            _backward(answer)
    flops = forward.get_total_flops(), forward.get_total_flops() + backward.get_total_flops()
    once, both = (total // 2 // n_examples for total in flops)  # two operations a multiply-add
    return MultiplyAdds(once, both, tuple(_uncounted(twin, forward.get_flop_counts())))


def _gradient_flops(*shapes: Any, out_shape: Any, **_: Any) -> int:
    """Operations of a convolution's gradients; torch forgets that weights meet the channels of their own group only."""
    *others, groups, (for_inputs, for_weights, _) = shapes
    count = partial(conv_backward_flop, *others, groups, out_val=out_shape)
    return count(output_mask=[for_inputs, False]) + count(output_mask=[False, for_weights]) // groups


GROUPED = {torch.ops.aten.convolution_backward: _gradient_flops}


def _uncounted(network: nn.Module, counts: Mapping[str, Any]) -> list[str]:
    """Layers with a matrix of their own for which nothing was counted."""
    seen, root = {name for name, flops in counts.items() if sum(flops.values())}, type(network).__name__
    kinds = (nn.Linear, _ConvNd, nn.RNNBase, nn.Bilinear, nn.MultiheadAttention)
    inside = attention_parts(network)
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

    twin = with_gradients(copied(network).train())
    tracker = MemTracker()
    tracker.track_external(twin)
    with torch.enable_grad(), torch.random.fork_rng(cuda_devices(twin)), tracker:
        answer = called(twin, example_inputs)
        _backward(answer)
    return sum(memory["Total"] for memory in tracker.get_tracker_snapshot("peak").values())


def _backward(answer: Any) -> None:
    """Gradients of a loss that depends on every tensor of the answer."""
    sum(part.float().sum() for part in tensors(answer)).backward()  # pyright: ignore[reportAttributeAccessIssue]


def cost_table(
    networks: Mapping[str, nn.Module], example_inputs: Examples, *, batch_sizes: Sequence[int] = (1, 128), n: int = 30
) -> pd.DataFrame:
    """Cost of networks by title, one row each; the first is the one that the others are compared with.

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
        held = all_tensors(network).values()
        rows[title] = {
            "parameters": n_parameters(network),
            "megabytes": round(sum(tensor.numel() * tensor.element_size() for tensor in held) / 1e6, 3),
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
