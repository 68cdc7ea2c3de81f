import json
from dataclasses import replace
from functools import partial

import pandas as pd
import pytest

from dtc_helpers import studies
from dtc_helpers.arms import ARM_COLUMNS
from dtc_helpers.cycle import Plan
from dtc_helpers.parameters import StudyParameters
from dtc_helpers.studies import study_table


@pytest.fixture
def parameters(tmp_path):
    where = {"results_dir": str(tmp_path), "figures_dir": "figures"}
    return StudyParameters("digits", ["described"], ["random", "dense"], 2, 1, [4], recompute=True, **where)


@pytest.fixture
def stored(monkeypatch, tmp_path, tiny_dataset, parameters):
    """A small study, computed and then put where the committed ones are."""
    monkeypatch.setattr(studies, "load_dataset", lambda _: tiny_dataset)
    monkeypatch.setattr(studies, "HIDDEN_NEURONS", 12)
    monkeypatch.setattr(studies, "Plan", partial(Plan, batches_per_cycle=1, keep_fraction=0.7, stop_at=4))
    table = study_table(parameters, "study").assign(dataset="digits")
    table.to_csv(tmp_path / "study.csv", index=False)
    monkeypatch.setattr(studies, "STORED", tmp_path)
    return table


def test_computed_study_is_written_with_its_provenance(stored, tmp_path):
    assert tuple(pd.read_csv(tmp_path / "study.csv").columns) == ARM_COLUMNS
    run = json.loads((tmp_path / "study.json").read_text())
    assert run["parameters"]["arms"] == ["random", "dense"]
    assert {"versions", "git_commit", "threads"} <= set(run)


def test_stored_study_is_what_was_computed(stored, parameters):
    again = study_table(replace(parameters, recompute=False), "study")
    pd.testing.assert_frame_equal(again, stored.reset_index(drop=True))
    one = study_table(replace(parameters, recompute=False, arms=["dense"], replicates=1), "study")
    assert one.arm.unique().tolist() == ["dense"]
    assert one.seed.unique().tolist() == [1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": ["random", "dtc"]}, "study.csv has no arm dtc"),
        ({"readings": ["published"]}, "study.csv has no reading published"),
        ({"dataset": "mnist"}, "study.csv has no dataset mnist"),
        ({"replicates": 3}, "study.csv has 2 replicates, not 3"),
    ],
)
def test_what_is_not_stored_is_named(stored, parameters, change, message):
    with pytest.raises(ValueError, match=message):
        study_table(replace(parameters, recompute=False, **change), "study")
