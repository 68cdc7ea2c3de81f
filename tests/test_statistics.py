import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.nonparametric.smoothers_lowess import lowess

from dtc_helpers.statistics import ranking_agreement, smooth

POSITION = np.linspace(0, 1, 34)


@given(intercept=st.floats(-2, 2), slope=st.floats(-2, 2), fraction=st.floats(0.2, 1))
def test_line_is_its_own_curve(intercept, slope, fraction):
    line = intercept + slope * POSITION
    np.testing.assert_allclose(smooth(POSITION, line, fraction=fraction), line, atol=1e-8)


def test_curve_follows_the_order_of_the_points():
    value = np.random.default_rng(0).random(34)
    order = np.random.default_rng(1).permutation(34)
    np.testing.assert_allclose(smooth(POSITION[order], value[order]), smooth(POSITION, value)[order], atol=1e-12)


def test_default_fraction_is_that_of_table_1():
    value = np.random.default_rng(0).random(34)
    np.testing.assert_array_equal(smooth(POSITION, value), lowess(value, POSITION, frac=0.3)[:, 1])


def test_fraction_is_that_of_the_points_that_each_line_is_fitted_to():
    value = np.random.default_rng(0).random(34)
    np.testing.assert_array_equal(smooth(POSITION, value, fraction=0.6), lowess(value, POSITION, frac=0.6)[:, 1])


def test_curve_varies_less_than_the_points():
    value = np.random.default_rng(0).random(34)
    assert np.diff(smooth(POSITION, value)).std() < np.diff(value).std() / 2


@pytest.mark.parametrize("n_points", [2, 3, 4, 5])
def test_curve_of_a_few_points_goes_through_their_line(n_points):
    position = np.arange(n_points) / 10
    np.testing.assert_allclose(smooth(position, 1 - position), 1 - position, atol=1e-8)


def test_curve_of_one_point_is_the_point():
    assert smooth(np.array([0.1]), np.array([0.9])).tolist() == [0.9]


def test_rankings_agree_as_counted_by_hand():
    # ranks of the first: 4 3 2 1, of the second: 3 4 1 2; the two highest are the same, sum of d² = 4
    found = ranking_agreement(np.array([9.0, 8, 7, 6]), np.array([3.0, 4, 1, 2]), n_highest=2)
    assert found.rank_correlation == pytest.approx(1 - 6 * 4 / (4 * 15))
    assert found.shared_fraction == 1
    assert found.shared_by_chance == 0.5


def test_agreement_is_of_ranks_and_among_the_highest():
    scores, others = np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 10, 100, 1e3, 1e6])
    assert ranking_agreement(scores, others, n_highest=1).rank_correlation == pytest.approx(1)
    # the two highest are {3, 4} and {2, 4}; the two lowest are the same
    assert ranking_agreement(scores, np.array([0.0, 1, 9, 2, 10]), n_highest=2).shared_fraction == 0.5
    assert ranking_agreement(scores, np.array([1.0, 0, 7, 8, 9]), n_highest=2).shared_fraction == 1


def test_ties_among_the_highest_go_to_the_lower_index():
    found = ranking_agreement(np.array([1.0, 1, 1, 0]), np.array([0.0, 1, 0, 1]), n_highest=2)
    assert found.shared_fraction == 0.5  # {0, 1} and {1, 3}
