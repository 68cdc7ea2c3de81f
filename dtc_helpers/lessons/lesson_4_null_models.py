"""Lesson 4, what a null model is for: its parameters and exercises."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from dtc_helpers.checks.fields import Between, Seed
from dtc_helpers.lessons.exercises import Exercise
from dtc_helpers.runs.checking import NotebookParameters
from dtc_helpers.statistics import corrected

TESTED = 0.80  # correlation of the exercise on the share
DRAWS = np.array([0.74, 0.81, 0.78, 0.80, 0.77, 0.83, 0.79, 0.76, 0.75, 0.78])  # of its null model
SHARE, N_DRAWS, WANTED_ERROR = 0.2, 400, 0.005
N_LOOKS, LEVEL = 10, 0.05
P_VALUES, ASKED = np.array([0.01, 0.03, 0.04, 0.20]), 1  # the second


@dataclass(frozen=True)
class NullModelsParameters(NotebookParameters):
    """Parameters of lesson 4; it raises as `Parameters` does."""

    answer_kept_norm: list[int] | None
    answer_share: float | None
    answer_draws: float | None
    answer_by_luck: float | None
    answer_holm: float | None
    null_draws: Annotated[int, Between(100, 10**6)]
    seed: Seed
    figures_dir: str


EXERCISES = {
    "kept norm": Exercise(
        [4],
        (
            (
                [3, 4],
                "Model 3 has one scale for all steps: the mean size of all measurements, not the size of each step.",
            ),
            ([2, 3, 4], "Those keep the length m of every step. Which of them knows how large w was, too?"),
            ([1, 4], "Model 1 has the entropies themselves, but gives them to the wrong steps."),
        ),
        "Look at the column *keeps* in section 3.",
    ),
    "share": Exercise(
        (DRAWS >= TESTED).mean(),
        (
            ((DRAWS < TESTED).mean(), "That is the share that does worse. We ask who does at least as well."),
            ((DRAWS > TESTED).mean(), "Nearly. A draw that is exactly as high counts: *at least* as well."),
            ((DRAWS >= TESTED).sum(), "That is how many there are. A share is that number by the number of draws."),
        ),
        "Go through the ten draws: which are 0.80 or more?",
    ),
    "draws": Exercise(
        SHARE * (1 - SHARE) / WANTED_ERROR**2,
        (
            (
                4.0 * N_DRAWS,
                "Four times as many draws only halve the error: it falls with the *root* of the number of draws.",
            ),
            (N_DRAWS / 4, "With fewer draws the error grows."),
            (
                SHARE * (1 - SHARE) / WANTED_ERROR,
                "You divided by the error. Solve the formula for the number of draws: the error stands there squared.",
            ),
        ),
        "By which factor must the error fall, and by which factor must the draws grow for that?",
    ),
    "by luck": Exercise(
        1 - (1 - LEVEL) ** N_LOOKS,
        (
            (N_LOOKS * LEVEL, "That is how many to expect on average, not how likely at least one is."),
            ((1 - LEVEL) ** N_LOOKS, "That is the chance that *none* of the ten is below 0.05."),
            (LEVEL, "That is the chance in one look. There are ten."),
        ),
        "How likely is it that none of the ten is below 0.05?",
    ),
    "holm": Exercise(
        corrected(P_VALUES)[ASKED],
        (
            (
                P_VALUES[ASKED] * len(P_VALUES),
                "That is times 4, for all the values (Bonferroni's way). Holm: the smallest times 4, the next times 3.",
            ),
            (P_VALUES[ASKED], "That is the p value as it was, before any correction."),
            (P_VALUES[ASKED] * 2, "You took the factor of the third. The smallest gets 4, the next 3."),
        ),
        "Order them. The smallest is multiplied by 4, the next by 3.",
    ),
}
