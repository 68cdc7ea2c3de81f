"""Slow, obvious versions of what the package computes."""

import torch
from torch import nn

from dtc_helpers.networks import ReplicatedMLP, xavier_mlp


def networks(*widths, seeds=(1,)):
    return xavier_mlp(widths, generators=[torch.Generator().manual_seed(seed) for seed in seeds])


def random_images(n_images, n_inputs, *, seed=0):
    return torch.randn(n_images, n_inputs, generator=torch.Generator().manual_seed(seed))


def slow_logits(network, images):
    """One replicate, one image, one layer at a time."""
    answers = []
    for replicate in range(network.n_replicates):
        matrices = [weight[replicate].detach() for weight in network.weights]
        rows = []
        for image in images:
            activity = image
            for matrix in matrices[:-1]:
                activity = (matrix @ activity).clamp_min(0)
            rows.append(matrices[-1] @ activity)
        answers.append(torch.stack(rows))
    return torch.stack(answers)


def masked(network, kept, *, layer=0):
    """Same network at full width in which all but the kept neurons say nothing: their outgoing weights are 0."""
    weights = [weight.detach().clone() for weight in network.weights]
    for replicate, stay in enumerate(kept):
        mask = torch.zeros(weights[layer].shape[1])
        mask[stay] = 1
        weights[layer + 1][replicate] *= mask
    return ReplicatedMLP(weights)


def logits_rows(network, images):
    """Logits as (n_replicates · n_images) rows, for comparing."""
    return network(images).detach().flatten(0, 1)


def as_sequential(network, replicate=0):
    """One replicate as a plain network of `nn.Linear` layers that gives the same outputs (weights are copied)."""
    layers: list[nn.Module] = []
    for weight in network.weights:
        linear = nn.Linear(weight.shape[2], weight.shape[1], bias=False, device=weight.device)
        with torch.no_grad():
            linear.weight.copy_(weight[replicate])
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
