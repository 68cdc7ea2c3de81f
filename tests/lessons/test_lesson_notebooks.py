"""Every lesson: its exercises stand in it, its solutions are right, and wrong answers are told what is wrong."""

import importlib
import re
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest

from dtc_helpers.lessons.exercises import DECIMALS, check
from dtc_helpers.runs.checking import NotebookParameters

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(ROOT.glob("notebooks/lessons/*.ipynb"))
TEACHING = ROOT / "docs" / "teaching.md"
DETAILS = re.compile(r"<details><summary>Solution</summary>\n(.*?)</details>", re.DOTALL)
FENCED = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def module_of(path):
    return importlib.import_module(f"dtc_helpers.lessons.lesson_{path.stem}")


@cache
def cells_of(path, kind):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def parameter_of(question):
    return f"answer_{question.replace(' ', '_')}"


def solutions(path):
    """Answer of every worked solution, in the order in which they stand in the notebook."""
    blocks = DETAILS.findall("\n".join(cells_of(path, "markdown")))
    return [eval(expression, {"np": np}) for block in blocks for (expression,) in [FENCED.findall(block)]]


def of_its_kind(answer):
    return [int(value) for value in answer] if isinstance(answer, list) else float(answer)


def unlike_all(exercise):
    """A wrong answer that nobody has thought of."""
    known = [exercise.right, *(wrong for wrong, _ in exercise.mistakes)]
    return [-1] if isinstance(known[0], list) else 1.0 + max(map(abs, known))


every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
every_exercise = pytest.mark.parametrize(
    ("path", "question"),
    [pytest.param(path, name, id=f"{path.stem}: {name}") for path in LESSONS for name in module_of(path).EXERCISES],
)


def test_there_are_lessons():
    assert LESSONS


@every_lesson
def test_lesson_has_three_to_five_exercises_in_order_each_with_a_parameter_that_is_not_answered(path):
    exercises = module_of(path).EXERCISES
    assert 3 <= len(exercises) <= 5
    asked = re.findall(r'check\((?:lesson\.)?EXERCISES, "([^"]+)", (\w+)\)', "\n".join(cells_of(path, "code")))
    assert asked == [(name, parameter_of(name)) for name in exercises]
    (parameters,) = [source for source in cells_of(path, "code") if source.startswith("# Parameters")]
    assert re.findall(r"^(answer_\w+): .* = None", parameters, re.MULTILINE) == [parameter_of(n) for n in exercises]


@every_lesson
def test_lesson_has_a_parameters_class_with_its_answers(path):
    classes = [kind for kind in vars(module_of(path)).values() if isinstance(kind, type)]
    (own,) = [kind for kind in classes if issubclass(kind, NotebookParameters) and kind is not NotebookParameters]
    assert {parameter_of(name) for name in module_of(path).EXERCISES} <= set(own.__dataclass_fields__)


@every_lesson
def test_worked_solutions_are_right(path):
    exercises = module_of(path).EXERCISES
    told = [check(exercises, name, of_its_kind(a)) for name, a in zip(exercises, solutions(path), strict=True)]
    assert told == [f"{name}: right, well done!" for name in exercises]


@every_exercise
def test_known_mistakes_are_told_what_is_wrong(path, question):
    exercises = module_of(path).EXERCISES
    mistakes = exercises[question].mistakes
    assert len(mistakes) >= 2
    told = [check(exercises, question, wrong) for wrong, _ in mistakes]
    assert told == [f"{question}: not yet. {word}" for _, word in mistakes]


@every_exercise
def test_any_other_wrong_answer_gets_the_hint(path, question):
    exercises = module_of(path).EXERCISES
    told = check(exercises, question, unlike_all(exercises[question]))
    assert told.startswith(f"{question}: not yet. ")
    assert told.endswith(exercises[question].hint)
    assert not [word for _, word in exercises[question].mistakes if word in told]


# ----------------------------------------------------------------------------------- answers for teachers


def row_of(path, question):
    """Line of the teacher's table: what is right, and what the wrong answers that are recognised are."""
    exercise = module_of(path).EXERCISES[question]
    known = [shown(exercise.right), *(shown(wrong) for wrong, _ in exercise.mistakes)]
    return f"| {path.stem[0]} | {question} | {known[0]} | {', '.join(known[1:])} |"


def shown(answer):
    if isinstance(answer, list):
        return f"[{', '.join(map(str, answer))}]"
    number = f"{answer:,.{DECIMALS}f}".replace("-", "−")
    return number.rstrip("0").rstrip(".") if "." in number else number


def test_teachers_have_the_answers_of_all_lessons():
    wanted = [row_of(path, question) for path in LESSONS for question in module_of(path).EXERCISES]
    written = re.findall(r"^\| \d \| .*\|$", TEACHING.read_text(encoding="utf-8"), re.MULTILINE)
    missing, stale = [row for row in wanted if row not in written], [row for row in written if row not in wanted]
    assert (missing, stale) == ([], []), "\n".join(["docs/teaching.md lacks", *missing, "and has", *stale])
