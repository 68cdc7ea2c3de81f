"""Study 10: the proposition on trial, whether it is true of any compression, beyond what null models give."""

from dataclasses import dataclass
from typing import Annotated

from dtc_helpers.checks.fields import NullDraws, OneOf, Replicates, Seed, check_as_many
from dtc_helpers.proposition.evidence import SUBJECTS
from dtc_helpers.runs.checking import NotebookParameters


@dataclass(frozen=True)
class TrialParameters(NotebookParameters):
    """Parameters of study 10; it raises as `Parameters` does."""

    datasets: list[Annotated[str, OneOf(SUBJECTS)]]
    replicates: list[Replicates]
    recompute: bool
    null_draws: NullDraws
    seed: Seed
    data_dir: str
    figures_dir: str

    def written(self) -> dict[str, str]:
        """Figures, and the evidence where it is gathered anew."""
        return {**({"data_dir": self.data_dir} if self.recompute else {}), **super().written()}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_as_many(self, "datasets", "replicates")
