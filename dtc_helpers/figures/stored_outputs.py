"""Outputs that executed notebooks hold, changed in place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dtc_helpers.paths import whole_file

NotebookJson = dict[str, Any]  # as JSON has it, nbformat 4


def with_outputs(
    notebook: NotebookJson, change: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
) -> NotebookJson:
    """Notebook with every output as `change(cell, output)` gives it; the one given is untouched."""
    cells = [
        {**cell, "outputs": [change(cell, output) for output in cell["outputs"]]} if "outputs" in cell else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def rewrite(path: Path, change: Callable[[NotebookJson], NotebookJson]) -> None:
    """Change a notebook in place, whole or not at all; one that `change` leaves alike is not touched."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if (changed := change(notebook)) != notebook:
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(changed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
