"""Notebooks without the state of widgets: python -m dtc_helpers.explorer.stripping NOTEBOOK …, after every execution.

A stored state has random names and the whole script in it, and a stored view is an error message where no kernel runs.
The picture and the sentence beside it stay, and are what GitHub, nbviewer and print show.
"""

import sys
from pathlib import Path
from typing import Any

from dtc_helpers.figures.stored_outputs import NotebookJson, rewrite, with_outputs

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def stripped(notebook: NotebookJson) -> NotebookJson:
    """Notebook without widget state and widget views; the one given is untouched."""
    metadata = {name: value for name, value in notebook["metadata"].items() if name != "widgets"}
    return {**with_outputs(notebook, _stripped), "metadata": metadata}


def _stripped(_cell: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    """Output without its view; one that was nothing else keeps what it says as text."""
    if WIDGET_VIEW not in output.get("data", {}):
        return output
    return {**output, "data": {name: value for name, value in output["data"].items() if name != WIDGET_VIEW}}


def strip_file(path: Path) -> None:
    """Strip a notebook in place, if there is anything to strip."""
    rewrite(path, stripped)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        strip_file(Path(name))
