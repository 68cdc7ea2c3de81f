"""Incoming and outgoing sums of the channels of a dependency group: all layers that make them, all that read them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm

PRODUCER, CONSUMER, ATTENTION, CHANNELWISE = "producer", "consumer", "attention", "channelwise"
NORM, PARAMETER, OPERATION, OUTPUT, UNSUPPORTED = "norm", "parameter", "operation", "output", "unsupported"
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)  # they average over channels
Group = Any  # torch_pruning.dependency.Group: Torch-Pruning has no types
Item = Any  # its parts: a layer, what is cut of it, and its columns or rows


@dataclass(frozen=True)
class GroupSums:
    """Sums of all channels of a group; several layers that make or read the same channels add."""

    incoming: Tensor  # (n_channels,) float64
    outgoing: Tensor  # (n_channels,) float64
    producers: tuple[str, ...]  # names of the layers that make the channels
    consumers: tuple[str, ...]  # names of the layers that read them


def role(item: Item, group: Group) -> str:
    """Role of a layer: what it does with the channels of its group."""
    layer, graph = item.dep.layer, group._DG
    if type(layer).__module__.startswith("torch_pruning."):
        return OUTPUT if type(layer).__name__ == "_OutputOp" else OPERATION
    if isinstance(layer, nn.Parameter):  # without a layer for Torch-Pruning, as those of RMSNorm are
        owner, _, _ = graph._param_to_name[layer].rpartition(".")
        return NORM if isinstance(graph.model.get_submodule(owner), NORMS) else PARAMETER
    reads = kind(layer) == PRODUCER and not graph.is_out_channel_pruning_fn(item.dep.handler)
    return CONSUMER if reads else kind(layer)


def kind(layer: nn.Module) -> str:
    """Role of a layer by its type: PRODUCER for layers that make channels of others, which they read."""
    if isinstance(layer, _ConvNd) and layer.groups > 1 and layer.groups in (layer.in_channels, layer.out_channels):
        # every channel by itself; else one channel makes several, or several make one
        return CHANNELWISE if layer.in_channels == layer.out_channels else UNSUPPORTED
    kinds = {
        PRODUCER: (nn.Linear, _ConvNd, nn.Embedding),
        ATTENTION: nn.MultiheadAttention,
        CHANNELWISE: (_BatchNorm, _InstanceNorm, nn.PReLU),
        NORM: NORMS,
    }
    return next((name for name, types in kinds.items() if isinstance(layer, types)), UNSUPPORTED)


def group_sums(group: Group, *, power: int = 1) -> GroupSums:
    """Sums of the weights that make each channel, and of those that read it: kernels, columns and layers summed.

    For a perceptron they are those of arXiv:2505.23869, section IV. Weights of one channel to itself (batch norm,
    depthwise convolution, PReLU) and biases are no weights between neurons, and count in neither sum.

    Parameters
    ----------
    group : of Torch-Pruning, with all channels of a layer or some; the sums are in the order of its root.
    power : 2 sums the squares of the weights.

    Raises
    ------
    ValueError for a layer whose columns do not lead back to channels of the root (grouped-query attention), and for a
    MultiheadAttention with projections of their own.
    """
    place = {channel: i for i, channel in enumerate(group[0].idxs)}
    device = next(group._DG.model.parameters()).device
    sums = {side: torch.zeros(len(place), dtype=torch.float64, device=device) for side in (PRODUCER, CONSUMER)}
    names: dict[str, list[str]] = {PRODUCER: [], CONSUMER: []}
    for item in group:
        for side, per_channel in _weights(item, group, power):
            if None in item.root_idxs:
                raise ValueError(f"{layer_name(item, group)}: its columns do not lead back to single channels")
            where = torch.tensor([place[channel] for channel in item.root_idxs], device=device)
            sums[side].index_add_(0, where, per_channel.double()[torch.tensor(item.idxs, device=device)])
            names[side].append(layer_name(item, group))
    return GroupSums(sums[PRODUCER], sums[CONSUMER], tuple(names[PRODUCER]), tuple(names[CONSUMER]))


def layer_name(item: Item, group: Group) -> str:
    """Name in the network of a layer, or of a parameter without one."""
    layer, graph = item.dep.layer, group._DG
    return graph._param_to_name[layer] if isinstance(layer, nn.Parameter) else graph._module2name[layer]


def _weights(item: Item, group: Group, power: int) -> list[tuple[str, Tensor]]:
    """Sides of a layer in a group, each with one number for every channel the layer has on that side."""
    layer, part = item.dep.layer, role(item, group)
    if part == ATTENTION:
        if layer.in_proj_weight is None:
            raise ValueError("a MultiheadAttention with kdim or vdim of its own is not supported")
        return [
            (CONSUMER, layer.in_proj_weight.detach().pow(power).sum(0)),
            (PRODUCER, layer.out_proj.weight.detach().pow(power).sum(1)),
        ]
    if part not in (PRODUCER, CONSUMER):
        return []
    weight = layer.weight.detach().pow(power)
    if isinstance(layer, nn.Embedding) or (isinstance(layer, nn.Linear) and part == CONSUMER):
        return [(part, weight.sum(0))]
    if (part == PRODUCER) != getattr(layer, "transposed", False):  # its channels are the first axis
        return [(part, weight.flatten(1).sum(-1))]
    # The second axis: (groups · a, b, *kernel) → (groups · b,), for the channels of a group meet only their own.
    return [(part, weight.unflatten(0, (layer.groups, -1)).transpose(1, 2).flatten(2).sum(2).flatten())]
