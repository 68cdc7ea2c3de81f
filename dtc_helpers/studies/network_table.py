"""Table of a study of networks of any kind: which runs there are, stored or made anew, arm by arm."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import pandas as pd

from dtc_helpers.checks.fields import Batches, CutShare, OneOf
from dtc_helpers.paths import in_project
from dtc_helpers.runs.progress import progress
from dtc_helpers.runs.provenance import run_key
from dtc_helpers.studies.example_networks import EXAMPLES
from dtc_helpers.studies.network_runs import NETWORK_ARMS, NetworkSetting
from dtc_helpers.studies.runs import kept_run
from dtc_helpers.studies.study import StudyParameters, other_table, refuse_repeats, rows_of_run

NETWORK = ("network", "narrowest")  # columns that name a setting
NetworkArm = Annotated[str, OneOf(NETWORK_ARMS)]
NetworkName = Annotated[str, OneOf(EXAMPLES)]


@dataclass(frozen=True)
class NetworkStudyParameters(StudyParameters):
    """Parameters of the studies of networks of any kind; it raises as `Parameters` does."""

    arms: list[NetworkArm]
    networks: list[NetworkName]
    cuts: Batches
    batches_per_cut: Batches
    keep_fraction: CutShare
    at_cuts: list[Batches]

    def __post_init__(self) -> None:
        super().__post_init__()
        if outside := [cut for cut in self.at_cuts if cut > self.cuts]:
            raise ValueError(f"at_cuts = {outside}: expected numbers of cuts, from 1 to {self.cuts}")
        if len(set(self.at_cuts)) < len(self.at_cuts):
            raise ValueError(f"at_cuts = {self.at_cuts}: expected each once")

    def setting(self, network: str, narrowest: int = 1) -> NetworkSetting:
        """Setting of a network."""
        plan = self.cuts, self.batches_per_cut, self.keep_fraction
        return NetworkSetting(network, *plan, narrowest, tuple(self.at_cuts))


def network_table(name: str, settings: Iterable[NetworkSetting], parameters: NetworkStudyParameters) -> pd.DataFrame:
    """Table of all runs, arms × seeds of every setting: the stored one, or a new one with `parameters.recompute`.

    Columns dataset, network, narrowest, arm, and those of `network_runs.NETWORK_ARMS`. Computing goes on after the last
    finished arm when it was interrupted. Raises ValueError if what is stored is of another plan, or lacks a run, or one
    is asked for twice.
    """
    wanted = [(setting, arm) for setting in settings for arm in parameters.arms]
    refuse_repeats((_named(setting), arm) for setting, arm in wanted)
    plan = ("cuts", "batches_per_cut", "keep_fraction", "at_cuts", "seed")
    table = other_table(
        name,
        lambda: _computed(wanted, parameters),
        parameters,
        settings={key: getattr(parameters, key) for key in plan},
        keys=("dataset", *NETWORK, "arm", "seed", "cut", "moment"),
    )
    found = [rows_of_run(table, name, arm, seeds=parameters.seeds(), wanted=_named(setting)) for setting, arm in wanted]
    return pd.concat(found, ignore_index=True)


def _named(setting: NetworkSetting) -> dict[str, Any]:
    return {key: getattr(setting, key) for key in NETWORK}


def _computed(runs: Sequence[tuple[NetworkSetting, str]], parameters: NetworkStudyParameters) -> pd.DataFrame:
    parts, seeds, tables = in_project(parameters.results_dir) / ".networks", parameters.seeds(), []
    for setting, arm in progress(
        runs, total=len(runs), title="runs", describe=lambda run: f"{run[0].network} {run[1]}"
    ):
        make, key = partial(_table, setting, arm, seeds), run_key(setting, seeds)
        tables.append(kept_run(f"{setting.network} {arm}", make, parts=parts, key=key)[0])
    return pd.concat(tables, ignore_index=True)


def _table(setting: NetworkSetting, arm: str, seeds: Sequence[int]) -> pd.DataFrame:
    keys = {"dataset": setting.data.name, **_named(setting), "arm": arm}
    return pd.DataFrame([{**keys, **row} for seed in seeds for row in NETWORK_ARMS[arm](setting, seed)])
