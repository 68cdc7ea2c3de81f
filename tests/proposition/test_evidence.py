import json
from dataclasses import fields
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from made_results import results_of

from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.networks import outgoing_sums, xavier_mlp
from dtc_helpers.proposition import evidence as evidence_module
from dtc_helpers.proposition.evidence import (
    NETWORK_PROCESSES,
    excesses,
    gather_evidence,
    joined,
    processes_of_evidence,
    read_evidence,
    write_evidence,
)
from dtc_helpers.proposition.image_processes import jpeg_processes
from dtc_helpers.proposition.network_processes import COMPRESSORS, post_training, pruning
from dtc_helpers.proposition.null_models import NULLS, draw_null
from dtc_helpers.proposition.relation import Correlations, Step, correlations
from dtc_helpers.proposition.stored_processes import draw_nulls, null_table, process_of_run
from dtc_helpers.readings import Plan
from dtc_helpers.statistics import smooth

PLAN = Plan(batches_per_cycle=2, keep_fraction=0.9, stop_at=12, measurement_fraction=0.3)


@pytest.fixture(scope="module")
def trial():
    """Two replicates of two small processes on the digits."""
    small = {name: partial(pruning, method=name, hidden=40) for name in ("random", "dtc")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence_module, "NETWORK_PROCESSES", small)
        settings = {"replicates": 2, "seed": 1, "plan": PLAN, "n_draws": 2}
        return joined([gather_evidence("digits", name, **settings) for name in small])


def test_trial_has_a_row_a_step_and_one_a_null_model_and_statistic(trial):
    n_steps = len(trial.steps) // 4
    assert trial.steps.groupby(["process", "replicate"], sort=False).size().tolist() == [n_steps] * 4
    assert len(trial.comparisons) == 2 * 2 * len(NULLS) * len(fields(Correlations))
    assert len(trial.values) == trial.steps.n_measurements.sum()
    assert {"dataset", "seed", "l1_penalty", "versions", "git_commit"} <= set(trial.run)
    assert trial.run["comparisons"]["n_draws"] == 2


def test_trial_is_its_processes_measured_and_set_against_the_nulls_by_hand(trial):
    made = pruning(load_dataset("digits"), "dtc", seeds=[1, 2], plan=PLAN, hidden=40)
    rows = trial.steps.query("process == 'dtc'")
    steps = [step for process in made for step in process]
    np.testing.assert_array_equal(
        trial.values[-rows.n_measurements.sum() :], np.concatenate([s.measurement for s in steps])
    )
    assert rows.step.tolist() == [*range(1, len(made[0]) + 1)] * 2
    for column, name in {"signal_norm": "signal", "unrelated_norm": "unrelated_signal"}.items():
        assert rows[column].tolist() == pytest.approx([np.linalg.norm(getattr(step, name)) for step in steps])
    rows = trial.comparisons.query("process == 'dtc'")
    for replicate, process in enumerate(made):
        rng = np.random.default_rng([1, replicate])
        for name, null in NULLS.items():
            found = draw_null(process, null, rng=rng, n_draws=2).summary()
            own = rows[(rows.replicate == replicate) & (rows.null_model == name)].set_index("statistic")
            pd.testing.assert_frame_equal(own[list(found)], found, check_names=False)


def test_processes_are_what_their_names_say():
    found = {name: {make.func: make.keywords} for name, make in NETWORK_PROCESSES.items()}
    assert found == {
        "DTC": {pruning: {"method": "dtc"}},
        "random pruning": {pruning: {"method": "random"}},
        **{name: {post_training: {"compressor": name}} for name in COMPRESSORS},
    }


def test_photographs_are_compressed_from_the_seed_and_each_is_a_replicate(monkeypatch):
    ramp = np.tile(np.arange(128, dtype=np.uint8), (128, 1))
    pictures = {"one": ramp, "other": ramp.T}
    monkeypatch.setattr(evidence_module, "photographs", lambda: pictures)
    found = gather_evidence("photographs", "JPEG", replicates=9, seed=3, plan=PLAN, n_draws=1)
    assert found.steps.groupby("replicate").size().tolist() == [20, 20]
    expected = [step.measurement for process in jpeg_processes(pictures, seed=3) for step in process]
    np.testing.assert_array_equal(found.values, np.concatenate(expected))


def test_what_is_written_is_read_back_to_6_digits(trial, tmp_path):
    write_evidence(trial, tmp_path / "digits")
    found = read_evidence(tmp_path / "digits")
    pd.testing.assert_frame_equal(found.steps, trial.steps, rtol=1e-5)
    pd.testing.assert_frame_equal(found.comparisons, trial.comparisons, rtol=1e-5)
    np.testing.assert_allclose(found.values, trial.values, rtol=1e-6)
    assert found.run == json.loads(json.dumps(trial.run))


