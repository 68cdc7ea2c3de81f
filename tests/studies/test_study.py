import importlib
import json
import pkgutil
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, get_args, get_origin, get_type_hints

import pandas as pd
import pytest

import dtc_helpers
from dtc_helpers.readings import Plan
from dtc_helpers.runs.checking import NotebookParameters
from dtc_helpers.studies import runs as arm_runs
from dtc_helpers.studies import setting as settings_of_studies
from dtc_helpers.studies import (
    study,
    study_3_uncertainty,
    study_4_pruning_frequency,
    study_5_penalty_and_measurements,
    study_6_lottery_tickets,
    study_7_deeper_networks,
    study_12_from_code_to_text,
)
from dtc_helpers.studies.runs import ARM_COLUMNS
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import study_table
from dtc_helpers.studies.study_3_uncertainty import (
    UncertaintyParameters,
    order_runs,
    single_image_runs,
    uncertainty_runs,
)
from dtc_helpers.studies.study_4_pruning_frequency import FrequencyParameters, frequency_runs
from dtc_helpers.studies.study_5_penalty_and_measurements import PenaltyParameters, chosen_runs, penalty_runs
from dtc_helpers.studies.study_6_lottery_tickets import TicketParameters, ticket_runs
from dtc_helpers.studies.study_7_deeper_networks import DepthParameters, depth_runs
from dtc_helpers.studies.study_8_sweep_report import SweepReportParameters
from dtc_helpers.studies.study_9_binning import BinningParameters
from dtc_helpers.studies.study_10_proposition_on_trial import TrialParameters
from dtc_helpers.studies.study_12_from_code_to_text import SwitchParameters, switch_runs
from dtc_helpers.studies.walk import WALK

STUDIES = (
    study_3_uncertainty, study_4_pruning_frequency, study_5_penalty_and_measurements, study_6_lottery_tickets,
    study_7_deeper_networks, study_12_from_code_to_text,
)  # fmt: skip
COMMON = {"seed": 1, "recompute": True, "results_dir": "results", "figures_dir": "figures"}
UNCERTAINTY = UncertaintyParameters(
    arms=["random", "dtc"], replicates=3, **COMMON, dataset="digits", readings=["described"], controls=["scratch"],
    control_readings=["described"], control_replicates=2, widths=[5], order_reading="described", orders=2,
    order_replicates=2,
)  # fmt: skip
FREQUENCY = FrequencyParameters(
    arms=["random"], replicates=2, **COMMON, datasets=["digits", "mnist1d"], readings=["described"],
    cut_fractions=[0.3, 0.5], batches_per_cycle=[1, 4], thinned_cut_fractions=[0.5],
    thinned_batches_per_cycle=[1], stop_at=4, total_batches=8,
)  # fmt: skip
PENALTY = PenaltyParameters(
    arms=["dtc"], replicates=2, **COMMON, datasets=["digits", "mnist1d"], reading="published",
    penalty_fractions=[0.01, 0.5], measurement_fractions=[0.4], thinned_penalty_fractions=[0.1],
    thinned_measurement_fractions=[0.5], stop_at=3, test_replicates=3,
)  # fmt: skip
DEPTH = DepthParameters(
    arms=["random"], replicates=2, **COMMON, datasets=["digits"], readings=["described"], hidden_widths=[[12]]
)
BINNING = BinningParameters(**COMMON, datasets=["mnist"], processes=["DTC"], null_draws=10, data_dir="data")


@pytest.fixture(autouse=True)
def _small(monkeypatch, tiny_dataset):
    """Twelve hidden neurons, a batch a cycle, three cuts, and the tiny dataset under every name."""
    monkeypatch.setattr(settings_of_studies, "load_dataset", lambda name: replace(tiny_dataset, name=name))
    monkeypatch.setattr(settings_of_studies, "images", settings_of_studies.images.__wrapped__)  # without its cache
    monkeypatch.setattr(study_4_pruning_frequency, "N_NEURONS", 12)
    small = {"batches_per_cycle": 1, "keep_fraction": 0.7, "stop_at": 4}
    for module in (study_4_pruning_frequency, study_5_penalty_and_measurements):
        monkeypatch.setattr(module, "Plan", partial(Plan, **small))
    for module in STUDIES:
        monkeypatch.setattr(module, "Setting", partial(Setting, hidden_widths=(12,), plan=Plan(**small)))
    monkeypatch.setattr(arm_runs, "progress", lambda items, **_: items)


