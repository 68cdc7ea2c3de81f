"""The proposition on trial: all processes × all null models × replicates, kept on disk, and the tables made of them."""

import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.gibbs import entropy_series
from dtc_helpers.images.datasets import DATASETS, load_dataset
from dtc_helpers.paths import read_together, whole_files, whole_folder, write_json
from dtc_helpers.proposition.image_processes import jpeg_processes, photographs
from dtc_helpers.proposition.network_processes import COMPRESSORS, post_training, pruning
from dtc_helpers.proposition.null_models import NULLS, draw_null
from dtc_helpers.proposition.relation import Process, Step
from dtc_helpers.readings import Plan
from dtc_helpers.runs.damage import damage_named
from dtc_helpers.runs.parameters import usable_device
from dtc_helpers.runs.provenance import provenance
from dtc_helpers.runs.results import RUN, read_run
from dtc_helpers.runs.stored_tables import NUMBER, TEXT, WHOLE, read_stored
from dtc_helpers.statistics import bootstrap_interval, corrected, error_of_mean, no_difference

PHOTOGRAPHS = "photographs"  # stands where datasets stand
SUBJECTS = {**DATASETS, PHOTOGRAPHS: None}
NETWORK_PROCESSES: dict[str, Callable[..., Sequence[Process]]] = {
    "DTC": partial(pruning, method="dtc"),
    "random pruning": partial(pruning, method="random"),
    **{name: partial(post_training, compressor=name) for name in COMPRESSORS},
}
JPEG = "JPEG"
PROCESSES = (*NETWORK_PROCESSES, JPEG)


@dataclass(frozen=True)
class Evidence:
    """Steps of all processes of one dataset, and their comparisons with the null models."""

    steps: pd.DataFrame  # a row a process × replicate × step; see `step_rows`
    comparisons: pd.DataFrame  # a row a process × replicate × null model × statistic: tested, expected
    values: np.ndarray  # all measurements y, one after the other in the order of `steps`
    run: dict[str, Any]  # settings, versions, times


def processes_of(dataset: str) -> tuple[str, ...]:
    """Names of the processes that a dataset is tried with."""
    return (JPEG,) if dataset == PHOTOGRAPHS else tuple(NETWORK_PROCESSES)


def gather_evidence(dataset: str, process: str, *, replicates: int, seed: int, plan: Plan, n_draws: int) -> Evidence:
    """Make the replicates of one process of a dataset and set them against every null model.

    Parameters
    ----------
    dataset, process : as in `load_dataset`, or "photographs" for JPEG; of `processes_of`.
    replicates : networks with seeds seed, seed + 1, …; each photograph is a replicate.
    n_draws : of every null model for every replicate.
    """
    started, rows, comparisons, values = time.perf_counter(), [], [], []
    made = _replicates(dataset, process, replicates, seed, plan)
    seconds = {process: round(time.perf_counter() - started, 1)}
    for replicate, steps in enumerate(made):
        keys = {"dataset": dataset, "process": process, "replicate": replicate}
        rows += [{**keys, **row} for row in step_rows(steps)]
        comparisons += [{**keys, **row} for row in _comparison_rows(steps, [seed, replicate], n_draws)]
        values += [step.measurement for step in steps]
    settings = {"dataset": dataset, "replicates": replicates, "seed": seed, **asdict(plan)}
    code = provenance()
    about = {"n_draws": n_draws, **{name: code[name] for name in ("git_commit", "versions")}}
    run = {**settings, "bins": "fd, shared by the process", "seconds_of": seconds, **code, "comparisons": about}
    return Evidence(pd.DataFrame(rows), pd.DataFrame(comparisons), np.concatenate(values), run)


def joined(parts: Sequence[Evidence]) -> Evidence:
    """Evidence of a dataset, of that of its processes; the run is that of the first, with the seconds of all."""
    steps, comparisons = (
        pd.concat([getattr(part, name) for part in parts], ignore_index=True) for name in ("steps", "comparisons")
    )
    values = np.concatenate([part.values for part in parts])
    seconds = {name: value for part in parts for name, value in part.run["seconds_of"].items()}
    return Evidence(steps, comparisons, values, {**parts[0].run, "seconds_of": seconds})


def _replicates(dataset: str, process: str, replicates: int, seed: int, plan: Plan) -> Sequence[Process]:
    if dataset == PHOTOGRAPHS:
        return list(jpeg_processes(photographs(), seed=seed))
    data = load_dataset(dataset).to(usable_device("auto"))
    return NETWORK_PROCESSES[process](data, seeds=[seed + r for r in range(replicates)], plan=plan)


def step_rows(process: Process) -> Iterator[dict[str, Any]]:
    """Rows of a process: the step, its numbers, and the norms of both signals, all that a measurement can show."""
    entropies = entropy_series([step.measurement for step in process])
    for number, (step, entropy) in enumerate(zip(process, entropies, strict=True), start=1):
        yield {
            "step": number,
            "n_measurements": step.measurement.size,
            "removed_fraction": step.removed_fraction,
            "fitness": step.fitness,
            "entropy": entropy,
            "signal_norm": np.linalg.norm(step.signal),
            "unrelated_norm": np.linalg.norm(step.unrelated_signal),
        }


