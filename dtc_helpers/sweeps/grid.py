"""The grid file of a sweep: read, checked against the notebook, and unfolded into points."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from dtc_helpers.paths import project_root
from dtc_helpers.sweeps.notebook import Notebook, read_notebook

MOST_POINTS = 1_000_000
_SECTIONS = ("fixed", "cross", "zip")
_ALLOWED = ("notebook", "result_file", *_SECTIONS)


class GridError(ValueError):
    """A grid file that cannot be run; the message starts with the file and the line at fault."""


@dataclass(frozen=True)
class Grid:
    """A grid file, whose points all have names, types and values that the notebook takes."""

    notebook: Notebook
    points: list[dict[str, Any]]  # name → value, as the file gives them
    varied: list[str]  # names under cross and zip
    result_file: str | None  # that every point must leave in its results


def read_grid(path: Path) -> Grid:
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
    reader = _Reader(path)
    entries = reader.entries(reader.root, "the grid file")
    for name, entry in entries.items():
        if name not in _ALLOWED:
            reader.refuse(entry.line, f"unknown entry {name}: expected {', '.join(_ALLOWED)}")
    notebook = _notebook(reader, entries)
    sections = {name: _section(reader, entries, name) for name in _SECTIONS}
    _check_entries(reader, sections, notebook)
    points = [_checked_point(reader, point, notebook) for point in _unfolded(reader, entries, sections)]
    result_file = str(entries["result_file"].value) if "result_file" in entries else notebook.result_file
    return Grid(notebook, points, [*sections["cross"], *sections["zip"]], result_file)


@dataclass(frozen=True)
class _Entry:
    """A value of the file, with the line it starts at and, of a list, those of its elements."""

    value: Any
    line: int
    node: yaml.Node
    element_lines: tuple[int, ...] = ()


class _Reader:
    """Reads YAML with line numbers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.refuse(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}")
        if root is None:
            self.refuse(1, f"the file is empty: expected {', '.join(_ALLOWED)}")
        self.root: yaml.Node = root

    def refuse(self, line: int, problem: object) -> NoReturn:
        """Stop with the place in the file."""
        raise GridError(f"{self.path}, line {line}: {problem}") from None

    def entries(self, node: yaml.Node, what: str) -> dict[str, _Entry]:
        """Entries of a mapping by name; a name given twice is refused, where YAML would drop the first."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            self.refuse(line, f"{what}: expected `name: value` entries, got {type(node).__name__}")
        found: dict[str, _Entry] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in found:
                self.refuse(line, f"{name} is given twice")
            found[name] = self._entry(value, line)
        return found

    def _entry(self, node: yaml.Node, line: int) -> _Entry:
        try:
            value = yaml.SafeLoader("").construct_document(node)
        except yaml.YAMLError as error:
            self.refuse(line, error)
        elements = node.value if isinstance(node, yaml.SequenceNode) else []
        return _Entry(value, line, node, tuple(element.start_mark.line + 1 for element in elements))


def _notebook(reader: _Reader, entries: dict[str, _Entry]) -> Notebook:
    if "notebook" not in entries:
        reader.refuse(1, "no notebook is named: expected `notebook: notebooks/1_dtc_prune_train.ipynb`, for example")
    entry = entries["notebook"]
    places = [folder / str(entry.value) for folder in (project_root(), reader.path.parent)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        reader.refuse(entry.line, f"notebook {entry.value} is neither in the project nor beside the grid file")
    try:
        return read_notebook(found)
    except ValueError as error:
        reader.refuse(entry.line, error)


def _section(reader: _Reader, entries: dict[str, _Entry], name: str) -> dict[str, _Entry]:
    return reader.entries(entries[name].node, name) if name in entries else {}


def _check_entries(reader: _Reader, sections: dict[str, dict[str, _Entry]], notebook: Notebook) -> None:
    """Refuse what can be seen in one entry alone."""
    seen: set[str] = set()
    for section, name, entry in ((s, n, e) for s, entries in sections.items() for n, e in entries.items()):
        if name in seen:
            reader.refuse(entry.line, f"{name} stands in two of {', '.join(_SECTIONS)}: leave one")
        seen.add(name)
        if section == "fixed":
            _check_value(reader, notebook, name, (entry.value, entry.line))
            continue
        if not isinstance(entry.value, list) or not entry.value:
            came = "an empty list" if entry.value == [] else repr(entry.value)
            reader.refuse(entry.line, f"{name} = {came}: {section} takes a list of at least one value")
        for element in zip(entry.value, entry.element_lines, strict=True):
            _check_value(reader, notebook, name, element)


def _check_value(reader: _Reader, notebook: Notebook, name: str, element: tuple[Any, int]) -> None:
    value, line = element
    try:
        notebook.check(name, value)
    except (TypeError, ValueError) as error:
        is_list = "list" in str(notebook.kinds.get(name)) and not isinstance(value, list)
        hint = f"; one value of {name} is a list: under cross and zip write [[…], […]]" if is_list else ""
        reader.refuse(line, f"{error}{hint}")


Point = dict[str, tuple[Any, int]]  # name → value and its line


def _unfolded(reader: _Reader, entries: dict[str, _Entry], sections: dict[str, dict[str, _Entry]]) -> Iterator[Point]:
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


def _checked_point(reader: _Reader, point: Point, notebook: Notebook) -> dict[str, Any]:
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
