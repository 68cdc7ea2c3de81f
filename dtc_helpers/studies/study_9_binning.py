"""Study 9: binning, how the proposition's correlation moves with the histogram."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from dtc_helpers.checks.fields import NullDraws, OneOf, check_as_many
from dtc_helpers.paths import in_project
from dtc_helpers.proposition.binning import binning_correlations, other_binnings, width_binnings
from dtc_helpers.proposition.evidence import PROCESSES, SUBJECTS, processes_of_evidence, read_evidence
from dtc_helpers.studies.study import TableParameters, other_table


@dataclass(frozen=True)
class BinningParameters(TableParameters):
    """Parameters of study 9; it raises as `Parameters` does."""

    datasets: list[Annotated[str, OneOf(SUBJECTS, may_repeat=True)]]
    processes: list[Annotated[str, OneOf(PROCESSES, may_repeat=True)]]
    null_draws: NullDraws
    data_dir: str

    def __post_init__(self) -> None:
        super().__post_init__()
        check_as_many(self, "datasets", "processes")


def correlations_table(parameters: BinningParameters) -> pd.DataFrame:
    """Table of `binning.binning_correlations` for every pair of a dataset and a process: stored, or computed.

    Raises ValueError if what is stored was made with other parameters.
    """
    names = ("datasets", "processes", "null_draws", "seed")
    return other_table(
        "9_binning",
        lambda: _drawn(parameters),
        parameters,
        settings={name: getattr(parameters, name) for name in names},
        keys=("panel", "binning", "replicate"),
    )


def _drawn(parameters: BinningParameters) -> pd.DataFrame:
    panels = {
        f"{process} · {name}": processes_of_evidence(read_evidence(in_project(parameters.data_dir) / name), process)
        for name, process in zip(parameters.datasets, parameters.processes, strict=True)
    }
    binnings, rng = width_binnings() | other_binnings(), np.random.default_rng(parameters.seed)
    return binning_correlations(panels, binnings, rng=rng, n_draws=parameters.null_draws)
