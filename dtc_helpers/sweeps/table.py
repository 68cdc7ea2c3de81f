"""One tidy table of a whole sweep, and the parts of it that the sweep report shows."""

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.paths import whole_file
from dtc_helpers.readings import READINGS
from dtc_helpers.runs.damage import DamagedError, damage_named
from dtc_helpers.runs.results import COLUMNS, KINDS
from dtc_helpers.runs.stored_tables import TEXT, WHOLE, read_stored
from dtc_helpers.sweeps.folder import RECORD, SweepFolder
from dtc_helpers.sweeps.point import RESULTS_DIR

_AGAIN, _COLLECT = "delete its folder, and start the sweep again", "collect the sweep again"


def collect(out: str | Path) -> Path:
    """Join the `cycles.csv` of all points that are done into `out/cycles.csv`, written whole or not at all.

    One row a cycle, with the columns key and code (its hash, which tells apart what other code made), those of
    `cycles.csv`, and all other parameters of the point; lists as JSON. Runs of the same code have the same columns.

    Raises FileNotFoundError if no point is done, or none left a `cycles.csv`, and ValueError naming a damaged file.
    """
    parts: list[pd.DataFrame] = []
    columns, parameters = defaultdict(dict), defaultdict(dict)
    for folder, record in SweepFolder(out).done():
        if (path := folder / RESULTS_DIR / "cycles.csv").is_file():
            cycles = _cycles(path)
            with damage_named(folder / RECORD, _AGAIN):
                parts.append(_joined(cycles, record, folder.name))
                if _is_of_a_run(path):
                    columns[record["code"]][path] = frozenset(cycles.columns)
                parameters[record["code"]][folder / RECORD] = frozenset(record["parameters"])
    if not parts:
        raise FileNotFoundError(f"{out} holds no point that is done and has a cycles.csv: run the sweep first")
    _check_alike(columns, "columns")
    _check_alike(parameters, "parameters")
    table = Path(out) / "cycles.csv"
    with whole_file(table) as temporary:
        pd.concat(parts, ignore_index=True).to_csv(temporary, index=False)
    return table


def _cycles(path: Path) -> pd.DataFrame:
    """Cycles of a point, which have all of COLUMNS where they are those of a run."""
    kinds = {name: KINDS[name] for name in COLUMNS} if _is_of_a_run(path) else {"cycle": WHOLE}
    return read_stored(path, kinds, remedy=_AGAIN)


def _is_of_a_run(path: Path) -> bool:
    """Whether `write_results` wrote the table, as in notebook 1: another notebook may have columns of its own."""
    return (path.parent / "ledger.csv").is_file()


def _joined(cycles: pd.DataFrame, record: dict[str, Any], key: str) -> pd.DataFrame:
    """Cycles of one point; dataset and seed are columns of `cycles.csv` already, the seed as that of the replicate."""
    if record["key"] != key:
        raise ValueError(f"it is the record of the point {record['key']}")
    parameters = {name: value for name, value in record["parameters"].items() if name not in cycles}
    constants = {
        name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in parameters.items()
    }
    table = cycles.assign(**constants)
    table.insert(0, "key", key)
    table.insert(1, "code", record["code"])
    return table


def _check_alike(names: dict[str, dict[Path, frozenset[str]]], what: str) -> None:
    """Refuse a file whose names (code → file → names) are not those of most: a wrong one would pass for a parameter."""
    for files in names.values():
        usual = statistics.mode(files.values())
        like_most = next(path for path, own in files.items() if own == usual)
        for path, own in files.items():
            if own != usual:
                differing = ", ".join(sorted(own ^ usual))
                raise DamagedError(f"{path} and {like_most} differ in the {what} {differing}: one is damaged; {_AGAIN}")


def read_sweep(path: str | Path, varied: list[str]) -> pd.DataFrame:
    """Table that `collect` wrote of a sweep over one or two parameters, with the accuracy each row's reading speaks of.

    Seeds and replicates need not be named among those that vary: they repeat a point.

    Raises ValueError if `varied` names none, more than two or an unknown parameter, or if others vary too, or the
    code (the message says which do); DamagedError for a table that is not as written, FileNotFoundError for none.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no table {path}: {_COLLECT}")
    columns = ("dataset", "reading", "method", "replicate", "seed", "neurons", "removed_fraction")
    kinds = {"key": TEXT, "code": TEXT, **{name: KINDS[name] for name in columns}}
    table: Any = read_stored(path, kinds, remedy=_COLLECT)
    parameters = [*table.columns.difference([*COLUMNS, "key"], sort=False), "dataset", "reading"]
    own = [name for name in parameters if name not in COLUMNS]
    varies_within = table.groupby("key")[own].nunique(dropna=False).gt(1).any()
    if varies_within.any():
        name = varies_within.idxmax()
        raise DamagedError(
            f"{path} has the column {name}, which varies within a point and is none of a run: {_COLLECT}"
        )
    varying = [name for name in parameters if table[name].nunique() > 1]
    if not 1 <= len(varied) == len(set(varied)) <= 2 or not set(varied) <= set(parameters):
        raise ValueError(f"{path}: varied = {varied}: expected one or two of {', '.join(varying or parameters)}")
    if others := [name for name in varying if name not in varied]:
        rarest = table[others[0]].value_counts().index[-1]
        one = table.key[table[others[0]] == rarest].iloc[0]
        raise ValueError(
            f"{path}: {', '.join(others)} varies too ({others[0]} = {rarest} in the point {one}, for example): "
            "a report draws one or two parameters; select rows first"
        )
    with damage_named(path, _COLLECT):
        accuracy = [float(row[READINGS[row["reading"]].accuracy_column]) for _, row in table.iterrows()]
        if not np.isfinite(accuracy).all():
            raise ValueError("a row has no accuracy")
    return table.assign(accuracy=accuracy).sort_values(varied, kind="stable", ignore_index=True)


def settings(table: Any) -> str:
    """Parameters that all points share, in one line for captions."""
    shown = ("hidden_neurons", "batches_per_cycle", "keep_fraction", "l1_penalty", "measurement_fraction")
    same = [f"{name} = {table[name].iloc[0]}" for name in shown if name in table and table[name].nunique() == 1]
    first, last = table.seed.min(), table.seed.max()
    return " · ".join([*same, f"seed {first}" if first == last else f"seeds {first} … {last}"])


def mean_curves(table: pd.DataFrame, varied: list[str]) -> pd.DataFrame:
    """Mean accuracy of all runs of a point: columns method, those of `varied`, removed_fraction, accuracy."""
    keys = ["method", *dict.fromkeys([*varied, "removed_fraction"])]
    return table.groupby(keys, sort=False, as_index=False).accuracy.mean()


def at_size(table: pd.DataFrame, neurons: int) -> pd.DataFrame:
    """Of every run the cycle whose number of neurons left is nearest to `neurons`, the larger one of two."""
    runs = ["key", "reading", "method", "replicate"]
    distance = (table.neurons - neurons).abs()
    return table.loc[distance.groupby([table[name] for name in runs], sort=False).idxmin()]


def mean_grids(runs: pd.DataFrame, varied: list[str]) -> dict[str, pd.DataFrame]:
    """Mean accuracy of every point, method → rows by the second parameter of `varied`, columns by the first."""
    second = runs[varied[1]] if len(varied) == 2 else pd.Series("", index=runs.index, name="")
    return {
        str(method): chosen.pivot_table("accuracy", second[chosen.index], varied[0])
        for method, chosen in runs.groupby("method", sort=False)
    }
