"""Sentences of notebook start_here: their numbers are those of README and its pages, and follow the tables."""

import re
import shutil
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from dtc_helpers.studies import findings

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
PAGES = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/reproduction.md")]
SENTENCES = {
    "reproduction": findings.of_reproduction,
    "methods": findings.of_methods,
    "numbering": findings.of_numbering,
    "proposition": partial(findings.of_proposition, seed=42424242),
    "scratch": findings.of_scratch,
    "training on": findings.of_training_on,
    "a tenth": findings.of_a_tenth,
}


def numbers(text):
    return set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text))


@pytest.mark.parametrize("name", SENTENCES)
def test_every_number_of_a_finding_stands_on_a_page_too(name):
    own = {"reproduction": {"1"}, "methods": {"0.01", "0.02", "68"}}  # none of them is a word there
    assert numbers(SENTENCES[name](NOTEBOOKS)) - own.get(name, set()) <= numbers(" ".join(PAGES))


@pytest.fixture
def copied(tmp_path):
    """Copies a stored table of the studies, changed."""

    def copy(name, change):
        folder = tmp_path / "studies" / "data"
        folder.mkdir(parents=True)
        change(pd.read_csv(NOTEBOOKS / "studies" / "data" / name, dtype={"hidden_widths": str})).to_csv(
            folder / name, index=False
        )
        return tmp_path

    return copy


def test_methods_that_differ_are_not_called_equivalent(copied):
    def better(table):
        columns = ["test_accuracy", "mean_batch_accuracy"]
        table.loc[table.arm == "dtc", columns] += 0.2
        return table

    words = findings.of_methods(copied("3_uncertainty.csv", better))
    assert "At 68 of 68 places (34 sizes in each of two readings) can DTC be told from" in words
    assert "not shown to be equivalent" in words


def test_choice_that_does_not_hang_on_the_order_is_seen(copied):
    words = findings.of_numbering(copied("13_choices.csv", lambda table: table.assign(with_other_order=1.0)))
    assert "100 % of DTC's first cut go again (100 to 100, described reading). Chance gives 10 %." in words


def test_excess_over_the_null_is_counted(tmp_path):
    place = Path("studies") / "data" / "10_proposition"
    shutil.copytree(NOTEBOOKS / place, tmp_path / place)
    path = tmp_path / place / "mnist" / "comparisons.csv"
    table = pd.read_csv(path)
    table.loc[table.process == "DTC", "tested"] += 0.1
    table.to_csv(path, index=False)
    words = findings.of_proposition(tmp_path, seed=42424242)
    assert "In 1 of 11 comparisons was the measured entropy clearly better" in words
