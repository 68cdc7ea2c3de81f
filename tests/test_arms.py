import pandas as pd
import pytest

from dtc_helpers import arms
from dtc_helpers.arms import ARM_COLUMNS, ARMS, Setting, run_arm, run_arms
from dtc_helpers.cycle import Plan
from dtc_helpers.readings import READINGS

SCHEDULE = [11, 7, 5, 3]  # from 16, keeping 0.7


@pytest.fixture
def setting(tiny_dataset):
    plan = Plan(batches_per_cycle=2, keep_fraction=0.7, stop_at=4)
    return Setting(tiny_dataset, READINGS["described"], (1, 2), plan, 16, (7, 3))


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_has_a_row_an_outcome_and_replicate(setting, arm):
    table = run_arm(setting, arm)
    assert tuple(table.columns) == ARM_COLUMNS
    assert table.test_accuracy.between(0, 1).all()
    assert (table.groupby("neurons").replicate.apply(list).map(lambda r: set(r) == {0, 1})).all()
    neurons = (
        [16] * 4 if arm == "dense" else list(setting.widths) if arm.startswith(("scratch", "ticket")) else SCHEDULE
    )
    assert table[table.replicate == 0].neurons.tolist() == neurons
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
    table = run_arm(setting, arm)
    assert table[table.replicate == 0].batches.tolist() == batches


def test_finished_arms_are_kept_and_an_interrupted_study_goes_on_after_them(setting, tmp_path, monkeypatch):
    whole = run_arms([setting], ["random", "dense"], parts=tmp_path / "one")
    run_arms([setting], ["random"], parts=tmp_path / "other")
    ran = []
    monkeypatch.setattr(arms, "run_arm", lambda setting, arm: ran.append(arm) or run_arm(setting, arm))
    resumed = run_arms([setting], ["random", "dense"], parts=tmp_path / "other")
    assert ran == ["dense"]
    pd.testing.assert_frame_equal(resumed, whole)
