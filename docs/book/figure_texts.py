"""Texts for who cannot see the figures of a notebook: what the function that drew a figure says of it."""

import importlib
import inspect
import pkgutil
import re
from functools import cache
from typing import Any

from docutils import nodes

import dtc_helpers.figures

_SAVED = re.compile(r'save_figure\([^"]*"(\w+)"')  # under the name of the function


@cache
def _functions() -> dict[str, Any]:
    names = [f"dtc_helpers.figures.{module.name}" for module in pkgutil.iter_modules(dtc_helpers.figures.__path__)]
    return {name: thing for module in names for name, thing in vars(importlib.import_module(module)).items()}


def text_of(code: str) -> str:
    """First line of the docstring of the function that drew the figure of a cell."""
    saved = _SAVED.search(code)
    function = _functions().get(saved[1]) if saved else None
    described = (inspect.getdoc(function) or "").partition("\n")[0]
    return described or "Picture of a view that moves when the notebook runs."


def _describe(_app: Any, document: nodes.document) -> None:
    for cell in document.findall(lambda node: isinstance(node, nodes.container) and "cell" in node["classes"]):
        code = "\n".join(block.astext() for block in cell.findall(nodes.literal_block))
        for image in cell.findall(nodes.image):
            image["alt"] = text_of(code)


def setup(app: Any) -> dict[str, bool]:
    """Describe figures as soon as a notebook has been read."""
    app.connect("doctree-read", _describe)
    return {"parallel_read_safe": True}
