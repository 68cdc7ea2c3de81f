"""A grid file as YAML with line numbers: whatever is wrong with it is said with its place, briefly."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

MOST_POINTS = 1_000_000
SECTIONS = ("fixed", "cross", "zip")
_MOST_WORDS = 400  # characters of an error
_DEEPEST = 20  # lists and mappings in each other
_IN_DISGUISE = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")  # octal; sexagesimal
ALLOWED = ("notebook", "result_file", *SECTIONS)


class GridError(ValueError):
    """A grid file that cannot be run; the message starts with the file and the line at fault."""


@dataclass(frozen=True)
class Entry:
    """A value of the file, with the line it starts at and, of a list, those of its elements."""

    value: Any
    line: int
    node: yaml.Node
    element_lines: tuple[int, ...] = ()


class GridReader:
    """Reads YAML with line numbers."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
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
            self.refuse(1, f"the file is empty: expected {', '.join(ALLOWED)}")
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

    def entries(self, node: yaml.Node, what: str) -> dict[str, Entry]:
        """Entries of a mapping by name; a name given twice is refused, where YAML would drop the first."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            self.refuse(line, f"{what}: expected `name: value` entries, got {type(node).__name__}")
        found: dict[str, Entry] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(line, f"{what}: expected a name before the colon")
            name = key.value
            if name in found:
                self.refuse(line, f"{name} is given twice")
            is_section = node is self.root and name in SECTIONS  # read entry by entry, for the line of each
            found[name] = Entry(None, line, value) if is_section else self._entry(value, line)
        return found

    def _entry(self, node: yaml.Node, line: int) -> Entry:
        try:
            value = yaml.SafeLoader("").construct_document(node)
        except yaml.MarkedYAMLError as error:
            self.refuse(line, f"this is not YAML: {error.problem}")
        except Exception as error:  # of the type that YAML takes a value for: 2020-99-99, a number of 5,000 digits
            self.refuse(line, f"a value cannot be read: {error}")
        self._check_numbers(node)
        elements = node.value if isinstance(node, yaml.SequenceNode) else []
        return Entry(value, line, node, tuple(element.start_mark.line + 1 for element in elements))

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
