import copy
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import masked, networks, random_images

from dtc_helpers.networks import xavier_mlp
from dtc_helpers.paper import TABLE_1
from dtc_helpers.studies.study_4_pruning_frequency import keep_fraction_to
from dtc_helpers.surgery import carry_adam, highest, keep_neurons, lowest, n_keep, schedule, schedules
from dtc_helpers.training import adam, batches, train

PUBLISHED_SCHEDULE = [
    460, 414, 372, 334, 300, 270, 243, 218, 196, 176, 158, 142, 127, 114, 102, 91, 81, 72, 64, 57, 51, 45, 40, 36, 32,
    28, 25, 22, 19, 17, 15, 13, 11, 9,
]  # fmt: skip  # design.md, section 1


def test_schedule_from_512_is_the_published_one():
    assert schedule(512, keep_fraction=0.9, stop_at=10) == PUBLISHED_SCHEDULE
    assert len(PUBLISHED_SCHEDULE) == 34


@pytest.mark.parametrize("removed_fraction", [row[0] for row in TABLE_1])
def test_schedule_passes_through_every_row_of_table_1(removed_fraction):
    assert removed_fraction in [round(1 - width / 512, 4) for width in PUBLISHED_SCHEDULE]


@pytest.mark.parametrize("n_neurons", range(2, 513, 7))
def test_as_many_neurons_stay_as_score_below_the_published_quantile(n_neurons):
    scores = np.random.default_rng(n_neurons).random(n_neurons)
    assert n_keep(n_neurons, 0.9) == (scores < np.quantile(scores, 0.9)).sum()


@given(n_neurons=st.integers(2, 5000), keep_fraction=st.floats(1e-6, 1 - 1e-6), stop_at=st.integers(1, 50))
def test_schedule_falls_strictly_and_ends_at_the_first_width_not_above_the_stop(n_neurons, keep_fraction, stop_at):
    widths = [n_neurons, *schedule(n_neurons, keep_fraction=min(keep_fraction, 0.99), stop_at=stop_at)]
    assert all(before > after >= 1 for before, after in itertools.pairwise(widths))
    assert all(width > stop_at for width in widths[:-1])
    assert widths[-1] <= max(stop_at, 1) or n_neurons <= stop_at


def test_layers_shrink_side_by_side_until_the_narrowest_is_small_enough():
    assert schedules((16, 12), keep_fraction=0.7, stop_at=4) == [(11, 8), (7, 5), (5, 3)]
    assert schedules((512,), keep_fraction=0.9, stop_at=10) == [(width,) for width in PUBLISHED_SCHEDULE]


@pytest.mark.parametrize("near", [0.95, 0.9, 0.8, 0.6])
def test_share_that_leads_to_a_width_is_the_nearest_one(near):
    share = keep_fraction_to(512, 51, near=near)
    assert schedule(512, keep_fraction=share, stop_at=51)[-1] == 51
    for nearer in np.linspace(near, share, 20)[:-1]:
        if abs(nearer - share) > 1e-4:
            assert schedule(512, keep_fraction=nearer, stop_at=51)[-1] != 51


def test_width_to_which_no_share_leads_is_refused():
    with pytest.raises(ValueError, match=r"no share to keep near 0.5 leads from 20 to exactly 19 neurons"):
        keep_fraction_to(20, 19, near=0.5)


@pytest.mark.parametrize("n_left", [0, 20, 25])
def test_width_that_is_not_smaller_is_refused(n_left):
    with pytest.raises(ValueError, match=f"cuts lead from 20 to fewer neurons, not to {n_left}"):
        keep_fraction_to(20, n_left, near=0.5)


@pytest.mark.parametrize("keep_fraction", [1e-9, 0.1])
def test_at_least_one_neuron_stays_however_small_the_share(keep_fraction):
    assert [n_keep(n_neurons, keep_fraction) for n_neurons in (2, 5, 11)] == [1, 1, 1]


def test_last_neuron_cannot_be_cut():
    with pytest.raises(ValueError, match="last neuron"):
        n_keep(1, 0.9)


# ------------------------------------------------------------------------------------------ choosing


def test_lowest_and_highest_of_a_toy():
    scores = torch.tensor([[3.0, 1.0, 2.0, 0.5], [1.0, 2.0, 3.0, 4.0]])
    assert lowest(scores, 2).tolist() == [[1, 3], [0, 1]]
    assert highest(scores, 2).tolist() == [[0, 2], [2, 3]]
    assert lowest(scores, 3, ranked=True).tolist() == [[3, 1, 2], [0, 1, 2]]
    assert highest(scores, 3, ranked=True).tolist() == [[0, 2, 1], [3, 2, 1]]


