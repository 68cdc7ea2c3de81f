"""Perceptrons without bias whose replicates share one leading tensor axis; one network is one replicate."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ReplicatedMLP(nn.Module):
    """R independent perceptrons of the same layer widths, ReLU between layers, no biases.

    Parameters
    ----------
    weights : one tensor a layer, (n_replicates, n_outputs, n_inputs), first layer first; they are not copied.
    neuron_ids : for each hidden layer (n_replicates, n_neurons): which neuron of the uncut network each one is;
        0 … n_neurons − 1 unless given.

    Raises
    ------
    ValueError if the widths of consecutive layers or the numbers of replicates differ.
    """

    def __init__(self, weights: Sequence[Tensor], neuron_ids: Sequence[Tensor] | None = None):
        super().__init__()
        for before, after in itertools.pairwise(weights):
            if before.ndim != 3 or after.ndim != 3 or before.shape[:2] != (after.shape[0], after.shape[2]):
                raise ValueError(
                    f"layers {tuple(before.shape)} and {tuple(after.shape)} do not fit: expected "
                    "(replicates, outputs, inputs) with as many inputs as the layer before has outputs"
                )
        self.weights = nn.ParameterList(nn.Parameter(weight.detach().contiguous()) for weight in weights)
        if neuron_ids is None:
            neuron_ids = [torch.arange(w.shape[1], device=w.device).expand(w.shape[0], -1) for w in weights[:-1]]
        self.neuron_ids = tuple(neuron_ids)

    @property
    def n_replicates(self) -> int:
        """R."""
        return self.weights[0].shape[0]

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        """Neurons of each hidden layer."""
        return tuple(weight.shape[1] for weight in list(self.weights)[:-1])

    @property
    def n_neurons(self) -> int:
        """Hidden neurons of one replicate, all hidden layers together."""
        return sum(self.hidden_widths)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.weights[0].device

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (n_replicates, n_images, n_classes), of images (n_images, n_inputs), the same for all replicates."""
        first, *others = self.weights
        # One product for the first layers of all replicates; images are columns from here on. The ReLU overwrites
        # each product, and comes before the view: autograd would copy what is overwritten through one.
        activity = torch.relu_(first.flatten(0, 1) @ images.T).unflatten(0, first.shape[:2])
        for weight in others[:-1]:
            activity = torch.relu_(torch.bmm(weight, activity))
        return torch.bmm(others[-1], activity).mT


def xavier_mlp(
    layer_widths: Sequence[int], *, generators: Sequence[torch.Generator], device: torch.device | str = "cpu"
) -> ReplicatedMLP:
    """Networks with Xavier-normal weights, one replicate for each generator (section VI); the same on every device.

    Parameters
    ----------
    layer_widths : inputs, hidden neurons of each layer, classes; ValueError without a layer or neuron between.
    generators : CPU generators; each draws the weights of its replicate, first layer first (the published order).
    """
    if len(layer_widths) < 3 or min(layer_widths) < 1:
        raise ValueError(f"layer_widths = {list(layer_widths)}: expected inputs, at least one hidden layer, classes")
    shapes = [(n_outputs, n_inputs) for n_inputs, n_outputs in itertools.pairwise(layer_widths)]
    replicates = [
        [nn.init.xavier_normal_(torch.empty(shape), generator=generator) for shape in shapes]
        for generator in generators
    ]
    return ReplicatedMLP([torch.stack(layer).to(device) for layer in zip(*replicates, strict=True)])


def incoming_sums(network: ReplicatedMLP, layer: int = 0) -> Tensor:
    """Incoming sums a_i = Σ_j W[i, j] of every neuron of a hidden layer, (n_replicates, n_neurons) float64."""
    return network.weights[layer].detach().sum(-1).double()


def outgoing_sums(network: ReplicatedMLP, layer: int = 0) -> Tensor:
    """Outgoing sums b_i = Σ_k W[k, i] of every neuron of a hidden layer, (n_replicates, n_neurons) float64."""
    return network.weights[layer + 1].detach().sum(-2).double()
