"""The grid file of a sweep: read, checked against the notebook, and unfolded into points."""

import contextlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dtc_helpers.paths import project_root
from dtc_helpers.sweeps.grid_reader import ALLOWED, MOST_POINTS, SECTIONS, Entry, GridError, GridReader
from dtc_helpers.sweeps.notebook import Notebook, read_notebook

__all__ = ["Grid", "GridError", "read_grid"]


@dataclass(frozen=True)
class Grid:
    """A grid file, whose points all have names, types and values that the notebook takes."""

    notebook: Notebook
    points: list[dict[str, Any]]  # name → value, as the file gives them
    varied: list[str]  # names under cross and zip
    result_file: str | None  # that every point must leave in its results


def read_grid(path: str | Path) -> Grid:
    """Read a grid file and check all its points.

    ::

        notebook: notebooks/1_dtc_prune_train.ipynb  # starts at the project, or beside the grid file
        fixed: {dataset: digits, methods: [random, dtc]}  # the same for all points
        cross: {seed: [1, 2, 3], l1_penalty: [0.3, 3.0]}  # every combination: 6 points
        zip: {hidden_neurons: [128, 512], stop_at: [5, 10]}  # first with first, …: 6 × 2 points
        result_file: run.json  # in results_dir; needed only for notebooks that write one of their own

    Raises
    ------
    GridError naming the line for anything the notebook would not take: unknown names, wrong types (also numbers that
    YAML read as text), values out of range, empty lists, more than a million points.
    FileNotFoundError if there is no such file.
    """
    reader = GridReader(path)
    entries = reader.entries(reader.root, "the grid file")
    for name, entry in entries.items():
        if name not in ALLOWED:
            reader.refuse(entry.line, f"unknown entry {name}: expected {', '.join(ALLOWED)}")
    notebook = _notebook(reader, entries)
    sections = {name: _section(reader, entries, name) for name in SECTIONS}
    _check_entries(reader, sections, notebook)
    points = [_checked_point(reader, point, notebook) for point in _unfolded(reader, entries, sections)]
    result_file = _result_file(reader, entries["result_file"]) if "result_file" in entries else notebook.result_file
    return Grid(notebook, points, [*sections["cross"], *sections["zip"]], result_file)


def _notebook(reader: GridReader, entries: dict[str, Entry]) -> Notebook:
    if "notebook" not in entries:
        reader.refuse(1, "no notebook is named: expected `notebook: notebooks/1_dtc_prune_train.ipynb`, for example")
    entry = entries["notebook"]
    places = [folder / str(entry.value) for folder in (project_root(), reader.path.parent)]
    found = None
    with contextlib.suppress(OSError):  # a name that is too long
        found = next((place for place in places if place.is_file()), None)
    if found is None:
        reader.refuse(entry.line, f"notebook {entry.value} is neither in the project nor beside the grid file")
    try:
        return read_notebook(found)
    except ValueError as error:
        reader.refuse(entry.line, error)
    except Exception as error:  # whatever a file that is no notebook leads to
        reader.refuse(entry.line, f"notebook {entry.value} cannot be read: {type(error).__name__}: {error}")


def _result_file(reader: GridReader, entry: Entry) -> str:
    path = PurePosixPath(entry.value) if isinstance(entry.value, str) else PurePosixPath()
    is_inside = path.parts and not path.is_absolute() and ".." not in path.parts and "\0" not in str(path)
    if not is_inside:
        reader.refuse(
            entry.line, f"result_file = {entry.value!r}: expected the name of a file in results_dir, such as run.json"
        )
    return str(path)


def _section(reader: GridReader, entries: dict[str, Entry], name: str) -> dict[str, Entry]:
    return reader.entries(entries[name].node, name) if name in entries else {}


def _check_entries(reader: GridReader, sections: dict[str, dict[str, Entry]], notebook: Notebook) -> None:
    """Refuse what can be seen in one entry alone."""
    seen: set[str] = set()
    for section, name, entry in ((s, n, e) for s, entries in sections.items() for n, e in entries.items()):
        if name in seen:
            reader.refuse(entry.line, f"{name} stands in two of {', '.join(SECTIONS)}: leave one")
        seen.add(name)
        if section == "fixed":
            _check_value(reader, notebook, name, (entry.value, entry.line))
            continue
        if not isinstance(entry.value, list) or not entry.value:
            came = "an empty list" if entry.value == [] else repr(entry.value)
            reader.refuse(entry.line, f"{name} = {came}: {section} takes a list of at least one value")
        for element in zip(entry.value, entry.element_lines, strict=True):
            _check_value(reader, notebook, name, element)


def _check_value(reader: GridReader, notebook: Notebook, name: str, element: tuple[Any, int]) -> None:
    value, line = element
    try:
        notebook.check(name, value)
    except (TypeError, ValueError) as error:
        is_list = "list" in str(notebook.kinds.get(name)) and not isinstance(value, list)
        hint = f"; one value of {name} is a list: under cross and zip write [[…], […]]" if is_list else ""
        reader.refuse(line, f"{error}{hint}")


Lined = dict[str, tuple[Any, int]]  # a point: name → value and its line


def _unfolded(reader: GridReader, entries: dict[str, Entry], sections: dict[str, dict[str, Entry]]) -> Iterator[Lined]:
    """All points; the last name under `cross` changes fastest."""
    fixed = {name: (entry.value, entry.line) for name, entry in sections["fixed"].items()}
    crossed, zipped = (
        {name: list(zip(entry.value, entry.element_lines, strict=True)) for name, entry in sections[section].items()}
        for section in ("cross", "zip")
    )
    lengths = {name: len(values) for name, values in zipped.items()}
    if len(set(lengths.values())) > 1:
        reader.refuse(entries["zip"].line, f"zip takes lists of one length, got {lengths}")
    n_points = math.prod(len(values) for values in crossed.values()) * next(iter(lengths.values()), 1)
    if n_points > MOST_POINTS:
        line = entries["cross" if crossed else "zip"].line
        reader.refuse(line, f"{n_points:,} points: more than {MOST_POINTS:,} are refused")
    for combination in itertools.product(*crossed.values()):
        for row in zip(*zipped.values(), strict=True) if zipped else [()]:
            yield {**fixed, **dict(zip(crossed, combination, strict=True)), **dict(zip(zipped, row, strict=True))}


def _checked_point(reader: GridReader, point: Lined, notebook: Notebook) -> dict[str, Any]:
    """Values of a point, after the notebook's own class has checked them together."""
    values = {name: value for name, (value, _) in point.items()}
    if notebook.checked_by is not None:
        try:
            notebook.checked_by(**notebook.complete(values))
        except (TypeError, ValueError) as error:
            at_fault = str(error).split(" = ")[0]
            lines = [line for _, line in point.values()]
            reader.refuse(point[at_fault][1] if at_fault in point else min(lines, default=1), error)
    return values
