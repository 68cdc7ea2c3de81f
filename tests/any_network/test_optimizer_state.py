# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false, reportOptionalOperand=false
# A module's attributes have no types, and these tests look into many.
import copy
from functools import partial

import module_zoo as zoo
import pytest
import torch
from torch import nn, optim
from torch.nn import functional

from dtc_helpers.any_network.graph import Limits, prunable
from dtc_helpers.any_network.optimizer_state import carry, check_optimizer
from dtc_helpers.any_network.transcript import make, transcript
from dtc_helpers.any_network.trial import attempt

OPTIMIZERS = {
    "SGD": partial(optim.SGD, lr=0.01),
    "SGD with momentum": partial(optim.SGD, lr=0.01, momentum=0.9),
    "Adam": optim.Adam,
    "Adam amsgrad": partial(optim.Adam, amsgrad=True),
    "Adam fused": partial(optim.Adam, fused=True),
    "AdamW": optim.AdamW,
    "NAdam": optim.NAdam,
    "RAdam": optim.RAdam,
    "Adamax": optim.Adamax,
    "RMSprop": partial(optim.RMSprop, momentum=0.9, centered=True),
    "Adagrad": optim.Adagrad,
    "Adadelta": optim.Adadelta,
    "Rprop": optim.Rprop,
    "ASGD": optim.ASGD,
    "Muon": optim.Muon,
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def trainable(name, make_network=lambda: zoo.resnet(groups=2)):
    """Network that this optimiser can train: Muon takes matrices only."""
    if name != "Muon":
        return make_network(), zoo.images()
    return zoo.mlp(hidden=(9, 8), bias=False), zoo.vectors()


def step(network, optimizer, example):
    optimizer.zero_grad()
    functional.cross_entropy(network(example), torch.arange(4) % 3).backward()
    optimizer.step()


def cut(network, optimizer, example, gone=None):
    """Cut the last channels of every group, or those given; what stays of every parameter by another way: gradients.

    Torch-Pruning cuts gradients along: where they hold 0, 1, 2, … before, they hold the places of the survivors after.
    """
    found = prunable(network, example, Limits())
    gone = gone or {made.name: made.units[1::3].flatten().sort().values for made in found.groups}
    script = transcript(found, gone)
    again = prunable(network, example, Limits())
    for parameter in again.graph.model.parameters():
        parameter.grad = torch.arange(parameter.numel(), dtype=parameter.dtype).view(parameter.shape)
    for made in again.groups:
        root = made.group[0].dep
        again.graph.get_pruning_group(root.layer, root.handler, gone[made.name].tolist()).prune()
    carry(optimizer, network, script)
    make(network, script)
    return {name: parameter.grad.long() for name, parameter in again.graph.model.named_parameters()}


@every_optimizer
def test_state_after_the_cut_is_the_state_of_what_stayed(name):
    network, example = trainable(name)
    optimizer = OPTIMIZERS[name](network.parameters())
    for _ in range(3):
        step(network, optimizer, example)
    before = {key: copy.deepcopy(optimizer.state[parameter]) for key, parameter in network.named_parameters()}
    old = {key: parameter.detach().clone() for key, parameter in network.named_parameters()}
    places, n_cut = cut(network, optimizer, example), 0
    for key, parameter in network.named_parameters():
        assert torch.equal(parameter, old[key].flatten()[places[key]])
        state = optimizer.state[parameter]
        assert state.keys() == before[key].keys()
        for entry, value in state.items():
            was = before[key][entry]
            if torch.is_tensor(was) and was.shape == old[key].shape:
                assert torch.equal(value, was.flatten()[places[key]])
                n_cut += value.shape != was.shape
            else:
                assert value is was or value == was
    assert n_cut > 0 or name == "SGD"


@every_optimizer
def test_every_parameter_moves_on_after_the_cut(name):
    network, example = trainable(name, zoo.lenet)
    optimizer = OPTIMIZERS[name](network.parameters())
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    step(network, optimizer, example)
    rate, groups = optimizer.param_groups[0]["lr"], [id(p) for p in optimizer.param_groups[0]["params"]]
    cut(network, optimizer, example)
    check_optimizer(optimizer, network)
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == groups == [id(p) for p in network.parameters()]
    before = [parameter.detach().clone() for parameter in network.parameters()]
    for _ in range(2):
        step(network, optimizer, example)
    assert all(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    scheduler.step()
    assert float(optimizer.param_groups[0]["lr"]) == float(rate) / 2


@pytest.mark.parametrize("name", ["Adam", "Adam fused", "SGD with momentum", "AdamW", "RMSprop"])
def test_training_on_after_dead_channels_went_is_as_if_they_had_stayed(name):
    network, example = zoo.mlp(hidden=(12,)).double(), zoo.vectors().double()
    dead = torch.tensor([2, 5, 11])
    with torch.no_grad():
        network[0].weight[dead], network[0].bias[dead], network[2].weight[:, dead] = 0, -1, 0
    optimizer = OPTIMIZERS[name](network.parameters())
    for _ in range(5):
        step(network, optimizer, example)
    twin = copy.deepcopy(network)
    other = OPTIMIZERS[name](twin.parameters())
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    cut(network, optimizer, example, {"0": dead})
    assert network[0].out_features == 9
    for _ in range(20):
        step(network, optimizer, example)
        step(twin, other, example)
    torch.testing.assert_close(network(example), twin(example), rtol=0, atol=1e-7)


def test_optimizer_without_any_step_yet_goes_through():
    network, example = zoo.lenet(), zoo.images()
    optimizer = optim.Adam(network.parameters())
    widths = [tuple(parameter.shape) for parameter in network.parameters()]
    cut(network, optimizer, example)
    assert not optimizer.state
    step(network, optimizer, example)
    assert [tuple(parameter.shape) for parameter in network.parameters()] != widths
    for parameter in network.parameters():
        assert optimizer.state[parameter]["exp_avg"].shape == parameter.shape
        assert optimizer.state[parameter]["step"] == 1


@pytest.mark.parametrize("kind", [optim.Adafactor, optim.LBFGS, type("Mine", (optim.Adafactor,), {})])
def test_optimizer_whose_state_cannot_be_cut_is_refused_by_name(kind):
    network = zoo.mlp()
    with pytest.raises(ValueError, match=r"(Adafactor|LBFGS) cannot be carried through a cut: .* Use Adam or SGD"):
        check_optimizer(kind(network.parameters()), network)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "rows",
            torch.zeros(9, 1),
            r"the optimiser's rows of 0.weight has the shape \(9, 1\), the weights",
        ),
        ("history", [torch.zeros(9, 6)], "the optimiser's history of 0.weight is a list: only tensors can be cut"),
    ],
)
def test_unknown_state_is_refused(key, value, message):
    network = zoo.mlp()
    optimizer = optim.SGD(network.parameters(), lr=0.1)
    optimizer.state[network[0].weight][key] = value
    with pytest.raises(ValueError, match=message):
        check_optimizer(optimizer, network)


