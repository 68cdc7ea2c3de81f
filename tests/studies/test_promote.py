import json
import sys

import pandas as pd
import pytest

from dtc_helpers import __main__ as command_line
from dtc_helpers.studies import promote as promotion
from dtc_helpers.studies.promote import promote
from dtc_helpers.studies.runs import read_table, run_arm, write_made


@pytest.fixture
def made(setting, tmp_path, monkeypatch):
    """A recomputed table of two runs in `results`, and an empty place for stored ones."""
    monkeypatch.setattr(promotion, "STORED", tmp_path / "stored")
    table = pd.concat([run_arm(setting, arm) for arm in ("random", "dtc")], ignore_index=True)
    record = {"runs": [{"run": arm, "git_commit": "0123456789ab"} for arm in ("random", "dtc")]}
    write_made((table, record), tmp_path / "results" / "3_toy.csv")
    return table, record, tmp_path / "results"


def test_whole_table_becomes_the_stored_one_with_what_made_it(made, tmp_path):
    table, record, results = made
    path = promote("3_toy", results)
    assert path == tmp_path / "stored" / "3_toy.csv"
    pd.testing.assert_frame_equal(read_table(path), read_table(results / "3_toy.csv"))
    assert len(read_table(path)) == len(table)
    assert json.loads(path.with_suffix(".json").read_text()) == record
    promote("3_toy", results)  # a second time is no harm


def without(column):
    return lambda table, record: (table.drop(columns=column), record)


FAULTS = {
    "no column duality_gap": without("duality_gap"),
    "made by code that is in no commit, e.g. random": lambda table, record: (
        table,
        {"runs": [{**run, "git_commit": "0123456789ab+changes"} for run in record["runs"]]},
    ),
    "a row twice": lambda table, record: (pd.concat([table, table[:1]]), record),
    "1 of 2 runs have fewer rows": lambda table, record: (table[:-1], record),
    "does not name the columns that tell its rows apart": lambda table, record: (table, record | {"keys": []}),
    "no column nix": lambda table, record: (table, record | {"keys": ["nix"]}),
    "test_accuracy is not a number from 0 to 1": lambda table, record: (table.assign(test_accuracy=7.5), record),
    "test_accuracy is not a number from 0 to 1 in": lambda table, record: (
        table.assign(test_accuracy=["", *table.test_accuracy[1:]]),
        record,
    ),
    "1 of 2 runs have fewer rows than": lambda table, record: (table[table.arm == "random"], record),
}


@pytest.mark.parametrize("words", FAULTS)
def test_table_with_a_fault_is_not_promoted(made, words):
    table, record, results = made
    path = promote("3_toy", results)
    before = path.read_text(), path.with_suffix(".json").read_text()
    write_made(FAULTS[words](table, record), results / "3_toy.csv")
    with pytest.raises(ValueError, match=f"is not promoted: .*{words}"):
        promote("3_toy", results)
    assert (path.read_text(), path.with_suffix(".json").read_text()) == before


def test_command_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["dtc_helpers", "promote", "3_toy", "--results-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    assert "3_toy.csv is not there: run the study with recompute = True first" in str(stop.value.code)


def test_table_that_could_not_be_read_afterwards_is_not_promoted(made):
    table, record, results = made
    path = promote("3_toy", results)
    before = path.read_text()
    write_made((table.assign(batches=0.5), record), results / "3_toy.csv")
    with pytest.raises(ValueError, match="other values than whole numbers in the column batches"):
        promote("3_toy", results)
    assert path.read_text() == before


def test_table_in_a_folder_of_the_results_is_found_and_one_of_two_is_not_guessed(made):
    table, record, results = made
    for ending in ("csv", "json"):
        (results / "own").mkdir(exist_ok=True)
        (results / f"3_toy.{ending}").rename(results / "own" / f"3_toy.{ending}")
    pd.testing.assert_frame_equal(read_table(promote("3_toy", results)), read_table(results / "own" / "3_toy.csv"))
    write_made((table, record), results / "other" / "3_toy.csv")
    with pytest.raises(ValueError, match=r"other/3_toy.csv, .*own/3_toy.csv: say with --results-dir"):
        promote("3_toy", results)
