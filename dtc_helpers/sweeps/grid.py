"""The grid file of a sweep: read, checked against the notebook, and unfolded into points."""

import contextlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dtc_helpers.paths import project_root
from dtc_helpers.sweeps.grid_reader import ALLOWED, MOST_POINTS, SECTIONS, Entry, GridReader
from dtc_helpers.sweeps.notebook import Notebook, read_notebook

Choice = tuple[Any, int]  # a value of a parameter, and its line


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

    Raises FileNotFoundError if there is no such file, and GridError naming the line for anything the notebook would
    not take: unknown names, wrong types (also numbers that YAML read as text), values out of range, empty lists, more
    than a million points.
    """
    reader = GridReader(path)
    entries = reader.entries(reader.root, "the grid file")
    for name, (_, line) in entries.items():
        if name not in ALLOWED:
            reader.refuse(line, f"unknown entry {name}: expected {', '.join(ALLOWED)}")
    notebook = _notebook(reader, entries)
    sections = _sections(reader, entries, notebook)
    points = [_checked_point(reader, point, notebook) for point in _unfolded(reader, entries, sections)]
    return Grid(notebook, points, [*sections["cross"], *sections["zip"]], _result_file(reader, entries, notebook))


def _notebook(reader: GridReader, entries: dict[str, Entry]) -> Notebook:
    if "notebook" not in entries:
        reader.refuse(1, "no notebook is named: expected `notebook: notebooks/1_dtc_prune_train.ipynb`, for example")
    node, line = entries["notebook"]
    name = str(reader.value(node, line))
    places = [folder / name for folder in (project_root(), reader.path.parent)]
    found = None
    with contextlib.suppress(OSError):  # a name that is too long
        found = next((place for place in places if place.is_file()), None)
    if found is None:
        reader.refuse(line, f"notebook {name} is neither in the project nor beside the grid file")
    try:
        return read_notebook(found)
    except ValueError as error:
        reader.refuse(line, error)
    except Exception as error:  # whatever a file that is no notebook leads to
        reader.refuse(line, f"notebook {name} cannot be read: {type(error).__name__}: {error}")


def _result_file(reader: GridReader, entries: dict[str, Entry], notebook: Notebook) -> str | None:
    if "result_file" not in entries:
        return notebook.result_file
    node, line = entries["result_file"]
    value = reader.value(node, line)
    path = PurePosixPath(value) if isinstance(value, str) else PurePosixPath()
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in str(path):
        reader.refuse(line, f"result_file = {value!r}: expected the name of a file in results_dir, such as run.json")
    return str(path)


def _sections(reader: GridReader, entries: dict[str, Entry], notebook: Notebook) -> dict[str, dict[str, list[Choice]]]:
    """Values that each name of a section may have; refused where one alone is wrong."""
    found: dict[str, dict[str, list[Choice]]] = {section: {} for section in SECTIONS}
    for section in [section for section in SECTIONS if section in entries]:
        for name, (node, line) in reader.entries(entries[section][0], section).items():
            if any(name in others for others in found.values()):
                reader.refuse(line, f"{name} stands in two of {', '.join(SECTIONS)}: leave one")
            found[section][name] = _choices(reader, section, name, (node, line))
            for choice in found[section][name]:
                _check_value(reader, notebook, name, choice)
    return found


def _choices(reader: GridReader, section: str, name: str, entry: Entry) -> list[Choice]:
    """One value under `fixed`, else those of a list."""
    node, line = entry
    value = reader.value(node, line)
    if section == "fixed":
        return [(value, line)]
    if not isinstance(value, list) or not value:
        came = "an empty list" if value == [] else repr(value)
        reader.refuse(line, f"{name} = {came}: {section} takes a list of at least one value")
    return [(each, part.start_mark.line + 1) for each, part in zip(value, node.value, strict=True)]


def _check_value(reader: GridReader, notebook: Notebook, name: str, choice: Choice) -> None:
    value, line = choice
    try:
        notebook.check(name, value)
    except (TypeError, ValueError) as error:
        is_list = "list" in str(notebook.kinds.get(name)) and not isinstance(value, list)
        hint = f"; one value of {name} is a list: under cross and zip write [[…], […]]" if is_list else ""
        reader.refuse(line, f"{error}{hint}")


def _unfolded(
    reader: GridReader, entries: dict[str, Entry], sections: dict[str, dict[str, list[Choice]]]
) -> Iterator[dict[str, Choice]]:
    """All points; the last name under `cross` changes fastest, but for those under `zip`."""
    crossed, zipped = {**sections["fixed"], **sections["cross"]}, sections["zip"]
    lengths = {name: len(choices) for name, choices in zipped.items()}
    if len(set(lengths.values())) > 1:
        reader.refuse(entries["zip"][1], f"zip takes lists of one length, got {lengths}")
    rows = list(zip(*zipped.values(), strict=True)) or [()]
    n_points = math.prod(map(len, crossed.values())) * len(rows)
    if n_points > MOST_POINTS:
        _, line = entries["cross" if sections["cross"] else "zip"]
        reader.refuse(line, f"{n_points:,} points: more than {MOST_POINTS:,} are refused")
    for combination, row in itertools.product(itertools.product(*crossed.values()), rows):
        yield dict(zip([*crossed, *zipped], [*combination, *row], strict=True))


def _checked_point(reader: GridReader, point: dict[str, Choice], notebook: Notebook) -> dict[str, Any]:
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