def test_live_parameter_that_the_optimizer_does_not_hold_is_named():
    network = zoo.mlp()
    optimizer = optim.SGD([network[0].weight, network[2].weight], lr=0.1)
    with pytest.raises(ValueError, match=r"does not hold 0\.bias, 2\.bias: make it of network\.parameters\(\)"):
        check_optimizer(optimizer, network)
    network[0].bias.requires_grad_(False)
    network[2].bias.requires_grad_(False)
    check_optimizer(optimizer, network)


def test_groups_of_the_optimizer_and_their_settings_stay():
    network, example = zoo.lenet(), zoo.images()
    convolutions, others = list(network[:4].parameters()), list(network[4:].parameters())
    optimizer = optim.AdamW([{"params": others, "lr": 1e-2}, {"params": convolutions, "weight_decay": 0.5}])
    step(network, optimizer, example)
    settings = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    cut(network, optimizer, example)
    assert [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups] == settings
    assert [id(p) for p in optimizer.param_groups[1]["params"]] == [id(p) for p in convolutions]
    assert {id(p) for p in network.parameters()} == {id(p) for p in (*convolutions, *others)}


def test_sparse_gradient_is_refused():
    network = nn.Sequential(nn.Embedding(5, 4, sparse=True), nn.Linear(4, 3))
    network(torch.arange(3)).sum().backward()
    with pytest.raises(ValueError, match=r"the gradient of 0\.weight is sparse"):
        check_optimizer(optim.SGD(network.parameters(), lr=0.1), network)


def test_attempt_alone_leaves_the_optimizer_as_it_was():
    network, example = zoo.mlp(), zoo.vectors()
    optimizer = optim.Adam(network.parameters())
    step(network, optimizer, example)
    before = copy.deepcopy(optimizer.state_dict())
    attempt(network, example, {"0": torch.tensor([1])}, Limits())
    after = optimizer.state_dict()
    assert str(before) == str(after)
