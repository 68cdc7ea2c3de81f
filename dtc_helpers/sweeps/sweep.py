"""Sweeps: every point of a grid is one papermill execution on Dask, here or on a running cluster, and is done once."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from dtc_helpers.images.datasets import IDX_FAMILIES
from dtc_helpers.images.idx_files import files_sha256
from dtc_helpers.images.idx_folders import find_folder, find_or_download
from dtc_helpers.images.own_data import SUFFIX
from dtc_helpers.paths import in_project, writable_folder
from dtc_helpers.runs.progress import progress
from dtc_helpers.runs.provenance import git_commit
from dtc_helpers.sweeps.cluster import Settings, connect
from dtc_helpers.sweeps.engine import Point, PointOutcome, execute
from dtc_helpers.sweeps.folder import SweepFolder
from dtc_helpers.sweeps.grid import Grid
from dtc_helpers.sweeps.notebook import PLACES


def sweep(grid: Grid, *, out: str | Path, settings: Settings | None = None) -> list[PointOutcome]:
    """Execute all points of a grid that are not done yet; each leaves a folder, named by its key, in the folder `out`.

    One outcome a point, in the order of the grid. A point that fails raises nothing: its outcome says why.

    Raises ConnectionError if the scheduler does not answer, LostSchedulerError if the connection breaks,
    DatasetNotFoundError if images are missing on this machine, CannotWriteError if nothing can be written into `out`.
    """
    settings, folder = settings or Settings(), SweepFolder(out)
    if settings.scheduler is None:
        _fetch_images(grid)
    writable_folder(out, change="--out")
    plan = planned(grid, folder)
    outcomes = {o.key: PointOutcome(o.key, o.parameters, "skipped") for o in plan if o.status == "done"}
    commit = git_commit()
    points = [_point(grid, outcome, commit) for outcome in plan if outcome.status != "done"]
    if points:
        with connect(settings) as client:
            steps = execute(points, folder=folder, settings=settings, client=client)
            timed = _with_seconds_left(steps, len(points))
            for outcome, _ in progress(timed, total=len(points), title="sweep", describe=_described):
                outcomes[outcome.key] = outcome
    return [outcomes[outcome.key] for outcome in plan]


def planned(grid: Grid, folder: SweepFolder) -> list[PointOutcome]:
    """Points of a grid, each once: "done" with its seconds, or "to do" with the error of the last attempt."""
    fingerprints = {name: dataset_fingerprint(name) for name in {_dataset(grid, given) for given in grid.points}}
    found = {}
    for given in grid.points:
        key = grid.notebook.key(given, dataset=fingerprints[_dataset(grid, given)])
        record, failure = folder.record(key), folder.failure(key)
        status, seconds = ("done", record.get("seconds")) if record else ("to do", None)
        found[key] = PointOutcome(key, given, status, seconds, failure["error"] if failure and not record else None)
    return list(found.values())


def table(outcomes: list[PointOutcome], varied: list[str]) -> pd.DataFrame:
    """One row a point: key, the parameters that vary, status, seconds, error."""
    rows = [
        {"key": o.key, **{name: str(o.parameters[name]) for name in varied},
         "status": o.status, "seconds": o.seconds, "error": o.error or ""}
        for o in outcomes
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["key", *varied, "status", "seconds", "error"]).astype({"seconds": float})


def seconds_left(outcomes: list[PointOutcome], n_kernels: int) -> float | None:
    """Estimate for the points to do, from those that are done; None when none is."""
    done = [outcome.seconds for outcome in outcomes if outcome.seconds is not None]
    n_left = sum(outcome.status == "to do" for outcome in outcomes)
    return sum(done) / len(done) * n_left / n_kernels if done else None


def dataset_fingerprint(name: str | None) -> str:
    """Identity of the images: the name where the package's code does the rest, else with a checksum of the files."""
    if name and name.endswith(SUFFIX):
        return f"{name} {hashlib.sha256(in_project(name).read_bytes()).hexdigest()}"
    family = IDX_FAMILIES.get(name or "")
    if family is None or family.sha256:  # embedded, or checked against checksums that stand in the code
        return str(name)
    folder = find_folder(family.torchvision_class)
    return f"{name} {files_sha256(folder) if folder else 'not here'}"


def _dataset(grid: Grid, given: dict[str, Any]) -> str | None:
    name = grid.notebook.complete(given).get("dataset")
    return name if isinstance(name, str) else None  # a notebook of one's own may mean something else by it


def _fetch_images(grid: Grid) -> None:
    """Download once what several points would each download for themselves."""
    for name in {_dataset(grid, given) for given in grid.points} & set(IDX_FAMILIES):
        find_or_download(IDX_FAMILIES[str(name)].torchvision_class)


def _point(grid: Grid, outcome: PointOutcome, commit: str | None) -> Point:
    notebook, parameters = grid.notebook, grid.notebook.complete(outcome.parameters)
    dataset = _dataset(grid, outcome.parameters) or ""
    family = IDX_FAMILIES.get(dataset)
    data_dir = find_folder(family.torchvision_class) if family else None
    # a worker has another working directory
    own_file = {"dataset": str(in_project(dataset).absolute())} if dataset.endswith(SUFFIX) else {}
    job = {
        "notebook": notebook.source,
        "package": notebook.package,
        "parameters": {**parameters, **own_file},
        "data_dir": str(data_dir.absolute()) if data_dir else None,
        "result_file": grid.result_file,
    }
    about = {
        "notebook": notebook.name,
        "parameters": {name: value for name, value in parameters.items() if name not in PLACES},
        "varied": grid.varied,
        "code": notebook.code_hash,
        "git_commit": commit,
    }
    return Point(outcome.key, outcome.parameters, job, about)


def _with_seconds_left(outcomes: Iterator[PointOutcome], n_points: int) -> Iterator[tuple[PointOutcome, float]]:
    started = time.monotonic()
    for n_ended, outcome in enumerate(outcomes, start=1):
        yield outcome, (time.monotonic() - started) / n_ended * (n_points - n_ended)


def _described(step: tuple[PointOutcome, float]) -> str:
    outcome, seconds = step
    return f"{outcome.key} {outcome.status}, about {seconds:.0f} s left"
