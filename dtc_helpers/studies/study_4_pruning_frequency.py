"""Study 4: pruning frequency, small cuts often or large ones rarely."""

from dataclasses import dataclass

import numpy as np

from dtc_helpers.checks.fields import Batches, CutShare, Neurons
from dtc_helpers.readings import Plan
from dtc_helpers.runs.checking import ReadingName
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import Runs, SeveralDatasets, grid
from dtc_helpers.studies.walk import ANY_READING
from dtc_helpers.surgery import schedule

(N_NEURONS,) = Setting.hidden_widths  # as no point names others


@dataclass(frozen=True)
class FrequencyParameters(SeveralDatasets):
    """Parameters of study 4: the first dataset on the full grid, others on the thinned; raises as `Parameters` does."""

    readings: list[ReadingName]
    cut_fractions: list[CutShare]
    batches_per_cycle: list[Batches]
    thinned_cut_fractions: list[CutShare]
    thinned_batches_per_cycle: list[Batches]
    stop_at: Neurons
    total_batches: Batches


def frequency_runs(parameters: FrequencyParameters) -> Runs:
    """Study 4: cuts of several sizes, every so many batches, down to the same size, then training on to one total.

    Points whose cuts would take longer than the total are left out.
    """
    runs: Runs = []
    for dataset, cut_fraction, batches in grid(parameters, "cut_fractions", "batches_per_cycle"):
        keep_fraction = keep_fraction_to(N_NEURONS, parameters.stop_at, near=1 - cut_fraction)
        n_cycles = len(schedule(N_NEURONS, keep_fraction=keep_fraction, stop_at=parameters.stop_at))
        if batches * n_cycles <= parameters.total_batches:
            for reading in parameters.readings:
                point = Setting(
                    dataset,
                    ANY_READING[reading],
                    parameters.seeds(),
                    plan=Plan(batches_per_cycle=batches, keep_fraction=keep_fraction, stop_at=parameters.stop_at),
                    total_batches=parameters.total_batches,
                    columns={"cut_fraction": cut_fraction, "batches_per_cycle": batches},
                )
                runs += [(point, arm) for arm in parameters.arms]
    return runs


def keep_fraction_to(n_neurons: int, n_left: int, *, near: float) -> float:
    """Share to keep in every cut so that cuts end at exactly `n_left` neurons: the one nearest to `near`.

    Raises ValueError if none within 0.05 of `near` does: cuts remove whole neurons, at least one each.
    """
    if not 0 < n_left < n_neurons:
        raise ValueError(f"cuts lead from {n_neurons} to fewer neurons, not to {n_left}")
    for distance in np.arange(0, 0.05, 1e-4):
        for keep_fraction in (near + distance, near - distance):
            is_share = 0 < keep_fraction < 1
            if is_share and schedule(n_neurons, keep_fraction=keep_fraction, stop_at=n_left)[-1] == n_left:
                return float(keep_fraction)
    raise ValueError(f"no share to keep near {near} leads from {n_neurons} to exactly {n_left} neurons: try others")
