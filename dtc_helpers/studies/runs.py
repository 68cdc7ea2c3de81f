"""Runs of a study as one tidy table; finished ones are kept, so that an interrupted study goes on after them."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.paths import read_together, whole_files, write_json
from dtc_helpers.runs.damage import DamagedError, read_json
from dtc_helpers.runs.parameters import usable_device
from dtc_helpers.runs.progress import progress
from dtc_helpers.runs.provenance import provenance, run_key
from dtc_helpers.runs.results import ACCURACIES
from dtc_helpers.runs.resuming import kept
from dtc_helpers.runs.stored_tables import NUMBER, TEXT, WHOLE, read_stored
from dtc_helpers.studies.arms import ARMS, SIZED
from dtc_helpers.studies.setting import Setting

ARM_COLUMNS = (
    "dataset", "reading", "arm", "replicate", "seed", "neurons", "removed_fraction", "batches", "test_accuracy",
    "mean_batch_accuracy", "single_image_accuracy", "duality_gap", "calibrated_accuracy",
)  # fmt: skip


_KINDS = {
    **dict.fromkeys(ARM_COLUMNS, NUMBER),
    **dict.fromkeys(("dataset", "reading", "arm"), TEXT),
    **dict.fromkeys(("replicate", "seed", "neurons", "batches"), WHOLE),
}
_REMEDY = "run the study with recompute = True"

Made = tuple[pd.DataFrame, dict[str, Any]]  # a table, and what made it


def run_arm(setting: Setting, arm: str) -> pd.DataFrame:
    """One arm as a table with the setting's own columns and ARM_COLUMNS, one row an outcome and replicate."""
    rows = [
        {
            **setting.columns,
            "dataset": setting.name,
            "reading": setting.reading.name,
            "arm": own_name or arm,
            "replicate": replicate,
            "seed": seed,
            "neurons": neurons,
            "removed_fraction": round(1 - neurons / sum(setting.hidden_widths), 6),
            "batches": batches,
            **{c: round(float(getattr(accuracy, f)[replicate]), 6) for c, f in ACCURACIES.items()},
            "duality_gap": np.nan if gap is None else float(f"{gap[replicate]:.3g}"),
        }
        for neurons, batches, accuracy, own_name, gap in ARMS[arm](setting)
        for replicate, seed in enumerate(setting.seeds)
    ]
    return pd.DataFrame(rows, columns=[*setting.columns, *ARM_COLUMNS])


def run_arms(runs: Sequence[tuple[Setting, str]], *, parts: Path) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """All runs of a study; each finished one is kept in `parts`, and an interrupted study goes on after it.

    Parameters
    ----------
    parts : folder of this study. A run with another setting, code, versions, threads or instruction set is another run.

    Returns
    -------
    (table of all runs, for each run what it was, its seconds, commit, threads and instruction set)

    Raises
    ------
    ValueError for an arm that trains at chosen sizes where none is chosen.
    """
    if idle := [arm for setting, arm in runs if arm.startswith(SIZED) and not setting.neurons]:
        raise ValueError(f"{', '.join(dict.fromkeys(idle))}: no sizes are chosen at which to train them")
    tables, records = [], []
    for setting, arm in progress(runs, total=len(runs), title="runs", describe=lambda run: _title(*run)):
        key = run_key(setting, usable_device("auto"))  # as `setting.images` loads them
        own = {"parts": parts, "key": key, "columns": [*setting.columns, *ARM_COLUMNS]}
        table, record = kept_run(_title(setting, arm), partial(run_arm, setting, arm), **own)
        tables.append(table)
        records.append({**record, "replicates": len(setting.seeds)})
    return pd.concat(tables, ignore_index=True), records


def _title(setting: Setting, arm: str) -> str:
    own = [f"{name}={value}" for name, value in setting.columns.items()]
    return " ".join([setting.name, setting.reading.name, arm, *own])


def kept_run(
    title: str, make: Callable[[], pd.DataFrame], *, parts: Path, key: str, columns: Sequence[str] = ()
) -> Made:
    """Table of a run and its record, made once and kept in `parts` by its title and the key of what it hangs on."""

    def read(path: Path) -> Made:
        table, record = read_made(path, columns)
        if (record.get("run"), record.get("rows")) != (title, len(table)):
            raise DamagedError(f"{path} has not the rows that its .json counts, or is of another run: {_REMEDY}")
        return table, record

    return kept(parts / f"{title} {key}.csv", make=partial(recorded, make, title=title), write=write_made, read=read)


def recorded(make: Callable[[], pd.DataFrame], *, title: str) -> Made:
    """Table that is made now; and its title, number of rows, seconds, commit, threads and instruction set."""
    started = time.perf_counter()
    table, made = make(), provenance()
    record = {"run": title, "rows": len(table), "seconds": round(time.perf_counter() - started, 1)}
    return table, record | {name: made[name] for name in ("git_commit", "threads", "cpu_capability")}


def write_made(made: Made, path: Path) -> None:
    """Write a table as `path` (.csv) and what made it as the .json beside it, both or none."""
    table, record = made
    with whole_files(path.parent, change="folder") as folder:
        table.to_csv(folder / path.name, index=False)
        write_json(record, (folder / path.name).with_suffix(".json"))


def read_made(path: Path, columns: Sequence[str] = ()) -> Made:
    """Table of `write_made` and what made it, never of two runs; see `read_table`."""
    record = path.with_suffix(".json")

    def read() -> Made:
        return read_table(path, columns), read_json(record, remedy=_REMEDY)

    return read_together(path.parent, (path.name, record.name), read)


def read_table(path: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Table of a study from a file; the names of hidden widths stay names, "128" too.

    It must have these columns, those of ARM_COLUMNS with their kind of values. Raises FileNotFoundError if there is no
    such file; DamagedError if it is not as it was written.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no table {path}: {_REMEDY}")
    kinds = {name: _KINDS[name] for name in columns if name in _KINDS}
    table = read_stored(path, kinds, remedy=_REMEDY, dtype={"hidden_widths": str})
    if missing := [name for name in columns if name not in table]:
        raise DamagedError(f"{path} has no column {', '.join(missing)}: {_REMEDY}")
    return table
