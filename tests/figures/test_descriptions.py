"""Texts of figures: what a function says of what it draws, beside every stored figure."""

import json
from pathlib import Path

import pytest

from dtc_helpers.figures import compression
from dtc_helpers.figures.descriptions import WIDGET, describe_file, text_of

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").rglob("*.ipynb"))
IDEA = (compression.idea.__doc__ or "").split("\n")[0]


def figures(path):
    """Code and output of every stored figure."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                yield "".join(cell["source"]), output


def test_a_figure_is_described_as_its_function_is():
    assert text_of('ax = compression.idea(style.canvas("x")[0])\nstyle.save_figure(ax.figure, "idea", figures)') == IDEA
    assert text_of("lab = Lab(seed=1)\nlab") == WIDGET


def test_texts_are_written_beside_the_figures_and_nothing_else_changes(tmp_path):
    png = {"output_type": "display_data", "data": {"image/png": "x"}, "metadata": {"image/png": {"width": 3}}}
    lab = {"output_type": "execute_result", "data": {"image/png": "x", "text/plain": ["Lab", "(1)"]}, "metadata": {}}
    words = {"output_type": "stream", "name": "stdout", "text": ["1"]}
    cells = [
        {"cell_type": "markdown", "source": ["compression.idea("]},
        {"cell_type": "code", "source": ["ax = compression", ".idea(ax)"], "outputs": [words, png]},
        {"cell_type": "code", "source": ["Lab()"], "outputs": [lab]},
    ]
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}}), encoding="utf-8")
    describe_file(path)
    png["metadata"]["image/png"]["alt"], lab["metadata"] = IDEA, {"image/png": {"alt": f"{WIDGET} Lab(1)"}}
    assert json.loads(path.read_text(encoding="utf-8")) == {"cells": cells, "metadata": {}}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_stored_figure_has_its_text(path):
    for code, output in figures(path):
        alt = output["metadata"].get("image/png", {}).get("alt", "")
        assert alt.startswith(text_of(code)), f"run python -m dtc_helpers.figures.descriptions {path.name}"
        assert len(alt.split()) > 4
