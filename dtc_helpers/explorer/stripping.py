"""Notebooks without the state of widgets: python -m dtc_helpers.explorer.stripping NOTEBOOK …, after every execution.

A stored state has random names and the whole script in it, and a stored view is an error message where no kernel runs.
The picture and the sentence beside it stay, and are what GitHub, nbviewer and print show.
"""

import sys
from pathlib import Path

from dtc_helpers.figures.stored_outputs import in_place, outputs

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def strip_file(path: Path) -> None:
    """Strip a notebook in place, if there is anything to strip."""
    with in_place(path) as notebook:
        notebook["metadata"].pop("widgets", None)
        for _, output in outputs(notebook):
            output.get("data", {}).pop(WIDGET_VIEW, None)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        strip_file(Path(name))
