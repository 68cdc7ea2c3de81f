"""Scores of this project as importances for Torch-Pruning: one number a channel, the lowest go first."""

from dataclasses import replace

import torch
import torch_pruning as tp
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from dtc_helpers.any_network.group_sums import Group, group_sums, layer_name
from dtc_helpers.readings import READINGS, Plan, Reading
from dtc_helpers.scoring import HiddenLayer, Score, dtc_scores, random_scores, scored
from dtc_helpers.sensing import MEASUREMENT_COUNTS, gaussian_matrix


class ScoreImportance(tp.importance.Importance):
    """Importance by a score of the perceptron (`scoring.SCORES`, or one of your own), for any Torch-Pruning group.

    Calling it with a group returns (n_channels,) float64: the *places* 1 … n of the channels, n for the one that stays
    longest. Places and not scores, because exact solves give exact zeros, and a pruner that cuts by a threshold cuts
    all that tie; of two that tie the one with the lower index stays, as everywhere in this project. None for a group
    that no layer makes or no layer reads. Errors as `scoring.scored`.

    Parameters
    ----------
    score : one number a neuron; it is shown the sums of the whole group (`group_sums.group_sums`).
    reading : which scores stay, the ray domain, how many measurements, and the random streams.
    seed : a whole number from 0 to 2³² − 1 (TypeError or ValueError for another). The random numbers of a layer depend
        on it, the cut and the layer's number among the linear and convolutional layers, not on what else is scored.
    plan : λ and the share of measurements.

    Attributes
    ----------
    cut : number of the cut, 1 is the first. `compress_train_module` counts it up; set it yourself for another loop.
    gaps : relative duality gap of the last solve of each layer, by the layer's name.
    """

    def __init__(self, score: Score, *, reading: Reading, seed: int, plan: Plan | None = None) -> None:
        reading.streams(seed)  # refuses what is no seed
        self.score, self.reading, self.seed, self.plan = score, reading, int(seed), plan or Plan()
        self.cut = 1
        self.gaps: dict[str, float] = {}

    @property
    def settings(self) -> str:
        """All that decides its choices, in words."""
        return f"{type(self).__name__} {self.reading.name}, {self.reading.ray_domain}, seed {self.seed}, {self.plan}"

    @torch.no_grad()
    def __call__(self, group: Group) -> Tensor | None:
        """Places of the channels of a group, see the class."""
        layer = self.hidden_layer(group)
        if layer is None:
            return None
        scores = scored(self.score, layer)
        if scores.recovery is not None:
            self.gaps[layer_name(group[0], group)] = float(scores.recovery.duality_gap.max())
        return _places(scores.values[0], highest_stay=self.reading.kept_scores == "highest")

    def hidden_layer(self, group: Group) -> HiddenLayer | None:
        """Group as the scores of this project see a layer: one replicate; None where it is no layer between others."""
        sums, squares = group_sums(group), group_sums(group, power=2)
        n_channels = len(sums.incoming)
        if not (sums.producers and sums.consumers) or n_channels < 2:
            return None
        streams, number = self.reading.streams(self.seed), _layer_number(group)
        count = MEASUREMENT_COUNTS[self.reading.measurement_rounding]
        n_measurements = count(n_channels, self.plan.measurement_fraction)
        Phi = gaussian_matrix(n_measurements, n_channels, rng=streams.measurement_matrix(self.cut, number))
        return HiddenLayer(
            *(values.unsqueeze(0) for values in (sums.incoming, sums.outgoing)),
            *(values.sqrt().unsqueeze(0) for values in (squares.incoming, squares.outgoing)),
            measurement_matrix=Phi.unsqueeze(0).to(sums.incoming.device),
            choice_rngs=[streams.choice(self.cut, number)],
            reading=self.reading,
            plan=self.plan,
        )


class DTCImportance(ScoreImportance):
    """Dual tomography as an importance: rays of the incoming and of the outgoing sums by one certified solve.

    On a perceptron it chooses exactly the neurons that `compress_train` chooses with the same seed. Raises TypeError or
    ValueError for settings that cannot be. Source: arXiv:2505.23869, sections III and IV.

    Parameters
    ----------
    reading : "described" (recovered weights, the lowest scores go) or "published" (sparse code, the HIGHEST go, one
        seed used anew for every Φ); both are solved exactly.
    seed : of the measurement matrices, see `ScoreImportance`.
    l1_penalty : λ.
    measurement_fraction : m / n of every group of n channels; above 0.1 solves of thousands of channels take seconds.
    ray_domain : "recovered_weights" or "sparse_code", if not the one of the reading.

    Examples
    --------
    >>> from torch import nn
    >>> network = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    >>> graph = tp.DependencyGraph().build_dependency(network, torch.zeros(1, 4))
    >>> group = graph.get_pruning_group(network[0], tp.prune_linear_out_channels, list(range(5)))
    >>> sorted(DTCImportance(seed=1)(group).tolist())
    [1.0, 2.0, 3.0, 4.0, 5.0]
    """

    def __init__(
        self,
        reading: str = "described",
        *,
        seed: int,
        l1_penalty: float = 0.3,
        measurement_fraction: float = 0.1,
        ray_domain: str | None = None,
    ) -> None:
        if reading not in READINGS:
            raise ValueError(f"reading = {reading!r} is not one of {', '.join(READINGS)}")
        chosen = READINGS[reading]
        solved = replace(chosen, solver="exact", ray_domain=ray_domain or chosen.ray_domain)
        plan = Plan(l1_penalty=l1_penalty, measurement_fraction=measurement_fraction)
        super().__init__(dtc_scores, reading=solved, seed=seed, plan=plan)


class RandomImportance(ScoreImportance):
    """Random choice with a seed, the control: as many channels of the same layers go as by any other importance."""

    def __init__(self, seed: int) -> None:
        super().__init__(random_scores, reading=READINGS["described"], seed=seed)


def _layer_number(group: Group) -> int:
    """Number of the group's root among the linear and convolutional layers of its network; 0 is the first."""
    layers = [layer for layer in group._DG.model.modules() if isinstance(layer, (nn.Linear, _ConvNd))]
    return next(i for i, layer in enumerate(layers) if layer is group[0].dep.layer)


def _places(scores: Tensor, *, highest_stay: bool) -> Tensor:
    """Place of every channel, n for the one that stays longest; ties to the lower index."""
    order = torch.argsort(-scores if highest_stay else scores, stable=True)
    places = torch.arange(len(scores), 0, -1, dtype=torch.float64, device=scores.device)
    return torch.empty_like(places).scatter(0, order, places)
