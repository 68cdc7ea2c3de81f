import numpy as np
import pytest
import torch

from dtc_helpers.any_network import lenet, tables
from dtc_helpers.any_network.compress_train import compress_train_module
from dtc_helpers.any_network.graph import Limits
from dtc_helpers.any_network.importance import DTCImportance, RandomImportance
from dtc_helpers.any_network.plan import CutPlan
from dtc_helpers.images.datasets import Dataset, Split, load_dataset
from dtc_helpers.sensing import dct_basis


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def examples(data):
    return data.train.images[:8].view(-1, 1, *data.image_shape)


def test_lenet_of_mnist_has_its_known_size():
    images, labels = torch.zeros(10, 784), torch.arange(10)
    data = Dataset("mnist", "", Split(images, labels), Split(images, labels), 1, (28, 28))
    network = lenet.lenet5(data, seed=1)
    assert sum(parameter.numel() for parameter in network.parameters()) == 431_080
    assert network(images.view(-1, 1, 28, 28)).shape == (10, 10)


def test_lenet_starts_from_a_seed_and_leaves_the_global_generator_alone(digits):
    state = torch.get_rng_state()
    a, b, other = (lenet.lenet5(digits, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["first.weight"], other["first.weight"])
    assert a["hidden.weight"].abs().max() <= 200**-0.5
    assert torch.rand(1) is not None
    torch.set_rng_state(state)


def test_lenet_needs_images(digits):
    data = load_dataset("mnist1d")
    with pytest.raises(ValueError, match="mnist1d has no images of two dimensions"):
        lenet.lenet5(data, seed=1)


def test_batches_depend_on_their_numbers_only(digits):
    train = lenet.trainer(digits.train, digits.image_shape, seed=1)
    ends = []
    for parts in ([range(30)], [range(7), range(7, 30)]):  # more than two passes
        network = lenet.lenet5(digits, seed=1)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        for part in parts:
            train(network, optimizer, part)
        ends.append(network.output.weight.detach())
    assert torch.equal(*ends)
    assert lenet.accuracy(network, digits.test, digits.image_shape) > 0.5
    assert network.training


def test_groups_are_told_in_the_order_of_the_network(digits):
    table = tables.group_table(lenet.lenet5(digits, seed=1), examples(digits))
    assert table.to_numpy().tolist() == [
        ["first", "first", "makes", 20],
        ["first", "second", "reads", 20],
        ["second", "second", "makes", 50],
        ["second", "hidden", "reads", 50],
        ["hidden", "hidden", "makes", 500],
        ["hidden", "output", "reads", 500],
    ]


def test_rays_of_a_group_are_those_that_are_solved(digits):
    network, importance = lenet.lenet5(digits, seed=1), DTCImportance(seed=1)
    found = tables.incoming_rays(network, examples(digits), importance=importance, layer="second")
    sums, weights, code = (torch.from_numpy(values) for values in found)
    torch.testing.assert_close(sums, network.second.weight.detach().flatten(1).sum(1).double(), rtol=0, atol=1e-5)
    assert 0 < np.count_nonzero(code) <= 5 < len(code) == 50
    torch.testing.assert_close(weights, dct_basis(50) @ code)
    with pytest.raises(ValueError, match="output is no group that this importance solves for"):
        tables.incoming_rays(network, examples(digits), importance=importance, layer="output")
    with pytest.raises(ValueError, match="second is no group that this importance solves for"):
        tables.incoming_rays(network, examples(digits), importance=RandomImportance(1), layer="second")


def test_table_of_a_run_has_the_layers_that_its_limits_leave(digits):
    limits = Limits(protect=["second"], narrowest=30)
    plan = CutPlan(RandomImportance(1), cuts=1, batches_per_cut=0, keep_fraction=0.5, limits=limits)

    def table(**others):
        network = lenet.lenet5(digits, seed=1)
        arguments = {"example_inputs": examples(digits), "optimizer": torch.optim.SGD(network.parameters(), lr=0.1)}
        records = compress_train_module(network, lambda *_: None, plan=plan, **arguments)
        measured = {"images_per_cut": 1, "accuracy": lambda _: 1.0, "example_inputs": examples(digits)}
        return tables.run_table(records, network, **measured, **others)

    assert table(limits=limits)[["cut", "layer", "channels"]].to_numpy().tolist() == [
        [0, "hidden", 500],
        [1, "hidden", 250],
    ]
    with pytest.raises(
        ValueError, match=r"first, second not cut: expected the limits of the plan, limits=plan\.limits"
    ):
        table()


def test_table_of_a_run_measures_after_every_cut_and_adds_up_the_training(digits):
    network = lenet.lenet5(digits, seed=1)
    plan = CutPlan(RandomImportance(1), cuts=2, batches_per_cut=1, keep_fraction=0.5)
    arguments = {"example_inputs": examples(digits), "plan": plan}
    train = lenet.trainer(digits.train, digits.image_shape, seed=1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    records = compress_train_module(network, train, optimizer=optimizer, **arguments)
    measured = {"images_per_cut": 128, "accuracy": lambda net: 1 / len(net.first.weight)}
    table = tables.run_table(records, network, example_inputs=examples(digits), **measured)
    assert table.pivot(index="cut", columns="layer", values="channels")["second"].tolist() == [50, 25, 12]
    runs = table.groupby("cut").first()
    assert runs.multiply_adds.tolist()[0] == 260_520
    assert runs.multiply_adds.is_monotonic_decreasing
    assert runs.accuracy.tolist()[1:] == [1 / 10, 1 / 5]
    per_image = runs.training_multiply_adds.diff().iloc[-1] / 128
    assert runs.training_multiply_adds.iloc[1] == 128 * 770_040
    assert runs.multiply_adds.iloc[1] < per_image < 3 * runs.multiply_adds.iloc[1]
    curves = tables.curves({"random": table})
    assert curves["mean"].tolist() == [1 / 10, 1 / 5]
    assert curves[["low", "high"]].isna().to_numpy().all()  # one run has no interval
    assert curves.arm.unique().tolist() == ["random"]
