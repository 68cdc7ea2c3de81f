import pytest
import torch
from oracles import as_sequential, networks, random_images, slow_logits
from torch import nn

from dtc_helpers.networks import ReplicatedMLP, incoming_sums, outgoing_sums, xavier_mlp

WIDTHS = [(5, 4, 3), (5, 4, 6, 3), (5, 4, 2, 7, 3)]


def test_logits_of_the_toy_are_those_computed_by_hand(toy_network):
    assert toy_network(torch.tensor([[1.0, 2.0]])).tolist() == [[[10.0, 22.0]]]


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("n_replicates", [1, 3])
def test_replicates_together_answer_as_the_slow_loop(widths, n_replicates):
    network = networks(*widths, seeds=range(n_replicates))
    images = random_images(9, 5)
    torch.testing.assert_close(network(images), slow_logits(network, images))


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("replicate", [0, 1, 2])
def test_every_replicate_is_a_plain_sequential_network(widths, replicate):
    network = networks(*widths, seeds=[1, 2, 3])
    plain = as_sequential(network, replicate)
    images = random_images(9, 5)
    torch.testing.assert_close(plain(images), network(images)[replicate])
    expected = [kind for _ in widths[1:] for kind in (nn.Linear, nn.ReLU)][:-1]
    assert [type(layer) for layer in plain] == expected
    assert all(layer.bias is None for layer in plain if isinstance(layer, nn.Linear))


def test_plain_network_is_a_copy():
    network = networks(5, 4, 3)
    before = network.weights[0].detach().clone()
    with torch.no_grad():
        next(as_sequential(network).parameters()).zero_()
    assert torch.equal(network.weights[0], before)


def test_replicate_has_the_weights_that_its_seed_gives_alone_bit_for_bit():
    together = networks(5, 4, 6, 3, seeds=[7, 8, 9])
    for replicate, seed in enumerate([7, 8, 9]):
        alone = networks(5, 4, 6, 3, seeds=[seed])
        for weight, weight_alone in zip(together.weights, alone.weights, strict=True):
            assert torch.equal(weight[replicate], weight_alone[0])


def test_weights_are_drawn_first_layer_first():
    generator = torch.Generator().manual_seed(5)
    drawn = [nn.init.xavier_normal_(torch.empty(shape), generator=generator) for shape in ((4, 5), (3, 4))]
    network = networks(5, 4, 3, seeds=[5])
    assert all(torch.equal(weight[0], d) for weight, d in zip(network.weights, drawn, strict=True))


def test_xavier_variance_is_2_over_inputs_plus_outputs():
    network = networks(300, 200, 100)
    for weight, (n_inputs, n_outputs) in zip(network.weights, [(300, 200), (200, 100)], strict=True):
        # The variance estimate from 20,000 or more draws has a standard error of at most 1 %.
        assert weight.var().item() == pytest.approx(2 / (n_inputs + n_outputs), rel=0.05)
        assert abs(weight.mean().item()) < 4 * (2 / (n_inputs + n_outputs) / weight.numel()) ** 0.5


@pytest.mark.parametrize("shapes", [[(1, 4, 5), (1, 3, 5)], [(2, 4, 5), (1, 3, 4)], [(1, 4, 5), (1, 3, 4), (1, 2, 4)]])
def test_layers_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="do not fit"):
        ReplicatedMLP([torch.zeros(shape) for shape in shapes])


@pytest.mark.parametrize("widths", [(5, 3), (5, 0, 3), ()])
def test_network_without_a_hidden_layer_or_neuron_is_refused(widths):
    with pytest.raises(ValueError, match="at least one hidden layer"):
        xavier_mlp(widths, generators=[torch.Generator()])


def test_widths_and_names_of_neurons():
    network = networks(5, 4, 6, 3, seeds=[1, 2])
    assert network.hidden_widths == (4, 6)
    assert network.n_neurons == 10
    assert network.n_replicates == 2
    assert [ids.tolist() for ids in network.neuron_ids] == [[list(range(4))] * 2, [list(range(6))] * 2]


def test_neuron_sums_of_the_toy_are_those_computed_by_hand(toy_network):
    assert incoming_sums(toy_network).tolist() == [[1, -1, 2]]
    assert outgoing_sums(toy_network).tolist() == [[5, 7, 9]]
    assert incoming_sums(toy_network).dtype == torch.float64


def test_neuron_sums_of_a_deeper_layer_are_those_of_the_slow_loop():
    network = networks(5, 4, 6, 3, seeds=[1, 2])
    for replicate in range(2):
        _, second, third = (weight[replicate].detach() for weight in network.weights)
        a = [sum(float(second[i, j]) for j in range(4)) for i in range(6)]
        b = [sum(float(third[k, i]) for k in range(3)) for i in range(6)]
        assert incoming_sums(network, 1)[replicate].tolist() == pytest.approx(a, abs=1e-6)
        assert outgoing_sums(network, 1)[replicate].tolist() == pytest.approx(b, abs=1e-6)