def test_a_score_may_be_negative_and_its_sign_counts():
    scores = torch.tensor([[-3.0, -1.0, 2.0, 0.0]])
    assert highest(scores, 2, ranked=True).tolist() == [[2, 3]]
    assert lowest(scores, 2, ranked=True).tolist() == [[0, 1]]


def test_scores_that_only_64_bits_tell_apart_are_no_tie():
    scores = torch.tensor([[1 + 1e-12, 1.0, 1 + 2e-12]], dtype=torch.float64)
    assert lowest(scores, 3, ranked=True).tolist() == [[1, 0, 2]]
    assert highest(scores, 3, ranked=True).tolist() == [[2, 0, 1]]


@pytest.mark.parametrize("choose", [lowest, highest])
@pytest.mark.parametrize("n_kept", [1, 5, 99])
def test_ties_go_to_the_lower_index(choose, n_kept):
    assert choose(torch.zeros(2, 100), n_kept).tolist() == [list(range(n_kept))] * 2


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=40, unique=False), st.data())
def test_choice_is_ascending_and_never_worse_than_what_is_left(scores, data):
    n_kept = data.draw(st.integers(1, len(scores) - 1))
    values = torch.tensor([scores], dtype=torch.float64)
    kept = lowest(values, n_kept)[0].tolist()
    left = sorted(set(range(len(scores))) - set(kept))
    assert kept == sorted(set(kept))
    assert len(kept) == n_kept
    assert max(scores[i] for i in kept) <= min(scores[i] for i in left)


def test_lowest_and_highest_are_complementary_where_nothing_ties():
    scores = torch.from_numpy(np.random.default_rng(0).permutation(50)[None])
    kept = [*lowest(scores, 20)[0].tolist(), *highest(scores, 30)[0].tolist()]
    assert sorted(kept) == list(range(50))


# ------------------------------------------------------------------------------------------- cutting


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]], ids=["R=1", "R=3"])
@pytest.mark.parametrize(
    ("widths", "layer"), [((5, 8, 3), 0), ((5, 8, 7, 3), 0), ((5, 8, 7, 3), 1), ((5, 8, 7, 6, 3), 1)]
)
def test_cut_network_answers_as_the_one_whose_neurons_are_masked(seeds, widths, layer):
    network = networks(*widths, seeds=seeds)
    rng = np.random.default_rng(0)
    kept = np.stack([rng.permutation(widths[layer + 1])[:4] for _ in seeds])
    images = random_images(20, 5)
    cut = keep_neurons(network, torch.from_numpy(kept), layer=layer)
    assert cut.hidden_widths[layer] == 4
    torch.testing.assert_close(cut(images), masked(network, kept, layer=layer)(images))


def test_toy_cut_by_hand(toy_network):
    cut = keep_neurons(toy_network, [2, 0])
    assert [weight.tolist() for weight in cut.weights] == [[[[1, 1], [1, 0]]], [[[3, 1], [6, 4]]]]
    without_third = keep_neurons(toy_network, [0, 1])
    assert without_third(torch.tensor([[1.0, 2.0]])).tolist() == [[[1.0, 4.0]]]


def test_keeping_all_is_the_identity():
    network = networks(5, 8, 7, 3, seeds=[1, 2])
    same = keep_neurons(keep_neurons(network, list(range(8))), list(range(7)), layer=1)
    for weight, weight_same in zip(network.weights, same.weights, strict=True):
        assert torch.equal(weight, weight_same)


@pytest.mark.parametrize("silent", [0, 3, 7])
def test_neuron_that_says_nothing_can_go(silent):
    network = networks(5, 8, 3)
    with torch.no_grad():
        network.weights[1][:, :, silent] = 0
    images = random_images(20, 5)
    cut = keep_neurons(network, [i for i in range(8) if i != silent])
    torch.testing.assert_close(cut(images), network(images))


def test_given_network_is_untouched_even_when_the_cut_one_changes():
    network = networks(5, 8, 7, 3)
    before = [weight.detach().clone() for weight in network.weights]
    cut = keep_neurons(network, [0, 1, 2])
    with torch.no_grad():
        for weight in cut.weights:
            weight.zero_()
    assert all(torch.equal(weight, b) for weight, b in zip(network.weights, before, strict=True))
    assert network.neuron_ids[0].tolist() == [list(range(8))]


