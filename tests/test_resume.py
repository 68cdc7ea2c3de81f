from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from dtc_helpers import collector
from dtc_helpers.collector import Collector, provenance
from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.parameters import Parameters
from dtc_helpers.readings import READINGS
from dtc_helpers.resume import FinishedMethods

CPU = torch.device("cpu")


@pytest.fixture
def parameters(tmp_path):
    return Parameters(
        "digits", ["published"], ["random", "magnitude"], 2, 1, 12, 2, 0.7, 4, 0.3, 0.1, "cpu", str(tmp_path), "f"
    )


def collect(dataset, parameters, methods):
    """What notebook 1 does, and which methods it had to run."""
    run, finished, ran = Collector("digits", parameters.seeds), FinishedMethods(parameters), []
    for method in methods:
        if finished.take(run, reading="published", method=method):
            continue
        ran.append(method)
        arguments = {"reading": READINGS["published"], "seeds": parameters.seeds}
        network = start_networks(dataset, parameters.hidden_widths, device=CPU, **arguments)
        for record in compress_train(network, dataset, method=method, plan=parameters.plan, **arguments):
            run.add(record, reading="published", method=method)
        finished.keep(run, reading="published", method=method)
    return run.results(parameters, CPU), ran


def test_interrupted_run_goes_on_after_the_last_finished_method_and_gives_the_same(tiny_dataset, parameters):
    collect(tiny_dataset, parameters, ["random"])  # interrupted before magnitude
    resumed, ran = collect(tiny_dataset, parameters, ["random", "magnitude"])
    assert ran == ["magnitude"]
    FinishedMethods(parameters).clear()
    whole, ran = collect(tiny_dataset, parameters, ["random", "magnitude"])
    assert ran == ["random", "magnitude"]
    timing = ["train_seconds", "score_seconds"]
    pd.testing.assert_frame_equal(
        resumed.cycles.drop(columns=timing), whole.cycles.drop(columns=timing), check_exact=True
    )
    pd.testing.assert_frame_equal(resumed.ledger, whole.ledger, check_exact=True)
    assert resumed.measurements.keys() == whole.measurements.keys()
    assert all(np.array_equal(resumed.measurements[key], whole.measurements[key]) for key in whole.measurements)
    assert resumed.neuron_sums.keys() == whole.neuron_sums.keys() == whole.measurements.keys()
    assert all(np.array_equal(resumed.neuron_sums[key], whole.neuron_sums[key]) for key in whole.neuron_sums)


def test_method_that_was_not_finished_is_not_taken_over(parameters):
    assert not FinishedMethods(parameters).take(Collector("digits", [1]), reading="published", method="random")


def test_method_of_another_reading_is_not_taken_over(tiny_dataset, parameters):
    collect(tiny_dataset, parameters, ["random"])
    assert not FinishedMethods(parameters).take(Collector("digits", [1]), reading="described", method="random")


def test_method_is_kept_for_its_own_reading_alone(tiny_dataset, parameters):
    run, _ = collect(tiny_dataset, parameters, ["random"])
    both = Collector("digits", parameters.seeds, rows=run.cycles.to_dict("records"), ledger=[run.ledger])
    both.rows += [{**row, "reading": "described"} for row in both.rows]
    both.ledger.append(run.ledger.assign(reading="described"))
    FinishedMethods(parameters).keep(both, reading="described", method="random")
    taken = Collector("digits", parameters.seeds)
    assert FinishedMethods(parameters).take(taken, reading="described", method="random")
    assert {row["reading"] for row in taken.rows} == set(taken.ledger[0].reading) == {"described"}


def test_figures_may_go_elsewhere_when_a_run_goes_on(tiny_dataset, parameters):
    collect(tiny_dataset, parameters, ["random"])
    assert collect(tiny_dataset, replace(parameters, figures_dir="other"), ["random"])[1] == []


@pytest.mark.parametrize("change", [{"seed": 2}, {"l1_penalty": 0.4}, {"replicates": 3}])
def test_other_parameters_take_nothing_over(tiny_dataset, parameters, change):
    collect(tiny_dataset, parameters, ["random"])
    _, ran = collect(tiny_dataset, replace(parameters, **change), ["random"])
    assert ran == ["random"]


@pytest.mark.parametrize(
    "other", [{"python": "4.0"}, {"versions": {}}, {"threads": 999}, {"cpu_capability": "another"}]
)
def test_what_rounds_otherwise_takes_nothing_over(tiny_dataset, parameters, monkeypatch, other):
    collect(tiny_dataset, parameters, ["random"])
    monkeypatch.setattr(collector, "provenance", lambda: {**provenance(), **other})
    _, ran = collect(tiny_dataset, parameters, ["random"])
    assert ran == ["random"]
