"""Groups of channels that can be cut, layers that are left alone and why, and those that would be cut wrongly."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from dtc_helpers.any_network import group_sums as sums
from dtc_helpers.any_network import tracing, troubles
from dtc_helpers.any_network.group_sums import Group, layer_name
from dtc_helpers.any_network.modules import attention_parts, n_parameters
from dtc_helpers.any_network.tracing import RECURRENT, Examples
from dtc_helpers.checks.fields import Between, check_fields

HAVE_CHANNELS = (sums.PRODUCER, sums.CHANNELWISE, sums.NORM)  # they make the channels of a group, or one of each
UNREACHED = "the trace does not reach it: the answer to the examples does not depend on it"


@dataclass(frozen=True)
class LeftAlone:
    """A layer whose channels all stay, and why."""

    layer: str
    reason: str


@dataclass(frozen=True)
class Limits:
    """Limits of what may be cut; TypeError or ValueError for fields that cannot be."""

    protect: Sequence[str] = ()  # names of layers, or of modules that hold layers
    narrowest: Annotated[int, Between(0, 10**9)] = 1  # a layer with so few channels or fewer is left alone
    heads: Mapping[str, str] | None = None  # attention module → its attribute with the number of heads: whole ones go
    head_widths: Mapping[str, str] | None = None  # the same with the width of a head: all heads become narrower
    cut_norm_coupled: bool = False  # also channels that a layer norm or group norm averages over

    def __post_init__(self) -> None:
        names = self.protect
        is_list = isinstance(names, Sequence) and not isinstance(names, str)
        if not is_list or not all(isinstance(each, str) for each in names):
            example = [names] if isinstance(names, str) else ["head"]
            raise TypeError(f"protect = {names!r}: expected a list of names of layers or modules: protect={example}")
        object.__setattr__(self, "protect", tuple(str(each) for each in names))
        check_fields(self)

    def check(self, network: nn.Module) -> None:
        """Raises ValueError for a name that the network does not have or without layers, and for heads of no number."""
        names, attention = {name for name, _ in network.named_modules()}, self.attention
        if unknown := [name for name in (*self.protect, *attention) if name not in names]:
            raise ValueError(f"the network has no module {', '.join(unknown)}")
        if empty := [name for name in self.protect if not name or not _has_channels(network.get_submodule(name))]:
            raise ValueError(
                f"protect = {empty}: no layer with channels is in it. Expected names of layers that have some"
            )
        if both := [name for name in self.heads or {} if name in (self.head_widths or {})]:
            raise ValueError(f"{', '.join(both)}: expected whole heads or their widths to go, not both")
        for name, attribute in attention.items():
            if not isinstance(found := getattr(network.get_submodule(name), attribute, None), Integral):
                expected = "number of heads" if name in (self.heads or {}) else "width of a head"
                raise ValueError(f"{name}.{attribute} = {found!r}: expected the {expected}")

    @property
    def attention(self) -> dict[str, str]:
        """Attribute of every attention module that counts what is left of it."""
        return {**(self.heads or {}), **(self.head_widths or {})}


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that can only go together with those of other layers."""

    name: str  # of the root, the first layer that makes the channels
    layers: tuple[str, ...]  # all layers that make them
    group: Group  # of Torch-Pruning, all channels
    units: Tensor  # (n_units, channels a unit): what goes as one, e.g. a head, or a channel of each head
    attention: tuple[str, str] | None  # module whose heads or their channels the units are, and what counts them in it
    norm_coupled: bool

    @property
    def n_channels(self) -> int:
        """Channels of the root."""
        return self.units.numel()


@dataclass(frozen=True)
class Prunable:
    """All groups of a network that can be cut, and the layers that are left alone."""

    graph: Any  # torch_pruning.DependencyGraph of a copy of the network
    groups: tuple[ChannelGroup, ...]
    left_alone: tuple[LeftAlone, ...]


def prunable(network: nn.Module, example_inputs: Examples, limits: Limits) -> Prunable:
    """Groups of a network that can be cut, in the order in which it names its layers, found in a copy.

    Raises CutRefusedError for groups that would be cut wrongly (`troubles.trouble`), all of them named with what to do.
    """
    graph = tracing.traced(network, example_inputs)
    groups, refused, left = [], {}, {}
    for group in tracing.all_groups(graph, left):
        names = tuple(layer_name(item, group) for item in group if sums.role(item, group) == sums.PRODUCER)
        reason = _left_alone(group, limits)
        if reason is None and (trouble := troubles.trouble(group)):
            refused[layer_name(group[0], group)] = trouble
        elif reason is None:
            made = _channel_group(group, names, limits)
            reason = _too_narrow(made, limits)
            groups += [made] if reason is None else []
        left |= {name: reason for name in names if reason is not None}
    if refused:
        raise troubles.CutRefusedError(refused)
    left |= dict(_never_seen(graph, {name for made in groups for name in made.layers} | set(left)))
    place = {name: i for i, (name, _) in enumerate(network.named_modules())}
    groups.sort(key=lambda made: place[made.name])  # the trace goes backwards
    alone = sorted(left.items(), key=lambda each: place.get(each[0], -1))
    return Prunable(graph, tuple(groups), tuple(LeftAlone(*each) for each in alone))


