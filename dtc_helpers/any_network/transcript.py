"""A cut written down: which entries of every parameter stay, found by cutting a copy whose entries are numbered."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dtc_helpers.any_network.graph import ChannelGroup, Limits, Prunable
from dtc_helpers.any_network.modules import all_tensors

Gone = Mapping[str, Tensor]  # name of a group → channels of its root that go, as they are counted now


@dataclass(frozen=True)
class Transcript:
    """Script of a cut, to be done to any network of the same shape."""

    parameters: dict[str, Tensor]  # name → where the entries that stay stood, flat; of the new shape
    buffers: dict[str, Tensor]  # the same for buffers
    attributes: dict[str, dict[str, Any]]  # name of a module → its widths, e.g. {"out_channels": 8}
    kept: dict[str, Tensor]  # name of a layer that makes channels → those that stay


def copied(network: nn.Module) -> nn.Module:
    """Copy with the gradients, all of whose parameters require some: the trace of Torch-Pruning follows gradients."""
    twin = copy.deepcopy(network)
    for parameter, own in zip(twin.parameters(), network.parameters(), strict=True):
        parameter.requires_grad_(parameter.is_floating_point())
        parameter.grad = None if own.grad is None else own.grad.detach().clone()
    return twin


def transcript(network: nn.Module, found: Prunable, gone: Gone, limits: Limits) -> Transcript:
    """Cut a copy whose every entry is its own number: what is left says what stayed. The copy is used up.

    Parameters
    ----------
    network : the copy that `found` was traced on.
    """
    _number(network)
    shapes = {name: tensor.shape for name, tensor in all_tensors(network).items()}
    before = _widths(network)
    made_by = _channels_made(network, [made for made in found.groups if made.name in gone])
    for made in found.groups:
        if made.name in gone:
            root = made.group[0].dep
            found.graph.get_pruning_group(root.layer, root.handler, gone[made.name].tolist()).prune()
            _set_attention(network, made, len(gone[made.name]), limits)
    changed = {name: t.detach().long() for name, t in all_tensors(network).items() if t.shape != shapes[name]}
    parameters = {name for name, _ in network.named_parameters()}
    return Transcript(
        {name: places for name, places in changed.items() if name in parameters},
        {name: places for name, places in changed.items() if name not in parameters},
        _changed(before, _widths(network)),
        {name: _left(network.get_submodule(name), channels) for name, channels in made_by.items()},
    )


def make(network: nn.Module, script: Transcript) -> None:
    """Cut in place: every parameter stays the same object, with its hooks, its gradient and whatever it carries."""
    for name, places in script.parameters.items():
        parameter = network.get_parameter(name)
        values, grad = taken(parameter.detach(), places), parameter.grad
        parameter.grad = None
        # In passing of another type: autograd then forgets the old shape, which it remembers while a loss is kept.
        parameter.data = values.float() if values.dtype == torch.float64 else values.double()
        parameter.data = values
        parameter.grad = None if grad is None else taken(grad, places)
    for name, places in script.buffers.items():
        owner, _, last = name.rpartition(".")
        module = network.get_submodule(owner)
        module._buffers[last] = taken(module._buffers[last], places)  # pyright: ignore[reportArgumentType]
    set_widths(network, script.attributes)


def set_widths(network: nn.Module, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Set the widths that modules remember, e.g. `out_channels`."""
    for name, values in attributes.items():
        for attribute, value in values.items():
            setattr(network.get_submodule(name), attribute, value)


def taken(values: Tensor, places: Tensor) -> Tensor:
    """Entries at these flat places, in the shape of the places."""
    return values.flatten()[places.to(values.device)]


# ---------------------------------------------------------------------------- the numbered copy


def _number(network: nn.Module) -> None:
    """Every entry of every parameter and buffer becomes its flat place, in float64, which holds them exactly."""
    for parameter in network.parameters():
        parameter.grad = None
        parameter.data = _places_of(parameter)
    for module in network.modules():
        numbered = {name: _places_of(buffer) for name, buffer in module._buffers.items() if buffer is not None}
        module._buffers.update(numbered)


def _places_of(tensor: Tensor) -> Tensor:
    return torch.arange(tensor.numel(), dtype=torch.float64, device=tensor.device).view(tensor.shape)


def _widths(network: nn.Module) -> dict[str, dict[str, Any]]:
    """Whole numbers, and tuples, that modules hold: their widths are among them."""
    kinds = (int, tuple)
    return {
        name: {key: value for key, value in vars(module).items() if isinstance(value, kinds)}
        for name, module in network.named_modules()
    }


def _changed(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    changed = {
        name: {key: value for key, value in values.items() if before[name].get(key) != value}
        for name, values in after.items()
    }
    return {name: values for name, values in changed.items() if values}


def _channels_made(network: nn.Module, groups: Iterable[ChannelGroup]) -> dict[str, Tensor]:
    """For every layer that makes channels of a group, the channel that each of its weights makes."""
    return {name: _channel_of_weight(network.get_submodule(name)) for made in groups for name in made.layers}


def _channel_of_weight(layer: Any) -> Tensor:
    """Channel that each weight makes, in the shape of the weights."""
    shape, device = layer.weight.shape, layer.weight.device
    if isinstance(layer, nn.Embedding):
        return torch.arange(shape[1], device=device).expand(shape)
    if getattr(layer, "transposed", False):  # (in, out / groups, *kernel)
        of_group = torch.arange(layer.out_channels, device=device).view(layer.groups, 1, -1)
        of_input = of_group.expand(-1, shape[0] // layer.groups, -1).flatten(0, 1)
        return of_input.view(*shape[:2], *[1] * (len(shape) - 2)).expand(shape)
    return torch.arange(shape[0], device=device).view(-1, *[1] * (len(shape) - 1)).expand(shape)


def _left(layer: Any, channels: Tensor) -> Tensor:
    """Channels that are left of a layer of the numbered copy."""
    return taken(channels, layer.weight.detach().long()).unique().cpu()


def _set_attention(network: nn.Module, made: ChannelGroup, n_gone: int, limits: Limits) -> None:
    """Tell an attention module how many heads are left, or how wide they are."""
    if made.attention is not None:
        n_left = len(made.units) - n_gone // made.units.shape[1]
        setattr(network.get_submodule(made.attention), limits.attention[made.attention], n_left)
