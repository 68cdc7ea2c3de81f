"""Our docstrings as Sphinx reads them: fields of a dataclass are listed, `name : text` is no type, * is no emphasis."""

import dataclasses
import inspect
import re
from typing import Any

_FIELD = re.compile(r"^    (\w+): [^#\n]*  # (.+)$", re.MULTILINE)
_NAMED = re.compile(r"^(\w[\w, ]*) : ", re.MULTILINE)
_AS_IT_STANDS = re.compile(r"(`[^`\n]+`|^>>> .*?(?:^\s*$|\Z)|^::$.*?(?=^\S|\Z))", re.MULTILINE | re.DOTALL)


def restructured(text: str) -> str:
    """A docstring of this project as reStructuredText in numpy's style."""
    parameters, returns, rest = text.partition("\nReturns\n")
    parts = _AS_IT_STANDS.split(_NAMED.sub(r"\1\n    ", parameters) + returns + rest)
    parts[::2] = [re.sub(r"([*|\\]|(?<=\w)_\b)", r"\\\1", prose) for prose in parts[::2]]
    return re.sub(r"(`[^`\n]+`)(?=\w)", r"\1\\ ", "".join(parts))  # as in `Step`s


def field_section(source: str) -> str:
    """What the comments behind the fields of a class say, as a section of its docstring."""
    fields = [f"{name}\n    {comment}" for name, comment in _FIELD.findall(source)]
    return "\n".join(["", "Attributes", "----------", *fields, ""]) if fields else ""


def _process(_app: Any, what: str, _name: str, thing: Any, _options: Any, lines: list[str]) -> None:
    text = "\n".join(lines)
    if what == "class" and dataclasses.is_dataclass(thing):
        text += field_section(inspect.getsource(thing))  # pyright: ignore[reportArgumentType]
    lines[:] = restructured(text).splitlines()


def setup(app: Any) -> dict[str, bool]:
    """Go before napoleon, which is called with 500."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}
