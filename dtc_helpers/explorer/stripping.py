"""Notebooks without the state of widgets: python -m dtc_helpers.explorer.stripping NOTEBOOK …, after every execution.

A stored state has random names and the whole script in it, and a stored view is an error message where no kernel runs.
The picture and the sentence beside it stay, and are what GitHub, nbviewer and print show.
"""

import json
import sys
from pathlib import Path
from typing import Any

from dtc_helpers.paths import whole_file

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def stripped(notebook: dict[str, Any]) -> dict[str, Any]:
    """Notebook without widget state and widget views; the one given is untouched."""
    metadata = {name: value for name, value in notebook["metadata"].items() if name != "widgets"}
    return {**notebook, "metadata": metadata, "cells": [_stripped_cell(cell) for cell in notebook["cells"]]}


def _stripped_cell(cell: dict[str, Any]) -> dict[str, Any]:
    if "outputs" not in cell:
        return cell
    return {**cell, "outputs": [_stripped_output(output) for output in cell["outputs"]]}


def _stripped_output(output: dict[str, Any]) -> dict[str, Any]:
    """Output without its view; one that was nothing else keeps what it says as text."""
    if WIDGET_VIEW not in output.get("data", {}):
        return output
    return {**output, "data": {name: value for name, value in output["data"].items() if name != WIDGET_VIEW}}


def widget_traces(notebook: dict[str, Any]) -> list[str]:
    """What of widgets is left in a notebook: nothing, after `stripped`."""
    views = [
        f"a widget view in cell {number}"
        for number, cell in enumerate(notebook["cells"])
        for output in cell.get("outputs", [])
        if WIDGET_VIEW in output.get("data", {})
    ]
    return [*(["metadata.widgets"] if "widgets" in notebook["metadata"] else []), *views]


def strip_file(path: Path) -> None:
    """Strip a notebook in place, if there is anything to strip."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if widget_traces(notebook):
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(stripped(notebook), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        strip_file(Path(name))
