"""A grid file as YAML with line numbers: whatever is wrong with it is said with its place, briefly."""

import re
from pathlib import Path
from typing import Any, NoReturn

import yaml

MOST_POINTS = 1_000_000
SECTIONS = ("fixed", "cross", "zip")
_MOST_WORDS = 400  # characters of an error
_DEEPEST = 21  # values in each other
_IN_DISGUISE = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")  # octal; sexagesimal
Entry = tuple[yaml.Node, int]  # of a mapping, and its line
ALLOWED = ("notebook", "result_file", *SECTIONS)


class GridError(ValueError):
    """A grid file that cannot be run; the message starts with the file and the line at fault."""


class GridReader(yaml.SafeLoader):
    """YAML as nodes, which have lines; refuses numbers in disguise, and what is nested too deep or too long."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.depth, self.n_values = 0, 0
        self.sizes: dict[str, int] = {}  # values in what an anchor names
        text = self._text()
        try:
            super().__init__(text)
            root = self.get_single_node()
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

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Node of the next event, counted with all in it; an alias counts as what it stands for."""
        event: Any = self.peek_event()
        line, before = event.start_mark.line + 1, self.n_values
        self.depth += 1
        if self.depth > _DEEPEST:
            self.refuse(line, "this is too nested for a grid")
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.sizes:  # composed, and not whole yet
                self.refuse(line, f"*{event.anchor} refers to itself")
            self.n_values += self.sizes[event.anchor]
        else:
            self.n_values += 1
            self.sizes |= {event.anchor: self.n_values - before} if event.anchor else {}
        if self.n_values > 5 * MOST_POINTS:
            self.refuse(line, "this is too long for a grid")
        return node

    def entries(self, node: yaml.Node, what: str) -> dict[str, Entry]:
        """Entries of a mapping by name; a name given twice is refused, where YAML would drop the first."""
        if not isinstance(node, yaml.MappingNode):
            line = node.start_mark.line + 1
            self.refuse(line, f"{what}: expected `name: value` entries, got {type(node).__name__}")
        found: dict[str, Entry] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(line, f"{what}: expected a name before the colon")
            if key.value in found:
                self.refuse(line, f"{key.value} is given twice")
            found[key.value] = value, line
        return found

    def value(self, node: yaml.Node, line: int) -> Any:
        """Value of an entry; `line` is named where there is none."""
        try:
            return self.construct_document(node)
        except GridError:
            raise
        except yaml.MarkedYAMLError as error:
            self.refuse(line, f"this is not YAML: {error.problem}")
        except Exception as error:  # of the type that YAML takes a value for: 2020-99-99, a number of 5,000 digits
            self.refuse(line, f"a value cannot be read: {error}")

    def number(self, node: yaml.ScalarNode) -> Any:
        """Number that is what it looks like: to YAML 1:30 is 90, and 010 is 8."""
        number = yaml.SafeLoader.yaml_constructors[node.tag](self, node)
        if node.style is None and _IN_DISGUISE.fullmatch(node.value):
            problem = f"YAML reads {node.value} as {number}: write the number, or text in quotes"
            self.refuse(node.start_mark.line + 1, problem)
        return number


GridReader.add_constructor("tag:yaml.org,2002:int", GridReader.number)
GridReader.add_constructor("tag:yaml.org,2002:float", GridReader.number)