def _left_alone(group: Group, limits: Limits) -> str | None:
    """Reason why a group is not cut, or nothing."""
    parts = {sums.role(item, group): item for item in group}
    changed = [layer_name(item, group) for item in group if sums.role(item, group) in HAVE_CHANNELS]
    if any(name == kept or name.startswith(f"{kept}.") for name in changed for kept in limits.protect):
        return "protected by you"
    if any(None in item.root_idxs for item in group):
        return "columns that do not lead back to single channels, as in grouped-query attention"
    if sums.UNSUPPORTED in parts:
        return f"its channels go through {_kind(parts[sums.UNSUPPORTED])}, which cannot be cut"
    if sums.OUTPUT in parts or (sums.CONSUMER not in parts and sums.ATTENTION not in parts):
        return "its channels are the output of the network"
    if sums.PRODUCER not in parts:
        return "no layer makes its channels: they come from the input"
    if sums.ATTENTION in parts:
        return "its channels are those of a MultiheadAttention, whose softmax would change its scale"
    if (norm := _norm_of(group)) and not limits.cut_norm_coupled:
        return f"its channels go through {norm}, which averages over them: a cut would change all others"
    return None


def _has_channels(module: nn.Module) -> bool:
    return any(sums.kind(layer) != sums.UNSUPPORTED for layer in module.modules()) or n_parameters(module) > 0


def _norm_of(group: Group) -> str | None:
    """Type of a norm that averages over the channels of a group, if there is one."""
    norms = (item.dep.layer for item in group if sums.role(item, group) == sums.NORM)
    return next(("RMSNorm" if isinstance(norm, nn.Parameter) else type(norm).__name__ for norm in norms), None)


def _kind(item: Any) -> str:
    kind = type(item.dep.layer).__name__
    return f"{'an' if kind[0] in 'AEIOLR' else 'a'} {kind}"


def _too_narrow(made: ChannelGroup, limits: Limits) -> str | None:
    n_units = len(made.units)
    if n_units < 2:
        return f"{n_units} channel or head: the last one cannot go"
    if made.n_channels <= limits.narrowest:
        return f"{made.n_channels} channels: layers of at most {limits.narrowest} are spared"
    return None


def _channel_group(group: Group, names: tuple[str, ...], limits: Limits) -> ChannelGroup:
    """Group with what goes as one: single channels, one of each convolution group or head, or whole heads."""
    channels, model = torch.arange(len(group[0].idxs)), group._DG.model
    attention = next((m for m in limits.attention.items() if all(name.startswith(f"{m[0]}.") for name in names)), None)
    if attention is not None and len(names) > 1:  # queries, keys and values; not the halves of an MLP inside
        counted = getattr(model.get_submodule(attention[0]), attention[1])
        if counted < 1 or len(channels) % counted:
            found = f"{attention[0]}.{attention[1]} = {counted}"
            raise ValueError(f"{found}: expected a number that divides the {len(channels)} channels of {names[0]}")
        units = channels.view(counted, -1) if attention[0] in (limits.heads or {}) else channels.view(-1, counted).T
    else:
        attention, units = None, channels.view(_n_convolution_groups(group), -1).T
    return ChannelGroup(layer_name(group[0], group), names, group, units, attention, _norm_of(group) is not None)


def _n_convolution_groups(group: Group) -> int:
    """Most groups of a grouped convolution (not depthwise) or group norm in a group; 1 where there is none."""
    found = [1]
    for item in group:
        layer = item.dep.layer
        if isinstance(layer, _ConvNd) and sums.role(item, group) != sums.CHANNELWISE:
            found.append(layer.groups)
        elif isinstance(layer, nn.GroupNorm):
            found.append(layer.num_groups)
    return max(found)


def _never_seen(graph: Any, named: set[str]) -> Iterator[tuple[str, str]]:
    """Layers with weights that are in no group, and why."""
    inside = attention_parts(graph.model)
    for name, layer in graph.model.named_modules():
        has_own = any(parameter is not None for parameter in layer._parameters.values())
        if not has_own or name in named or layer in inside or sums.kind(layer) in (sums.CHANNELWISE, sums.NORM):
            continue
        if isinstance(layer, (*RECURRENT, nn.RNNBase, nn.MultiheadAttention)):
            yield name, f"{type(layer).__name__}: its channels cannot be cut"
        elif isinstance(layer, (nn.Linear, _ConvNd)) and layer in graph.module2node:
            yield name, "no layer makes its channels: they come from the input"
        elif isinstance(layer, (nn.Linear, _ConvNd)):
            yield name, UNREACHED
        elif isinstance(layer, nn.Embedding):
            yield name, "its channels meet no linear or convolutional layer that could be cut with it"
        else:
            yield name or type(layer).__name__, "functional weights: parameters that are used without a layer"
