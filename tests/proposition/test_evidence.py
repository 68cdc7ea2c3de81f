import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from dtc_helpers.proposition import evidence as trial_module
from dtc_helpers.proposition.evidence import STATISTICS, excesses, read_trial, run_trial, write_trial
from dtc_helpers.proposition.network_processes import pruning
from dtc_helpers.proposition.null_models import NULLS, credit
from dtc_helpers.proposition.relation import correlations
from dtc_helpers.proposition.stored_processes import processes_of_trial
from dtc_helpers.readings import Plan

PLAN = Plan(batches_per_cycle=2, keep_fraction=0.9, stop_at=12, measurement_fraction=0.3)


@pytest.fixture(scope="module")
def trial():
    """Two replicates of two small processes on the digits."""
    small = {name: partial(pruning, method=name, hidden=40) for name in ("random", "dtc")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial_module, "NETWORK_PROCESSES", small)
        return run_trial("digits", replicates=2, seed=1, plan=PLAN, n_draws=2)


def test_trial_has_a_row_a_step_and_one_a_null_model_and_statistic(trial):
    n_steps = len(trial.steps) // 4
    assert trial.steps.groupby(["process", "replicate"], sort=False).size().tolist() == [n_steps] * 4
    assert len(trial.comparisons) == 2 * 2 * len(NULLS) * len(STATISTICS)
    assert len(trial.values) == trial.steps.n_measurements.sum()
    assert {"dataset", "seed", "n_draws", "l1_penalty", "versions", "git_commit"} <= set(trial.run)


def test_what_is_written_is_read_back_to_6_digits(trial, tmp_path):
    write_trial(trial, tmp_path / "digits")
    found = read_trial(tmp_path / "digits")
    pd.testing.assert_frame_equal(found.steps, trial.steps, rtol=1e-5)
    pd.testing.assert_frame_equal(found.comparisons, trial.comparisons, rtol=1e-5)
    np.testing.assert_allclose(found.values, trial.values, rtol=1e-6)
    assert found.run == json.loads(json.dumps(trial.run))


def test_missing_trial_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="run study 10 with recompute = True"):
        read_trial(tmp_path)


def test_stored_processes_are_those_that_were_measured(trial):
    for process in ("random", "dtc"):
        for replicate, steps in enumerate(processes_of_trial(trial, process)):
            rows = trial.steps[(trial.steps.process == process) & (trial.steps.replicate == replicate)]
            assert [step.measurement.size for step in steps] == rows.n_measurements.tolist()
            assert [step.fitness for step in steps] == rows.fitness.tolist()
            by = trial.comparisons.set_index(["process", "replicate", "null_model", "statistic"]).tested
            expected = by[process, replicate, "ln m alone", "pearson"]
            assert correlations(steps, rows.entropy).pearson == pytest.approx(expected)
            assert [float(np.linalg.norm(step.signal)) for step in steps] == pytest.approx(rows.signal_norm.tolist())


def test_stored_processes_earn_the_same_credit(trial):
    rng = np.random.default_rng(0)
    stored = credit(processes_of_trial(trial, "dtc"), NULLS["ln m alone"], rng=rng, n_draws=1)
    table = excesses(trial.comparisons, rng=rng).set_index(["process", "null_model", "statistic"])
    assert stored.excess.value == pytest.approx(table.loc[("dtc", "ln m alone", "pearson"), "excess"])


def test_unknown_stored_process_is_refused_with_those_there_are(trial):
    with pytest.raises(ValueError, match="process = 'JPEG' is not one of random, dtc"):
        processes_of_trial(trial, "JPEG")


def test_verdict_is_given_by_the_interval():
    values = {"up": [0.1, 0.2, 0.3], "down": [-0.1, -0.2, -0.3], "both": [-0.5, 0.5, 0.1], "one": [0.4, np.nan, np.nan]}
    rows = [
        {"dataset": "d", "process": name, "null_model": "n", "statistic": "pearson", "tested": v, "expected": 0.0}
        for name, column in values.items()
        for v in column
    ]
    found = excesses(pd.DataFrame(rows), rng=np.random.default_rng(0)).set_index("process")
    assert found.verdict.to_dict() == {"up": "above", "down": "below", "both": "open", "one": "open"}
    assert found.n.to_dict() == {"up": 3, "down": 3, "both": 3, "one": 1}
    assert found.excess["up"] == pytest.approx(0.2)


def test_run_of_notebook_1_becomes_a_process():
    from test_results import results_of

    from dtc_helpers.proposition.stored_processes import nulls_of_run, process_of_run

    results = results_of(1)
    eight = [results.cycles[results.cycles.cycle == 1].assign(cycle=cycle) for cycle in range(1, 9)]
    results.cycles = pd.concat(eight, ignore_index=True)
    results.cycles["removed_fraction"] = results.cycles.cycle / 10
    rng = np.random.default_rng(0)
    keys = [f"published/dtc/0/{cycle}/outgoing" for cycle in range(1, 9)]
    results.measurements = {key: rng.normal(0, 9, 30 - 3 * i) for i, key in enumerate(keys)}
    results.neuron_sums = {key: rng.normal(size=60 - 6 * i) for i, key in enumerate(keys)}
    process = process_of_run(results, "dtc", fitness="accuracy", generator=torch.Generator().manual_seed(0))
    assert [step.measurement.size for step in process] == [30, 27, 24, 21, 18, 15, 12, 9]
    assert [len(step.unrelated_signal) for step in process] == [len(step.signal) for step in process]
    table = nulls_of_run({"dtc": process}, n_draws=5, rng=rng)
    assert list(table.index) == [("dtc", name) for name in NULLS]
    assert table["share above"].dropna().between(0, 1).all()
