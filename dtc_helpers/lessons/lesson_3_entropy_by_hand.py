"""Lesson 3, entropy by hand: its parameters and exercises."""

from dataclasses import dataclass

import numpy as np

from dtc_helpers.checks.fields import Seed
from dtc_helpers.gibbs import gibbs_entropy
from dtc_helpers.lessons.exercises import Exercise
from dtc_helpers.runs.checking import NotebookParameters

SIX_VALUES = np.array([0.2, 0.4, 1.1, 1.3, 1.7, 2.5])
THREE_BOXES = np.array([0.0, 1.0, 2.0, 3.0])
TWO_BOXES = np.array([0.0, 1.5, 3.0])
N_VALUES = 8  # of the exercise on the ceiling
WANTED = 3.0  # nats


@dataclass(frozen=True)
class EntropyByHandParameters(NotebookParameters):
    """Parameters of lesson 3; it raises as `Parameters` does."""

    answer_six_values: float | None
    answer_two_boxes: float | None
    answer_ceiling: float | None
    answer_how_many: float | None
    seed: Seed
    figures_dir: str


def _entropy(edges: np.ndarray, base: str = "nats") -> float:
    return gibbs_entropy(SIX_VALUES, bin_edges=edges, base=base).value


_SHARES = np.histogram(SIX_VALUES, bins=THREE_BOXES)[0] / len(SIX_VALUES)
_BITS = "That is in bits: you took the logarithm to base 2. Here we want nats: take ln."
_MINUS = "The size is right, but an entropy is never negative: ln of a share is below 0, and the minus turns it round."

EXERCISES = {
    "six values": Exercise(
        _entropy(THREE_BOXES),
        (
            (_entropy(THREE_BOXES, "bits"), _BITS),
            (-_entropy(THREE_BOXES), _MINUS),
            (
                -np.log(_SHARES).sum(),
                "You added the surprises as they are. Weigh each by its share p first: a rare surprise counts little.",
            ),
            (np.log(3), "That is ln 3, what three boxes have that are filled evenly. Count: these are not."),
        ),
        "Three boxes, three lines, as in section 2.",
    ),
    "two boxes": Exercise(
        _entropy(TWO_BOXES),
        (
            (_entropy(TWO_BOXES, "bits"), _BITS),
            (
                _entropy(THREE_BOXES),
                "That is what the three boxes gave. The values are the same, but entropy belongs to values and boxes.",
            ),
            (np.log(2), "That is ln 2, what two boxes have that are filled evenly. Count: these are not."),
        ),
        "Count again: how many of the six lie below 1.5?",
    ),
    "ceiling": Exercise(
        np.log(N_VALUES),
        (
            (np.log2(N_VALUES), _BITS),
            (np.log(N_VALUES) / N_VALUES, "That is what one of the eight boxes adds. There are eight of them."),
            (N_VALUES, "That is the number of values. What is the surprise of a box that has one of them?"),
            (-np.log(N_VALUES), _MINUS),
        ),
        "When is every value in a box of its own?",
    ),
    "how many": Exercise(
        np.ceil(np.exp(WANTED)),
        (
            (np.floor(np.exp(WANTED)), "Nearly: with so many values the ceiling is still a little below 3. Round up."),
            (np.exp(WANTED), "The calculation is right, but no vector has so many values. Round up."),
            (2.0**WANTED, "That would do for 3 bits. Here we want 3 nats: what undoes ln?"),
            (10.0**WANTED, "That undoes the logarithm to base 10. What undoes ln?"),
        ),
        "Read it off the figure of section 4 first, then calculate.",
    ),
}
