"""Study 12: from the published code to the text, one switch at a time."""

from dataclasses import dataclass
from typing import Annotated

from dtc_helpers.checks.fields import OneOf
from dtc_helpers.runs.checking import DatasetName
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import Runs, StudyParameters
from dtc_helpers.studies.walk import ANY_READING, differs_for

StepName = Annotated[str, OneOf(ANY_READING)]


@dataclass(frozen=True)
class SwitchParameters(StudyParameters):
    """Parameters of study 12; it raises as `Parameters` does."""

    dataset: DatasetName
    steps: list[StepName]


def switch_runs(parameters: SwitchParameters) -> Runs:
    """Study 12: the published plan in every step of the walk from one reading to the other.

    An arm is left out of a step that changes nothing for it against the step before.
    """
    steps = [ANY_READING[step] for step in parameters.steps]
    return [
        (Setting(parameters.dataset, step, parameters.seeds()), arm)
        for before, step in zip([None, *steps], steps, strict=False)
        for arm in parameters.arms
        if before is None or differs_for(arm, step, before)
    ]
