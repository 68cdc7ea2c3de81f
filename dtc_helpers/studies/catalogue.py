"""What each study runs, and its data: read from what is committed, or computed anew."""

import itertools
import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from dtc_helpers.images.datasets import Dataset, load_dataset
from dtc_helpers.paths import in_project, project_root
from dtc_helpers.readings import Plan, Reading
from dtc_helpers.runs.provenance import provenance
from dtc_helpers.studies.arms import Setting, last_places
from dtc_helpers.studies.runs import read_table, run_arms
from dtc_helpers.studies.study_parameters import (
    DepthParameters,
    FrequencyParameters,
    PenaltyParameters,
    StudyParameters,
    SwitchParameters,
    TicketParameters,
    UncertaintyParameters,
)
from dtc_helpers.studies.walk import ANY_READING, differs_for
from dtc_helpers.surgery import keep_fraction_to, schedule

STORED = project_root() / "notebooks" / "studies" / "data"
HIDDEN_WIDTHS = (512,)
RAY_DOMAINS = ("sparse_code", "recovered_weights")
Runs = list[tuple[Setting, str]]  # (setting, arm) each


def uncertainty_runs(parameters: UncertaintyParameters) -> Runs:
    """Study 3: the published plan in several readings, arms with all replicates, controls with fewer."""
    groups = (
        (parameters.readings, parameters.arms, parameters.replicates),
        (parameters.control_readings, parameters.controls, parameters.control_replicates),
    )
    return [
        (
            _setting(parameters.dataset, ANY_READING[reading], parameters.seeds(n), neurons=parameters.widths),
            arm,
        )
        for readings, arms, n in groups
        for reading in readings
        for arm in arms
    ]


def switch_runs(parameters: SwitchParameters) -> Runs:
    """Study 12: the published plan in every step of the walk from one reading to the other.

    An arm is left out of a step that changes nothing for it against the step before.
    """
    steps = [ANY_READING[step] for step in parameters.steps]
    return [
        (_setting(parameters.dataset, step, parameters.seeds()), arm)
        for before, step in zip([None, *steps], steps, strict=False)
        for arm in parameters.arms
        if before is None or differs_for(arm, step, before)
    ]


def frequency_runs(parameters: FrequencyParameters) -> Runs:
    """Study 4: cuts of several sizes, every so many batches, down to the same size, then training on to one total.

    Points whose cuts would take longer than the total are left out.
    """
    runs: Runs = []
    for dataset, cut_fraction, batches in _grid(parameters, "cut_fractions", "batches_per_cycle"):
        keep_fraction = keep_fraction_to(*HIDDEN_WIDTHS, parameters.stop_at, near=1 - cut_fraction)
        n_cycles = len(schedule(*HIDDEN_WIDTHS, keep_fraction=keep_fraction, stop_at=parameters.stop_at))
        if batches * n_cycles <= parameters.total_batches:
            for reading in parameters.readings:
                point = _setting(
                    dataset,
                    ANY_READING[reading],
                    parameters.seeds(),
                    plan=Plan(batches_per_cycle=batches, keep_fraction=keep_fraction, stop_at=parameters.stop_at),
                    total_batches=parameters.total_batches,
                    columns={"cut_fraction": cut_fraction, "batches_per_cycle": batches},
                )
                runs += [(point, arm) for arm in parameters.arms]
    return runs


def penalty_runs(parameters: PenaltyParameters) -> Runs:
    """Study 5: every penalty, number of measurements and ray domain, solved exactly, measured on validation images."""
    points = _grid(parameters, "penalty_fractions", "measurement_fractions")
    return [
        (
            _setting(
                dataset,
                replace(ANY_READING[parameters.reading], ray_domain=domain, solver="exact"),
                parameters.seeds(),
                plan=Plan(stop_at=parameters.stop_at, measurement_fraction=m, l1_penalty_fraction=penalty),
                neurons=[parameters.stop_at],
                columns={"ray_domain": domain, "penalty_fraction": penalty, "measurement_fraction": m},
                choosing=True,
            ),
            arm,
        )
        for dataset, penalty, m in points
        for domain in RAY_DOMAINS
        for arm in parameters.arms
    ]


def chosen_runs(parameters: PenaltyParameters, chosen: Collection[tuple[str, str, float, float]]) -> Runs:
    """Study 5, afterwards: the points that were chosen, on the test images and other seeds, beside random pruning.

    Parameters
    ----------
    chosen : (dataset, ray_domain, penalty_fraction, measurement_fraction) each.
    """
    seeds = parameters.seeds(parameters.replicates + parameters.test_replicates)[parameters.replicates :]
    points = [s for s, _ in penalty_runs(parameters) if (s.name, *s.columns.values()) in chosen]
    return [
        (replace(point, choosing=False, seeds=seeds), arm)
        for point in points
        for arm in dict.fromkeys([*parameters.arms, "random"])
    ]


