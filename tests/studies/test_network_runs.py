# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from dtc_helpers.any_network import lenet
from dtc_helpers.any_network.cost import multiply_adds
from dtc_helpers.images.datasets import Dataset, Split
from dtc_helpers.studies import network_runs, study
from dtc_helpers.studies.example_networks import EXAMPLES
from dtc_helpers.studies.network_runs import NETWORK_ARMS, NetworkSetting
from dtc_helpers.studies.network_table import NetworkStudyParameters, network_table
from dtc_helpers.studies.study_15_any_network import NetworkKindsParameters, any_network_table, named_settings

SMALL = NetworkSetting("convolution 1d", cuts=2, batches_per_cut=3, keep_fraction=0.85, at_cuts=(1, 2))
PARAMETERS = {
    "arms": ["dtc", "random"], "replicates": 2, "seed": 5, "recompute": True, "figures_dir": "", "cuts": 2,
    "batches_per_cut": 3, "keep_fraction": 0.85, "at_cuts": [1, 2], "networks": ["convolution 1d"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def images(monkeypatch):
    """Few images of the right shapes, for MNIST needs files; of 200 to train on a pass ends with a batch of 72."""

    def made(name):
        shape = (28, 28) if name == "mnist" else (40,)
        generator = torch.Generator().manual_seed(1)
        splits = [
            Split(torch.rand(n, int(np.prod(shape)), generator=generator), torch.arange(n) % 10) for n in (200, 30)
        ]
        return Dataset(name, name, *splits, n_validation=0, image_shape=shape)

    monkeypatch.setattr(network_runs, "load_dataset", made)
    network_runs._shapes.cache_clear()
    yield made
    network_runs._shapes.cache_clear()


def widths(network):
    return [len(parameter) for name, parameter in network.named_parameters() if name.endswith("weight")]


@pytest.mark.parametrize("network", EXAMPLES)
def test_every_example_is_cut_and_starts_anew_at_the_widths_of_a_cut(network):
    """Cuts that are not right are refused: that the shapes exist says that masked and cut networks agree."""
    setting = replace(SMALL, network=network)
    full, small, again, other = (setting.start(*each) for each in ((1,), (1, 2), (1, 2), (2, 2)))
    assert all(a <= b for a, b in zip(widths(small), widths(full), strict=True))
    assert sum(widths(small)) < sum(widths(full))
    for (name, a), b, c in zip(small.named_parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        if a.dim() > 1 and name != "places":  # norms, and the places of patches, are not drawn
            assert not torch.equal(a, c)
    loss = torch.nn.functional.cross_entropy(small(setting.examples), torch.arange(16) % 10)
    loss.backward()
    assert loss.isfinite()


def test_weights_are_drawn_from_the_distribution_of_the_small_network():
    """Uniform in ±1/√(weights of an output), of the small network and not of the wide one it was cut from."""
    setting = replace(SMALL, network="perceptron", cuts=1, keep_fraction=0.1, at_cuts=())
    weight = setting.start(1, cut=1).get_parameter("3.weight").detach()
    n_inputs = weight.shape[1]
    assert n_inputs == 52
    assert 0.95 / n_inputs**0.5 < float(weight.abs().max()) <= 1 / n_inputs**0.5


@pytest.mark.parametrize("batch_numbers", [range(3), range(1, 2), range(2, 9), range(4)])
def test_images_shown_are_those_of_the_trainer(batch_numbers, images):
    data = images("mnist1d")
    seen = []
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 10))
    network.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    lenet.trainer(data.train, data.image_shape, seed=1)(network, optimizer, batch_numbers)
    assert network_runs._images_shown(len(data.train), batch_numbers) == sum(seen)


def test_run_is_measured_before_and_after_every_cut_with_what_it_has_cost():
    rows = NETWORK_ARMS["dtc"](SMALL, 7)
    assert [(row["cut"], row["moment"], row["batches"]) for row in rows] == [
        (0, "trained", 3), (1, "cut", 3), (1, "trained", 6), (2, "cut", 6), (2, "trained", 9),
    ]  # fmt: skip
    networks = [SMALL.start(7, cut) for cut in range(3)]
    costs = [multiply_adds(network, SMALL.examples).training for network in networks]
    # batches 0 to 8 of 128 and 72 images in turn
    spent = np.cumsum([(128 + 72 + 128) * costs[0], (72 + 128 + 72) * costs[1], (128 + 72 + 128) * costs[2]])
    assert [row["training_multiply_adds"] for row in rows] == [*np.repeat(spent, 2)[:4], spent[2]]
    sizes = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
    assert [row["parameters"] for row in rows] == [sizes[0], sizes[1], sizes[1], sizes[2], sizes[2]]
    assert np.isnan(rows[0]["duality_gap"])
    assert 0 <= rows[-1]["duality_gap"] < 1e-9


def test_arms_of_a_seed_are_one_network_until_the_first_cut():
    first = [
        NETWORK_ARMS[arm](SMALL, 7)[0]["accuracy"] for arm in ("dtc", "dtc sorted", "random", "magnitude", "taylor")
    ]
    assert len(set(first)) == 1


def test_importances_choose_differently_and_again_the_same():
    chosen = []
    for name, importance in network_runs.IMPORTANCES.items():
        ledgers = []
        for _ in range(2):
            network = SMALL.start(3)
            optimizer = torch.optim.Adam(network.parameters())
            data = SMALL.data
            train = lenet.trainer(data.train, data.image_shape, seed=3)
            arguments = {"example_inputs": SMALL.examples, "optimizer": optimizer, "plan": SMALL.plan(importance(3))}
            ledgers.append([r.ledger for r in network_runs.compress_train_module(network, train, **arguments)][-1])
        assert ledgers[0] == ledgers[1], name
        chosen.append(ledgers[0])
    assert all(a != b for a, b in itertools.combinations(chosen, 2))


def test_controls_are_measured_at_equal_batches_and_at_equal_cost():
    dense, scratch = (NETWORK_ARMS[arm](SMALL, 7) for arm in ("dense", "scratch"))
    costs = [multiply_adds(SMALL.start(7, cut), SMALL.examples).training for cut in range(3)]
    for rows, own in ((dense, lambda _: costs[0]), (scratch, lambda cut: costs[cut])):
        for row in rows:
            cut, kind = row["cut"], row["arm"].split(", ")[1]
            spent = 3 * sum(costs[: cut + 1])
            assert row["batches"] == {"batches": 3 * (cut + 1), "multiply_adds": round(spent / own(cut))}[kind]
    assert {row["parameters"] for row in dense} == {sum(p.numel() for p in SMALL.start(7).parameters())}
    assert [row["parameters"] for row in scratch[::2]] == [
        sum(p.numel() for p in SMALL.start(7, cut).parameters()) for cut in (1, 2)
    ]


def test_table_is_computed_kept_and_read(tmp_path, monkeypatch):
    parameters = NetworkStudyParameters(**PARAMETERS, results_dir=str(tmp_path))
    table = network_table("x", [parameters.setting("convolution 1d")], parameters)
    assert table.groupby(["arm", "seed"]).size().to_dict() == {(a, s): 5 for a in ("dtc", "random") for s in (5, 6)}
    monkeypatch.setattr("dtc_helpers.studies.network_table.NETWORK_ARMS", {})  # nothing is run again
    again = network_table("x", [parameters.setting("convolution 1d")], parameters)
    assert again.equals(table)
    monkeypatch.setattr(study, "STORED", tmp_path)
    stored = replace(parameters, recompute=False)
    assert len(network_table("x", [stored.setting("convolution 1d")], replace(stored, arms=["random"]))) == 10
    with pytest.raises(
        ValueError, match=r"x\.csv has 2 of the 3 replicates asked for of dtc · network convolution 1d · narrowest 1"
    ):
        network_table("x", [stored.setting("convolution 1d")], replace(stored, replicates=3))
    with pytest.raises(ValueError, match=r"x\.csv was made with {'batches_per_cut': 3}"):
        network_table("x", [stored.setting("convolution 1d")], replace(stored, batches_per_cut=4))


def test_narrow_layers_are_spared_where_asked_for(tmp_path):
    own = {"arms": ["random"], "replicates": 1, "cuts": 3, "keep_fraction": 0.5}
    parameters = NetworkKindsParameters(
        **(PARAMETERS | own), results_dir=str(tmp_path), spared=["convolution 1d"], narrowest=20
    )
    table = any_network_table(parameters)
    last = table.groupby("narrowest").parameters.min()
    assert sorted(last.index) == [1, 20]
    assert last[20] > last[1]
    assert list(named_settings(table).setting.unique()) == ["1-D convolution", "1-D convolution, narrow spared"]


def test_cuts_that_are_not_made_are_refused():
    for at_cuts, words in (
        ([0, 1], "at_cuts = 0 is outside 1"),
        ([1, 3], r"at_cuts = \[3\]: expected .* from 1 to 2"),
        ([2, 2], r"at_cuts = \[2, 2\]: expected each once"),
    ):
        with pytest.raises(ValueError, match=words):
            NetworkStudyParameters(**(PARAMETERS | {"at_cuts": at_cuts}), results_dir="")


def test_network_that_is_spared_no_layer_is_not_run_a_second_time(tmp_path):
    parameters = NetworkKindsParameters(**PARAMETERS, results_dir=str(tmp_path), spared=["convolution 1d"], narrowest=1)
    with pytest.raises(ValueError, match="dtc · network convolution 1d · narrowest 1 is asked for twice"):
        any_network_table(parameters)
    assert not list(tmp_path.iterdir())
