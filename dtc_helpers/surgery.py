"""The choice of the neurons that stay, and the cut itself."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dtc_helpers.networks import ReplicatedMLP


def n_keep(n_neurons: int, keep_fraction: float) -> int:
    """Number of neurons that stay: ⌈keep_fraction · (N − 1)⌉; as many score below the published quantile if none tie.

    Raises ValueError if the only neuron would be cut, or for a share that is not between 0 and 1.
    """
    if not 0 < keep_fraction < 1:
        raise ValueError(f"keep_fraction = {keep_fraction}: expected more than 0 and less than 1")
    if n_neurons < 2:
        raise ValueError("the last neuron of a layer cannot be cut: raise stop_at")
    return max(1, math.ceil(round(keep_fraction * (n_neurons - 1), 9)))  # 0.55 · 100 is 55.000000000000007


def schedule(n_neurons: int, *, keep_fraction: float, stop_at: int) -> list[int]:
    """Widths after each cut, from `n_neurons` until at most `stop_at` neurons are left (512 → 460, 414, … 9)."""
    widths = []
    while n_neurons > max(stop_at, 1):
        n_neurons = n_keep(n_neurons, keep_fraction)
        widths.append(n_neurons)
    return widths


def schedules(hidden_widths: Sequence[int], *, keep_fraction: float, stop_at: int) -> list[tuple[int, ...]]:
    """Widths of all hidden layers after each cut, until one of them has at most `stop_at` neurons."""
    smallest = schedule(min(hidden_widths), keep_fraction=keep_fraction, stop_at=stop_at)
    layers = [schedule(width, keep_fraction=keep_fraction, stop_at=1) for width in hidden_widths]
    return list(zip(*(layer[: len(smallest)] for layer in layers), strict=True))


def lowest(scores: Tensor, n_kept: int, *, ranked: bool = False) -> Tensor:
    """Indices of the `n_kept` lowest scores, (n_replicates, n_kept) int64, ties to the lower index.

    Parameters
    ----------
    scores : (n_replicates, n_neurons).
    ranked : give them in the order of their scores instead of ascending.

    Raises
    ------
    ValueError for a score that is NaN, and where `n_kept` is not between 1 and the number of neurons.
    """
    if not 1 <= n_kept <= scores.shape[-1]:
        raise ValueError(f"n_kept = {n_kept}: expected 1 to {scores.shape[-1]}, as many neurons as have a score")
    if scores.isnan().any():
        raise ValueError("a score is NaN: expected numbers, which neurons can be put in order by")
    order = torch.argsort(scores, dim=-1, stable=True)[..., :n_kept]
    return order if ranked else order.sort(dim=-1).values


def highest(scores: Tensor, n_kept: int, *, ranked: bool = False) -> Tensor:
    """Indices of the `n_kept` highest scores, ties to the lower index; see `lowest`."""
    return lowest(-scores.double(), n_kept, ranked=ranked)  # the negative of an unsigned number is none


CHOICES = {"lowest": lowest, "highest": highest}


def keep_neurons(network: ReplicatedMLP, kept: Tensor | list[int], *, layer: int = 0) -> ReplicatedMLP:
    """Network with only the kept neurons of one hidden layer, under their old `neuron_ids`; the given one is untouched.

    Parameters
    ----------
    kept : (n_replicates, n_kept) indices into the current layer, in the order wanted;
        a list, or one axis, is the same for all replicates.
    layer : hidden layer, 0 is the first.

    Raises
    ------
    ValueError for an index outside the layer or named twice, for no index at all, and for a layer that is not hidden.
    """
    n_hidden = len(network.hidden_widths)
    if not 0 <= layer < n_hidden:
        raise ValueError(f"layer = {layer} is outside 0…{n_hidden - 1}: only hidden layers can be cut")
    kept = _checked(torch.as_tensor(kept, device=network.device), network, layer)
    weights = _keep([weight.detach().clone() for weight in network.weights], kept, layer)
    neuron_ids = list(network.neuron_ids)
    neuron_ids[layer] = neuron_ids[layer].gather(1, kept)
    return ReplicatedMLP(weights, neuron_ids)


def carry_adam(
    optimizer: torch.optim.Adam, before: ReplicatedMLP, after: ReplicatedMLP, *, kept: Sequence[Tensor]
) -> torch.optim.Adam:
    """Optimiser of the cut network that goes on where that of the uncut one was: moments cut alike, the rest kept.

    Parameters
    ----------
    optimizer : of `before`, Adam or of its kind; it is not used again.
    before, after : the network before and after the cut of all its hidden layers.
    kept : what `keep_neurons` kept, (n_replicates, n_kept) for each hidden layer.
    """
    cut = dict(zip(before.weights, after.weights, strict=True))
    groups = [group | {"params": [cut[weight] for weight in group["params"]]} for group in optimizer.param_groups]
    carried = type(optimizer)(groups)
    for name in optimizer.state[before.weights[0]]:
        values = [optimizer.state[weight][name] for weight in before.weights]
        if values[0].shape == before.weights[0].shape:  # not the number of steps
            for layer, indices in enumerate(kept):
                values = _keep(values, indices, layer)
        for weight, value in zip(after.weights, values, strict=True):
            carried.state[weight][name] = value
    return carried


def _keep(tensors: list[Tensor], kept: Tensor, layer: int) -> list[Tensor]:
    """Tensors of the shapes of the weights, with only the kept neurons of one hidden layer."""
    cut = list(tensors)
    cut[layer] = torch.take_along_dim(tensors[layer], kept.unsqueeze(2), dim=1)
    cut[layer + 1] = torch.take_along_dim(tensors[layer + 1], kept.unsqueeze(1), dim=2)
    return cut


def _checked(kept: Tensor, network: ReplicatedMLP, layer: int) -> Tensor:
    """Kept as (n_replicates, n_kept); refuses what does not name neurons of the layer."""
    n_neurons = network.hidden_widths[layer]
    if kept.numel() == 0:
        raise ValueError("kept is empty: the last neuron of a layer cannot be cut")
    kept = kept.expand(network.n_replicates, -1) if kept.ndim == 1 else kept
    if kept.ndim != 2 or kept.shape[0] != network.n_replicates or kept.is_floating_point() or kept.dtype == torch.bool:
        raise ValueError(
            f"kept has shape {tuple(kept.shape)} and type {kept.dtype}: expected whole numbers, "
            f"({network.n_replicates} replicates, n_kept)"
        )
    outside = (kept < 0) | (kept >= n_neurons)
    if outside.any():
        replicate, position = outside.nonzero()[0].tolist()
        raise ValueError(
            f"kept[{position}] = {kept[replicate, position]} is outside 0…{n_neurons - 1}: "
            "indices refer to the current network"
        )
    if (kept.sort(-1).values.diff(dim=-1) == 0).any():
        raise ValueError("kept names a neuron twice: each neuron can stay once")
    return kept.long()
