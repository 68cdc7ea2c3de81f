"""Study 5: penalty and measurements, whether DTC is better when λ, m/N and the ray domain are tuned."""

import itertools
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated

from dtc_helpers.checks.fields import Between, MeasurementShare, Neurons, Replicates
from dtc_helpers.readings import RAY_DOMAINS, Plan
from dtc_helpers.runs.checking import ReadingName
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import Runs, SeveralDatasets, grid
from dtc_helpers.studies.walk import ANY_READING

UsefulShare = Annotated[float, Between(1e-12, 1)]  # λ / λ_max; from 1 on nothing is left to choose by


@dataclass(frozen=True)
class PenaltyParameters(SeveralDatasets):
    """Parameters of study 5: the first dataset on the full grid, others on the thinned; raises as `Parameters` does."""

    reading: ReadingName
    penalty_fractions: list[UsefulShare]
    measurement_fractions: list[MeasurementShare]
    thinned_penalty_fractions: list[UsefulShare]
    thinned_measurement_fractions: list[MeasurementShare]
    stop_at: Neurons
    test_replicates: Replicates


def penalty_runs(parameters: PenaltyParameters) -> Runs:
    """Study 5: every penalty, number of measurements and ray domain, solved exactly, measured on validation images."""
    return list(itertools.product(_points(parameters), parameters.arms))


def chosen_runs(parameters: PenaltyParameters, chosen: Collection[tuple[str, str, float, float]]) -> Runs:
    """Study 5, afterwards: the points that were chosen, on the test images and other seeds, beside random pruning.

    Parameters
    ----------
    chosen : (dataset, ray_domain, penalty_fraction, measurement_fraction) each.
    """
    seeds = parameters.seeds(parameters.replicates + parameters.test_replicates)[parameters.replicates :]
    points = [point for point in _points(parameters) if (point.name, *point.columns.values()) in chosen]
    tested = [replace(point, choosing=False, seeds=seeds) for point in points]
    return list(itertools.product(tested, dict.fromkeys([*parameters.arms, "random"])))


def _points(parameters: PenaltyParameters) -> list[Setting]:
    return [
        Setting(
            dataset,
            replace(ANY_READING[parameters.reading], ray_domain=domain, solver="exact"),
            parameters.seeds(),
            plan=Plan(stop_at=parameters.stop_at, measurement_fraction=m, l1_penalty_fraction=penalty),
            neurons=[parameters.stop_at],
            columns={"ray_domain": domain, "penalty_fraction": penalty, "measurement_fraction": m},
            choosing=True,
        )
        for dataset, penalty, m in grid(parameters, "penalty_fractions", "measurement_fractions")
        for domain in RAY_DOMAINS
    ]
