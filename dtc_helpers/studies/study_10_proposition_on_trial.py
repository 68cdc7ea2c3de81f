"""Study 10: the proposition on trial, whether it is true of any compression, beyond what null models give."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from dtc_helpers.checks.fields import NullDraws, OneOf, Replicates, Seed, check_as_many
from dtc_helpers.paths import in_project
from dtc_helpers.proposition.evidence import (
    SUBJECTS,
    Evidence,
    gather_evidence,
    joined,
    processes_of,
    read_evidence,
    write_evidence,
    write_part,
)
from dtc_helpers.readings import Plan
from dtc_helpers.runs.checking import NotebookParameters
from dtc_helpers.runs.parameters import usable_device
from dtc_helpers.runs.progress import progress
from dtc_helpers.runs.provenance import run_key
from dtc_helpers.runs.resuming import kept
from dtc_helpers.studies.study import STORED

STORED_TRIAL = STORED / "10_proposition"


@dataclass(frozen=True)
class TrialParameters(NotebookParameters):
    """Parameters of study 10; it raises as `Parameters` does, and ValueError for gathering into the stored trial."""

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
        if self.recompute and in_project(self.data_dir).resolve() == STORED_TRIAL.resolve():
            raise ValueError(
                f"data_dir = {self.data_dir} holds the stored trial: gather into another folder, e.g. "
                "results/10_proposition, and promote it afterwards"
            )


def trials(parameters: TrialParameters) -> dict[str, Evidence]:
    """Study 10: the evidence of every dataset in `data_dir`, where it is gathered first with `recompute`.

    Gathering goes on after the last finished process when it was interrupted. Raises FileNotFoundError for a dataset
    that is not there; DamagedError where it is not as it was written.
    """
    folder = in_project(parameters.data_dir)
    if parameters.recompute:
        of_each = zip(parameters.datasets, parameters.replicates, strict=True)
        runs = [(name, process, n) for name, n in of_each for process in processes_of(name)]
        parts: dict[str, list[Evidence]] = {}
        shown = progress(runs, total=len(runs), title="processes", describe=lambda run: f"{run[0]}, {run[1]}")
        for name, process, n in shown:
            settings: dict[str, Any] = {"replicates": n, "seed": parameters.seed, "n_draws": parameters.null_draws}
            make = partial(gather_evidence, name, process, plan=Plan(), **settings)
            path = folder / ".trial" / f"{name} {process} {run_key(settings, Plan(), usable_device('auto'))}"
            parts.setdefault(name, []).append(kept(path, make=make, write=write_part, read=read_evidence))
        for name, gathered in parts.items():
            write_evidence(joined(gathered), folder / name)
    return {name: read_evidence(folder / name) for name in parameters.datasets}
