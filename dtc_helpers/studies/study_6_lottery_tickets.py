"""Study 6: lottery tickets, whether the survivors of DTC are winning ones."""

from dataclasses import dataclass

from dtc_helpers.checks.fields import Neurons
from dtc_helpers.runs.checking import DatasetName, ReadingName
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import Runs, StudyParameters
from dtc_helpers.studies.walk import ANY_READING


@dataclass(frozen=True)
class TicketParameters(StudyParameters):
    """Parameters of study 6; it raises as `Parameters` does."""

    dataset: DatasetName
    readings: list[ReadingName]
    widths: list[Neurons]


def ticket_runs(parameters: TicketParameters) -> Runs:
    """Study 6: compress-train, tickets and networks from scratch at the same sizes."""
    return [
        (Setting(parameters.dataset, ANY_READING[reading], parameters.seeds(), neurons=parameters.widths), arm)
        for reading in parameters.readings
        for arm in parameters.arms
    ]
