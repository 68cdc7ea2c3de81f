import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.runs import methods as loop
from dtc_helpers.runs import provenance as provenance_module
from dtc_helpers.runs.methods import run_methods
from dtc_helpers.runs.provenance import PACKAGES, git_commit, provenance
from dtc_helpers.runs.recorder import recorded
from dtc_helpers.runs.results import joined, read_results
from dtc_helpers.scoring import SCORES, Scores

SMALL = {"methods": ["random", "magnitude"], "seeds": [1, 2], "hidden_widths": [12]}
PLAN = Plan(batches_per_cycle=2, keep_fraction=0.7, stop_at=4)


@pytest.fixture
def run(tiny_dataset, monkeypatch):
    """Run into a folder, or with `stop_before` a method; which methods were trained, and the results."""
    original = loop._run_method

    def run(folder, *, stop_before=None, **changes):
        trained = []

        def training(data, reading, method, **setting):
            if method == stop_before:
                raise KeyboardInterrupt
            trained.append(f"{reading}, {method}")
            return original(data, reading, method, **setting)

        monkeypatch.setattr(loop, "_run_method", training)
        arguments = {"dataset": tiny_dataset, "plan": PLAN, **SMALL, **changes, "results_dir": folder}
        try:
            return trained, run_methods(arguments.pop("dataset"), **arguments)
        except KeyboardInterrupt:
            return trained, None

    return run


def assert_same(one, other):
    timing = ["train_seconds", "score_seconds"]
    pd.testing.assert_frame_equal(one.cycles.drop(columns=timing), other.cycles.drop(columns=timing), check_exact=True)
    pd.testing.assert_frame_equal(one.ledger, other.ledger, check_exact=True)
    for vectors in ("measurements", "neuron_sums"):
        these, those = getattr(one, vectors), getattr(other, vectors)
        assert these.keys() == those.keys()
        assert all(np.array_equal(these[key], those[key]) for key in those)


def test_loop_records_every_reading_with_every_method(tiny_dataset):
    results = run_methods(tiny_dataset, plan=PLAN, readings=["described", "published"], **SMALL)
    parts = []
    for reading in ("described", "published"):
        for method in ("random", "magnitude"):
            common = {"reading": READINGS[reading], "seeds": [1, 2]}
            network = start_networks(tiny_dataset, [12], device=torch.device("cpu"), **common)
            records = compress_train(network, tiny_dataset, method=method, plan=PLAN, **common)
            names = {"dataset": "tiny", "reading": reading, "method": method}
            parts.append(recorded(records, **names, seeds=[1, 2], run={}))
    assert_same(results, joined(parts, {}))
    assert len(results.cycles) == 2 * 2 * 3 * 2


def test_results_are_on_disk_and_say_what_made_them(run, tmp_path):
    _, results = run(tmp_path / "new")
    stored = read_results(tmp_path / "new")
    assert_same(stored, results)
    assert not list((tmp_path / "new").glob(".*"))
    run_json = json.loads((tmp_path / "new" / "run.json").read_text())
    expected = {"dataset": "tiny", "readings": ["published"], "methods": ["random", "magnitude"], "replicates": 2}
    expected |= {"seed": 1, "seeds": [1, 2], "hidden_neurons": 12, "l1_penalty": 0.3}
    expected |= {"batches_per_cycle": 2, "keep_fraction": 0.7, "stop_at": 4, "measurement_fraction": 0.1}
    assert run_json["parameters"].items() >= expected.items()
    assert set(run_json["versions"]) == set(PACKAGES)
    assert run_json["git_commit"] == git_commit()
    assert (run_json["device_used"], run_json["threads"]) == ("cpu", torch.get_num_threads())
    assert run_json["wall_seconds"] > 0
    assert run_json["peak_memory_gb"] > 0.1


