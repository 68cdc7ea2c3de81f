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


def role(item: Item, graph: Any) -> str:
    """Role of a layer: what it does with the channels of its group."""
    layer = item.dep.layer
    if type(layer).__module__.startswith("torch_pruning."):
        return OUTPUT if type(layer).__name__ == "_OutputOp" else OPERATION
    if isinstance(layer, nn.Parameter):
        return PARAMETER
    if is_depthwise(layer):
        return CHANNELWISE
    if isinstance(layer, _ConvNd) and layer.groups > 1 and layer.groups in (layer.in_channels, layer.out_channels):
        return UNSUPPORTED  # one channel makes several, or several make one
    if isinstance(layer, (_ConvNd, nn.Linear)):
        return PRODUCER if graph.is_out_channel_pruning_fn(item.dep.handler) else CONSUMER
    return _role_by_type(layer)


def _role_by_type(layer: nn.Module) -> str:
    kinds = {
        PRODUCER: nn.Embedding,
        ATTENTION: nn.MultiheadAttention,
        CHANNELWISE: (_BatchNorm, _InstanceNorm, nn.PReLU),
        NORM: NORMS,
    }
    return next((name for name, types in kinds.items() if isinstance(layer, types)), UNSUPPORTED)


def is_depthwise(layer: Any) -> bool:
    """Whether a layer is a convolution of every channel by itself."""
    return isinstance(layer, _ConvNd) and 1 < layer.groups == layer.in_channels == layer.out_channels


def group_sums(group: Group, *, power: int = 1) -> GroupSums:
    """Sums of the weights that make each channel, and of those that read it: kernels, columns and layers summed.

    Parameters
    ----------
    group : of Torch-Pruning, with all channels of a layer or some.
    power : 2 sums the squares of the weights.

    Returns
    -------
    GroupSums, a channel where the group's root has it. Weights of one channel to itself (batch norm, depthwise
    convolution, PReLU) and biases are no weights between neurons, and count in neither sum.

    Raises
    ------
    ValueError for a layer whose columns do not lead back to channels of the root (grouped-query attention), and for a
    MultiheadAttention with projections of their own.

    Source: arXiv:2505.23869, section IV, whose sums these are for a perceptron.
    """
    place = {channel: i for i, channel in enumerate(group[0].idxs)}
    device = next(group._DG.model.parameters()).device
    sums = {side: torch.zeros(len(place), dtype=torch.float64, device=device) for side in (PRODUCER, CONSUMER)}
    names: dict[str, list[str]] = {PRODUCER: [], CONSUMER: []}
    for item in group:
        for side, per_channel in _weights(item, group._DG, power):
            if None in item.root_idxs:
                raise ValueError(f"{layer_name(item, group)}: its columns do not lead back to single channels")
            where = torch.tensor([place[channel] for channel in item.root_idxs], device=device)
            sums[side].index_add_(0, where, per_channel.double()[torch.tensor(item.idxs, device=device)])
            names[side].append(layer_name(item, group))
    return GroupSums(sums[PRODUCER], sums[CONSUMER], tuple(names[PRODUCER]), tuple(names[CONSUMER]))


def layer_name(item: Item, group: Group) -> str:
    """Name of the layer in its network."""
    return group._DG._module2name[item.dep.layer]


def _weights(item: Item, graph: Any, power: int) -> list[tuple[str, Tensor]]:
    """Sides of a layer in a group, each with one number for every channel the layer has on that side."""
    layer, part = item.dep.layer, role(item, graph)
    if part == ATTENTION:
        if layer.in_proj_weight is None:
            raise ValueError("a MultiheadAttention with kdim or vdim of its own is not supported")
        return [
            (CONSUMER, layer.in_proj_weight.detach().pow(power).sum(0)),
            (PRODUCER, layer.out_proj.weight.detach().pow(power).sum(1)),
        ]
    if part not in (PRODUCER, CONSUMER):
        return []
    weight = layer.weight.detach() if power == 1 else layer.weight.detach().pow(power)
    if isinstance(layer, nn.Embedding):
        return [(PRODUCER, weight.sum(0))]
    return [(part, _makes(layer, weight) if part == PRODUCER else _reads(layer, weight))]


def _makes(layer: nn.Module, weight: Tensor) -> Tensor:
    """Sum of the weights that make each output channel."""
    if getattr(layer, "transposed", False):  # (in, out / groups, *kernel)
        return _across(weight, int(layer.groups))  # pyright: ignore[reportArgumentType]
    return weight.flatten(1).sum(-1)


def _reads(layer: nn.Module, weight: Tensor) -> Tensor:
    """Sum of the weights that read each input channel: only the outputs of its own group do."""
    if isinstance(layer, nn.Linear):
        return weight.sum(-2)
    if layer.transposed:
        return weight.flatten(1).sum(-1)
    return _across(weight, int(layer.groups))  # pyright: ignore[reportArgumentType]


def _across(weight: Tensor, n_groups: int) -> Tensor:
    """Sums along the first axis within each group: (groups · a, b, *kernel) → (groups · b,)."""
    return weight.unflatten(0, (n_groups, -1)).transpose(1, 2).flatten(2).sum(2).flatten()
