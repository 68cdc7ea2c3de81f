"""DTC along other numberings of the neurons, and in another basis: what the order of the neurons decides."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dtc_helpers.recovery import Recovery
from dtc_helpers.scoring import HiddenLayer, Scores, magnitude_scores, weight_rays
from dtc_helpers.sensing import recovered_weights
from dtc_helpers.surgery import CHOICES


class Shown(NamedTuple):
    """Sums of a layer as DTC is shown them, and the way back; tensors are (2, n_replicates, n_neurons)."""

    sums: Tensor
    weights_back: Callable[[Tensor], Tensor]  # recovered weights, to the neurons they belong to
    code_back: Callable[[Tensor], Tensor]  # sparse code, entry i to the neuron that stood at place i


Numbering = Callable[[Tensor], Shown]


def as_numbered(layer: HiddenLayer) -> Numbering:  # noqa: ARG001
    """Order in which the neurons happen to stand: DTC as it is."""
    return lambda sums: Shown(sums, lambda rays: rays, lambda rays: rays)


def renumbered(layer: HiddenLayer) -> Numbering:
    """Random order, drawn anew for every cut, the same for the incoming and the outgoing sums."""
    n_neurons = layer.incoming_sums.shape[-1]
    drawn = torch.from_numpy(np.stack([rng.permutation(n_neurons) for rng in layer.choice_rngs]))
    order = drawn.to(layer.incoming_sums.device).expand(2, -1, -1)
    return lambda sums: _in_order(sums, order)


def by_size(layer: HiddenLayer) -> Numbering:  # noqa: ARG001
    """Ascending order, of the incoming sums for these and of the outgoing sums for those: no matter how they stood."""
    return lambda sums: _in_order(sums, sums.argsort(dim=-1, stable=True))


def random_basis(layer: HiddenLayer) -> Numbering:
    """Random orthonormal basis in place of the DCT: as Φ is Gaussian, that is DTC of the sums turned at random.

    Entries of a code stay where they are: they are coefficients of that basis, and belong to no neuron.
    """
    n_neurons, device = layer.incoming_sums.shape[-1], layer.incoming_sums.device
    drawn = np.stack([rng.normal(size=(n_neurons, n_neurons)) for rng in layer.choice_rngs])
    turn, triangle = torch.linalg.qr(torch.from_numpy(drawn).to(device))
    turn = turn * triangle.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)  # so that no turn is likelier than another
    return lambda sums: Shown(
        (turn @ sums.unsqueeze(-1))[..., 0], lambda rays: (turn.mT @ rays.unsqueeze(-1))[..., 0], lambda rays: rays
    )


def _in_order(sums: Tensor, order: Tensor) -> Shown:
    back = partial(_put, order=order)
    return Shown(sums.gather(-1, order), back, back)


def _put(values: Tensor, *, order: Tensor) -> Tensor:
    return torch.zeros_like(values).scatter(-1, order, values)


NUMBERINGS: dict[str, Callable[[HiddenLayer], Numbering]] = {
    "dtc": as_numbered,
    "dtc renumbered": renumbered,
    "dtc sorted": by_size,
    "dtc random basis": random_basis,
}


def numbered_rays(layer: HiddenLayer, numbering: Numbering) -> tuple[dict[str, Tensor], Recovery]:
    """Rays of the incoming and of the outgoing sums, (2, n_replicates, n_neurons), in both ray domains; the solve."""
    shown = numbering(torch.stack([layer.incoming_sums, layer.outgoing_sums]))
    _, recovery = weight_rays(replace(layer, incoming_sums=shown.sums[0], outgoing_sums=shown.sums[1]))
    code = recovery.sparse_code
    rays = {"sparse_code": shown.code_back(code), "recovered_weights": shown.weights_back(recovered_weights(code))}
    return rays, recovery


def numbered_scores(layer: HiddenLayer, *, name: str) -> Scores:
    """|r_i| as `scoring.dtc_scores` gives it, the neurons in one of the `NUMBERINGS`."""
    rays, recovery = numbered_rays(layer, NUMBERINGS[name](layer))
    return Scores(rays[layer.reading.ray_domain].sum(0).abs(), recovery)


# -------------------------------------------------------------------------- one layer, scored in every way


def choices(layer: HiddenLayer, *, n_cut: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Choices of every numbering for one layer, and whether they were the same if only chance were different.

    Parameters
    ----------
    rng : draws another order of the same neurons, and another Φ.

    Returns
    -------
    One row a ray domain × numbering × replicate: error_incoming and error_outgoing, ‖Ψs − w‖ / ‖w‖; as shares of the
    cut with_magnitude (|a + b| would cut it too), with_other_order (it is cut by the same Φ where the same neurons
    stand in another order), with_other_matrix (by another Φ), and by_chance.
    """
    n_replicates, n_neurons = layer.incoming_sums.shape
    sums = torch.stack([layer.incoming_sums, layer.outgoing_sums])
    order = torch.from_numpy(np.stack([rng.permutation(n_neurons) for _ in range(n_replicates)])).to(sums.device)
    mixed = replace(
        layer, incoming_sums=layer.incoming_sums.gather(1, order), outgoing_sums=layer.outgoing_sums.gather(1, order)
    )
    drawn = torch.from_numpy(rng.normal(size=tuple(layer.measurement_matrix.shape)))
    remeasured = replace(layer, measurement_matrix=drawn.to(layer.measurement_matrix))
    by_magnitude, rows = cut_by(magnitude_scores(layer).values, n_cut, layer), []
    for name, make in NUMBERINGS.items():
        numbering = make(layer)
        own, of_mixed, of_remeasured = (numbered_rays(each, numbering)[0] for each in (layer, mixed, remeasured))
        errors = (own["recovered_weights"] - sums).norm(dim=-1) / sums.norm(dim=-1)
        for domain, rays in own.items():
            cut = cut_by(rays.sum(0).abs(), n_cut, layer)
            others = {
                "with_magnitude": by_magnitude,
                "with_other_order": cut_by(_put(of_mixed[domain].sum(0).abs(), order=order), n_cut, layer),
                "with_other_matrix": cut_by(of_remeasured[domain].sum(0).abs(), n_cut, layer),
            }
            shares = {column: (cut & other).sum(1) / n_cut for column, other in others.items()}
            columns = {"error_incoming": errors[0], "error_outgoing": errors[1], **shares}
            rows += [
                {
                    "ray_domain": domain,
                    "arm": name,
                    "replicate": replicate,
                    **{column: round(float(values[replicate]), 6) for column, values in columns.items()},
                    "by_chance": round(n_cut / n_neurons, 6),
                }
                for replicate in range(n_replicates)
            ]
    return rows


def cut_by(scores: Tensor, n_cut: int, layer: HiddenLayer) -> Tensor:
    """Neurons that the layer's reading cuts by these scores, (n_replicates, n_neurons) bool."""
    kept = CHOICES[layer.reading.kept_scores](scores, scores.shape[1] - n_cut)
    return torch.ones_like(scores, dtype=torch.bool).scatter(1, kept, False)
