"""Texts for who cannot see the figures of a notebook: python -m dtc_helpers.figures.descriptions NOTEBOOK ….

To be run after every execution: it writes them beside the figures, where nbconvert finds them.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import dtc_helpers.figures
from dtc_helpers.figures.stored_outputs import NotebookJson, rewrite, with_outputs

PNG = "image/png"
WIDGET = "Picture of a view that moves when the notebook runs."


@cache
def _drawing_functions() -> dict[str, Any]:
    names = [f"dtc_helpers.figures.{module.name}" for module in pkgutil.iter_modules(dtc_helpers.figures.__path__)]
    aside = ("style", "descriptions", "stored_outputs")
    modules = [importlib.import_module(name) for name in names if not name.endswith(aside)]
    return {name: thing for module in modules for name, thing in inspect.getmembers(module, inspect.isfunction)}


def text_of(code: str) -> str:
    """First line of the docstring of the function that a cell draws its figure with; of a widget, that it is one."""
    drawn = [_drawing_functions()[name] for name in re.findall(r"\.(\w+)\(", code) if name in _drawing_functions()]
    return (inspect.getdoc(drawn[0]) or "").partition("\n")[0] if drawn else WIDGET


def described(notebook: NotebookJson) -> NotebookJson:
    """Notebook whose every stored PNG has a text, in `metadata["image/png"]["alt"]`; the one given is untouched."""
    return with_outputs(notebook, _described)


def _described(cell: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    if PNG not in output.get("data", {}):
        return output
    text = text_of("".join(cell["source"]))
    words = f"{text} {''.join(output['data'].get('text/plain', ''))}" if text == WIDGET else text
    of_png = {**output["metadata"].get(PNG, {}), "alt": words}
    return {**output, "metadata": {**output["metadata"], PNG: of_png}}


def describe_file(path: Path) -> None:
    """Describe the figures of a notebook in place."""
    rewrite(path, described)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        describe_file(Path(name))
