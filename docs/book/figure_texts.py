"""Texts for who cannot see the figures of a notebook: what the function that drew a figure says of it."""

import importlib
import inspect
import pkgutil
import re
from functools import cache
from typing import Any

from docutils import nodes

import dtc_helpers.figures

WIDGET = "Picture of a view that moves when the notebook runs."


@cache
def _drawing_functions() -> dict[str, Any]:
    names = [f"dtc_helpers.figures.{module.name}" for module in pkgutil.iter_modules(dtc_helpers.figures.__path__)]
    modules = [importlib.import_module(name) for name in names if not name.endswith(".style")]
    return {name: thing for module in modules for name, thing in inspect.getmembers(module, inspect.isfunction)}


def text_of(code: str) -> str:
    """First line of the docstring of the function that a cell draws its figure with."""
    drawn = [_drawing_functions()[name] for name in re.findall(r"\.(\w+)\(", code) if name in _drawing_functions()]
    return (inspect.getdoc(drawn[0]) or "").partition("\n")[0] if drawn else WIDGET


def _describe(_app: Any, document: nodes.document) -> None:
    for cell in document.findall(lambda node: isinstance(node, nodes.container) and "cell" in node["classes"]):
        code = "\n".join(block.astext() for block in cell.findall(nodes.literal_block))
        for image in cell.findall(nodes.image):
            image["alt"] = text_of(code)


def setup(app: Any) -> dict[str, bool]:
    """Describe figures as soon as a notebook has been read."""
    app.connect("doctree-read", _describe)
    return {"parallel_read_safe": True}