@pytest.fixture
def uncertainty(tmp_path):
    return replace(UNCERTAINTY, results_dir=str(tmp_path))


@pytest.fixture
def stored(monkeypatch, tmp_path, uncertainty):
    """A small study, computed and then put where the committed ones are."""
    table = study_table("study", uncertainty_runs(uncertainty), uncertainty)
    monkeypatch.setattr(study, "STORED", tmp_path)
    return table


def read_again(parameters, **changes):
    parameters = replace(parameters, recompute=False, **changes)
    return study_table("study", uncertainty_runs(parameters), parameters)


def test_computed_study_is_written_with_its_provenance(stored, tmp_path, uncertainty):
    assert tuple(pd.read_csv(tmp_path / "study.csv").columns) == ARM_COLUMNS
    run = json.loads((tmp_path / "study.json").read_text())
    assert run["parameters"] == asdict(uncertainty)
    assert {"versions", "git_commit", "threads", "cpu_capability", "device"} <= set(run)
    assert [(made["run"], made["replicates"]) for made in run["runs"]] == [
        ("digits described random", 3), ("digits described dtc", 3), ("digits described scratch", 2),
    ]  # fmt: skip
    assert all({"seconds", "git_commit", "threads", "cpu_capability"} <= set(made) for made in run["runs"])


def test_stored_study_is_what_was_computed_and_needs_no_images(stored, uncertainty, monkeypatch):
    def refused(*_, **__):
        pytest.fail("a stored study loaded images")

    monkeypatch.setattr(settings_of_studies, "images", refused)
    pd.testing.assert_frame_equal(read_again(uncertainty), stored)


def test_part_of_a_stored_study_can_be_asked_for(stored, uncertainty):
    part = read_again(uncertainty, arms=["dtc"], replicates=1, controls=["scratch"], control_replicates=1)
    assert part.arm.unique().tolist() == ["dtc", "scratch, batches", "scratch, multiply_adds", "scratch, longer"]
    assert part.seed.unique().tolist() == [1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": ["magnitude"]}, "study.csv has 0 of the 3 replicates asked for of magnitude · dataset digits"),
        ({"readings": ["published"]}, "has 0 of the 3 replicates asked for of random · dataset digits · reading publ"),
        ({"dataset": "mnist1d"}, "has 0 of the 3 replicates asked for of random · dataset mnist1d"),
        ({"replicates": 4}, "has 3 of the 4 replicates asked for of random"),
        ({"control_replicates": 3}, "has 2 of the 3 replicates asked for of scratch"),
        ({"widths": [5, 8]}, r"study.csv lacks \(neurons, batches\) = \[\(8, 1\)\] of scratch · dataset digits"),
    ],
)
def test_what_is_not_stored_is_named(stored, uncertainty, change, message):
    with pytest.raises(ValueError, match=message):
        read_again(uncertainty, **change)


def test_stored_study_of_another_total_of_batches_is_refused(monkeypatch, tmp_path):
    parameters = replace(FREQUENCY, results_dir=str(tmp_path))
    study_table("study", frequency_runs(parameters), parameters)
    monkeypatch.setattr(study, "STORED", tmp_path)
    other = replace(parameters, total_batches=9, recompute=False)
    with pytest.raises(ValueError, match=r"study.csv lacks \(neurons, batches\) = \[\(4, 9\)\] of random"):
        study_table("study", frequency_runs(other), other)


