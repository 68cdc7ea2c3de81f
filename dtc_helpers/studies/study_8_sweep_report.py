"""Study 8: a report of any sweep over one or two parameters; runs nothing, and reads what `sweeps.table` gathered."""

from dataclasses import dataclass

from dtc_helpers.checks.fields import Neurons
from dtc_helpers.runs.checking import NotebookParameters


@dataclass(frozen=True)
class SweepReportParameters(NotebookParameters):
    """Parameters of notebook 8; it raises as `Parameters` does."""

    table: str
    varied: list[str]
    neurons: Neurons
    figures_dir: str
