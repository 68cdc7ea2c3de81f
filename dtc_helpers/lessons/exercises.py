"""Exercises: the right answer is computed, and a wrong one is told what is wrong with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Answer = float | list[int]  # a number, or the numbers of some neurons in any order


@dataclass(frozen=True)
class Exercise:
    """A question: how to compute its answer, and the mistakes that are known by the answer they give."""

    right: Callable[[], Answer]
    mistakes: tuple[tuple[Callable[[], Answer], str], ...]  # (the answer it gives, what is wrong)
    hint: str
    decimals: int = 2  # to which a number must be right


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
    exercise = exercises[question]
    right = exercise.right()
    if isinstance(right, list) != isinstance(answer, list):
        raise TypeError(f"{question}: expected a {'list' if isinstance(right, list) else 'number'}, got {answer!r}")
    if _agree(answer, right, exercise.decimals):
        return f"{question}: right, well done!"
    for wrong, word in exercise.mistakes:
        if _agree(answer, wrong(), exercise.decimals):
            return f"{question}: not yet. {word}"
    return f"{question}: not yet. {_distance(answer, right)} {exercise.hint}"


def _agree(given: Answer, right: Answer, decimals: int) -> bool:
    if isinstance(given, list) or isinstance(right, list):
        return isinstance(given, list) and isinstance(right, list) and sorted(given) == sorted(right)
    return bool(np.isclose(given, right, rtol=0, atol=0.501 * 10.0**-decimals))  # rounded half up or down


def _distance(given: Answer, right: Answer) -> str:
    if isinstance(given, list) and isinstance(right, list):
        return f"{len({*given} & {*right})} of yours belong there, of {len(right)}."
    return f"Your number is too {'low' if given < right else 'high'}."  # type: ignore[operator]