def test_stored_study_of_one_hidden_layer_is_found_by_its_name(monkeypatch, tmp_path):
    parameters = replace(DEPTH, results_dir=str(tmp_path))
    computed = study_table("study", depth_runs(parameters), parameters)
    monkeypatch.setattr(study, "STORED", tmp_path)
    stored = study_table("study", depth_runs(parameters), replace(parameters, recompute=False))
    pd.testing.assert_frame_equal(stored, computed)


def test_every_point_of_a_stored_study_is_found_by_its_columns(monkeypatch, tmp_path):
    parameters = replace(FREQUENCY, results_dir=str(tmp_path))
    computed = study_table("study", frequency_runs(parameters), parameters)
    monkeypatch.setattr(study, "STORED", tmp_path)
    stored = study_table("study", frequency_runs(parameters), replace(parameters, recompute=False))
    pd.testing.assert_frame_equal(stored, computed)


def test_arms_run_in_the_readings_and_controls_in_theirs_with_their_own_replicates():
    parameters = replace(UNCERTAINTY, readings=["published", "described"], control_readings=["published"])
    runs = [(s.reading.name, arm, list(s.seeds), s.neurons) for s, arm in uncertainty_runs(parameters)]
    arms = [(reading, arm, [1, 2, 3], [5]) for reading in ("published", "described") for arm in ("random", "dtc")]
    assert runs == [*arms, ("published", "scratch", [1, 2], [5])]


def test_every_order_of_the_images_has_replicates_of_its_own():
    """The order is drawn by the first seed of a run."""
    runs = [(s.columns["order"], list(s.seeds), s.reading.name, arm) for s, arm in order_runs(UNCERTAINTY)]
    seeds = {0: [1, 2], 1: [3, 4]}
    assert runs == [(order, seeds[order], "described", arm) for order in (0, 1) for arm in ("random", "dtc")]


def test_single_images_are_looked_at_in_the_published_reading_with_as_many_replicates_as_controls():
    runs = [(s.reading.name, list(s.seeds), arm) for s, arm in single_image_runs(UNCERTAINTY)]
    assert runs == [("published", [1, 2], "random"), ("published", [1, 2], "dtc")]


def test_first_dataset_has_the_full_grid_and_points_that_take_too_long_are_left_out():
    points = [(run.name, *run.columns.values()) for run, _ in frequency_runs(FREQUENCY)]
    # 12 neurons, 0.3: 8 6 4, three cuts; 0.5: 6 and 4 by a share near it, two cuts; 3 · 4 batches are more than 8
    assert points == [("digits", 0.3, 1), ("digits", 0.5, 1), ("digits", 0.5, 4), ("mnist1d", 0.5, 1)]


def test_every_point_of_the_frequency_study_ends_at_the_same_size_and_batches():
    for setting, arm in frequency_runs(FREQUENCY):
        assert setting.plan.batches_per_cycle == setting.columns["batches_per_cycle"]
        last = arm_runs.run_arm(setting, arm).iloc[-1]
        assert (last.neurons, last.batches) == (4, 8)


def test_penalties_are_chosen_on_validation_images_and_tested_on_test_images_and_other_seeds(tiny_dataset):
    grid = penalty_runs(PENALTY)
    assert len(grid) == 2 * (2 * 1) + 2 * (1 * 1)
    assert tiny_dataset.n_validation != len(tiny_dataset.test)
    assert {len(setting.dataset.test) for setting, _ in grid} == {tiny_dataset.n_validation}
    assert {len(setting.dataset.train) for setting, _ in grid} == {len(tiny_dataset.train) - tiny_dataset.n_validation}
    assert {setting.reading.solver for setting, _ in grid} == {"exact"}
    for setting, _ in grid:
        plan = (setting.reading.ray_domain, setting.plan.l1_penalty_fraction, setting.plan.measurement_fraction)
        assert tuple(setting.columns.values()) == plan
    tested = chosen_runs(PENALTY, [("digits", "recovered_weights", 0.5, 0.4)])
    assert [arm for _, arm in tested] == ["dtc", "random"]
    (setting, _), _ = tested
    assert len(setting.dataset.test) == len(tiny_dataset.test)
    assert (list(grid[0][0].seeds), list(setting.seeds)) == ([1, 2], [3, 4, 5])
    assert (setting.reading.ray_domain, setting.plan.l1_penalty_fraction) == ("recovered_weights", 0.5)
    two_arms = chosen_runs(replace(PENALTY, arms=["dtc", "norms"]), [("digits", "recovered_weights", 0.5, 0.4)])
    assert [arm for _, arm in two_arms] == ["dtc", "norms", "random"]  # each once


