"""Study 10: gathered process by process, gone on with after an interruption, promoted once it is checked."""

from dataclasses import replace
from functools import partial

import pandas as pd
import pytest

from dtc_helpers.proposition import evidence
from dtc_helpers.proposition.evidence import read_evidence, write_evidence
from dtc_helpers.proposition.network_processes import pruning
from dtc_helpers.readings import Plan
from dtc_helpers.studies import promote as promotion
from dtc_helpers.studies import study_10_proposition_on_trial as study
from dtc_helpers.studies.promote import promote

FEW = Plan(batches_per_cycle=2, stop_at=12, measurement_fraction=0.3)


@pytest.fixture
def parameters(monkeypatch, tmp_path):
    small = {name: partial(pruning, method=name, hidden=40) for name in ("random", "dtc")}
    monkeypatch.setattr(evidence, "NETWORK_PROCESSES", small)
    monkeypatch.setattr(study, "Plan", lambda: FEW)
    monkeypatch.setattr(promotion, "STORED", tmp_path / "stored")
    folders = {"data_dir": str(tmp_path / "results" / "10_proposition"), "figures_dir": "figures"}
    return study.TrialParameters(["digits"], [2], recompute=True, null_draws=10, seed=1, **folders)


def test_trial_is_gathered_and_read_back(parameters):
    gathered = study.trials(parameters)["digits"]
    assert gathered.steps.process.unique().tolist() == ["random", "dtc"]
    assert set(gathered.run["seconds_of"]) == {"random", "dtc"}
    stored = study.trials(replace(parameters, recompute=False))["digits"]
    pd.testing.assert_frame_equal(stored.steps, gathered.steps)
    pd.testing.assert_frame_equal(stored.comparisons, gathered.comparisons)


def test_interrupted_trial_goes_on_after_the_last_finished_process(parameters, monkeypatch):
    made, gather = [], study.gather_evidence

    def once(dataset, process, **settings):
        if process == "dtc" and not made.count("dtc"):
            made.append("dtc")
            raise KeyboardInterrupt
        made.append(process)
        return gather(dataset, process, **settings)

    monkeypatch.setattr(study, "gather_evidence", once)
    with pytest.raises(KeyboardInterrupt):
        study.trials(parameters)
    study.trials(parameters)
    assert made == ["random", "dtc", "dtc"]


def test_part_whose_writing_was_stopped_is_made_again(parameters, monkeypatch):
    write = evidence.write_json
    monkeypatch.setattr(evidence, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        study.trials(parameters)
    monkeypatch.setattr(evidence, "write_json", write)
    assert len(study.trials(parameters)["digits"].steps)


def test_stored_trial_is_not_gathered_over(parameters):
    with pytest.raises(ValueError, match="holds the stored trial: gather into another folder"):
        replace(parameters, data_dir="notebooks/studies/data/10_proposition")


def test_whole_trial_becomes_the_stored_one(parameters, tmp_path):
    made = study.trials(parameters)["digits"]
    clean = {**made.run, "git_commit": "0123456789ab", "comparisons": {"n_draws": 10, "git_commit": "0123456789ab"}}
    folder = tmp_path / "results" / "10_proposition" / "digits"
    write_evidence(replace(made, run=clean), folder)
    (folder.parent / "damaged 1 digits dtc").mkdir()  # a part that was set aside
    assert promote("10_proposition", tmp_path / "results") == tmp_path / "stored" / "10_proposition"
    stored = read_evidence(tmp_path / "stored" / "10_proposition" / "digits")
    pd.testing.assert_frame_equal(stored.steps, made.steps)
    n = int(made.steps.n_measurements.iloc[:-1].sum())
    write_evidence(replace(made, run=clean, steps=made.steps[:-1], values=made.values[:n]), folder)
    with pytest.raises(ValueError, match="is not promoted: digits: dtc has fewer steps than the stored one"):
        promote("10_proposition", tmp_path / "results")
    faults = (
        ({"run": {**clean, "git_commit": "0123456789ab+changes"}}, "it was made by code that is in no commit"),
        ({"run": {**clean, "git_commit": None}}, "it was made by code that is in no commit"),
        ({"run": {"git_commit": "0123456789ab"}}, "it was made by code that is in no commit"),
        ({"run": {**clean, "comparisons": None}}, "it was made by code that is in no commit"),
        ({"run": clean, "comparisons": made.comparisons[:-1]}, "dtc has fewer comparisons than the stored one"),
        ({"run": clean | {"comparisons": clean["comparisons"] | {"n_draws": 9}}}, "9 draws of the nulls, .* has 10"),
    )
    for change, words in faults:
        write_evidence(replace(made, **change), folder)
        with pytest.raises(ValueError, match=f"digits: {words}"):
            promote("10_proposition", tmp_path / "results")
    assert len(read_evidence(tmp_path / "stored" / "10_proposition" / "digits").steps) == len(made.steps)
