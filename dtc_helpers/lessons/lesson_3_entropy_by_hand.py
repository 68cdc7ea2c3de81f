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


def _shares(edges: np.ndarray) -> np.ndarray:
    counts = np.histogram(SIX_VALUES, bins=edges)[0]
    return counts / counts.sum()


_BITS = "That is in bits: you took the logarithm to base 2. Here we want nats: take ln."
_MINUS = "The size is right, but an entropy is never negative: ln of a share is below 0, and the minus turns it round."

EXERCISES = {
    "six values": Exercise(
        lambda: _entropy(THREE_BOXES),
        (
            (lambda: _entropy(THREE_BOXES, "bits"), _BITS),
            (lambda: -_entropy(THREE_BOXES), _MINUS),
            (
                lambda: float(-np.log(_shares(THREE_BOXES)).sum()),
                "You added the surprises as they are. Weigh each by its share p first: a rare surprise counts little.",
            ),
            (
                lambda: float(np.log(3)),
                "That is ln 3, what three boxes have that are filled evenly. Count: these are not.",
            ),
        ),
        "Three boxes, three lines, as in section 2.",
    ),
    "two boxes": Exercise(
        lambda: _entropy(TWO_BOXES),
        (
            (lambda: _entropy(TWO_BOXES, "bits"), _BITS),
            (
                lambda: _entropy(THREE_BOXES),
                "That is what the three boxes gave. The values are the same, but entropy belongs to values and boxes.",
            ),
            (
                lambda: float(np.log(2)),
                "That is ln 2, what two boxes have that are filled evenly. Count: these are not.",
            ),
        ),
        "Count again: how many of the six lie below 1.5?",
    ),
    "ceiling": Exercise(
        lambda: float(np.log(N_VALUES)),
        (
            (lambda: float(np.log2(N_VALUES)), _BITS),
            (
                lambda: float(np.log(N_VALUES) / N_VALUES),
                "That is what one of the eight boxes adds. There are eight of them.",
            ),
            (
                lambda: float(N_VALUES),
                "That is the number of values. What is the surprise of a box that has one of them?",
            ),
            (lambda: -float(np.log(N_VALUES)), _MINUS),
        ),
        "When is every value in a box of its own?",
    ),
    "how many": Exercise(
        lambda: float(np.ceil(np.exp(WANTED))),
        (
            (
                lambda: float(np.floor(np.exp(WANTED))),
                "Nearly: with so many values the ceiling is still a little below 3. Round up.",
            ),
            (lambda: float(np.exp(WANTED)), "The calculation is right, but no vector has so many values. Round up."),
            (lambda: 2.0**WANTED, "That would do for 3 bits. Here we want 3 nats: what undoes ln?"),
            (lambda: 10.0**WANTED, "That undoes the logarithm to base 10. What undoes ln?"),
        ),
        "Read it off the figure of section 4 first, then calculate.",
    ),
}
