"""Study 7: deeper networks, of two or three hidden layers."""

import itertools
from dataclasses import dataclass
from typing import Annotated

from dtc_helpers.checks.fields import Between
from dtc_helpers.readings import Plan
from dtc_helpers.runs.checking import ReadingName
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import Runs, SeveralDatasets
from dtc_helpers.studies.walk import ANY_READING

CutWidth = Annotated[int, Between(Plan.stop_at + 1, 10**6)]  # neurons of a layer that is cut


@dataclass(frozen=True)
class DepthParameters(SeveralDatasets):
    """Parameters of study 7; it raises as `Parameters` does."""

    readings: list[ReadingName]
    hidden_widths: list[list[CutWidth]]


def depth_runs(parameters: DepthParameters) -> Runs:
    """Study 7: networks of several hidden layers, on several datasets."""
    settings = [
        Setting(
            dataset,
            ANY_READING[reading],
            parameters.seeds(),
            hidden_widths=widths,
            columns={"hidden_widths": "-".join(map(str, widths))},
        )
        for dataset in parameters.datasets
        for reading in parameters.readings
        for widths in parameters.hidden_widths
    ]
    return list(itertools.product(settings, parameters.arms))
