from dataclasses import replace

import pytest

from dtc_helpers.cycle import cycle_batches, start_networks
from dtc_helpers.readings import READINGS
from dtc_helpers.studies import setting as settings_of_studies
from dtc_helpers.studies.arms import ARMS, last_places, multiply_adds, random_ids, rewound
from dtc_helpers.studies.runs import ARM_COLUMNS, run_arm
from dtc_helpers.training import accuracy, adam, train

SCHEDULE = [11, 7, 5, 3]  # from 16, keeping 0.7


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

    monkeypatch.setattr(settings_of_studies, "train", counted)
    run_arm(replace(setting, total_batches=11), "random")
    assert counts == [3]


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("total", [None, 11])
def test_every_arm_gets_to_its_last_places(setting, arm, total):
    setting = replace(setting, total_batches=total)
    table = run_arm(setting, arm)
    reached = set(zip(table.neurons, table.batches, strict=True))
    assert set(last_places(setting, arm)) <= reached
    assert last_places(setting, arm)


@pytest.mark.parametrize("arm", ["random", "dense", "ticket, dtc"])
def test_last_place_is_where_the_last_row_of_a_run_is(setting, arm):
    for changed in (setting, replace(setting, total_batches=5), replace(setting, neurons=(11, 7))):
        *_, last = run_arm(changed, arm)[["neurons", "batches"]].itertuples(index=False, name=None)
        assert last_places(changed, arm)[-1] == last


@pytest.mark.parametrize(("total", "batches"), [(11, [2, 4, 6, 8, 11]), (8, [2, 4, 6, 8]), (None, [2, 4, 6, 8])])
def test_cut_network_is_trained_on_to_the_total_of_batches(setting, total, batches):
    table = run_arm(replace(setting, total_batches=total), "random").query("replicate == 0")
    assert table.batches.tolist() == batches
    assert table.neurons.tolist()[4:] == [3] * (len(batches) - 4)


def test_layers_are_cut_as_the_schedule_of_the_setting_says(setting):
    deep = replace(setting, hidden_widths=(16, 12), neurons=())
    assert [sum(widths) for widths in deep.schedule] == run_arm(deep, "dtc").query("replicate == 0").neurons.tolist()


@pytest.mark.parametrize("arm", ["dense", "scratch, batches", "ticket, norms", "ticket, random"])
def test_neurons_of_two_layers_are_counted_together(setting, arm):
    deep = replace(setting, hidden_widths=(16, 12), neurons=())
    sizes = [sum(widths) for widths in deep.schedule]
    table = run_arm(replace(deep, neurons=sizes[1:2]), arm).query("replicate == 0")
    assert table.neurons.tolist() == ([28, 28] if arm == "dense" else sizes[1:2])
    assert table.removed_fraction.tolist() == pytest.approx((1 - table.neurons / 28).tolist(), abs=1e-6)
    assert table.batches.iloc[-1] == 4


def test_largest_gap_of_a_run_so_far_stands_beside_every_outcome(setting):
    published = replace(setting, reading=READINGS["published"], total_batches=10)  # SCS: gaps that differ
    gaps = [record.layers[0].duality_gap.tolist() for record in published.cut("dtc")]
    largest = [[max(gap[r] for gap in gaps[: cycle + 1]) for r in range(2)] for cycle in range(4)]
    assert len({tuple(gap) for gap in largest}) > 1
    table = run_arm(published, "dtc").pivot(index="batches", columns="replicate", values="duality_gap")
    for found, wanted in zip(table.to_numpy(), [*largest, largest[-1]], strict=True):
        assert found.tolist() == pytest.approx(wanted, rel=1e-2)
    assert run_arm(published, "ticket, dtc").duality_gap.max() == pytest.approx(max(max(g) for g in gaps), rel=1e-2)
    assert run_arm(published, "random").duality_gap.isna().all()


def test_multiply_adds_by_hand():
    # 784·51 forward and for the weights; 51·10 forward, for the weights and for the activities
    assert multiply_adds([784, 51, 10]) == 2 * 784 * 51 + 3 * 51 * 10
