"""The page's own match: the package's digits, and JavaScript trains, cuts and carries Adam as the package does."""

from collections import Counter

import numpy as np
import pytest
import torch

from dtc_helpers.explorer.game import N_RANDOM, RIVALS
from dtc_helpers.explorer.page import stored
from dtc_helpers.explorer.page_game import PageStreams, dataset_of_state, digits_state, page_match, page_start
from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.training import shuffled_batches

TOLERANCE = 1e-12  # of the largest entry: roundings of 750 steps, which training does not amplify
CUTS = [[3, 61, 8, 20, 35, 50, 0], [63, 1, 2, 44, 45, 46]]
MOMENTS = {"first": "exp_avg", "second": "exp_avg_sq"}


@pytest.fixture(scope="module")
def data():
    return stored("game")


@pytest.fixture(scope="module")
def dataset(data):
    return dataset_of_state(data)


@pytest.fixture(scope="module")
def stages(dataset):
    """A match of Python's after every training: before the first cut, after it, and after the second."""
    match = page_match(dataset)
    found = [stage_of(match)]
    for names in CUTS:
        match.cut(names)
        found.append(stage_of(match))
    return found


def stage_of(match):
    weights = list(match.network.weights)
    states = [match._optimizer.state[w] for w in weights]
    return {
        "weights": [w[0].detach().clone() for w in weights],
        **{name: [state[key][0].clone() for state in states] for name, key in MOMENTS.items()},
        "step": float(states[0]["step"]),
        "names": match.alive,
        "sizes": match.sizes,
        "history": {name: list(values) for name, values in match.history.items()},
    }


def test_stored_digits_are_those_of_the_package(dataset):
    digits = load_dataset("digits")
    for ours, theirs in ((dataset.train, digits.train), (dataset.test, digits.test)):
        assert images_with_labels(ours) == images_with_labels(theirs)


def images_with_labels(split):
    return Counter((*image, label) for image, label in zip(split.images.tolist(), split.labels.tolist(), strict=True))


def test_digits_are_stored_as_they_are_made_now(data):
    assert digits_state() == {name: value for name, value in data.items() if name != "rivals"}


def test_javascript_reads_the_same_images(javascript, data, dataset):
    found = javascript("digits", data=data)
    for name in ("train", "test"):
        images, labels = found[name]
        split = getattr(dataset, name)
        np.testing.assert_array_equal(images, split.images)
        assert labels == split.labels.tolist()


@pytest.mark.parametrize("cycle", [1, 2, 15])
def test_javascript_draws_the_same_batches(javascript, cycle):
    numbers = torch.arange(1437)
    order = PageStreams(0).data_order
    ours = shuffled_batches(numbers, numbers, first=50 * (cycle - 1), n_batches=50, rng_of_pass=order)
    assert javascript("batches", cycle=cycle, n=1437) == [images.tolist() for images, _ in ours]


def test_javascript_starts_with_the_same_weights(javascript, dataset):
    found = javascript("start", inputs=64, classes=10)
    for layer, weights in zip(found, page_start(dataset).weights, strict=True):
        np.testing.assert_allclose(layer["weights"], weights[0].detach(), atol=1e-15)


def test_weights_and_moments_are_the_same_after_training_and_through_two_cuts(javascript, data, stages):
    found = javascript("play", data=data, cuts=CUTS)
    assert len(found["stages"]) == len(stages) == 3
    for theirs, ours in zip(found["stages"], stages, strict=True):
        assert theirs["names"] == ours["names"]
        assert theirs["step"] == ours["step"]
        np.testing.assert_allclose(theirs["sizes"], ours["sizes"], atol=TOLERANCE)
        for name in ("weights", *MOMENTS):
            for layer, tensor in zip(theirs["layers"], ours[name], strict=True):
                size = float(tensor.abs().max())
                np.testing.assert_allclose(layer[name], tensor, atol=TOLERANCE * size, rtol=0, err_msg=name)
    assert found["accuracies"] == stages[-1]["history"]["you"]


def test_stored_rivals_are_those_that_play_now(data, stages):
    history = stages[-1]["history"]
    assert {name: values[: len(CUTS)] for name, values in data["rivals"].items()} == {
        name: history[name] for name in (*RIVALS, "random")
    }
    assert {len(values) for values in data["rivals"].values()} == {15}
    assert {len(draws) for draws in data["rivals"]["random"]} == {N_RANDOM}


def test_hand_that_cuts_the_smallest_in_javascript_is_magnitude_in_all_15_cuts(javascript, data):
    assert javascript("play", data=data)["accuracies"] == data["rivals"]["magnitude"]
