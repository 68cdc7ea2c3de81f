"""The proposition on trial: all processes × all null models × replicates, kept on disk, and the tables made of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.gibbs import entropy_series
from dtc_helpers.images.datasets import DATASETS, load_dataset
from dtc_helpers.paths import read_together, whole_files, whole_folder, write_json
from dtc_helpers.proposition.image_processes import jpeg_processes, photographs
from dtc_helpers.proposition.network_processes import post_training, pruning
from dtc_helpers.proposition.null_models import NULLS, draw_null
from dtc_helpers.proposition.relation import Correlations, Process, Step
from dtc_helpers.readings import Plan
from dtc_helpers.runs.damage import damage_named
from dtc_helpers.runs.parameters import usable_device
from dtc_helpers.runs.provenance import provenance
from dtc_helpers.runs.results import RUN, read_run
from dtc_helpers.runs.stored_tables import NUMBER, TEXT, WHOLE, read_stored
from dtc_helpers.statistics import corrected, error_of_mean, excess, no_difference

PHOTOGRAPHS = "photographs"  # stands where datasets stand
SUBJECTS = {**DATASETS, PHOTOGRAPHS: None}
NETWORK_PROCESSES: dict[str, Callable[..., Sequence[Process]]] = {
    "DTC": partial(pruning, method="dtc"),
    "random pruning": partial(pruning, method="random"),
    "magnitude weights": partial(post_training, compressor="magnitude weights"),
    "truncated SVD": partial(post_training, compressor="truncated SVD"),
    "quantisation": partial(post_training, compressor="quantisation"),
}
JPEG = "JPEG"
PROCESSES = (*NETWORK_PROCESSES, JPEG)
STATISTICS = [field.name for field in fields(Correlations)]


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
    dataset : as in `load_dataset`, or "photographs" for JPEG.
    process : of `processes_of`.
    replicates : networks with seeds seed, seed + 1, …; each photograph is a replicate.
    n_draws : of every null model for every replicate.
    """
    started, rows, values = time.perf_counter(), [], []
    for replicate, steps in enumerate(_replicates(dataset, process, replicates, seed, plan)):
        keys = {"dataset": dataset, "process": process, "replicate": replicate}
        rows += [{**keys, **row} for row in step_rows(steps)]
        values += [step.measurement for step in steps]
    settings = {"dataset": dataset, "replicates": replicates, "seed": seed, **asdict(plan)}
    seconds = {process: round(time.perf_counter() - started, 1)}
    run = {**settings, "bins": "fd, shared by the process", "seconds_of": seconds, **provenance()}
    return compared(Evidence(pd.DataFrame(rows), pd.DataFrame(), np.concatenate(values), run), n_draws=n_draws)


def joined(parts: Sequence[Evidence]) -> Evidence:
    """Evidence of a dataset, of that of its processes; the run is that of the first, with the seconds of all."""
    steps, comparisons = (
        pd.concat([getattr(part, name) for part in parts], ignore_index=True) for name in ("steps", "comparisons")
    )
    seconds = {name: value for part in parts for name, value in part.run["seconds_of"].items()}
    return Evidence(
        steps, comparisons, np.concatenate([part.values for part in parts]), {**parts[0].run, "seconds_of": seconds}
    )


def compared(evidence: Evidence, *, n_draws: int) -> Evidence:
    """Same steps, set against every null model with as many draws; nothing is trained."""
    rows = []
    for name in evidence.steps.process.unique():
        for replicate, process in enumerate(processes_of_evidence(evidence, name)):
            keys = {"dataset": evidence.run["dataset"], "process": name, "replicate": replicate}
            rng = np.random.default_rng([evidence.run["seed"], replicate])
            rows += [{**keys, **row} for row in _comparison_rows(process, rng, n_draws)]
    made = provenance()
    about = {"n_draws": n_draws, **{name: made[name] for name in ("git_commit", "versions")}}
    return replace(evidence, comparisons=pd.DataFrame(rows), run={**evidence.run, "comparisons": about})


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


def _comparison_rows(process: Process, rng: np.random.Generator, n_draws: int) -> Iterator[dict[str, Any]]:
    for name, null in NULLS.items():
        found = draw_null(process, null, rng=rng, n_draws=n_draws)
        for statistic in STATISTICS:
            yield {
                "null_model": name,
                "statistic": statistic,
                "tested": found.mean("tested", statistic),
                "expected": found.mean("null", statistic),
                "monte_carlo": found.error(statistic),
            }


# ------------------------------------------------------------------------------------------- on disk


_FILES = ("steps.csv", "comparisons.csv", "measurements.npy")
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

    Raises
    ------
    FileNotFoundError saying how to make it; DamagedError naming a file that is not as it was written.
    """
    return read_together(folder, (*_FILES, RUN), partial(_read, folder))


def _read(folder: Path) -> Evidence:
    remedy = "run study 10 with recompute = True"
    run = read_run(folder, what="trial", remedy=remedy)
    steps, comparisons = (
        read_stored(folder / name, kinds, remedy=remedy)
        for name, kinds in zip(_FILES[:2], (_STEP_KINDS, _COMPARISON_KINDS), strict=True)
    )
    with damage_named(path := folder / _FILES[2], remedy):
        values = np.load(path, allow_pickle=False).astype(float)
        if values.shape != (n_values := int(steps.n_measurements.sum()),) or not np.isfinite(values).all():
            raise ValueError(f"expected {n_values:,} finite numbers, as many as {_FILES[0]} counts")
    return Evidence(steps, comparisons, values, run)


def processes_of_evidence(evidence: Evidence, name: str) -> list[list[Step]]:
    """Replicates of a process of a trial.

    The signals are not stored; vectors of one value with their norm stand for them, which measure alike.

    Raises
    ------
    ValueError for a process that the trial has not.
    """
    rows = evidence.steps[evidence.steps.process == name]
    if rows.empty:
        raise ValueError(f"process = {name!r} is not one of {', '.join(evidence.steps.process.unique())}")
    vectors = np.split(evidence.values, evidence.steps.n_measurements.to_numpy().cumsum()[:-1])
    columns = ["removed_fraction", "fitness", "signal_norm", "unrelated_norm"]
    return [
        [_stored_step(vectors[i], numbers) for i, numbers in zip(run.index, np.asarray(run[columns]), strict=True)]
        for _, run in rows.groupby("replicate")
    ]


def _stored_step(measurement: np.ndarray, numbers: np.ndarray) -> Step:
    removed_fraction, fitness, *norms = numbers
    return Step(measurement, removed_fraction, fitness, *(np.array([norm]) for norm in norms))


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
        found = excess(group.tested, group.expected, rng=deepcopy(rng))
        numbers = {"tested": group.tested.mean(), "expected": group.expected.mean(), "excess": found.mean}
        interval = {"low": found.low, "high": found.high, "n": found.n, "verdict": found.verdict}
        of_draws = {"monte_carlo": error_of_mean(group.monte_carlo)}
        difference = (group.tested - group.expected).dropna()
        p_value = {"p_corrected": no_difference(difference)}
        rows.append({**dict(zip(keys, key, strict=True)), **numbers, **interval, **of_draws, **p_value})  # pyright: ignore[reportArgumentType]
    table = pd.DataFrame(rows)
    return table.assign(p_corrected=table.groupby(["null_model", "statistic"]).p_corrected.transform(corrected))
