# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalOperand=false
# A module's attributes have no types, and these tests look into many.
import itertools
from dataclasses import replace
from functools import partial

import module_zoo as zoo
import numpy as np
import pytest
import scipy.stats
import torch
import torch_pruning as tp
from torch import nn

from dtc_helpers import cycle
from dtc_helpers.any_network.choosing import channels_to_cut
from dtc_helpers.any_network.graph import Limits, prunable
from dtc_helpers.any_network.importance import DTCImportance, RandomImportance, ScoreImportance
from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.scoring import SCORES, Scores, dtc_scores, random_scores
from dtc_helpers.surgery import n_keep

SEED = 42424242


def exact(name):
    return replace(READINGS[name], solver="exact")


def as_module(network):
    """Replicate 0 of a perceptron of this project as linear layers."""
    layers = []
    for weight in network.weights:
        linear = nn.Linear(weight.shape[2], weight.shape[1], bias=False)
        linear.weight.data = weight[0].detach().clone()
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def cuts(dataset, hidden, *, reading, plan, method, monkeypatch):
    """The network before every cut of compress-train, and the neurons that the cut kept, for each hidden layer."""
    seen, of_cycle = [], cycle.hidden_layer

    def spy(network, layer, **arguments):
        seen.append((network, arguments["cycle"]))
        return of_cycle(network, layer, **arguments)

    monkeypatch.setattr(cycle, "hidden_layer", spy)
    network = start_networks(dataset, hidden, reading=reading, seeds=[SEED], device=torch.device("cpu"))
    for record in compress_train(network, dataset, method=method, reading=reading, seeds=[SEED], plan=plan):
        (before, number), *_ = [each for each in seen if each[1] == record.cycle]
        yield as_module(before), number, [set(ids[0].tolist()) for ids in record.network.neuron_ids], before.neuron_ids


def assert_same_choices(importance, reading, plan, dataset, hidden, monkeypatch, method="dtc"):
    """Every cut of compress-train is the one that the importance makes; gives the number of cuts."""
    found = cuts(dataset, hidden, reading=reading, plan=plan, method=method, monkeypatch=monkeypatch)
    number = 0
    for module, number, kept, ids in found:
        importance.cut = number
        groups = prunable(module, torch.ones(2, dataset.n_inputs), Limits())
        gone = channels_to_cut(groups, importance=importance, keep_fraction=plan.keep_fraction)
        assert [made.name for made in groups.groups] == [str(2 * i) for i in range(len(hidden))]
        for made, stay, names in zip(groups.groups, kept, ids, strict=True):
            assert set(names[0].tolist()) - set(names[0][gone[made.name]].tolist()) == stay
    return number


@pytest.mark.parametrize("hidden", [(24,), (16, 12)])
@pytest.mark.parametrize("name", READINGS)
def test_chooses_on_perceptrons_the_neurons_that_compress_train_chooses(name, hidden, tiny_dataset, monkeypatch):
    plan = Plan(batches_per_cycle=3, stop_at=4)
    importance = DTCImportance(name, seed=SEED)
    assert assert_same_choices(importance, exact(name), plan, tiny_dataset, hidden, monkeypatch) >= 7


@pytest.mark.parametrize("name", READINGS)
def test_chooses_in_all_34_cuts_of_the_paper_what_compress_train_chooses(name, monkeypatch):
    plan = Plan(batches_per_cycle=2)
    importance = DTCImportance(name, seed=SEED)
    digits = load_dataset("digits")
    assert assert_same_choices(importance, exact(name), plan, digits, (512,), monkeypatch) == 34


@pytest.mark.parametrize("method", ["magnitude", "norms", "random"])
def test_other_scores_choose_alike_too(method, tiny_dataset, monkeypatch):
    plan, reading = Plan(batches_per_cycle=3, stop_at=4), READINGS["described"]
    importance = ScoreImportance(SCORES[method], reading=reading, seed=SEED)
    assert assert_same_choices(importance, reading, plan, tiny_dataset, (24,), monkeypatch, method) >= 10


def test_exact_zeros_tie_and_the_lower_index_stays(tiny_dataset):
    common = {"reading": exact("published"), "seeds": [1], "device": torch.device("cpu")}
    network = as_module(start_networks(tiny_dataset, (24,), **common))
    (made,) = prunable(network, torch.ones(2, 6), Limits()).groups
    importance = DTCImportance("published", seed=1)
    scores = dtc_scores(importance.hidden_layer(made.group)).values[0]
    places = importance(made.group)
    zeros = (scores == 0).nonzero().flatten()
    assert len(zeros) > 10
    assert places[zeros].tolist() == sorted(places[zeros].tolist(), reverse=True)  # in the published reading these stay
    assert sorted(places.tolist()) == list(range(1, 25))


def places_of(network, example, importance):
    graph = prunable(network, example, Limits())
    return {made.name: importance(made.group).tolist() for made in graph.groups}


@pytest.mark.parametrize("make", [partial(DTCImportance, "described"), RandomImportance])
def test_streams_depend_on_seed_cut_and_layer_only(make):
    network, example = zoo.lenet(), zoo.images()
    reference = places_of(network, example, make(seed=1))
    assert places_of(network, example, make(seed=2)) != reference
    later = make(seed=1)
    later.cut = 2
    assert places_of(network, example, later) != reference
    groups = list(prunable(network, example, Limits()).groups)
    for order in itertools.permutations(groups):
        importance = make(seed=1)
        assert {made.name: importance(made.group).tolist() for made in order} == reference


