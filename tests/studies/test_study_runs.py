from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dtc_helpers.paths import CannotWriteError
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.runs import provenance
from dtc_helpers.studies import runs as arm_runs
from dtc_helpers.studies.arms import ARMS
from dtc_helpers.studies.runs import read_made, read_table, run_arm, run_arms, write_made


@pytest.mark.parametrize("arm", ["scratch", "scratch, batches", "ticket, random"])
def test_arm_that_has_no_size_to_train_at_is_refused_before_any_work(setting, tmp_path, arm):
    runs = [(setting, "dtc"), (replace(setting, neurons=()), arm)]
    with pytest.raises(ValueError, match=f"{arm}: no sizes are chosen"):
        run_arms(runs, parts=tmp_path)
    assert not list(tmp_path.iterdir())


def test_row_says_what_a_replicate_reached(setting):
    setting = replace(setting, reading=READINGS["published"])
    table = run_arm(setting, "dense").set_index(["batches", "replicate"])
    assert len(table) == 4 * 2
    for _, batches, accuracy, *_ in ARMS["dense"](setting):
        for replicate, seed in enumerate(setting.seeds):
            row = table.loc[(batches, replicate)]
            assert (row.dataset, row.reading, row.arm, row.seed) == ("tiny", "published", "dense", seed)
            found = [row.test_accuracy, row.mean_batch_accuracy, row.single_image_accuracy]
            reached = (accuracy.overall, accuracy.batch_mean, accuracy.single_image)
            assert found == pytest.approx([float(values[replicate]) for values in reached], abs=1e-6)


def test_run_that_cannot_be_written_whole_is_not_finished(setting, tmp_path):
    run_arms([(setting, "dense")], parts=tmp_path)
    (part,) = tmp_path.glob("*.csv")
    part.unlink()
    part.with_suffix(".json").unlink()
    part.with_suffix(".json").mkdir()  # no file can be put there
    with pytest.raises(CannotWriteError, match=r"\.json \(it is a folder\): choose another file"):
        run_arms([(setting, "dense")], parts=tmp_path)
    assert not part.exists()


def test_table_and_what_made_it_are_both_written_or_none(monkeypatch, tmp_path):
    arm_runs.write_made((pd.DataFrame({"old": [1]}), {"old": 1}), tmp_path / "study.csv")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(before) == ["study.csv", "study.json"]
    for owner, name in ((pd.DataFrame, "to_csv"), (Path, "write_text")):
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, lambda *_, **__: (_ for _ in ()).throw(OSError("disk is full")))
            with pytest.raises(OSError, match="disk is full"):
                arm_runs.write_made((pd.DataFrame({"new": [1]}), {"new": 1}), tmp_path / "study.csv")
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_widths_that_look_like_numbers_stay_names(tmp_path):
    pd.DataFrame({"hidden_widths": ["128", "012"], "seed": [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    assert read_table(tmp_path / "t.csv").hidden_widths.tolist() == ["128", "012"]


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
    table, _ = run_arms([(setting, "random")], parts=tmp_path)
    ran = []
    monkeypatch.setattr(arm_runs, "run_arm", lambda _, arm: ran.append(arm) or table)
    run_arms([(replace(setting, **change), "random")], parts=tmp_path)
    assert ran == ["random"]


def test_run_in_another_environment_is_run_anew(setting, tmp_path, monkeypatch):
    table, _ = run_arms([(setting, "random")], parts=tmp_path)
    ran = []
    monkeypatch.setattr(arm_runs, "run_arm", lambda _, arm: ran.append(arm) or table)
    monkeypatch.setattr(provenance, "CODE_HASH", "another")
    run_arms([(setting, "random")], parts=tmp_path)
    assert ran == ["random"]


@pytest.mark.parametrize("survivor", [".csv", ".json"])
def test_table_and_what_made_it_are_of_one_run_wherever_writing_stops(tmp_path, monkeypatch, survivor):
    path = tmp_path / "table.csv"
    old, new = (pd.DataFrame({"x": [x]}) for x in (1, 2))
    write_made((old, {"x": 1}), path)
    move = Path.replace

    def stops(self, target):
        if self.suffix == survivor and self.parent.name == ".complete":
            raise KeyboardInterrupt
        return move(self, target)

    monkeypatch.setattr(Path, "replace", stops)
    with pytest.raises(KeyboardInterrupt):
        write_made((new, {"x": 2}), path)
    monkeypatch.undo()
    table, record = read_made(path)
    assert (table.x.tolist(), record) == ([2], {"x": 2})


def other_rows(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def other_run(path):
    path.with_suffix(".json").write_text(path.with_suffix(".json").read_text().replace("random", "dense"))


@pytest.mark.parametrize("damage", [other_rows, other_run])
def test_part_without_its_rows_or_of_another_run_is_made_again(setting, tmp_path, monkeypatch, damage, capsys):
    runs, ran = [(setting, "random")], []
    whole, _ = run_arms(runs, parts=tmp_path / "parts")
    (part,) = (tmp_path / "parts").glob("*.csv")
    damage(part)
    monkeypatch.setattr(arm_runs, "run_arm", lambda setting, arm: ran.append(arm) or run_arm(setting, arm))
    again, _ = run_arms(runs, parts=tmp_path / "parts")
    assert ran == ["random"]
    assert "has not the rows that its .json counts, or is of another run" in capsys.readouterr().out
    pd.testing.assert_frame_equal(again, whole)
