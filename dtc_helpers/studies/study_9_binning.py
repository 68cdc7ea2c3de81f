"""Study 9: binning, how the proposition's correlation moves with the histogram."""

from dataclasses import dataclass
from typing import Annotated

from dtc_helpers.proposition.evidence import SUBJECTS
from dtc_helpers.runs.checking import NotebookParameters, NullDraws, OneOf, Seed


@dataclass(frozen=True)
class BinningParameters(NotebookParameters):
    """Parameters of study 9; it raises as `Parameters` does."""

    datasets: list[Annotated[str, OneOf(SUBJECTS, may_repeat=True)]]
    processes: list[str]
    null_draws: NullDraws
    seed: Seed
    data_dir: str
    figures_dir: str