def _comparison_rows(process: Process, seed: list[int], n_draws: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    for name, null in NULLS.items():
        found = draw_null(process, null, rng=rng, n_draws=n_draws).summary()
        for statistic, numbers in found.to_dict("index").items():
            yield {"null_model": name, "statistic": statistic, **numbers}


# ------------------------------------------------------------------------------------------- on disk


_STEP_KINDS = {
    **dict.fromkeys(("dataset", "process"), TEXT),
    **dict.fromkeys(("replicate", "step", "n_measurements"), WHOLE),
    **dict.fromkeys(("removed_fraction", "fitness", "entropy", "signal_norm", "unrelated_norm"), NUMBER),
}
_COMPARISON_KINDS = {
    **dict.fromkeys(("dataset", "process", "null_model", "statistic"), TEXT),
    "replicate": WHOLE,
    **dict.fromkeys(("tested", "expected", "monte_carlo"), NUMBER),
}


def write_evidence(evidence: Evidence, folder: Path) -> None:
    """Write `steps.csv`, `comparisons.csv` (6 digits), `measurements.npy` and `run.json`, all or none."""
    with whole_files(folder, change="data_dir") as files:
        _write(evidence, files)


def write_part(evidence: Evidence, path: Path) -> None:
    """Write evidence as a folder that is there whole, or not at all; see `resuming.kept`."""
    with whole_folder(path) as folder:
        _write(evidence, folder)


def _write(evidence: Evidence, folder: Path) -> None:
    evidence.steps.to_csv(folder / "steps.csv", index=False, float_format="%.6g")
    evidence.comparisons.to_csv(folder / "comparisons.csv", index=False, float_format="%.6g")
    np.save(folder / "measurements.npy", evidence.values.astype(np.float32), allow_pickle=False)
    write_json(evidence.run, folder / RUN)


def read_evidence(folder: Path) -> Evidence:
    """Evidence of a folder.

    Raises FileNotFoundError saying how to make it; DamagedError naming a file that is not as it was written.
    """
    return read_together(folder, ("steps.csv", "comparisons.csv", "measurements.npy", RUN), partial(_read, folder))


def _read(folder: Path) -> Evidence:
    remedy = "run study 10 with recompute = True"
    run = read_run(folder, what="trial", remedy=remedy)
    steps = read_stored(folder / "steps.csv", _STEP_KINDS, remedy=remedy)
    comparisons = read_stored(folder / "comparisons.csv", _COMPARISON_KINDS, remedy=remedy)
    with damage_named(path := folder / "measurements.npy", remedy):
        values = np.load(path, allow_pickle=False).astype(float)
        if values.shape != (n_values := int(steps.n_measurements.sum()),) or not np.isfinite(values).all():
            raise ValueError(f"expected {n_values:,} finite numbers, as many as steps.csv counts")
    return Evidence(steps, comparisons, values, run)


def processes_of_evidence(evidence: Evidence, name: str) -> list[list[Step]]:
    """Replicates of a process of a trial.

    The signals are not stored; vectors of one value with their norm stand for them, which measure alike. Raises
    ValueError for a process that the trial has not.
    """
    steps = evidence.steps
    if name not in (known := steps.process.unique()):
        raise ValueError(f"process = {name!r} is not one of {', '.join(known)}")
    measured = steps.assign(measurement=pd.Series(np.split(evidence.values, steps.n_measurements.cumsum()[:-1])))
    runs = measured.loc[measured.process == name, :].groupby("replicate")
    return [[_stored_step(row) for row in run.to_dict("records")] for _, run in runs]


def _stored_step(row: Mapping[Hashable, Any]) -> Step:
    norms = (np.array([row[name]]) for name in ("signal_norm", "unrelated_norm"))
    return Step(row["measurement"], row["removed_fraction"], row["fitness"], *norms)


# ------------------------------------------------------------------------------------------- tables


def excesses(comparisons: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Tested − expected for every dataset × process × null model × statistic, paired by replicate.

    Parameters
    ----------
    rng : its state is left as it is: every interval starts from it, so that none hangs on which others are asked for.

    Returns
    -------
    Columns tested and expected (means), excess, low, high (95 % bootstrap over replicates), n, monte_carlo (standard
    error of the excess that comes of so many draws of the null), verdict: "above" where the whole interval is above
    0, "below" where it is below, else "open"; and p_corrected, of a t test that the excess is 0, corrected by Holm's
    method for all processes that are set against the same null model by the same statistic.
    """
    keys = ["dataset", "process", "null_model", "statistic"]
    rows: list[dict[str, Any]] = []
    for key, group in comparisons.groupby(keys, sort=False):
        difference = group.tested - group.expected
        found = bootstrap_interval(difference, rng=deepcopy(rng))
        numbers = {"tested": group.tested.mean(), "expected": group.expected.mean(), "excess": found.mean}
        interval = {"low": found.low, "high": found.high, "n": found.n, "verdict": found.verdict}
        of_draws = {"monte_carlo": error_of_mean(group.monte_carlo)}
        p_value = {"p_corrected": no_difference(difference.dropna())}
        rows.append({**dict(zip(keys, key, strict=True)), **numbers, **interval, **of_draws, **p_value})  # pyright: ignore[reportArgumentType]
    table = pd.DataFrame(rows)
    return table.assign(p_corrected=table.groupby(["null_model", "statistic"]).p_corrected.transform(corrected))
