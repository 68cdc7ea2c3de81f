"""Exercises: the right answer is computed, and a wrong one is told what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Answer = float | list[int]  # a number, or the numbers of some neurons in any order
DECIMALS = 2  # to which a number must be right


@dataclass(frozen=True)
class Exercise:
    """A question: its answer, and the mistakes that are known by the answers they give."""

    right: Answer
    mistakes: tuple[tuple[Answer, str], ...]  # (the answer it gives, what is wrong)
    hint: str


def check(exercises: Mapping[str, Exercise], question: str, answer: Answer | None) -> str:
    """Friendly word on an answer: right, or what is wrong with it.

    Parameters
    ----------
    exercises : of a lesson, by name.
    question : name of the exercise.
    answer : None where there is none yet. A list counts in any order.

    Raises
    ------
    ValueError for a question that does not exist; TypeError for a list in the place of a number, or the reverse.
    """
    if question not in exercises:
        raise ValueError(f"question = {question!r} is not one of {', '.join(exercises)}")
    if answer is None:
        return (
            f"{question}: not answered yet. Put your answer into the parameters cell, run it, and run this cell again."
        )
    exercise, right = exercises[question], exercises[question].right
    if isinstance(right, list) != isinstance(answer, list):
        raise TypeError(f"{question}: expected a {'list' if isinstance(right, list) else 'number'}, got {answer!r}")
    if _agree(answer, right):
        return f"{question}: right, well done!"
    for wrong, word in exercise.mistakes:
        if _agree(answer, wrong):
            return f"{question}: not yet. {word}"
    return f"{question}: not yet. {_distance(answer, right)} {exercise.hint}"


def _agree(given: Any, right: Any) -> bool:
    """Whether two numbers, or two lists, are the same answer."""
    if isinstance(right, list):
        return sorted(given) == sorted(right)
    return bool(np.isclose(given, right, rtol=0, atol=0.501 * 10.0**-DECIMALS))  # rounded half up or down


def _distance(given: Any, right: Any) -> str:
    if isinstance(right, list):
        return f"{len({*given} & {*right})} of yours belong there, of {len(right)}."
    return f"Your number is too {'low' if given < right else 'high'}."
