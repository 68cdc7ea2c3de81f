"""Study 13: numbering, whether the order of the neurons decides what DTC cuts, and with it how well DTC does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.checks.fields import Replicates
from dtc_helpers.readings import READINGS
from dtc_helpers.runs.checking import DatasetName
from dtc_helpers.scoring import HiddenLayer, Scores, random_scores
from dtc_helpers.studies.numbering import NUMBERINGS, choices
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import ArmName, Runs, StudyParameters, other_table
from dtc_helpers.surgery import n_keep

READING = READINGS["described"]
OTHER_READING = replace(READING, ray_domain="sparse_code")


@dataclass(frozen=True)
class NumberingParameters(StudyParameters):
    """Parameters of study 13; it raises as `Parameters` does."""

    dataset: DatasetName
    other_arms: list[ArmName]
    other_replicates: Replicates


def numbering_runs(parameters: NumberingParameters) -> Runs:
    """Study 13: the described reading, some arms with all replicates; and DTC with its codes as rays, with fewer."""
    few, everything = parameters.seeds(parameters.other_replicates), [*parameters.arms, *parameters.other_arms]
    runs = [(READING, arm, parameters.seeds()) for arm in parameters.arms]
    runs += [(READING, arm, few) for arm in parameters.other_arms]
    runs += [(OTHER_READING, arm, few) for arm in everything if arm in NUMBERINGS]
    return [
        (Setting(parameters.dataset, reading, seeds, columns={"ray_domain": reading.ray_domain}), arm)
        for reading, arm, seeds in runs
    ]


def choices_table(parameters: NumberingParameters) -> pd.DataFrame:
    """Choices of each numbering, layer by layer along random pruning; stored, or computed when asked for.

    Columns dataset, seed, neurons (before the cut), and those of `numbering.choices`.
    """
    seeds = parameters.seeds(parameters.other_replicates)
    return other_table(
        "13_choices",
        lambda: pd.DataFrame(_choices_along(Setting(parameters.dataset, READING, seeds))),
        parameters,
        settings={"dataset": parameters.dataset, "seeds": seeds},
        keys=("dataset", "ray_domain", "arm", "seed", "neurons"),
    )


def _choices_along(common: Setting) -> Iterator[dict[str, Any]]:
    """Rows of every cycle of random pruning, which none of the scores has had a hand in."""
    rng, rows = np.random.default_rng(common.seeds[0]), []

    def seen(layer: HiddenLayer) -> Scores:
        scores, n_neurons = random_scores(layer), layer.incoming_sums.shape[1]
        n_cut = n_neurons - n_keep(n_neurons, common.plan.keep_fraction)
        for row in choices(layer, n_cut=n_cut, rng=rng):
            keys = {"dataset": common.name, "seed": common.seeds[row["replicate"]], "neurons": n_neurons}
            rows.append(keys | row)
        return scores

    for _ in common.cut(seen):
        yield from rows
        rows.clear()
