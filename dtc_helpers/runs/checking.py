"""Parameters of notebooks: names of what exists, checked as soon as they are given."""

from dataclasses import dataclass
from typing import Annotated

from dtc_helpers.checks.fields import OneOf, check_fields, check_names
from dtc_helpers.images.datasets import DATASETS
from dtc_helpers.images.own_data import SUFFIX
from dtc_helpers.paths import in_project
from dtc_helpers.readings import READINGS
from dtc_helpers.scoring import SCORES


class DatasetSource:
    """A name of a dataset, or a file of one's own."""

    def check(self, name: str, values: list[str]) -> None:
        """Raises ValueError for a name that is not known, or a file that is not there."""
        for value in values:
            if not value.endswith(SUFFIX):
                check_names(name, [value], [*DATASETS, "or the path of an .npz file"])
            elif not in_project(value).is_file():
                raise ValueError(f"{name} = {value}: there is no such file; relative paths start at the project")


DatasetName = Annotated[str, OneOf(DATASETS)]
DatasetOrFile = Annotated[str, DatasetSource()]
ReadingName = Annotated[str, OneOf(READINGS)]
MethodName = Annotated[str, OneOf(SCORES)]


@dataclass(frozen=True)
class NotebookParameters:
    """Refuses values of a wrong type, unknown names and numbers out of range as soon as they are given."""

    def __post_init__(self) -> None:
        check_fields(self)

    def written(self) -> dict[str, str]:
        """Folders that the notebook writes into, under the names of the parameters that name them."""
        if not hasattr(self, "figures_dir"):
            return {}
        return {"figures_dir": vars(self)["figures_dir"] or f"{vars(self).get('results_dir', 'results')}/figures"}