def test_walk_leaves_out_what_its_switches_do_not_touch():
    parameters = SwitchParameters(arms=["random", "dtc"], replicates=2, **COMMON, dataset="digits", steps=list(WALK))
    steps = {arm: [s.reading.name for s, own in switch_runs(parameters) if own == arm] for arm in ("random", "dtc")}
    assert steps["dtc"] == list(WALK)
    assert steps["random"] == list(WALK)[:-3]


def test_walk_with_steps_left_out_runs_every_arm_that_changes():
    parameters = SwitchParameters(
        arms=["random", "dtc"], replicates=2, **COMMON, dataset="digits", steps=["published", "exact solve"]
    )
    runs = [(setting.reading.name, arm) for setting, arm in switch_runs(parameters)]
    assert runs == [(step, arm) for step in ("published", "exact solve") for arm in ("random", "dtc")]
    alone = replace(parameters, steps=["rays of neurons", "m rounded"])
    assert [arm for _, arm in switch_runs(alone)] == ["random", "dtc", "dtc"]


def test_left_out_switches_would_change_nothing_for_other_methods():
    last_shared, *left_out = [WALK[step] for step in list(WALK)[-4:]]
    setting = study_12_from_code_to_text.Setting("digits", last_shared, [1, 2])
    for arm in ("random", "magnitude", "norms"):
        table = arm_runs.run_arm(setting, arm).drop(columns="reading")
        for reading in left_out:
            again = arm_runs.run_arm(replace(setting, reading=reading), arm).drop(columns="reading")
            pd.testing.assert_frame_equal(table, again)


def test_size_to_which_the_cuts_do_not_lead_is_refused_before_any_work():
    with pytest.raises(ValueError, match=r"do not lead to \[4\] hidden neurons: expected some of \[8, 5, 3\]"):
        penalty_runs(replace(PENALTY, stop_at=4))


def test_tickets_and_depth_have_a_run_an_arm_and_point():
    tickets = TicketParameters(
        arms=["dtc", "ticket, dtc"], replicates=2, **COMMON, dataset="digits", readings=["described"], widths=[5]
    )
    assert [(s.neurons, arm) for s, arm in ticket_runs(tickets)] == [([5], "dtc"), ([5], "ticket, dtc")]
    depth = DepthParameters(
        arms=["dtc"],
        replicates=2,
        **COMMON,
        datasets=["digits", "mnist1d"],
        readings=["described"],
        hidden_widths=[[12], [12, 11]],
    )
    columns = [(s.name, s.columns["hidden_widths"], s.hidden_widths) for s, _ in depth_runs(depth)]
    assert columns == [(d, name, w) for d in depth.datasets for name, w in (("12", [12]), ("12-11", [12, 11]))]


def bare_numbers(kind):
    """Numbers in a type that have no limit beside them."""
    if get_origin(kind) is Annotated:
        return []
    inner = [bare for each in get_args(kind) for bare in bare_numbers(each)]
    return [kind] if kind in (int, float) else inner


def subclasses(kind):
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_every_number_among_the_parameters_of_notebooks_has_a_limit():
    for module in pkgutil.walk_packages(dtc_helpers.__path__, "dtc_helpers."):
        if "parameters" in module.name or "study" in module.name or "lessons." in module.name:
            importlib.import_module(module.name)
    classes = subclasses(NotebookParameters)
    assert len(classes) > 20
    hints = [(each, *field) for each in classes for field in get_type_hints(each, include_extras=True).items()]
    bare = [(each, name) for each, name, kind in hints if bare_numbers(kind) and not name.startswith("answer_")]
    assert bare == []


