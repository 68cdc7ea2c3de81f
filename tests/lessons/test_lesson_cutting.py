import copy

import pytest
import torch

from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.lessons.lesson_5_cutting import (
    BATCHES_BEFORE,
    adam_by_hand,
    followed,
    gradient_size,
    masked,
    train_on,
    trained,
    ways_on,
)
from dtc_helpers.surgery import keep_neurons
from dtc_helpers.training import batches, cross_entropy

DATA = load_dataset("digits")
GONE, KEPT = [2, 5], [0, 1, 3, 4, 6, 7]


@pytest.fixture(scope="module")
def before():
    """Network and optimiser of the lesson; no test may change them."""
    return trained(DATA, seed=1)


@pytest.fixture
def ways(before):
    return ways_on(before[0], before[1], KEPT)


def weights_of(network):
    return [weights.detach().clone() for weights in network.weights]


def farthest(weights, others):
    return max(float((one - other).abs().max()) for one, other in zip(weights, others, strict=True))


@pytest.mark.parametrize("moments", [(0.0, 0.0, 0), (0.3, 0.2, 50)])
def test_adam_by_hand_steps_as_pytorch_does(moments):
    gradients, (first, second, steps_before) = [0.5, -0.2, 0.1], moments
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.Adam([weight], lr=1.0, eps=0)
    optimizer.state[weight] = {
        "step": torch.tensor(float(steps_before)),
        "exp_avg": torch.tensor([first], dtype=torch.float64),
        "exp_avg_sq": torch.tensor([second], dtype=torch.float64),
    }
    found = adam_by_hand(gradients, first_moment=first, second_moment=second, steps_before=steps_before)
    for gradient, step in zip(gradients, found.step, strict=True):
        at = float(weight.detach())
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        assert at - float(weight.detach()) == pytest.approx(step)
    assert found.t.tolist() == [steps_before + 1, steps_before + 2, steps_before + 3]


def test_masked_neurons_stay_silent_and_the_given_network_stays_as_it_was(before):
    own, (network, optimizer) = weights_of(before[0]), masked(before[0], before[1], GONE)
    train_on(DATA, network, optimizer, first=BATCHES_BEFORE, n_batches=5)
    incoming, outgoing = weights_of(network)
    assert float(incoming[:, GONE].abs().max()) == 0
    assert float(outgoing[:, :, GONE].abs().max()) == 0
    assert farthest(weights_of(network), own) > 1e-4
    assert farthest(weights_of(before[0]), own) == 0


def test_only_the_carried_optimiser_learns_as_the_masked_network_does(before, ways):
    network, optimizer = masked(before[0], before[1], GONE)
    train_on(DATA, network, optimizer, first=BATCHES_BEFORE, n_batches=20)
    expected = weights_of(keep_neurons(network, KEPT))
    for name, (cut, own) in ways.items():
        train_on(DATA, cut, own, first=BATCHES_BEFORE, n_batches=20)
        assert (farthest(weights_of(cut), expected) < 1e-5) == (name == "carried"), name


def test_every_way_begins_with_the_same_cut_network_and_forgets_what_it_says(before, ways):
    expected = weights_of(keep_neurons(before[0], KEPT))
    known = {}
    for name, (cut, own) in ways.items():
        assert farthest(weights_of(cut), expected) == 0
        state = own.state.get(cut.weights[0], {})
        known[name] = [bool(value.any()) for _, value in sorted(state.items())]  # exp_avg, exp_avg_sq, step
    assert known == {
        "carried": [True, True, True],
        "new": [],
        "old": [],
        "steps forgotten": [True, True, False],
        "moments forgotten": [False, False, True],
    }


def test_old_optimiser_moves_no_weight_of_the_cut_network(ways):
    cut, old = ways["old"]
    own = weights_of(cut)
    assert (followed(DATA, (cut, old), n_batches=3).step == 0).all()
    assert farthest(weights_of(cut), own) == 0


def test_what_is_followed_is_one_batch_after_the_other(ways):
    network, optimizer = copy.deepcopy(ways["new"])
    found = followed(DATA, ways["new"], n_batches=3)
    shown = list(batches(DATA.train.images, DATA.train.labels, n_batches=BATCHES_BEFORE + 3))[BATCHES_BEFORE:]
    for (images, labels), row in zip(shown, found.to_dict("records"), strict=True):
        old = weights_of(network)
        optimizer.zero_grad()
        cross_entropy(network(images), labels, axis="class").backward()
        optimizer.step()
        n_weights = sum(weights.numel() for weights in old)
        moved = sum(float((a - b).abs().sum()) for a, b in zip(weights_of(network), old, strict=True)) / n_weights
        assert row["step"] == pytest.approx(moved / 1e-3, rel=1e-4)
        right = (network(DATA.test.images)[0].argmax(-1) == DATA.test.labels).double().mean()
        assert row["accuracy"] == pytest.approx(float(right))
    assert found.batch.tolist() == [1, 2, 3]


def test_gradient_size_is_that_of_backward_and_leaves_no_gradient(before):
    network = copy.deepcopy(before[0])
    network.zero_grad()
    found = gradient_size(DATA, network)
    assert all(weights.grad is None for weights in network.weights)
    cross_entropy(network(DATA.train.images), DATA.train.labels, axis="class").backward()
    sizes = torch.cat([weights.grad.abs().flatten() for weights in network.weights if weights.grad is not None])
    assert found == pytest.approx(float(sizes.mean()), rel=1e-5)
