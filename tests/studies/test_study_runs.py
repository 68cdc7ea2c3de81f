from dataclasses import replace

import pandas as pd
import pytest

from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.studies import runs as arm_runs
from dtc_helpers.studies.runs import run_arm, run_arms


@pytest.mark.parametrize("arm", ["scratch", "scratch, batches", "ticket, random"])
def test_arm_that_has_no_size_to_train_at_is_refused_before_any_work(setting, tmp_path, arm):
    runs = [(setting, "dtc"), (replace(setting, neurons=()), arm)]
    with pytest.raises(ValueError, match=f"{arm}: no sizes are chosen"):
        run_arms(runs, parts=tmp_path)
    assert not list(tmp_path.iterdir())


def test_finished_arms_are_kept_and_an_interrupted_study_goes_on_after_them(setting, tmp_path, monkeypatch):
    runs = [(setting, "random"), (setting, "dense")]
    whole, records = run_arms(runs, parts=tmp_path / "one")
    assert [record["run"] for record in records] == [f"tiny described {arm} point=0.1" for arm in ("random", "dense")]
    run_arms(runs[:1], parts=tmp_path / "other")
    ran = []
    monkeypatch.setattr(arm_runs, "run_arm", lambda setting, arm: ran.append(arm) or run_arm(setting, arm))
    resumed, _ = run_arms(runs, parts=tmp_path / "other")
    assert ran == ["dense"]
    pd.testing.assert_frame_equal(resumed, whole)


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": (1, 3)},
        {"hidden_widths": (17,), "neurons": ()},
        {"neurons": (7,)},
        {"total_batches": 9},
        {"plan": Plan(2), "neurons": ()},
        {"choosing": True},
        {"reading": replace(READINGS["described"], solver="scs")},
    ],
)
def test_run_with_anything_else_changed_is_run_anew(setting, tmp_path, monkeypatch, change):
    run_arms([(setting, "random")], parts=tmp_path)
    ran = []
    monkeypatch.setattr(arm_runs, "run_arm", lambda _, arm: ran.append(arm) or pd.DataFrame({"x": [0]}))
    run_arms([(replace(setting, **change), "random")], parts=tmp_path)
    assert ran == ["random"]


def test_run_in_another_environment_is_run_anew(setting, tmp_path, monkeypatch):
    run_arms([(setting, "random")], parts=tmp_path)
    ran = []
    monkeypatch.setattr(arm_runs, "run_arm", lambda _, arm: ran.append(arm) or pd.DataFrame({"x": [0]}))
    monkeypatch.setattr(arm_runs, "environment_key", lambda: "another")
    run_arms([(setting, "random")], parts=tmp_path)
    assert ran == ["random"]
