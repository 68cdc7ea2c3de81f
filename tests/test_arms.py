from dataclasses import replace

import pandas as pd
import pytest

from dtc_helpers import arms, controls
from dtc_helpers.arms import ARM_COLUMNS, ARMS, Setting, last_places, run_arm, run_arms
from dtc_helpers.controls import random_ids, rewound
from dtc_helpers.cycle import Plan, cycle_batches, start_networks
from dtc_helpers.readings import READINGS
from dtc_helpers.training import accuracy, adam, train

SCHEDULE = [11, 7, 5, 3]  # from 16, keeping 0.7


@pytest.fixture
def setting(tiny_dataset):
    plan = Plan(batches_per_cycle=2, keep_fraction=0.7, stop_at=4)
    return Setting(
        "tiny", lambda: tiny_dataset, READINGS["described"], (1, 2), plan, (16,), (7, 3), columns={"point": 0.1}
    )


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_has_a_row_an_outcome_and_replicate(setting, arm):
    table = run_arm(setting, arm)
    assert tuple(table.columns) == ("point", *ARM_COLUMNS)
    assert table.point.eq(0.1).all()
    assert table.test_accuracy.between(0, 1).all()
    assert (table.groupby("neurons").replicate.apply(list).map(lambda r: set(r) == {0, 1})).all()
    neurons = [16] * 4 if arm == "dense" else [7, 3] if arm.startswith(("scratch", "ticket")) else SCHEDULE
    for _, budget in table[table.replicate == 0].groupby("arm"):
        assert budget.neurons.tolist() == neurons
    assert table.removed_fraction.tolist() == pytest.approx((1 - table.neurons / 16).tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("arm", "batches"),
    [
        ("dtc", [2, 4, 6, 8]),
        ("dense", [2, 4, 6, 8]),
        ("scratch, batches", [4, 8]),
        ("ticket, dtc", [4, 8]),
        # (6 inputs, N neurons, 3 classes): 2·6·N + 3·N·3 = 21·N multiply-adds; trained at 16 and 11 before 7 are left
        ("scratch, multiply_adds", [round(2 * (16 + 11) / 7), round(2 * (16 + 11 + 7 + 5) / 3)]),
        ("scratch, longer", [2 * round(2 * (16 + 11) / 7), 2 * round(2 * (16 + 11 + 7 + 5) / 3)]),
    ],
)
def test_arms_train_for_the_batches_they_say(setting, arm, batches):
    table = run_arm(setting, arm.split(",")[0] if arm.startswith("scratch") else arm)
    assert table[(table.replicate == 0) & (table.arm == arm)].batches.tolist() == batches


@pytest.mark.parametrize("reading", READINGS.values(), ids=list(READINGS))
@pytest.mark.parametrize("arm", ["ticket, dtc", "ticket, norms", "ticket, random", "scratch"])
def test_small_networks_are_what_they_are_by_hand(setting, reading, arm):
    setting = replace(setting, reading=reading)
    plan, shared = setting.plan, {"reading": reading, "seeds": setting.seeds}
    method = arm.removeprefix("ticket, ").replace("scratch", "random")
    survivors = {record.neurons: record.network.neuron_ids for record in setting.cut(method)}
    found = run_arm(setting, arm)
    assert len(found) == (12 if arm == "scratch" else 4)
    for neurons, batches in set(zip(found.neurons, found.batches, strict=True)):
        rows = found.query("neurons == @neurons and batches == @batches")
        if arm == "scratch":
            network = start_networks(setting.dataset, [neurons], device=setting.device, **shared)
        elif arm == "ticket, random":
            network = rewound(setting.start(), random_ids(setting.start(), [neurons], seeds=setting.seeds))
        else:
            network = rewound(setting.start(), survivors[neurons])
        shown = cycle_batches(setting.dataset, 1, plan=replace(plan, batches_per_cycle=batches), **shared)
        train(network, shown, optimizer=adam(network), loss_axis=reading.loss_axis)
        test = setting.dataset.test
        expected = accuracy(network, test.images, test.labels, loss_axis=reading.loss_axis)
        for column, values in {"test_accuracy": expected.overall, "mean_batch_accuracy": expected.batch_mean}.items():
            assert rows[column].tolist() == pytest.approx(values.tolist(), abs=1e-6)


def test_cut_network_is_trained_on_for_as_many_batches_as_are_left(setting, monkeypatch):
    counts = []

    def counted(network, batches, **others):
        batches = list(batches)
        counts.append(len(batches))
        train(network, batches, **others)

    monkeypatch.setattr(controls, "train", counted)
    run_arm(replace(setting, total_batches=11), "random")
    assert counts == [3]


@pytest.mark.parametrize("arm", ["scratch", "scratch, batches", "ticket, random"])
def test_arm_that_has_no_size_to_train_at_is_refused_before_any_work(setting, tmp_path, arm):
    runs = [(setting, "dtc"), (replace(setting, neurons=()), arm)]
    with pytest.raises(ValueError, match=f"{arm}: no sizes are chosen"):
        run_arms(runs, parts=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("total", [None, 11])
def test_every_arm_gets_to_its_last_places(setting, arm, total):
    setting = replace(setting, total_batches=total)
    table = run_arm(setting, arm)
    reached = set(zip(table.neurons, table.batches, strict=True))
    assert set(last_places(setting, arm)) <= reached
    assert last_places(setting, arm)


@pytest.mark.parametrize(("total", "batches"), [(11, [2, 4, 6, 8, 11]), (8, [2, 4, 6, 8]), (None, [2, 4, 6, 8])])
def test_cut_network_is_trained_on_to_the_total_of_batches(setting, total, batches):
    table = run_arm(replace(setting, total_batches=total), "random").query("replicate == 0")
    assert table.batches.tolist() == batches
    assert table.neurons.tolist()[4:] == [3] * (len(batches) - 4)


def test_size_to_which_no_cut_leads_is_refused(setting):
    with pytest.raises(ValueError, match=r"do not lead to \[6\] hidden neurons: expected some of \[11, 7, 5, 3\]"):
        replace(setting, neurons=(7, 6))


def test_layers_are_cut_as_the_schedule_of_the_setting_says(setting):
    deep = replace(setting, hidden_widths=(16, 12), neurons=())
    assert [sum(widths) for widths in deep.schedule] == run_arm(deep, "dtc").query("replicate == 0").neurons.tolist()


def test_finished_arms_are_kept_and_an_interrupted_study_goes_on_after_them(setting, tmp_path, monkeypatch):
    runs = [(setting, "random"), (setting, "dense")]
    whole, records = run_arms(runs, parts=tmp_path / "one")
    assert [record["run"] for record in records] == [f"tiny described {arm} point=0.1" for arm in ("random", "dense")]
    run_arms(runs[:1], parts=tmp_path / "other")
    ran = []
    monkeypatch.setattr(arms, "run_arm", lambda setting, arm: ran.append(arm) or run_arm(setting, arm))
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
    monkeypatch.setattr(arms, "run_arm", lambda _, arm: ran.append(arm) or pd.DataFrame({"x": [0]}))
    run_arms([(replace(setting, **change), "random")], parts=tmp_path)
    assert ran == ["random"]


def test_run_in_another_environment_is_run_anew(setting, tmp_path, monkeypatch):
    run_arms([(setting, "random")], parts=tmp_path)
    ran = []
    monkeypatch.setattr(arms, "run_arm", lambda _, arm: ran.append(arm) or pd.DataFrame({"x": [0]}))
    monkeypatch.setattr(arms, "environment_key", lambda: "another")
    run_arms([(setting, "random")], parts=tmp_path)
    assert ran == ["random"]
