"""Page 11, entropy by hand: exercises whose answers do not stand here: only their hashes do."""

import hashlib
from dataclasses import dataclass

from dtc_helpers.runs.checking import NotebookParameters, Seed

NOT_ANSWERED = -1.0
_HASHES = {
    "six values": "d3473094cabff4ef310dde22a57ec7f086217a335b1bd8f99249d4e3a328724b",
    "ceiling": "80f3e98434be4ee37fc29a3e076feb498fb6a4b11af1c28bafee45c4bf5b380c",
    "how many": "a3d7f2e3509738e6bea8527e995c8475f8d0d0ab6de036a337e356c5704e9ee7",
}


@dataclass(frozen=True)
class TeachingParameters(NotebookParameters):
    """Parameters of page 11; it raises as `Parameters` does."""

    answer_six_values: float
    answer_ceiling: float
    answer_how_many: float
    seed: Seed
    figures_dir: str


def check_answer(question: str, answer: float) -> str:
    """Friendly word on an answer, which counts to two decimals.

    Parameters
    ----------
    question : name of the exercise.
    answer : −1 where there is none yet.

    Raises
    ------
    ValueError for a question that does not exist.
    """
    if question not in _HASHES:
        raise ValueError(f"question = {question!r} is not one of {', '.join(_HASHES)}")
    if answer == NOT_ANSWERED:
        return f"{question}: not answered yet. Put your number into the parameters cell and run the notebook again."
    right = answer_hash(question, answer) == _HASHES[question]
    return f"{question}: {'right, well done!' if right else 'not yet. Look at the hint again.'}"


def answer_hash(question: str, answer: float) -> str:
    """Hash of a question with its answer rounded to two decimals."""
    return hashlib.sha256(f"{question}: {answer:.2f}".encode()).hexdigest()
