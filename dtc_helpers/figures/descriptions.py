"""Texts for who cannot see the figures of a notebook: python -m dtc_helpers.figures.descriptions NOTEBOOK ….

To be run after every execution: it writes them beside the figures, where nbconvert finds them.
"""

import importlib
import inspect
import json
import pkgutil
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import dtc_helpers.figures
from dtc_helpers.paths import whole_file

PNG = "image/png"
WIDGET = "Picture of a view that moves when the notebook runs."


@cache
def _drawing_functions() -> dict[str, Any]:
    names = [f"dtc_helpers.figures.{module.name}" for module in pkgutil.iter_modules(dtc_helpers.figures.__path__)]
    aside = ("style", "descriptions")
    modules = [importlib.import_module(name) for name in names if not name.endswith(aside)]
    return {name: thing for module in modules for name, thing in inspect.getmembers(module, inspect.isfunction)}


def text_of(code: str) -> str:
    """First line of the docstring of the function that a cell draws its figure with; of a widget, that it is one."""
    drawn = [_drawing_functions()[name] for name in re.findall(r"\.(\w+)\(", code) if name in _drawing_functions()]
    return (inspect.getdoc(drawn[0]) or "").partition("\n")[0] if drawn else WIDGET


def described(notebook: dict[str, Any]) -> dict[str, Any]:
    """Notebook whose every stored PNG has a text, in `metadata["image/png"]["alt"]`; the one given is untouched.

    Parameters
    ----------
    notebook : as JSON has it, nbformat 4.
    """
    return {**notebook, "cells": [_described_cell(cell) for cell in notebook["cells"]]}


def _described_cell(cell: dict[str, Any]) -> dict[str, Any]:
    if "outputs" not in cell:
        return cell
    text = text_of("".join(cell["source"]))
    return {**cell, "outputs": [_described_output(output, text) for output in cell["outputs"]]}


def _described_output(output: dict[str, Any], text: str) -> dict[str, Any]:
    if PNG not in output.get("data", {}):
        return output
    words = f"{text} {''.join(output['data'].get('text/plain', ''))}" if text == WIDGET else text
    of_png = {**output["metadata"].get(PNG, {}), "alt": words}
    return {**output, "metadata": {**output["metadata"], PNG: of_png}}


def describe_file(path: Path) -> None:
    """Describe the figures of a notebook in place."""
    notebook = described(json.loads(path.read_text(encoding="utf-8")))
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        describe_file(Path(name))
