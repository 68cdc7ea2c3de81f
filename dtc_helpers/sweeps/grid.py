"""The grid file of a sweep: read, checked against the notebook, and unfolded into points."""

import contextlib
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import yaml

from dtc_helpers.paths import project_root
from dtc_helpers.sweeps.notebook import Notebook, read_notebook

MOST_POINTS = 1_000_000
_SECTIONS = ("fixed", "cross", "zip")
_MOST_WORDS = 400  # characters of an error
_DEEPEST = 20  # lists and mappings in each other
_IN_DISGUISE = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")  # octal; sexagesimal
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
    result_file = _result_file(reader, entries["result_file"]) if "result_file" in entries else notebook.result_file
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
        text = self._text()
        try:
            self._check_size(text)
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.refuse(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}")
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self.refuse(line, f"the character {chr(error.character)!r} may not stand in YAML")  # pyright: ignore[reportArgumentType]
        if root is None:
            self.refuse(1, f"the file is empty: expected {', '.join(_ALLOWED)}")
        self.root: yaml.Node = root

    def refuse(self, line: int, problem: object) -> NoReturn:
        """Stop with the place in the file, briefly: a value at fault may be long."""
        words = str(problem)
        brief = words if len(words) <= _MOST_WORDS else f"{words[: _MOST_WORDS // 2]} … {words[-_MOST_WORDS // 2 :]}"
        raise GridError(f"{self.path}, line {line}: {brief}") from None

    def _text(self) -> str:
        content = self.path.read_bytes()
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            self.refuse(content.count(b"\n", 0, error.start) + 1, "this is not UTF-8: save the file in that encoding")

    def _check_size(self, text: str) -> None:
        """Refuse what is nested too deep, or grows too large when its aliases are written out."""
        sizes: dict[str, int] = {}  # of what an anchor names
        open_ones: list[tuple[str | None, int]] = []  # anchor of a collection that is not closed yet, values before it
        total = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) and event.anchor in dict(open_ones):
                self.refuse(event.start_mark.line + 1, f"*{event.anchor} refers to itself")
            total += sizes.get(event.anchor, 1) if isinstance(event, yaml.AliasEvent) else 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_ones.append((event.anchor, total))
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_ones.pop()
                sizes |= {anchor: total - before} if anchor else {}
            for is_too_much, what in ((len(open_ones) > _DEEPEST, "nested"), (total > 5 * MOST_POINTS, "long")):
                if is_too_much:
                    self.refuse(event.start_mark.line + 1, f"this is too {what} for a grid")

    def entries(self, node: yaml.Node, what: str) -> dict[str, _Entry]:
        """Entries of a mapping by name; a name given twice is refused, where YAML would drop the first."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            self.refuse(line, f"{what}: expected `name: value` entries, got {type(node).__name__}")
        found: dict[str, _Entry] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(line, f"{what}: expected a name before the colon")
            name = key.value
            if name in found:
                self.refuse(line, f"{name} is given twice")
            is_section = node is self.root and name in _SECTIONS  # read entry by entry, for the line of each
            found[name] = _Entry(None, line, value) if is_section else self._entry(value, line)
        return found

    def _entry(self, node: yaml.Node, line: int) -> _Entry:
        try:
            value = yaml.SafeLoader("").construct_document(node)
        except yaml.MarkedYAMLError as error:
            self.refuse(line, f"this is not YAML: {error.problem}")
        except Exception as error:  # of the type that YAML takes a value for: 2020-99-99, a number of 5,000 digits
            self.refuse(line, f"a value cannot be read: {error}")
        self._check_numbers(node)
        elements = node.value if isinstance(node, yaml.SequenceNode) else []
        return _Entry(value, line, node, tuple(element.start_mark.line + 1 for element in elements))

    def _check_numbers(self, node: yaml.Node) -> None:
        """Refuse numbers that are not what they look like: to YAML 1:30 is 90, and 010 is 8."""
        if isinstance(node, yaml.ScalarNode) and node.style is None and _IN_DISGUISE.fullmatch(node.value):
            number = yaml.SafeLoader("").construct_document(node)
            if isinstance(number, int | float):
                line = node.start_mark.line + 1
                self.refuse(line, f"YAML reads {node.value} as {number}: write the number, or text in quotes")
        for inner in node.value if isinstance(node, yaml.CollectionNode) else []:
            for part in inner if isinstance(inner, tuple) else (inner,):
                self._check_numbers(part)


def _notebook(reader: _Reader, entries: dict[str, _Entry]) -> Notebook:
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


def _result_file(reader: _Reader, entry: _Entry) -> str:
    path = PurePosixPath(entry.value) if isinstance(entry.value, str) else PurePosixPath()
    is_inside = path.parts and not path.is_absolute() and ".." not in path.parts and "\0" not in str(path)
    if not is_inside:
        reader.refuse(
            entry.line, f"result_file = {entry.value!r}: expected the name of a file in results_dir, such as run.json"
        )
    return str(path)


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
