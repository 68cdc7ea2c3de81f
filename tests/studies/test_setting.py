from dataclasses import replace

import pytest
import torch

from dtc_helpers.cycle import cycle_batches
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.studies import setting as settings_of_studies
from dtc_helpers.training import accuracy, adam, train

PLAN = Plan(batches_per_cycle=3, keep_fraction=0.7, stop_at=4)


@pytest.mark.parametrize("reading", READINGS.values(), ids=list(READINGS))
def test_dense_control_is_the_compress_train_run_without_its_cuts(setting, tiny_dataset, reading):
    setting = replace(setting, reading=reading, plan=PLAN, neurons=(7,))
    network, oracle = setting.start(), setting.start()
    measured = list(setting.never_cut(network))
    arguments = {"reading": reading, "seeds": (1, 2), "plan": PLAN}
    test = tiny_dataset.test
    optimizer, expected = adam(oracle), []
    for cycle in (1, 2):
        optimizer = adam(oracle) if reading.optimizer == "new" else optimizer
        shown = cycle_batches(tiny_dataset, cycle, **arguments)
        train(oracle, shown, optimizer=optimizer, loss_axis=reading.loss_axis)
        expected.append(accuracy(oracle, test.images, test.labels, loss_axis=reading.loss_axis))
    for found, wanted in zip(measured, expected, strict=True):
        assert torch.equal(found.overall, wanted.overall)
        assert torch.equal(found.batch_mean, wanted.batch_mean)
    assert all(torch.equal(*weights) for weights in zip(network.weights, oracle.weights, strict=True))


def test_training_without_a_break_is_measured_at_every_stop(setting):
    setting = replace(setting, plan=PLAN, neurons=(7,))
    at_stops, by_cycle = setting.trained_to(setting.start(), [3, 6]), setting.never_cut(setting.start())
    for stop, cycle in zip(at_stops, by_cycle, strict=True):
        torch.testing.assert_close(stop.overall, cycle.overall)


def test_size_to_which_no_cut_leads_is_refused(setting):
    with pytest.raises(ValueError, match=r"do not lead to \[6\] hidden neurons: expected some of \[11, 7, 5, 3\]"):
        replace(setting, neurons=(7, 6))


def test_layers_that_are_never_cut_are_refused(setting):
    with pytest.raises(ValueError, match=r"layers of \[16, 4\] neurons, stop_at = 4: expected more than 4 neurons"):
        replace(setting, hidden_widths=(16, 4), neurons=())


def test_images_to_test_on_are_those_of_the_setting(tiny_dataset, monkeypatch):
    monkeypatch.setattr(settings_of_studies, "load_dataset", lambda name: replace(tiny_dataset, name=name))
    setting = settings_of_studies.Setting("clouds", READINGS["described"], (1, 2))
    assert setting.dataset is setting.dataset  # loaded once
    assert (setting.dataset.name, len(setting.dataset.test)) == ("clouds", len(tiny_dataset.test))
    assert len(replace(setting, choosing=True).dataset.test) == tiny_dataset.n_validation
    settings_of_studies.images.cache_clear()
