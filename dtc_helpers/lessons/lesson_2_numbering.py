"""Lesson 2, why the numbering of neurons decides: trained layers, their neurons in another order, and the exercises."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from dtc_helpers.checks.fields import Seed
from dtc_helpers.cycle import cycle_batches, start_networks
from dtc_helpers.images.datasets import Dataset
from dtc_helpers.lessons.exercises import Exercise
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.runs.checking import NotebookParameters
from dtc_helpers.scoring import HiddenLayer, dtc_scores, hidden_layer
from dtc_helpers.studies.numbering import cut_by
from dtc_helpers.training import adam, train

NEURONS, N_CUT = 64, 7
READING = READINGS["described"]
PLAN = Plan(batches_per_cycle=100, measurement_fraction=0.25)


@dataclass(frozen=True)
class NumberingLessonParameters(NotebookParameters):
    """Parameters of lesson 2; it raises as `Parameters` does."""

    answer_forgotten_columns: float | None
    answer_who_goes: list[int] | None
    answer_by_chance: float | None
    answer_share_in_common: float | None
    seed: Seed
    figures_dir: str


def trained(dataset: Dataset, *, seeds: Sequence[int]) -> ReplicatedMLP:
    """Networks with 64 hidden neurons that have seen 100 batches, one a seed."""
    shared = {"reading": READING, "seeds": seeds}
    networks = start_networks(dataset, [NEURONS], device=torch.device("cpu"), **shared)
    train(networks, cycle_batches(dataset, 1, plan=PLAN, **shared), optimizer=adam(networks), loss_axis="class")
    return networks


def layer_of(networks: ReplicatedMLP, *, seeds: Sequence[int]) -> HiddenLayer:
    """Their hidden layer, with 16 measurements by a Φ of each seed."""
    return hidden_layer(networks, 0, cycle=1, reading=READING, seeds=seeds, plan=PLAN)


def neurons_cut(layer: HiddenLayer, order: np.ndarray, *, n_cut: int = N_CUT) -> list[int]:
    """Neurons that DTC cuts where they stand in another order, by the numbers they have in the layer, ascending.

    Parameters
    ----------
    layer : of one network; its Φ stays as it is, column i for place i.
    order : (n_neurons,) number of the neuron that stands at each place.
    """
    sums = {"incoming_sums": layer.incoming_sums[:, order], "outgoing_sums": layer.outgoing_sums[:, order]}
    places = cut_by(dtc_scores(replace(layer, **sums)).values, n_cut, layer)[0].numpy()
    return sorted(np.asarray(order)[places].tolist())


# -------------------------------------------------------------------------- exercises

_ACTIVITIES, _OUTGOING = np.array([1.0, 4, 2]), np.array([2.0, -1, 3])
_ORDER = [2, 0, 1]
_STANDING, _RECOVERED = np.array([4, 2, 0, 1, 3]), np.array([0.1, -2.0, 0.9, 1.5, -0.2])
_TEN = np.array([4, 7, 0, 9, 2, 5, 1, 8, 3, 6])
_CUT, _PLACES_CUT = {2, 3, 4}, [1, 4, 8]


def _in_common(others: set[int]) -> float:
    return len(_CUT & others) / len(_CUT)


EXERCISES = {
    "forgotten columns": Exercise(
        right=float(_ACTIVITIES[_ORDER] @ _OUTGOING),
        mistakes=(
            (float(_ACTIVITIES @ _OUTGOING), "That is the answer when both are renumbered, or none."),
            (float(_ACTIVITIES @ _OUTGOING[_ORDER]), "Here the activities move, and the columns stay."),
            (_ACTIVITIES.sum() * _OUTGOING.sum(), "First multiply each pair, and only then add up."),
        ),
        hint="The activities now stand as (2, 1, 4), the outgoing weights still as (2, -1, 3).",
    ),
    "who goes": Exercise(
        right=sorted(_STANDING[np.argsort(np.abs(_RECOVERED))[:2]].tolist()),
        mistakes=(
            (np.argsort(np.abs(_RECOVERED))[:2].tolist(), "Those are places. Which neurons stand there?"),
            (_STANDING[np.argsort(_RECOVERED)[:2]].tolist(), "The sign does not matter: -2 is large."),
            (_STANDING[np.argsort(-np.abs(_RECOVERED))[:2]].tolist(), "Those are the largest."),
        ),
        hint="Find the two places with the smallest |Ψs|, then look up in the order who stands there.",
    ),
    "by chance": Exercise(
        right=52 * 52 / 512,
        mistakes=(
            (52 / 512, "That is the share of the layer that is cut. How many of 52 are that?"),
            (52 * 51 / 512, "The two cuts are drawn independently: nobody is taken out in between."),
            (52 / 2, "That would be half of them: would every second neuron of the layer be cut?"),
        ),
        hint="Each of the 52 is in the other cut with probability 52 / 512. Add this up 52 times.",
    ),
    "share in common": Exercise(
        right=_in_common(set(_TEN[_PLACES_CUT].tolist())),
        mistakes=(
            (_in_common(set(_PLACES_CUT)), "You compared neurons with places. First look up who stands there."),
            (2 / 10, "That is a share of the layer, not of the cut."),
            (2.0, "That is how many they are. Which share of the three?"),
        ),
        hint="At places 1, 4 and 8 stand the neurons 7, 2 and 3.",
    ),
}
