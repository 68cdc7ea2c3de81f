"""The match of the page: its images as text, its start and its order of images from numbers that a browser draws too.

JavaScript plays only the hand of the reader (web/training.js); the rivals are played here, and stored.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dtc_helpers.explorer.game import READING, Match
from dtc_helpers.images.datasets import Dataset, Split, load_dataset
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import IndependentStreams

NEURONS = 64
PIXEL_LETTERS = "0123456789abcdefg"  # a level of grey each: digits to the base 17
WEIGHTS_SEED = 0
SPLITS = ("train", "test")


class PageStreams(IndependentStreams):
    """Streams whose order of the images is drawn as web/random.js draws it too."""

    def data_order(self, n_pass: int) -> np.random.RandomState:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Draws the order of the images in the pass with this number."""
        return np.random.RandomState(WEIGHTS_SEED + 1 + n_pass)


def digits_state() -> dict[str, Any]:
    """The package's digits, class by class, neighbours alike, pixel by pixel: so that they deflate to a third.

    Returns
    -------
    levels : the values of a pixel, as the package standardises them; train and test : images of each class, `counts`,
    and the number of the level of every pixel, `pixels`, first those of all images at the first pixel.
    """
    digits = load_dataset("digits")
    splits = {name: getattr(digits, name) for name in SPLITS}
    levels = torch.cat([split.images for split in splits.values()]).unique()
    state: dict[str, Any] = {"levels": levels.tolist()}
    for name, split in splits.items():
        places = torch.searchsorted(levels, split.images)
        sorted_places = torch.cat([_chained(places[split.labels == c]) for c in range(digits.n_classes)])
        text = "".join(PIXEL_LETTERS[place] for place in sorted_places.T.flatten().tolist())
        state[name] = {"counts": split.labels.bincount().tolist(), "pixels": text}
    return state


def _chained(images: Tensor) -> Tensor:
    """Images in an order in which each is followed by the nearest that is left."""
    pixels, order = images.numpy(), [0]
    distances = np.square(pixels[:, None] - pixels).sum(-1).astype(float)
    while len(order) < len(images):
        distances[:, order[-1]] = np.inf  # is taken
        order.append(int(distances[order[-1]].argmin()))
    return images[order]


def dataset_of_state(state: Mapping[str, Any]) -> Dataset:
    """Digits of `digits_state`, float64, in the order in which they are stored."""
    levels = torch.tensor(state["levels"], dtype=torch.float64)
    train, test = (_split(state[name], levels) for name in SPLITS)
    return Dataset("digits", "digits", train, test, n_validation=0, image_shape=(8, 8))


def _split(stored: Mapping[str, Any], levels: Tensor) -> Split:
    counts = torch.tensor(stored["counts"])
    places = torch.tensor([PIXEL_LETTERS.index(letter) for letter in stored["pixels"]])
    images = levels[places].view(-1, int(counts.sum())).T.contiguous()
    return Split(images, torch.arange(len(counts)).repeat_interleave(counts))


def page_start(dataset: Dataset) -> ReplicatedMLP:
    """Network with which everybody starts: Xavier-normal weights, first layer first."""
    rng = np.random.RandomState(WEIGHTS_SEED)
    shapes = [(NEURONS, dataset.n_inputs), (dataset.n_classes, NEURONS)]
    return ReplicatedMLP([torch.from_numpy(rng.normal(size=(1, *s)) * np.sqrt(2 / sum(s))) for s in shapes])


def page_match(dataset: Dataset) -> Match:
    """A match on these images from the start of the page."""
    return Match(dataset, reading=replace(READING, streams=PageStreams), start=page_start(dataset))


def game_state() -> dict[str, Any]:
    """Digits of the page, and the accuracies of the rivals after every cut."""
    state = digits_state()
    match = page_match(dataset_of_state(state))
    while match.n_cut:
        match.cut(match.alive[: match.n_cut])  # any hand will do: the rivals do not look at it
    rivals = {name: values for name, values in match.history.items() if name != "you"}
    return {**state, "rivals": rivals}