def test_missing_trial_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="run study 10 with recompute = True"):
        read_evidence(tmp_path)


def test_stored_processes_are_those_that_were_measured(trial):
    for process in ("random", "dtc"):
        for replicate, steps in enumerate(processes_of_evidence(trial, process)):
            rows = trial.steps[(trial.steps.process == process) & (trial.steps.replicate == replicate)]
            assert [step.measurement.size for step in steps] == rows.n_measurements.tolist()
            assert [step.fitness for step in steps] == rows.fitness.tolist()
            by = trial.comparisons.set_index(["process", "replicate", "null_model", "statistic"]).tested
            expected = by[process, replicate, "ln m alone", "pearson"]
            assert correlations(steps, rows.entropy).pearson == pytest.approx(expected)
            assert [float(np.linalg.norm(step.signal)) for step in steps] == pytest.approx(rows.signal_norm.tolist())


def test_stored_processes_have_the_same_excess(trial):
    rng = np.random.default_rng(0)
    draws = [draw_null(p, NULLS["ln m alone"], rng=rng, n_draws=1) for p in processes_of_evidence(trial, "dtc")]
    stored = np.mean([one.tested.pearson.mean() - one.null.pearson.mean() for one in draws])
    two = trial.comparisons.query("null_model in ('ln m alone', 'one length')")
    table = excesses(two, rng=rng).set_index(["process", "null_model", "statistic"])
    assert stored == pytest.approx(table.loc[("dtc", "ln m alone", "pearson"), "excess"])


def test_interval_does_not_hang_on_what_else_is_asked_for():
    rng = np.random.default_rng(1)
    names = {"dataset": "d", "process": "p", "null_model": "n", "monte_carlo": 0.0}
    both = pd.concat(
        pd.DataFrame({**names, "statistic": statistic, "tested": rng.normal(size=12), "expected": 0.0})
        for statistic in ("pearson", "spearman")
    )
    resampled = np.random.default_rng(0)
    with_others, alone = (
        excesses(table, rng=resampled).set_index("statistic").loc["spearman", ["low", "high"]].tolist()
        for table in (both, both.loc[both.statistic == "spearman", :])
    )
    assert with_others == alone


def test_unknown_stored_process_is_refused_with_those_there_are(trial):
    with pytest.raises(ValueError, match="process = 'JPEG' is not one of random, dtc"):
        processes_of_evidence(trial, "JPEG")


def test_verdict_is_given_by_the_interval():
    values = {"up": [0.1, 0.2, 0.3], "down": [-0.1, -0.2, -0.3], "both": [-0.5, 0.5, 0.1], "one": [0.4, np.nan, np.nan]}
    rows = [
        {
            "dataset": "d",
            "process": name,
            "null_model": "n",
            "statistic": "pearson",
            "tested": v,
            "expected": 0.0,
            "monte_carlo": 0.3,
        }
        for name, column in values.items()
        for v in column
    ]
    found = excesses(pd.DataFrame(rows), rng=np.random.default_rng(0)).set_index("process")
    assert found.verdict.to_dict() == {"up": "above", "down": "below", "both": "open", "one": "open"}
    assert found.n.to_dict() == {"up": 3, "down": 3, "both": 3, "one": 1}
    assert found.excess["up"] == pytest.approx(0.2)
    assert found.monte_carlo["up"] == pytest.approx(np.sqrt(3 * 0.3**2) / 3)
    p = {name: float(np.asarray(scipy.stats.ttest_1samp(values[name], 0))[1]) for name in ("up", "down", "both")}
    assert found.p_corrected.drop("one").to_dict() == pytest.approx({**p, **{n: 3 * p[n] for n in ("up", "down")}})
    assert np.isnan(found.p_corrected["one"])  # a single replicate was no test


@pytest.fixture
def run_of_notebook_1():
    """Sixteen cycles of one method, with accuracies that go up and down."""
    results = results_of(1)
    cycles = [results.cycles[results.cycles.cycle == 1].assign(cycle=cycle) for cycle in range(1, 17)]
    results.cycles = pd.concat(cycles, ignore_index=True)
    results.cycles["removed_fraction"] = results.cycles.cycle / 20
    rng = np.random.default_rng(0)
    keys = [f"published/dtc/0/{cycle}/outgoing" for cycle in range(1, 17)]
    results.measurements = {key: rng.normal(0, 9, 50 - 3 * i) for i, key in enumerate(keys)}
    results.neuron_sums = {key: rng.normal(size=100 - 6 * i) for i, key in enumerate(keys)}
    results.cycles["mean_batch_accuracy"] = rng.random(len(results.cycles))
    return results


