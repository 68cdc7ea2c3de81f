"""Outputs that executed notebooks hold, changed in place."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dtc_helpers.paths import whole_file


@contextmanager
def in_place(path: Path) -> Iterator[dict[str, Any]]:
    """Notebook to be changed, as JSON has it (nbformat 4); then written, whole or not at all, if it was changed."""
    stored = path.read_text(encoding="utf-8")
    notebook = json.loads(stored)
    yield notebook
    if notebook != json.loads(stored):
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def outputs(notebook: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every output, after the cell that it belongs to."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            yield cell, output
