"""One number for every hidden neuron: by magnitude, by norms, by chance, by dual tomography."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from dtc_helpers import sensing
from dtc_helpers.networks import ReplicatedMLP, incoming_sums, outgoing_sums
from dtc_helpers.readings import Plan, Reading
from dtc_helpers.recovery import REFERENCES, Recovery, recover


@dataclass(frozen=True)
class HiddenLayer:
    """One hidden layer of all replicates at the moment of the cut: all that a score may look at."""

    incoming_sums: Tensor  # a, (n_replicates, n_neurons)
    outgoing_sums: Tensor  # b, (n_replicates, n_neurons)
    incoming_norms: Tensor  # L2, (n_replicates, n_neurons)
    outgoing_norms: Tensor  # L2, (n_replicates, n_neurons)
    measurement_matrix: Tensor  # Φ, (n_replicates, n_measurements, n_neurons), the same for both sums
    choice_rngs: Sequence[sensing.RandomSource]  # one a replicate
    reading: Reading  # its solver and its ray domain
    plan: Plan  # its λ

    @cached_property
    def measurements(self) -> Tensor:
        """Measurement y = Φw of the incoming and of the outgoing sums, (2, n_replicates, n_measurements)."""
        return sensing.measure(self.measurement_matrix, torch.stack([self.incoming_sums, self.outgoing_sums]))


@dataclass(frozen=True)
class Scores:
    """One number for every neuron, and how well it is founded."""

    values: Tensor  # (n_replicates, n_neurons)
    recovery: Recovery | None = None  # of the incoming and the outgoing sums, leading axes (2, n_replicates)


class NoScoresError(TypeError):
    """A score of one's own gave something else than `Scores` with one number for every neuron."""


def hidden_layer(
    network: ReplicatedMLP, layer: int, *, cycle: int, reading: Reading, seeds: Sequence[int], plan: Plan
) -> HiddenLayer:
    """Hidden layer of the network in a cycle, with the measurement matrix and the draws that the reading gives it.

    Layer 0 is the first, cycle 1 too; ValueError if there are not as many seeds as replicates.
    """
    if len(seeds) != network.n_replicates:
        raise ValueError(f"{len(seeds)} seeds for {network.n_replicates} replicates: expected one a replicate")
    n_neurons, streams = network.hidden_widths[layer], [reading.streams(seed) for seed in seeds]
    n_measurements = sensing.MEASUREMENT_COUNTS[reading.measurement_rounding](n_neurons, plan.measurement_fraction)
    rngs = [s.measurement_matrix(cycle, layer) for s in streams]
    matrices = [sensing.gaussian_matrix(n_measurements, n_neurons, rng=rng) for rng in rngs]
    return HiddenLayer(
        incoming_sums(network, layer),
        outgoing_sums(network, layer),
        network.weights[layer].detach().norm(dim=-1).double(),
        network.weights[layer + 1].detach().norm(dim=-2).double(),
        measurement_matrix=torch.stack(matrices).to(network.device),
        choice_rngs=[s.choice(cycle, layer) for s in streams],
        reading=reading,
        plan=plan,
    )


def magnitude_scores(layer: HiddenLayer) -> Scores:
    """|a_i + b_i|: incoming and outgoing sum together, as the published notebooks take magnitude."""
    return Scores((layer.incoming_sums + layer.outgoing_sums).abs())


def norm_scores(layer: HiddenLayer) -> Scores:
    """‖W[i, :]‖ · ‖W'[:, i]‖: the L2 norms of the incoming and of the outgoing weights, multiplied.

    The usual magnitude: it does not change when a ReLU neuron's incoming weights are scaled up, its outgoing ones down.
    """
    return Scores(layer.incoming_norms * layer.outgoing_norms)


def random_scores(layer: HiddenLayer) -> Scores:
    """Place of every neuron in a random permutation of each replicate.

    The lowest n places, in order, are `RandomState.choice(n_neurons, n, replace=False)`, bit for bit.
    """
    n_neurons = layer.incoming_sums.shape[1]
    drawn = np.stack([rng.permutation(n_neurons) for rng in layer.choice_rngs])
    return Scores(torch.from_numpy(np.argsort(drawn, axis=1)).to(layer.incoming_sums))


def weight_rays(layer: HiddenLayer) -> tuple[Tensor, Recovery]:
    """Weight rays r, (n_replicates, n_neurons), and their solve: the ray of the incoming sums + that of the outgoing.

    A ray is the sparse code s, as published, or the recovered weights Ψs, as the text says (section IV).
    """
    fraction = layer.plan.l1_penalty_fraction
    penalty = {"l1_penalty": layer.plan.l1_penalty} if fraction is None else {"l1_penalty_fraction": fraction}
    Theta = sensing.sensing_matrix(layer.measurement_matrix)
    recovery = recover(Theta, layer.measurements, solver=layer.reading.solver, **penalty)
    code = recovery.sparse_code.sum(0)
    return sensing.recovered_weights(code) if layer.reading.ray_domain == "recovered_weights" else code, recovery


def dtc_scores(layer: HiddenLayer) -> Scores:
    """|r_i|, the size of the weight ray: Dual Tomographic Compression."""
    rays, recovery = weight_rays(layer)
    return Scores(rays.abs(), recovery)


Score = Callable[[HiddenLayer], Scores]
SCORES: dict[str, Score] = {
    "magnitude": magnitude_scores,
    "norms": norm_scores,
    "random": random_scores,
    "dtc": dtc_scores,
}


def scored(score: Score, layer: HiddenLayer) -> Scores:
    """Scores of a hidden layer, with the proof that the solver of its reading owes.

    Raises
    ------
    NoScoresError for what is not one number a neuron; RuntimeError for a solve without a proof.
    """
    scores, expected = score(layer), tuple(layer.incoming_sums.shape)
    came = tuple(scores.values.shape) if isinstance(scores, Scores) else type(scores).__name__
    if came != expected:
        raise NoScoresError(f"the score gave {came}: expected Scores with values {expected}, one a neuron")
    if scores.recovery is not None and layer.reading.solver not in REFERENCES:
        scores.recovery.certified()
    return scores
