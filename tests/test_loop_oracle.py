"""Every field of every record of `compress_train`, and its optimiser, against the loop written out by hand."""

from dataclasses import dataclass, fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from loop_oracle import Adam, Question, SlowCut, SlowCycle, initial_weights, one_step, slow_compress_train

from dtc_helpers import cycle as cycle_module
from dtc_helpers.cycle import CycleRecord, LayerCut, compress_train, start_networks
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.scoring import SCORES
from dtc_helpers.studies.walk import WALK
from dtc_helpers.training import Accuracy

CPU = torch.device("cpu")
# Of 600 images in batches of 512 a pass has 2, so that with 3 a cycle every other cycle begins amid a pass.
PLAN = Plan(batches_per_cycle=3, keep_fraction=0.75, stop_at=3, l1_penalty=0.3, measurement_fraction=0.55)
PUBLISHED, DESCRIBED = READINGS["published"], READINGS["described"]
# Where SCS stops depends on its input in a rough way: weights that differ by 1e-7 moved its scores by up to 2e-5.
SCORE_TOLERANCE = {None: 5e-6, "exact": 5e-6, "lars": 5e-6, "scs": 5e-4}
GAP_TOLERANCE = {"exact": 1e-9, "lars": 1e-5, "scs": 1e-3}
every_reading = pytest.mark.parametrize("reading", READINGS.values(), ids=list(READINGS))
every_method = pytest.mark.parametrize("method", SCORES)


@pytest.fixture
def check(tiny_dataset, monkeypatch):
    """Runs the package and the oracle side by side; gives what the package yielded."""

    def run_both(widths, *, method, reading, seeds=(5,), plan=PLAN):
        network = start_networks(tiny_dataset, widths, reading=reading, seeds=seeds, device=CPU)
        questions = [Question(tiny_dataset, list(widths), method, reading, seed, plan, seeds[0]) for seed in seeds]
        for weight, *alone in zip(network.weights, *map(initial_weights, questions), strict=True):
            assert torch.equal(weight, torch.stack(alone))
        optimisers = watch_optimisers(monkeypatch)
        records = compress_train(network, tiny_dataset, method=method, reading=reading, seeds=seeds, plan=plan)
        steps, solver = [], reading.solver if method == "dtc" else None
        for record, *slow in zip(records, *map(slow_compress_train, questions), strict=True):
            steps.append((record, slow))
            check_cycle(record, slow, number=len(steps), solver=solver)
            check_optimiser(optimisers[-1], slow)
        assert len(optimisers) == len(steps)
        for record, slow in steps:  # later cycles have left the earlier records alone
            check_layers(record, slow, solver)
        return [record for record, _ in steps]

    return run_both


# --------------------------------------------------------------------------- comparing, field by field


def check_cycle(record: CycleRecord, slow: list[SlowCycle], *, number: int, solver: str | None):
    assert record.cycle == number
    assert record.neurons == sum(slow[0].n_neurons)
    assert record.removed_fraction == pytest.approx(slow[0].removed_fraction, rel=1e-12)
    assert min(record.train_seconds, record.score_seconds) >= 0
    check_accuracy(record.accuracy, slow)
    check_layers(record, slow, solver)
    assert record.network.hidden_widths == tuple(slow[0].n_neurons)
    for place, weight in enumerate(record.network.weights):
        close(weight.detach(), torch.stack([one.weights[place] for one in slow]), rtol=0, atol=2e-6)
    for layer, names in enumerate(record.network.neuron_ids):
        same(names, [one.neuron_ids[layer] for one in slow])


def check_accuracy(accuracy: Accuracy, slow: list[SlowCycle]):
    for field in fields(Accuracy):
        found = getattr(accuracy, field.name)
        assert found.dtype == torch.float64
        for share, one in zip(found.tolist(), slow, strict=True):
            expected, tolerance = getattr(one.accuracy, field.name), 1e-12 + one.accuracy.doubtful
            assert share == pytest.approx(expected, rel=0, abs=tolerance, nan_ok=True)


def check_layers(record: CycleRecord, slow: list[SlowCycle], solver: str | None):
    for layer, cut in enumerate(record.layers):
        check_cut(cut, [one.layers[layer] for one in slow], solver)
    assert len(record.layers) == len(slow[0].layers)


def check_cut(cut: LayerCut, slow: list[SlowCut], solver: str | None):
    close(cut.neuron_sums, doubles([one.neuron_sums for one in slow]).transpose(0, 1), rtol=1e-5, atol=2e-6)
    close(cut.measurements, doubles([one.measurements for one in slow]).transpose(0, 1), rtol=1e-5, atol=1e-5)
    close(cut.scores, doubles([one.scores for one in slow]), rtol=1e-5, atol=SCORE_TOLERANCE[solver])
    same(cut.neuron_ids, [one.neuron_ids for one in slow])
    same(cut.removed, [one.removed for one in slow])
    close(cut.removed_scores, doubles([one.removed_scores for one in slow]), rtol=1e-5, atol=SCORE_TOLERANCE[solver])
    assert all(is_decided(one, SCORE_TOLERANCE[solver]) for one in slow), "decided by a hair: ask with another seed"
    gaps = [one.duality_gap for one in slow if one.duality_gap is not None]
    assert (cut.duality_gap is None) == (not gaps)
    if cut.duality_gap is not None and solver is not None:
        close(cut.duality_gap, doubles(gaps), rtol=1e-3, atol=GAP_TOLERANCE[solver])


