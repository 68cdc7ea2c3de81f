"""The class that a notebook checks its parameters with, read from the notebook's code without running it."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from pkgutil import resolve_name

_CALL, _PACKAGE = "notebook_parameters", "dtc_helpers"
_EXPECTED = f"expected {_CALL}(globals(), X), where X is one dataclass that the notebook imports from {_PACKAGE}"


def parameter_class(cells: Iterable[str]) -> type | None:
    """Class that the notebook gives to `notebook_parameters`; None for a notebook that does not call it.

    Raises ValueError if that is not one dataclass, imported from a module of this package.
    """
    nodes = [node for cell in cells for node in ast.walk(_parsed(cell))]
    given = {_second_argument(node) for node in nodes if isinstance(node, ast.Call) and _is_the_call(node.func)}
    if not given:
        return None
    if len(given) > 1:
        raise ValueError(f"parameters are checked with {' and '.join(sorted(given))}: {_EXPECTED}")
    (written,) = given
    first, *attributes = written.split(".")
    origin = dict(_imports(nodes)).get(first, "")
    return _imported(".".join([origin, *attributes]), written)


def _parsed(cell: str) -> ast.Module:
    """Syntax tree of a cell, without its magics; empty for a cell of another language."""
    for source in (cell, re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", cell)):
        try:
            return ast.parse(source)
        except SyntaxError:
            continue
    if f"{_CALL}(" in cell:
        raise ValueError(f"the cell that calls {_CALL} is not Python: {_EXPECTED}")
    return ast.Module([], [])


def _is_the_call(function: ast.expr) -> bool:
    return ast.unparse(function).split(".")[-1] == _CALL


def _second_argument(call: ast.Call) -> str:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    argument = call.args[1] if len(call.args) > 1 else named.get("kind")
    return "nothing" if argument is None else ast.unparse(argument)


def _imports(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Names that the notebook imports, with the places where they are defined."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.split(".")[0]  # `import a.b` binds a
                yield (alias.asname, alias.name) if alias.asname else (package, package)


def _imported(place: str, written: str) -> type:
    if place.split(".")[0] != _PACKAGE:
        raise ValueError(f"parameters are checked with {written}: {_EXPECTED}")
    try:
        found = resolve_name(place)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"parameters are checked with {place}, which cannot be imported ({error})") from error
    if not isinstance(found, type) or not is_dataclass(found):
        raise ValueError(f"parameters are checked with {place}, which is no dataclass: {_EXPECTED}")
    return found
