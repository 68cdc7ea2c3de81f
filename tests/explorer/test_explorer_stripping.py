"""No committed notebook holds the state of widgets, and the picture beside a view stays."""

import json
from pathlib import Path

import pytest
from notebook_cells import widget_traces

from dtc_helpers.explorer.stripping import WIDGET_VIEW, strip_file

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(ROOT.glob("notebooks/**/*.ipynb"))
WITH_WIDGETS = {
    "metadata": {"kernelspec": {"name": "python3"}, "widgets": {"x": {"state": {}}}},
    "cells": [
        {"cell_type": "markdown", "source": "words"},
        {"cell_type": "code", "outputs": [{"data": {WIDGET_VIEW: {}, "image/png": "iVBO", "text/plain": "Lab"}}]},
        {"cell_type": "code", "outputs": [{"name": "stdout", "text": "1"}]},
    ],
    "nbformat": 4,
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT / "notebooks")))
def test_committed_notebook_holds_no_widget_state(path):
    assert widget_traces(json.loads(path.read_text(encoding="utf-8"))) == []


def test_state_and_views_go_all_else_stays_and_a_file_without_them_is_untouched(tmp_path):
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps(WITH_WIDGETS), encoding="utf-8")
    assert widget_traces(WITH_WIDGETS) == ["metadata.widgets", "a widget view in cell 1"]
    strip_file(path)
    clean = json.loads(path.read_text(encoding="utf-8"))
    assert widget_traces(clean) == []
    assert clean["metadata"] == {"kernelspec": {"name": "python3"}}
    assert clean["cells"][1]["outputs"][0]["data"] == {"image/png": "iVBO", "text/plain": "Lab"}
    assert clean["cells"][::2] == WITH_WIDGETS["cells"][::2]
    before = path.stat().st_mtime_ns
    strip_file(path)
    assert path.stat().st_mtime_ns == before
