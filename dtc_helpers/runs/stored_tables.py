"""Tables read back from disk, held to the columns and kinds that were written."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.runs.damage import DamagedError, damage_named

# What a column holds: text, whole numbers, finite numbers, or numbers that may be NaN where something is not defined.
TEXT, WHOLE, FINITE, NUMBER = "text", "whole numbers", "finite numbers", "numbers"


def read_stored(path: Path, kinds: Mapping[str, str], *, remedy: str, **options: Any) -> pd.DataFrame:
    """Table of a CSV file that has rows, and in these columns these kinds of values; others are left as they are.

    Raises DamagedError naming the file, the column, what was expected, and the remedy.

    Parameters
    ----------
    kinds : name of a column → TEXT, WHOLE, FINITE or NUMBER.
    options : of `pandas.read_csv`.
    """
    with damage_named(path, remedy):
        if not (content := path.read_bytes()).endswith(b"\n"):
            raise ValueError("it ends amid a line")
        others = [name for name in _checked_names(content.decode("utf-8")) if kinds.get(name) != TEXT]
        text = {name: str for name, kind in kinds.items() if kind == TEXT}  # 007, nan and 2024 are names too
        options |= {"dtype": options.get("dtype", {}) | text, "keep_default_na": False}
        table: pd.DataFrame = pd.read_csv(
            io.BytesIO(content), na_values={name: ["", "nan", "NaN"] for name in others}, **options
        )
    if missing := [name for name in kinds if name not in table]:
        raise DamagedError(f"{path} has no column {', '.join(missing)}: {remedy}")
    if table.empty:
        raise DamagedError(f"{path} has no rows: {remedy}")
    for name, kind in kinds.items():
        if not _holds(table[name], kind):
            raise DamagedError(f"{path} holds other values than {kind} in the column {name}: {remedy}")
    return table


def _checked_names(text: str) -> list[str]:
    """Names of the columns; refuses none, one twice, and rows of another length: pandas makes something of them."""
    rows = csv.reader(io.StringIO(text, newline=""))
    names = next(rows)
    if "" in names or len(set(names)) < len(names):
        raise ValueError("a column has no name, or that of another one")
    for row in rows:
        if row and len(row) != len(names):
            raise ValueError(f"line {rows.line_num} has {len(row)} values, and there are {len(names)} columns")
    return names


def _holds(values: Any, kind: str) -> bool:
    if kind == TEXT:
        return bool((values != "").all())
    if kind == WHOLE:
        return values.dtype == np.int64
    is_number = values.dtype.kind in "iuf"
    return is_number and (kind == NUMBER or bool(np.isfinite(values).all()))
