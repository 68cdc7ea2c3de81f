"""One tidy table of a whole sweep, and the parts of it that the sweep report shows."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from dtc_helpers.sweep_folder import SweepFolder


def collect(out: Path) -> Path:
    """Join the `cycles.csv` of all points that are done into `out/cycles.csv`, written whole or not at all.

    One row a cycle, with the columns key and code (its hash, which tells apart what other code made), those of
    `cycles.csv`, and all other parameters of the point; lists as JSON.

    Returns
    -------
    Path of the table.

    Raises
    ------
    FileNotFoundError if no point of the folder is done, or none left a `cycles.csv`.
    """
    parts = [
        _with_parameters(pd.read_csv(folder / "results" / "cycles.csv"), record)
        for folder, record in SweepFolder(out).done()
        if (folder / "results" / "cycles.csv").is_file()
    ]
    if not parts:
        raise FileNotFoundError(f"{out} holds no point that is done and has a cycles.csv: run the sweep first")
    temporary = out / ".cycles.csv"
    pd.concat(parts, ignore_index=True).to_csv(temporary, index=False)
    return temporary.replace(out / "cycles.csv")


def _with_parameters(cycles: pd.DataFrame, record: dict[str, Any]) -> pd.DataFrame:
    """Cycles of one point; dataset and seed are columns of `cycles.csv` already, the seed as that of the replicate."""
    parameters = {name: value for name, value in record["parameters"].items() if name not in cycles}
    constants = {
        name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in parameters.items()
    }
    table = cycles.assign(**constants)
    table.insert(0, "key", record["key"])
    table.insert(1, "code", record["code"])
    return table