def test_interrupted_run_goes_on_after_the_last_finished_method_and_gives_the_same(run, tmp_path, capsys):
    _, whole = run(tmp_path / "whole")
    assert run(tmp_path / "cut", stop_before="magnitude") == (["published, random"], None)
    assert not (tmp_path / "cut" / "run.json").exists()
    trained, resumed = run(tmp_path / "cut")
    assert trained == ["published, magnitude"]
    assert "published, random: taken over from the interrupted run" in capsys.readouterr().out
    assert_same(resumed, whole)
    assert run(tmp_path / "cut")[0] == ["published, random", "published, magnitude"]  # it is finished: anew


def test_run_without_a_folder_keeps_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(None)
    assert not list(tmp_path.iterdir())


CHANGES = {
    "seeds": {"seeds": [1, 3]},
    "penalty": {"plan": replace(PLAN, l1_penalty=0.4)},
    "replicates": {"seeds": [1, 2, 3]},
    "widths": {"hidden_widths": [13]},
    "reading": {"readings": ["described"]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_other_arguments_take_nothing_over(run, tmp_path, change):
    run(tmp_path, stop_before="magnitude")
    assert len(run(tmp_path, **change)[0]) == 2


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("part", ["images", "labels"])
def test_other_data_take_nothing_over(run, tmp_path, tiny_dataset, split, part):
    run(tmp_path, stop_before="magnitude")
    images = getattr(tiny_dataset, split)
    other = getattr(images, part).flip(0)
    assert not torch.equal(other, getattr(images, part))
    changed = replace(tiny_dataset, **{split: replace(images, **{part: other})})
    assert len(run(tmp_path, dataset=changed)[0]) == 2


@pytest.mark.parametrize(
    "other", [{"python": "4.0"}, {"versions": {}}, {"threads": 999}, {"cpu_capability": "another"}]
)
def test_what_rounds_otherwise_takes_nothing_over(run, tmp_path, monkeypatch, other):
    run(tmp_path, stop_before="magnitude")
    monkeypatch.setattr(provenance_module, "provenance", lambda: {**provenance(), **other})
    assert len(run(tmp_path)[0]) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ["magnetude"]}, "methods = magnetude does not exist: expected magnitude, norms, random, dtc"),
        ({"methods": ["random", "random"]}, "methods = random, random names one twice"),
        ({"readings": ["both"]}, "readings = both does not exist: expected published, described"),
        ({"dataset": "minst"}, "dataset = 'minst' is not one of"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(run, tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        run(tmp_path / "new", **changes)
    assert not (tmp_path / "new").exists()


def test_results_of_a_score_that_was_changed_meanwhile_are_not_taken_over(tiny_dataset, monkeypatch, tmp_path):
    def interrupted(_):
        raise KeyboardInterrupt

    setting: dict[str, Any] = {"methods": ["mine", "random"], "hidden_widths": [12], "plan": PLAN}
    scores = iter((lambda layer: Scores(layer.incoming_sums), lambda layer: Scores(-layer.incoming_sums)))
    monkeypatch.setitem(SCORES, "mine", next(scores))
    random = SCORES["random"]
    monkeypatch.setitem(SCORES, "random", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_methods(tiny_dataset, results_dir=tmp_path, **setting)
    monkeypatch.setitem(SCORES, "mine", next(scores))
    monkeypatch.setitem(SCORES, "random", random)
    found = run_methods(tiny_dataset, results_dir=tmp_path, **setting).ledger
    whole = run_methods(tiny_dataset, **setting).ledger
    pd.testing.assert_frame_equal(found, whole)


def test_numbers_of_numpy_are_written_as_numbers(tiny_dataset, tmp_path):
    numbers: dict[str, Any] = {"batches_per_cycle": np.int64(2), "keep_fraction": np.float64(0.7)}
    plan = Plan(**numbers, stop_at=4)
    run_methods(tiny_dataset, methods=["random"], hidden_widths=[12], plan=plan, results_dir=tmp_path)
    assert read_results(tmp_path).run["parameters"]["batches_per_cycle"] == 2


def test_width_at_which_nothing_would_be_cut_is_refused(tiny_dataset):
    with pytest.raises(ValueError, match="hidden_widths has 8: expected more than"):
        run_methods(tiny_dataset, methods=["random"], hidden_widths=[8])