def test_draws_nothing_from_the_global_generators():
    network, example = zoo.lenet(), zoo.images()
    torch_state, numpy_state = torch.get_rng_state(), str(np.random.get_state())
    for importance in (DTCImportance(seed=1), DTCImportance("published", seed=1), RandomImportance(seed=1)):
        places_of(network, example, importance)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert str(np.random.get_state()) == numpy_state


def test_random_control_is_uniform():
    network, (n, n_kept) = zoo.mlp(hidden=(8,)), (8, n_keep(8, 0.5))
    (made,) = prunable(network, zoo.vectors(), Limits()).groups
    counts = np.zeros(n)
    for seed in range(2000):
        places = RandomImportance(seed)(made.group)
        counts[torch.topk(places, n_kept).indices] += 1
    expected = 2000 * n_kept / n
    statistic = ((counts - expected) ** 2 / expected).sum() * (n - 1) / (n - n_kept)  # drawn without putting back
    assert 1e-3 < scipy.stats.chi2.sf(statistic, n - 1) < 1 - 1e-3
    assert counts.sum() == 2000 * n_kept


def test_ray_domain_measurements_and_penalty_are_settings():
    network, example = zoo.mlp(hidden=(30,)), zoo.vectors()
    reference = places_of(network, example, DTCImportance(seed=1))
    for other in (
        DTCImportance(seed=1, ray_domain="sparse_code"),
        DTCImportance(seed=1, l1_penalty=1.0),
        DTCImportance(seed=1, measurement_fraction=0.3),
        DTCImportance("published", seed=1),
    ):
        assert places_of(network, example, other) != reference
        assert 0 <= other.gaps["0"] <= 1e-9


def test_solve_without_a_proof_is_refused():
    def unproven(layer):
        scores = dtc_scores(layer)
        return Scores(scores.values, replace(scores.recovery, duality_gap=scores.recovery.duality_gap + 1))

    importance = ScoreImportance(unproven, reading=exact("described"), seed=1)
    with pytest.raises(RuntimeError, match="did not reach the tolerance"):
        places_of(zoo.mlp(), zoo.vectors(), importance)


def test_group_that_nobody_reads_has_no_scores():
    network = zoo.mlp()
    graph = tp.DependencyGraph().build_dependency(network, zoo.vectors())
    output = graph.get_pruning_group(network[2], tp.prune_linear_out_channels, [0, 1, 2])
    assert DTCImportance(seed=1)(output) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reading": "written"}, "reading = 'written' is not one of published, described"),
        ({"ray_domain": "s"}, "ray_domain = s does not exist: expected sparse_code, recovered_weights"),
        ({"l1_penalty": 0.0}, "l1_penalty = 0.0 is outside 1e-300 …"),
    ],
)
def test_settings_that_do_not_exist_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        DTCImportance(seed=1, **wrong)


def test_pruner_of_torch_pruning_cuts_the_same_channels():
    network, keep = zoo.mlp(hidden=(20,)), 0.7
    (made,) = prunable(network, zoo.vectors(), Limits()).groups
    found = prunable(network, zoo.vectors(), Limits())
    gone = channels_to_cut(found, importance=DTCImportance(seed=1), keep_fraction=keep)
    n, stay = 20, n_keep(20, keep)
    pruner = tp.pruner.BasePruner(
        network, zoo.vectors(), importance=DTCImportance(seed=1), pruning_ratio=(n - stay - 0.5) / n,
        ignored_layers=[network[2]], in_channel_groups={}, out_channel_groups={},
    )  # fmt: skip
    left = network[0].weight.detach().clone()
    pruner.step()
    kept = [row for row in range(n) if row not in gone[made.name].tolist()]
    assert torch.equal(network[0].weight, left[kept])


def test_ranks_keep_a_threshold_from_cutting_all_that_tie():
    tied = torch.zeros(1, 30)

    def score(layer):
        return Scores(tied)

    importance = ScoreImportance(score, reading=READINGS["described"], seed=1)
    network = zoo.mlp(hidden=(30,))
    (made,) = prunable(network, zoo.vectors(), Limits()).groups
    places = importance(made.group)
    assert int((places <= places.sort().values[2]).sum()) == 3  # by scores it would be 30
    assert random_scores is RandomImportance(1).score


@pytest.mark.parametrize("make", [DTCImportance, RandomImportance])
@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (-1, "seed = -1 is outside 0 … 4294967295"),
        (2**32, "seed = 4294967296 is outside"),
        ("1", "seed = '1': expected int, got str"),
        (1.5, "seed = 1.5: expected int, got float"),
        (None, "seed = None: expected int, got NoneType"),
        (True, "seed = True: expected int, got bool"),
    ],
)
def test_seeds_that_cannot_be_are_refused_at_once(make, seed, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(seed=seed)


def test_seed_of_numpy_is_one_of_python():
    assert type(RandomImportance(np.int64(3)).seed) is int