def ticket_runs(parameters: TicketParameters) -> Runs:
    """Study 6: compress-train, tickets and networks from scratch at the same sizes."""
    return [
        (_setting(parameters.dataset, ANY_READING[reading], parameters.seeds(), neurons=parameters.widths), arm)
        for reading in parameters.readings
        for arm in parameters.arms
    ]


def depth_runs(parameters: DepthParameters) -> Runs:
    """Study 7: networks of several hidden layers, on several datasets."""
    return [
        (
            _setting(
                dataset,
                ANY_READING[reading],
                parameters.seeds(),
                hidden_widths=widths,
                columns={"hidden_widths": "-".join(map(str, widths))},
            ),
            arm,
        )
        for dataset in parameters.datasets
        for reading in parameters.readings
        for widths in parameters.hidden_widths
        for arm in parameters.arms
    ]


def study_table(name: str, runs: Runs, parameters: StudyParameters) -> pd.DataFrame:
    """Table of all runs, from `notebooks/studies/data/<name>.csv`, or computed when `parameters.recompute` is true.

    Computing writes `<name>.csv` and `<name>.json` (parameters, versions, and for each run its seconds and commit) to
    `parameters.results_dir`, and goes on after the last finished run when it was interrupted.

    Raises
    ------
    FileNotFoundError if there is no stored table.
    ValueError if the stored table lacks a run, replicates of it, or a size.
    """
    if parameters.recompute:
        return _computed(name, runs, parameters)
    table = read_table(STORED / f"{name}.csv")
    return pd.concat([_stored(name, table, *run) for run in runs], ignore_index=True)


def _stored(name: str, table: pd.DataFrame, setting: Setting, arm: str) -> pd.DataFrame:
    """Rows of one run."""
    wanted = {"dataset": setting.name, "reading": setting.reading.name, **setting.columns}
    is_wanted = table.seed.isin(setting.seeds) & (table.arm.eq(arm) | table.arm.str.startswith(f"{arm}, "))
    for column, value in wanted.items():
        is_wanted &= table[column].eq(value)
    found = table.loc[is_wanted, :]
    run = " · ".join([arm, *(f"{column} {value}" for column, value in wanted.items())])
    do = "set recompute=True, or ask for what is stored"
    if (there := found.seed.nunique()) < len(setting.seeds):
        raise ValueError(f"{name}.csv has {there} of the {len(setting.seeds)} replicates asked for of {run}: {do}")
    places = pd.MultiIndex.from_frame(found[["neurons", "batches"]])
    if missing := [place for place in last_places(setting, arm) if place not in places]:
        raise ValueError(f"{name}.csv lacks (neurons, batches) = {missing} of {run}: {do}")
    return found


def _grid(
    parameters: FrequencyParameters | PenaltyParameters, first: str, second: str
) -> Iterator[tuple[str, Any, Any]]:
    """(dataset, value, value) of all points: the first dataset on the full grid, the others on the thinned one."""
    for i, dataset in enumerate(parameters.datasets):
        values = [getattr(parameters, f"thinned_{name}" if i else name) for name in (first, second)]
        yield from ((dataset, *point) for point in itertools.product(*values))


def _setting(dataset: str, reading: Reading, seeds: list[int], **others: Any) -> Setting:
    """Setting of a dataset that is not loaded before something is trained."""
    return Setting(dataset, partial(_images, dataset), reading, seeds, **others)


@cache
def _images(dataset: str, choosing: bool) -> Dataset:
    images = load_dataset(dataset).to("cuda" if torch.cuda.is_available() else "cpu")
    return images.for_choosing() if choosing else images


def _computed(name: str, runs: Runs, parameters: StudyParameters) -> pd.DataFrame:
    target = in_project(parameters.results_dir)
    table, records = run_arms(runs, parts=target / f".{name}")
    run = {"parameters": asdict(parameters), "device": str(runs[0][0].device), **provenance(), "runs": records}
    _write(table, run, target / name)
    return table


def _write(table: pd.DataFrame, run: dict[str, Any], path: Path) -> None:
    """Both files are written beside their places before one of them gets there; the table comes last."""
    texts = {".json": json.dumps(run, indent=2) + "\n", ".csv": table.to_csv(index=False)}
    for suffix, text in texts.items():
        path.with_suffix(f"{suffix}.incoming").write_text(text)
    for suffix in texts:
        path.with_suffix(f"{suffix}.incoming").replace(path.with_suffix(suffix))
