"""Networks, groups and layers that a cut would damage without a word: found before anything is cut."""

from collections.abc import Mapping

from torch import nn
from torch.nn.utils import parametrize

from dtc_helpers.any_network.group_sums import PARAMETER, PRODUCER, Group, layer_name, role

REMOVE = {  # parameters that a reparametrisation leaves behind, and how it is removed
    ("weight_g", "weight_v"): "torch.nn.utils.remove_weight_norm(layer)",
    ("weight_orig",): "torch.nn.utils.prune.remove(layer, 'weight'), or remove_spectral_norm(layer)",
    ("bias_orig",): "torch.nn.utils.prune.remove(layer, 'bias')",
}
WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}


class CutRefusedError(ValueError):
    """A cut would be wrong, and nothing was cut.

    Parameters
    ----------
    reasons : name of a layer → why it cannot be cut; an attribute too.
    can_protect : whether all else can be cut once these layers are protected; otherwise the message does not advise it.
    """

    def __init__(self, reasons: Mapping[str, str], *, can_protect: bool = True) -> None:
        self.reasons = dict(reasons)
        listed = "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items())
        names = ", ".join(repr(name) for name in self.reasons)
        advice = f" To leave such layers alone, protect them: protect=[{names}]" if can_protect else ""
        super().__init__(f"nothing was cut. {listed}.{advice}")


def check_network(network: nn.Module) -> None:
    """Refuse what only wraps a network, and weights that are computed from others and can't be copied: ValueError."""
    for name, module in network.named_modules():
        if held := _reparametrised(module):
            raise ValueError(f"nothing was cut. {name} {held}")
        if inner := WRAPPERS.get(type(module).__name__):
            raise ValueError(
                f"{name or 'the network'} is a wrapper, {type(module).__name__}: give the network in it "
                f"(its attribute `{inner}`), and wrap it again after the cuts"
            )


def trouble(group: Group) -> str | None:
    """Reason why a group would be cut wrongly, or nothing.

    Weights shared by two layers (one of the two is cut), parametrisations and masks (they hold the old shape), raw
    parameters (which of their axes holds the channels is a guess), and channels of one layer that go together.
    """
    names = _names(group._DG.model)
    for item in group:
        layer = item.dep.layer
        if role(item, group) == PARAMETER:
            return f"it meets the raw parameter {layer_name(item, group)}, and which of its axes is cut is a guess"
        if isinstance(layer, nn.Module):
            held_as = [names[parameter] for parameter in layer.parameters()]
            if shared := [name for several in held_as if len(several) > 1 for name in several]:
                return f"{' and '.join(shared)} are one tensor: a cut would untie them"
            if held := _held(layer):
                return f"{layer_name(item, group)} {held}"
    return _together(group)


def _together(group: Group) -> str | None:
    """Words on channels of the root that go with others of it, e.g. halves that are multiplied, or nothing.

    Any two channels differ in a bit of their numbers: where all with that bit go, the other goes along.
    """
    root, n_channels = group[0].dep, len(group[0].idxs)
    for bit in range((n_channels - 1).bit_length()):
        told = {channel for channel in range(n_channels) if channel >> bit & 1}
        cut = group._DG.get_pruning_group(root.layer, root.handler, sorted(told))
        own = [item for item in cut if item.dep.layer is root.layer and role(item, group) == PRODUCER]
        others = {channel for item in own for channel in item.idxs if channel < n_channels} - told
        if others:
            return f"its channel {min(others)} goes with others of it, as where an output is split and multiplied"
    return None


def _names(network: nn.Module) -> dict[nn.Parameter, list[str]]:
    """Names of every parameter, several where several modules hold it."""
    names: dict[nn.Parameter, list[str]] = {}
    for path, module in network.named_modules():
        for name, parameter in module.named_parameters(path, recurse=False, remove_duplicate=False):
            names.setdefault(parameter, []).append(name)
    return names


def _held(layer: nn.Module) -> str | None:
    """Words on what stands between a layer and its weights, or nothing."""
    if parametrize.is_parametrized(layer):
        return "has a parametrisation: remove it first (torch.nn.utils.parametrize.remove_parametrizations)"
    return _reparametrised(layer)


def _reparametrised(layer: nn.Module) -> str | None:
    for names, remedy in REMOVE.items():
        if all(name in layer._parameters for name in names):
            return f"has {' and '.join(names)} in place of its weights: remove that first ({remedy})"
    return None
