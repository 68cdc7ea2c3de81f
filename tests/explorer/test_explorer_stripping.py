"""No committed notebook holds the state of widgets, and the picture beside a view stays."""

import json
from pathlib import Path

import pytest
from notebook_cells import widget_traces

from dtc_helpers.explorer.stripping import WIDGET_VIEW, strip_file, stripped

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


def test_state_and_views_go_and_all_else_stays():
    assert widget_traces(WITH_WIDGETS) == ["metadata.widgets", "a widget view in cell 1"]
    clean = stripped(WITH_WIDGETS)
    assert widget_traces(clean) == []
    assert clean["cells"][1]["outputs"][0]["data"] == {"image/png": "iVBO", "text/plain": "Lab"}
    assert clean["cells"][::2] == WITH_WIDGETS["cells"][::2]
    assert stripped(clean) == clean


def test_file_is_stripped_in_place_and_one_without_widgets_is_untouched(tmp_path):
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps(WITH_WIDGETS), encoding="utf-8")
    strip_file(path)
    assert json.loads(path.read_text(encoding="utf-8")) == stripped(WITH_WIDGETS)
    before = path.stat().st_mtime_ns
    strip_file(path)
    assert path.stat().st_mtime_ns == before