@pytest.mark.parametrize("seeds", [[1], [1, 2]], ids=["R=1", "R=2"])
@pytest.mark.parametrize("widths", [(6, 8, 3), (6, 8, 7, 3)])
def test_carried_adam_trains_the_cut_network_as_that_of_the_masked_one(tiny_dataset, seeds, widths):
    """Oracle: the uncut network goes on with its own Adam while the neurons to be cut are masked in every forward."""
    images, labels = tiny_dataset.train.images, tiny_dataset.train.labels
    rng = np.random.default_rng(0)
    kept = [torch.from_numpy(np.stack([rng.permutation(n)[:4] for _ in seeds])) for n in widths[1:-1]]
    network = networks(*widths, seeds=seeds)
    optimizer = adam(network)
    train(network, batches(images, labels, n_batches=3), optimizer=optimizer, loss_axis="class")
    cut = network
    for layer, indices in enumerate(kept):
        cut = keep_neurons(cut, indices, layer=layer)
    state = copy.deepcopy(optimizer.state_dict())
    carried = carry_adam(optimizer, network, cut, kept=kept)
    before = [weight.detach().clone() for weight in cut.weights]
    train(cut, batches(images, labels, n_batches=2), optimizer=carried, loss_axis="class")
    for weight, start in zip(cut.weights, before, strict=True):  # but for neurons that answer no image, all move
        assert torch.equal(weight != start, carried.state[weight]["exp_avg"] != 0)
        assert (weight != start).float().mean() > 0.8

    uncut = MaskedNetwork(network, kept)
    optimizer.load_state_dict(state)
    train(uncut, batches(images, labels, n_batches=2), optimizer=optimizer, loss_axis="class")
    for layer, indices in enumerate(kept):
        network = keep_neurons(network, indices, layer=layer)
    for weight, oracle in zip(cut.weights, network.weights, strict=True):
        torch.testing.assert_close(weight, oracle)


def test_carried_adam_keeps_the_numbers_it_was_made_with(tiny_dataset):
    numbers = {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.01, "amsgrad": False, "fused": True}
    network = networks(6, 8, 3)
    optimizer = torch.optim.Adam(network.parameters(), **numbers)
    image_batches = batches(tiny_dataset.train.images, tiny_dataset.train.labels, n_batches=1)
    train(network, image_batches, optimizer=optimizer, loss_axis="class")
    kept = torch.tensor([[7, 0, 3]])
    carried = carry_adam(optimizer, network, keep_neurons(network, kept), kept=[kept])
    assert {name: carried.param_groups[0][name] for name in numbers} == numbers


class MaskedNetwork(torch.nn.Module):
    """Network whose neurons outside `kept` say nothing, in training too."""

    def __init__(self, network, kept):
        super().__init__()
        self.network = network
        self.masks = [
            torch.zeros(len(k), 1, n).scatter(2, k[:, None], 1)
            for k, n in zip(kept, network.hidden_widths, strict=True)
        ]

    def forward(self, images):
        first, *others = self.network.weights
        activity = torch.relu(images @ first.mT)
        for i, (weight, mask) in enumerate(zip(others, self.masks, strict=True)):
            activity = (activity * mask) @ weight.mT
            activity = activity if i == len(others) - 1 else torch.relu(activity)
        return activity


def test_neurons_keep_their_first_names_through_several_cuts():
    network = networks(5, 8, 7, 3, seeds=[1, 2])
    first = keep_neurons(network, torch.tensor([[7, 5, 3, 1], [0, 2, 4, 6]]))
    second = keep_neurons(first, torch.tensor([[3, 0], [1, 2]]))
    assert second.neuron_ids[0].tolist() == [[1, 7], [2, 4]]
    assert second.neuron_ids[1].tolist() == [list(range(7))] * 2
    for replicate in range(2):
        names = second.neuron_ids[0][replicate]
        assert torch.equal(second.weights[0][replicate], network.weights[0][replicate, names])
        assert torch.equal(second.weights[1][replicate], network.weights[1][replicate][:, names])


