import numpy as np
import pytest

from dtc_helpers.gibbs import gibbs_entropy
from dtc_helpers.studies.study_11_entropy_by_hand import NOT_ANSWERED, check_answer

QUESTIONS = ("six values", "ceiling", "how many")


@pytest.mark.parametrize("question", QUESTIONS)
def test_exercise_without_an_answer_gets_a_friendly_word(question):
    assert "not answered yet" in check_answer(question, NOT_ANSWERED)


@pytest.mark.parametrize("question", QUESTIONS)
def test_wrong_answer_is_told(question):
    assert "not yet" in check_answer(question, 0.123)


def test_right_answer_counts_to_two_decimals():
    six_values = np.array([0.2, 0.4, 1.1, 1.3, 1.7, 2.5])
    right = gibbs_entropy(six_values, bin_edges=np.arange(4.0)).value
    assert "right" in check_answer("six values", right)
    assert "right" in check_answer("six values", round(right, 2))
    assert "right" in check_answer("ceiling", np.log(8))
    assert "right" in check_answer("how many", float(np.ceil(np.exp(3))))


def test_unknown_question_is_refused():
    with pytest.raises(ValueError, match="question = 'x' is not one of six values, ceiling, how many"):
        check_answer("x", 1)