def test_run_of_notebook_1_becomes_a_process(run_of_notebook_1):
    process = process_of_run(run_of_notebook_1, "dtc", fitness="accuracy", generator=generator(0))
    assert [step.measurement.size for step in process] == [50 - 3 * i for i in range(16)]
    assert [len(step.unrelated_signal) for step in process] == [len(step.signal) for step in process]
    table = null_table(draw_nulls({"dtc": process}, n_draws=5, seed=0))
    assert list(table.index) == [("dtc", name) for name in NULLS]
    assert table["share above"].dropna().between(0, 1).all()


def generator(seed):
    return torch.Generator().manual_seed(seed)


def test_excess_is_paired_by_replicate_and_kept_apart_by_dataset():
    numbers = {"tested": [0.3, np.nan, 0.5], "expected": [0.1, 0.8, 0.4]}
    names = {"process": "p", "null_model": "n", "statistic": "pearson", "monte_carlo": 0.0}
    none = {"tested": [0.4] * 3, "expected": [0.4] * 3}
    table = pd.concat([pd.DataFrame({"dataset": d, **names, **each}) for d, each in (("one", numbers), ("two", none))])
    found = excesses(table, rng=np.random.default_rng(0)).set_index("dataset")
    one, two = found.loc["one"], found.loc["two"]
    assert [one.tested, one.expected, one.excess] == pytest.approx([0.4, 1.3 / 3, 0.15])  # 0.2 and 0.1
    assert [one.low, one.high, one.n] == pytest.approx([0.1, 0.2, 2])
    assert (two.low, two.high, two.verdict) == (0, 0, "open")


@pytest.mark.parametrize("fitness", ["accuracy", "lowess"])
def test_fitness_of_a_run_is_the_accuracy_or_its_curve(run_of_notebook_1, fitness):
    process = process_of_run(run_of_notebook_1, "dtc", fitness=fitness, generator=generator(0))
    cycles = run_of_notebook_1.cycles.query("method == 'dtc'")
    removed, accuracy = cycles.removed_fraction.to_numpy(), cycles.mean_batch_accuracy.to_numpy()
    assert [step.removed_fraction for step in process] == removed.tolist()
    expected = accuracy if fitness == "accuracy" else smooth(removed, accuracy)
    assert [step.fitness for step in process] == pytest.approx(expected.tolist())
    assert not np.allclose(accuracy, smooth(removed, accuracy))


def test_unrelated_signal_of_a_run_is_an_untrained_network_of_ten_classes_from_the_generator(run_of_notebook_1):
    process = process_of_run(run_of_notebook_1, "dtc", fitness="accuracy", generator=generator(3))
    untrained = outgoing_sums(xavier_mlp([1, 100, 10], generators=[generator(3)]))[0].numpy()
    for step in process:
        np.testing.assert_array_equal(step.unrelated_signal, untrained[: len(step.signal)])


def test_nulls_of_a_run_are_counted_over_the_draws_that_have_a_correlation():
    rng = np.random.default_rng(0)
    nothing, fitness = np.zeros(9), rng.random(8)  # measurements of nothing are 0, and so are their entropies
    process = [Step(rng.normal(0, 9, 40 - 3 * i), i / 10, fitness[i], np.full(9, 1 + i), nothing) for i in range(8)]
    table = null_table(draw_nulls({"dtc": process}, n_draws=7, seed=1)).loc["dtc"].astype(float)
    measure, again = partial(entropy_series, bins=PUBLISHED_BIN_EDGES), np.random.default_rng(1)
    for name, null in NULLS.items():
        draws = draw_null(process, null, measure=measure, n_draws=7, rng=again)
        pairs = list(zip(draws.tested.pearson, draws.null.pearson, strict=True))
        defined = [(t, e) for t, e in pairs if np.isfinite(t) and np.isfinite(e)]
        assert len(defined) == table.draws[name] == (0 if name in ("unrelated signal", "fixed m") else 7)
        expected = [np.nan] * 5
        if defined:
            found = [e for _, e in defined]
            above = np.mean([e >= t for t, e in defined])
            error = np.sqrt(above * (1 - above) / len(defined))
            expected = [np.mean(found), np.quantile(found, 0.025), np.quantile(found, 0.975), above, error]
        columns = ["expected", "low", "high", "share above", "error of the share"]
        np.testing.assert_allclose(table.loc[name, columns], expected)
        assert table.tested[name] == pytest.approx(np.mean([t for t, _ in pairs]))


def test_null_that_does_just_as_well_counts_as_above():
    """Every value has a published bin of its own: the entropy is ln m."""
    lengths, ones = (128, 64, 32, 16, 8, 4, 2, 1), np.ones(9)
    process = [Step(np.arange(n) * 0.2 + 0.1, i / 10, 1 - i**2 / 100, ones, ones) for i, n in enumerate(lengths)]
    table = null_table(draw_nulls({"dtc": process}, n_draws=3, seed=0)).loc["dtc"]
    assert table.tested["ln m alone"] == table.expected["ln m alone"]
    assert table["share above"]["ln m alone"] == 1
