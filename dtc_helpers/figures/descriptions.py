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
from dtc_helpers.figures.stored_outputs import in_place, outputs

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


def describe_file(path: Path) -> None:
    """Give every stored PNG of a notebook its text, in `metadata["image/png"]["alt"]`, in place."""
    with in_place(path) as notebook:
        for cell, output in outputs(notebook):
            if PNG not in output.get("data", {}):
                continue
            text = text_of("".join(cell["source"]))
            if text == WIDGET:
                text += f" {''.join(output['data'].get('text/plain', ''))}"
            output["metadata"].setdefault(PNG, {})["alt"] = text


if __name__ == "__main__":
    for name in sys.argv[1:]:
        describe_file(Path(name))