@pytest.mark.parametrize("layer", [-1, 2, 3])
def test_only_hidden_layers_can_be_cut(layer):
    with pytest.raises(ValueError, match=f"layer = {layer} is outside 0…1: only hidden layers"):
        keep_neurons(networks(5, 8, 7, 3), [0], layer=layer)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ([0, 1, 8], r"kept\[2\] = 8 is outside 0…7: indices refer to the current network"),
        ([-1, 1], r"kept\[0\] = -1 is outside 0…7"),
        ([3, 5, 3], "names a neuron twice"),
        ([], "kept is empty"),
        (torch.zeros(2, 0, dtype=torch.int64), "last neuron"),
        (torch.zeros(3, 2, dtype=torch.int64), r"shape \(3, 2\).*expected whole numbers, \(2 replicates, n_kept\)"),
        (torch.zeros(1, 2, 2, dtype=torch.int64), r"shape \(1, 2, 2\)"),
        (torch.tensor(3), r"shape \(\)"),
        ([0.0, 1.0], "expected whole numbers"),
        ([True] * 8, "expected whole numbers"),
        ([False, True], "expected whole numbers"),
    ],
)
def test_what_does_not_name_neurons_is_refused(kept, message):
    with pytest.raises(ValueError, match=message):
        keep_neurons(networks(5, 8, 3, seeds=[1, 2]), kept)


WHOLE = [torch.tensor([1, 2], dtype=kind) for kind in (torch.uint8, torch.int32, torch.int64)]


@pytest.mark.parametrize("kept", [[1, 2], np.array([1, 2]), *WHOLE], ids=str)
def test_indices_may_be_a_list_an_array_or_of_any_whole_type(kept):
    assert keep_neurons(networks(5, 8, 3, seeds=[1, 2]), kept).neuron_ids[0].tolist() == [[1, 2], [1, 2]]


@pytest.mark.parametrize("kind", [torch.uint8, torch.int64, torch.float32])
def test_highest_scores_of_any_type_are_the_highest(kind):
    assert highest(torch.tensor([[3, 0, 5, 1]], dtype=kind), 2).tolist() == [[0, 2]]
    assert highest(torch.tensor([[True, False, True]]), 2).tolist() == [[0, 2]]


def stepped(network, optimizer):
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.stack([(w * torch.randn(w.shape, generator=generator)).sum() for w in network.weights]).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_carried_adam_keeps_what_was_changed_on_the_way_and_every_moment(kind, amsgrad):
    network = xavier_mlp([5, 7, 3], generators=[torch.Generator().manual_seed(r) for r in range(2)])
    first, last = network.weights
    optimizer = kind([{"params": [last], "lr": 0.5}, {"params": [first]}], amsgrad=amsgrad)
    stepped(network, optimizer)
    optimizer.param_groups[1]["lr"] = 0.05  # as a scheduler does
    kept = torch.tensor([[0, 2, 6], [1, 2, 3]])
    cut = keep_neurons(network, kept)
    carried = carry_adam(optimizer, network, cut, kept=[kept])
    assert type(carried) is kind
    assert [group["lr"] for group in carried.param_groups] == [0.5, 0.05]
    assert [group["params"][0] is weight for group, weight in zip(carried.param_groups, cut.weights[::-1], strict=True)]
    assert carried.state[cut.weights[0]].keys() == optimizer.state[first].keys()
    for name in optimizer.state[first].keys() - {"step"}:
        for r in range(2):
            assert torch.equal(carried.state[cut.weights[0]][name][r], optimizer.state[first][name][r][kept[r]])
            assert torch.equal(carried.state[cut.weights[1]][name][r], optimizer.state[last][name][r][:, kept[r]])
    stepped(cut, carried)


def test_adam_that_has_made_no_step_is_carried():
    network = xavier_mlp([5, 7, 3], generators=[torch.Generator().manual_seed(0)])
    kept = torch.tensor([[0, 2, 6]])
    cut = keep_neurons(network, kept)
    fresh = copy.deepcopy(cut)
    stepped(cut, carry_adam(torch.optim.Adam(network.parameters()), network, cut, kept=[kept]))
    stepped(fresh, torch.optim.Adam(fresh.parameters()))
    assert all(map(torch.equal, cut.weights, fresh.weights))


@pytest.mark.parametrize("share", [0.07, 0.28, 0.55, 0.56, 0.9])
def test_number_that_stays_is_the_ceiling_of_exact_numbers(share):
    exact = Fraction(str(share))
    assert [n_keep(n, share) for n in range(2, 2001)] == [max(1, math.ceil(exact * (n - 1))) for n in range(2, 2001)]
