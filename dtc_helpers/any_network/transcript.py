"""A cut written down: which entries of every parameter stay, found by cutting a copy whose entries are numbered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dtc_helpers.any_network.graph import ChannelGroup, Prunable
from dtc_helpers.any_network.modules import all_tensors

Gone = Mapping[str, Tensor]  # name of a group → channels of its root that go, as they are counted now


@dataclass(frozen=True)
class Transcript:
    """Script of a cut, to be done to any network of the same shape."""

    places: dict[str, Tensor]  # name of a parameter or buffer → where the entries that stay stood, flat; the new shape
    attributes: dict[str, dict[str, Any]]  # name of a module → its widths, e.g. {"out_channels": 8}
    kept: dict[str, list[int]]  # name of a layer that makes channels → those that stay


def transcript(found: Prunable, gone: Gone) -> Transcript:
    """Cut the copy in which the groups were found, every entry its own number: what is left says what stayed."""
    network = found.graph.model
    cut = [made for made in found.groups if made.name in gone]
    for parameter in network.parameters():
        parameter.grad, parameter.data = None, _places_of(parameter)
    for module in network.modules():  # each gets its own, where two hold one
        numbered = {name: _places_of(buffer) for name, buffer in module._buffers.items() if buffer is not None}
        module._buffers.update(numbered)
    shapes = {name: tensor.shape for name, tensor in all_tensors(network).items()}
    before = _widths(network)
    layers = {name: network.get_submodule(name) for made in cut for name in made.layers}
    kept = {name: np.arange(found.graph.get_out_channels(layer)) for name, layer in layers.items()}
    for made in cut:
        _cut(made, gone[made.name], kept)
    return Transcript(
        {name: t.detach().long() for name, t in all_tensors(network).items() if t.shape != shapes[name]},
        _changed(before, _widths(network)),
        {name: channels.tolist() for name, channels in kept.items()},
    )


def make(network: nn.Module, script: Transcript) -> None:
    """Cut in place: every parameter stays the same object, with its hooks, its gradient and whatever it carries."""
    for name, places in script.places.items():
        owner, _, last = name.rpartition(".")
        module = network.get_submodule(owner)
        if last in module._buffers:
            module._buffers[last] = taken(module.get_buffer(last), places)
            continue
        parameter = module.get_parameter(last)
        values, grad = taken(parameter.detach(), places), parameter.grad
        parameter.grad = None
        # In passing of another type: autograd then forgets the old shape, which it remembers while a loss is kept.
        parameter.data = values.float() if values.dtype == torch.float64 else values.double()
        parameter.data = values
        parameter.grad = None if grad is None else taken(grad, places)
    set_widths(network, script.attributes)


def set_widths(network: nn.Module, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Set the widths that modules remember, e.g. `out_channels`."""
    for name, values in attributes.items():
        for attribute, value in values.items():
            setattr(network.get_submodule(name), attribute, value)


def taken(values: Tensor, places: Tensor) -> Tensor:
    """Entries at these flat places, in the shape of the places."""
    return values.flatten()[places.to(values.device)]


def _places_of(tensor: Tensor) -> Tensor:
    return torch.arange(tensor.numel(), dtype=torch.float64, device=tensor.device).view(tensor.shape)


def _cut(made: ChannelGroup, gone: Tensor, kept: dict[str, np.ndarray]) -> None:
    """Cut a group, take what goes from what is kept of its layers, and tell an attention module what it has left."""
    graph, root = made.group._DG, made.group[0].dep
    layers = {graph.model.get_submodule(name): name for name in made.layers}
    group = graph.get_pruning_group(root.layer, root.handler, gone.tolist())
    for item in group:
        if item.dep.layer in layers and graph.is_out_channel_pruning_fn(item.dep.handler):
            name = layers[item.dep.layer]
            kept[name] = np.delete(kept[name], item.idxs)
    group.prune()
    if made.attention is not None:
        module, counted = made.attention
        setattr(graph.model.get_submodule(module), counted, len(made.units) - len(gone) // made.units.shape[1])


def _widths(network: nn.Module) -> dict[tuple[str, str], Any]:
    """Whole numbers, and tuples, that modules hold, by module and attribute: their widths are among them."""
    held = ((name, *each) for name, module in network.named_modules() for each in vars(module).items())
    return {(name, attribute): value for name, attribute, value in held if isinstance(value, (int, tuple))}


def _changed(before: Mapping[tuple[str, str], Any], after: Mapping[tuple[str, str], Any]) -> dict[str, dict[str, Any]]:
    changed: dict[str, dict[str, Any]] = {}
    for (name, attribute), value in after.items():
        if before.get((name, attribute)) != value:
            changed.setdefault(name, {})[attribute] = value
    return changed
