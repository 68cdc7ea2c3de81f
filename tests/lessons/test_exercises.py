import pytest

from dtc_helpers.lessons.exercises import Exercise, check

EXERCISES = {
    "share": Exercise(2 / 3, ((1 / 3, "That is the share of the others."),), "Count again."),
    "lowest": Exercise([1, 2], (([3, 4], "Those are the highest."),), "Sort first."),
}


@pytest.mark.parametrize(
    ("question", "answer", "word"),
    [
        ("share", 0.67, "right, well done!"),
        ("share", 0.6666, "right, well done!"),
        ("share", 0.66, "too low. Count again."),
        ("share", 0.33, "not yet. That is the share of the others."),
        ("share", 0.9, "not yet. Your number is too high. Count again."),
        ("share", 0.1, "not yet. Your number is too low. Count again."),
        ("lowest", [2, 1], "right, well done!"),
        ("lowest", [4, 3], "not yet. Those are the highest."),
        ("lowest", [2, 5, 6], "not yet. 1 of yours belong there, of 2. Sort first."),
        ("lowest", [2, 1, 1], "not yet. 2 of yours belong there, of 2. Sort first."),
    ],
)
def test_answer_is_judged(question, answer, word):
    assert check(EXERCISES, question, answer).endswith(word)


def test_exercise_without_an_answer_gets_a_friendly_word():
    assert "not answered yet" in check(EXERCISES, "share", None)


@pytest.mark.parametrize(("question", "answer"), [("share", [1]), ("lowest", 1.0)])
def test_answer_of_another_kind_is_refused(question, answer):
    with pytest.raises(TypeError, match=f"{question}: expected a (list|number), got"):
        check(EXERCISES, question, answer)


def test_unknown_question_is_refused():
    with pytest.raises(ValueError, match="question = 'x' is not one of share, lowest"):
        check(EXERCISES, "x", 1)
