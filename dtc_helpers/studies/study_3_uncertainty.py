"""Study 3: uncertainty, thirty replicates of each method and controls."""

import itertools
from dataclasses import dataclass

from dtc_helpers.checks.fields import Neurons, Replicates, check_names
from dtc_helpers.runs.checking import DatasetName, ReadingName
from dtc_helpers.studies.arms import ARMS
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import ArmName, Runs, StudyParameters
from dtc_helpers.studies.walk import ANY_READING


@dataclass(frozen=True)
class UncertaintyParameters(StudyParameters):
    """Parameters of study 3; it raises as `Parameters` does."""

    dataset: DatasetName
    readings: list[ReadingName]
    controls: list[ArmName]
    control_readings: list[ReadingName]
    control_replicates: Replicates
    widths: list[Neurons]
    order_reading: ReadingName
    orders: Replicates
    order_replicates: Replicates

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names("arms and controls", [*self.arms, *self.controls], ARMS)


def uncertainty_runs(parameters: UncertaintyParameters) -> Runs:
    """Study 3: the published plan in several readings, arms with all replicates, controls with fewer."""
    groups = (
        (parameters.readings, parameters.arms, parameters.replicates),
        (parameters.control_readings, parameters.controls, parameters.control_replicates),
    )
    runs: Runs = []
    for readings, arms, n in groups:
        settings = [
            Setting(parameters.dataset, ANY_READING[reading], parameters.seeds(n), neurons=parameters.widths)
            for reading in readings
        ]
        runs += itertools.product(settings, arms)
    return runs


def order_runs(parameters: UncertaintyParameters) -> Runs:
    """Study 3, afterwards: several orders of the images, and for each order replicates of their own."""
    n, reading = parameters.order_replicates, ANY_READING[parameters.order_reading]
    seeds = parameters.seeds(parameters.orders * n)
    settings = [
        Setting(parameters.dataset, reading, seeds[order * n : (order + 1) * n], columns={"order": order})
        for order in range(parameters.orders)
    ]
    return list(itertools.product(settings, parameters.arms))


def single_image_runs(parameters: UncertaintyParameters) -> Runs:
    """Study 3, afterwards: the published reading once more, with the accuracy of single images and class constants."""
    seeds = parameters.seeds(parameters.control_replicates)
    return [(Setting(parameters.dataset, ANY_READING["published"], seeds), arm) for arm in parameters.arms]