@pytest.mark.parametrize("replicates", [[1], [1, 2, 3]])
def test_every_dataset_of_the_trial_has_its_number_of_replicates(replicates):
    given = {"recompute": False, "null_draws": 10, "seed": 1, "data_dir": "d", "figures_dir": "f"}
    assert TrialParameters(["digits", "mnist1d"], [1, 2], **given).replicates == [1, 2]
    with pytest.raises(ValueError, match=f"2 datasets and {len(replicates)} replicates: expected as many"):
        TrialParameters(["digits", "mnist1d"], replicates, **given)


@pytest.mark.parametrize(
    ("parameters", "change", "message"),
    [
        (UNCERTAINTY, {"controls": ["denses"]}, "controls = denses does not exist: expected magnitude, norms"),
        (UNCERTAINTY, {"control_readings": ["read"]}, "control_readings = read does not exist: expected published"),
        (UNCERTAINTY, {"control_replicates": 0}, "control_replicates = 0 is outside 1"),
        (UNCERTAINTY, {"widths": [-5]}, "widths = -5 is outside 1"),
        (DEPTH, {"hidden_widths": [[12], [-3, 0]]}, "hidden_widths = -3 is outside 11"),
        (BINNING, {"processes": ["nonsense"]}, "processes = nonsense does not exist: expected DTC, random pruning"),
        (BINNING, {"datasets": ["mnist", "digits"]}, "2 datasets and 1 processes: expected as many"),
        (FREQUENCY, {"thinned_cut_fractions": [0.5, 1.0]}, "thinned_cut_fractions = 1.0 is outside"),
        (PENALTY, {"penalty_fractions": [0.0]}, "penalty_fractions = 0.0 is outside"),
        (PENALTY, {"thinned_penalty_fractions": [1.1]}, "thinned_penalty_fractions = 1.1 is outside"),
        (PENALTY, {"measurement_fractions": [0.5, 1.1]}, "measurement_fractions = 1.1 is outside"),
        (PENALTY, {"test_replicates": 0}, "test_replicates = 0 is outside 1"),
        (FREQUENCY, {"total_batches": 0}, "total_batches = 0 is outside 1"),
        (SweepReportParameters("t", ["x"], 51, "f"), {"neurons": 0}, "neurons = 0 is outside 1"),
        (FREQUENCY, {"datasets": ["digits", "mnsit"]}, "datasets = mnsit does not exist: expected mnist"),
        (PENALTY, {"datasets": ["digits", "digits"]}, "datasets = digits, digits names one twice"),
        (UNCERTAINTY, {"controls": ["random"]}, "arms and controls = random, dtc, random names one twice"),
    ],
)
def test_wrong_parameter_of_a_study_is_refused(parameters, change, message):
    with pytest.raises(ValueError, match=message):
        replace(parameters, **change)


@pytest.mark.parametrize(
    ("parameters", "runs", "change", "what"),
    [
        (DEPTH, depth_runs, {"hidden_widths": [[12], [12]]}, "random · dataset digits"),
        (PENALTY, penalty_runs, {"penalty_fractions": [0.5, 0.5]}, "dtc · dataset digits"),
        (FREQUENCY, frequency_runs, {"batches_per_cycle": [1, 1]}, "random · dataset digits"),
        (UNCERTAINTY, uncertainty_runs, {"controls": ["scratch", "scratch, batches"]}, "scratch, batches · dataset"),
    ],
    ids=["widths", "penalties", "batches", "scratch"],
)
@pytest.mark.parametrize("recompute", [False, True])
def test_run_that_is_asked_for_twice_is_refused_before_any_work(
    parameters, runs, change, what, recompute, tmp_path, monkeypatch
):
    monkeypatch.setattr(arm_runs, "run_arm", lambda *_: pytest.fail("a run was made"))
    parameters = replace(parameters, recompute=recompute, results_dir=str(tmp_path), **change)
    with pytest.raises(ValueError, match=f"{what}.* is asked for twice"):
        study_table("study", runs(parameters), parameters)