def is_decided(slow: SlowCut, tolerance: float) -> bool:
    """Whether the last that stays and the first that goes are equal, or unlike by more than rounding could change."""
    kept_scores = [slow.scores[i] for i in slow.kept]
    between = [abs(kept - gone) for kept in kept_scores for gone in slow.removed_scores]
    return min(between) == 0 or min(between) > 2 * tolerance


def doubles(values) -> torch.Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64))


def close(found: torch.Tensor, expected: torch.Tensor, *, rtol: float, atol: float):
    """Same shape and type too."""
    torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)


def same(found: torch.Tensor, expected: list[list[int]]):
    assert found.dtype == torch.int64
    assert found.tolist() == expected


@dataclass
class SeenOptimiser:
    """What `train` was given: whose weights, which numbers, which moments of every weight."""

    is_of_this_network: bool
    numbers: dict[str, object]
    states: list[dict[str, torch.Tensor]]


def watch_optimisers(monkeypatch) -> list[SeenOptimiser]:
    seen = []

    def watched(network, image_batches, *, optimizer, loss_axis):
        (group,) = optimizer.param_groups
        own = [weight is parameter for weight, parameter in zip(network.weights, group["params"], strict=True)]
        states = [{name: v.clone() for name, v in optimizer.state.get(w, {}).items()} for w in network.weights]
        seen.append(SeenOptimiser(all(own), {k: v for k, v in group.items() if k != "params"}, states))
        trained(network, image_batches, optimizer=optimizer, loss_axis=loss_axis)

    trained = cycle_module.train
    monkeypatch.setattr(cycle_module, "train", watched)
    return seen


def check_optimiser(seen: SeenOptimiser, slow: list[SlowCycle]):
    assert seen.is_of_this_network
    plain_adam = {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False}
    assert seen.numbers | plain_adam == seen.numbers
    assert not seen.numbers["maximize"]
    for place, state in enumerate(seen.states):
        moments = [one.adam_before[place] for one in slow if one.adam_before is not None]
        assert bool(state) == bool(moments)
        if moments:
            check_moments(state, moments)


