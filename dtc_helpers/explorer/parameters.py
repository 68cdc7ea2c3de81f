"""Parameters of notebook explore."""

from dataclasses import dataclass
from typing import Annotated

from dtc_helpers.checks.fields import Between, Seed
from dtc_helpers.runs.checking import NotebookParameters


@dataclass(frozen=True)
class ExploreParameters(NotebookParameters):
    """Parameters of notebook explore; it raises as `runs.parameters.Parameters` does."""

    n_measurements: Annotated[int, Between(1, 64)]
    seed: Seed
    results_dir: str