def check_moments(state: dict[str, torch.Tensor], moments: list[Adam]):
    assert {moment.step for moment in moments} == {state["step"].item()}
    for name in ("exp_avg", "exp_avg_sq"):
        expected = torch.stack([getattr(moment, name) for moment in moments])
        close(state[name], expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_nothing_in_a_record_escapes_the_comparison():
    compared = {
        CycleRecord: "cycle neurons removed_fraction accuracy layers network train_seconds score_seconds",
        LayerCut: "neuron_sums measurements scores neuron_ids removed removed_scores duality_gap",
        Accuracy: "overall batch_mean single_image calibrated",
    }
    for record, names in compared.items():
        assert [field.name for field in fields(record)] == names.split()


# ------------------------------------------------------------------------------------------ the loop


@every_reading
@every_method
@pytest.mark.parametrize(
    ("widths", "seeds"),
    [([17], (5,)), ([16, 14], (4,)), ([20, 9], (8,)), ([9, 9, 9], (1,)), ([9, 16, 12], (1, 6))],
    ids=["one layer", "two layers", "unlike layers", "like layers", "three layers of two replicates"],
)
def test_loop_is_the_one_written_out_by_hand(check, reading, method, widths, seeds):
    assert len(check(widths, method=method, reading=reading, seeds=seeds)) > 1


@every_reading
@every_method
def test_every_replicate_is_the_network_of_its_own_seed_shown_the_images_in_the_order_of_the_first(
    check, reading, method
):
    check([12, 10], method=method, reading=reading, seeds=(7, 2))


@pytest.mark.parametrize("reading", WALK.values(), ids=list(WALK))
@every_method
def test_every_switch_from_one_reading_to_the_other_does_what_it_says(check, reading, method):
    plan = replace(PLAN, measurement_fraction=0.9)  # where the code is sparse, SCS ranks by its errors
    check([12, 9], method=method, reading=reading, seeds=(6,), plan=plan)


@pytest.mark.parametrize("ray_domain", ["sparse_code", "recovered_weights"])
def test_duality_gap_is_the_larger_of_both_solves_of_every_replicate(check, monkeypatch, ray_domain):
    """For a solver that stops far from the optimum: an exact one has gaps of rounding only."""
    monkeypatch.setattr("dtc_helpers.solvers.reference._by_lars", lambda *problem: (one_step(*problem), 1))
    reading = replace(DESCRIBED, solver="lars", ray_domain=ray_domain)
    with pytest.warns(UserWarning, match="lars stops at a relative duality gap"):
        records = check([12, 9], method="dtc", reading=reading, seeds=(5, 3))
    for record in records:
        assert all((cut.duality_gap > 0.01).all() for cut in record.layers)


@every_reading
@pytest.mark.parametrize("l1_penalty_fraction", [0.02, 0.3, 1.5])
def test_penalty_given_as_a_share_is_one_of_the_largest_useful_penalty_of_every_solve(
    check, reading, l1_penalty_fraction
):
    plan = replace(PLAN, l1_penalty_fraction=l1_penalty_fraction)
    check([12, 9], method="dtc", reading=replace(reading, solver="exact"), seeds=(5, 3), plan=plan)


@pytest.mark.parametrize("l1_penalty", [0.05, 2.0, 1e6])
def test_penalty_is_that_of_the_plan(check, l1_penalty):
    check([12, 9], method="dtc", reading=DESCRIBED, seeds=(7,), plan=replace(PLAN, l1_penalty=l1_penalty))


@pytest.mark.parametrize("kept_scores", ["lowest", "highest"])
def test_of_neurons_with_equal_scores_the_lower_stay(check, kept_scores):
    """One measurement of 16 neurons leaves at least 14 entries of both codes at exactly 0."""
    reading = replace(DESCRIBED, ray_domain="sparse_code", kept_scores=kept_scores)
    plan = replace(PLAN, measurement_fraction=0.01, keep_fraction=0.6)
    first = check([16, 12], method="dtc", reading=reading, plan=plan)[0].layers[0]
    assert (first.scores == 0).sum() >= 14
    if kept_scores == "highest":
        assert first.removed.tolist() == [(first.scores[0] == 0).nonzero().flatten().tolist()[-7:]]


@every_method
@pytest.mark.parametrize("kept_scores", ["lowest", "highest"])
def test_neurons_kept_as_ranked_stay_in_the_order_of_their_scores(check, method, kept_scores):
    reading = replace(DESCRIBED, kept_scores=kept_scores, kept_as_ranked=frozenset({method}))
    check([12, 9], method=method, reading=reading, seeds=(5, 3))


@every_reading
@pytest.mark.parametrize("batches_per_cycle", [1, 2, 5])
def test_training_goes_on_where_the_reading_says_however_long_a_cycle_is(check, reading, batches_per_cycle):
    check([8, 9], method="magnitude", reading=reading, plan=replace(PLAN, batches_per_cycle=batches_per_cycle))


@every_reading
@pytest.mark.parametrize("keep_fraction", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("stop_at", [0, 1, 5, 7])
def test_layers_shrink_until_the_narrowest_is_small_enough(check, reading, keep_fraction, stop_at):
    plan = replace(PLAN, batches_per_cycle=1, keep_fraction=keep_fraction, stop_at=stop_at)
    records = check([9, 8], method="random", reading=reading, plan=plan)
    assert min(records[-1].network.hidden_widths) <= max(stop_at, 1)


@every_reading
@pytest.mark.parametrize("measurement_fraction", [0.01, 0.1, 0.95])
def test_measurements_are_as_many_as_the_reading_counts(check, reading, measurement_fraction):
    plan = replace(PLAN, measurement_fraction=measurement_fraction)
    check([15, 9], method="magnitude", reading=reading, plan=plan)


# ------------------------------------------------------------------------------------------- the clock


def test_training_and_scoring_are_timed_apart_and_testing_not_at_all(tiny_dataset, monkeypatch):
    """Every part takes a time of its own on a clock that stands still otherwise."""
    now = [0.0]

    def slowly(function, seconds):
        def slow_function(*args, **kwargs):
            now[0] += seconds
            return function(*args, **kwargs)

        return slow_function

    monkeypatch.setattr(cycle_module, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    seconds = {"train": 1000, "hidden_layer": 1, "keep_neurons": 10, "carry_adam": 100, "accuracy": 10_000}
    for name, duration in seconds.items():
        monkeypatch.setattr(cycle_module, name, slowly(getattr(cycle_module, name), duration))
    monkeypatch.setitem(SCORES, "magnitude", slowly(SCORES["magnitude"], 0.25))
    network = start_networks(tiny_dataset, [9, 8], reading=DESCRIBED, seeds=(1,), device=CPU)
    records = compress_train(network, tiny_dataset, method="magnitude", reading=DESCRIBED, seeds=(1,), plan=PLAN)
    for record in records:
        assert record.train_seconds == 1000
        assert record.score_seconds == 100 + 2 * (1 + 10 + 0.25)
        now[0] += 1e6  # whoever looks at a record may take their time


def test_clock_waits_for_a_cuda_device_and_for_no_other(monkeypatch):
    waited_for = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited_for.append)
    for device in ("cpu", "cuda"):  # needs no CUDA: nothing is computed
        cycle_module._now(torch.device(device))
    assert waited_for == [torch.device("cuda")]
