import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.nonparametric.smoothers_lowess import lowess

from dtc_helpers.statistics import pearson, smooth, spearman

POSITION = np.linspace(0, 1, 34)


@given(intercept=st.floats(-2, 2), slope=st.floats(-2, 2))
def test_line_is_its_own_curve(intercept, slope):
    line = intercept + slope * POSITION
    np.testing.assert_allclose(smooth(POSITION, line), line, atol=1e-8)


def test_curve_follows_the_order_of_the_points():
    value = np.random.default_rng(0).random(34)
    order = np.random.default_rng(1).permutation(34)
    np.testing.assert_allclose(smooth(POSITION[order], value[order]), smooth(POSITION, value)[order], atol=1e-12)


def test_fraction_of_the_points_that_a_line_is_fitted_to_is_that_of_table_1():
    value = np.random.default_rng(0).random(34)
    np.testing.assert_array_equal(smooth(POSITION, value), lowess(value, POSITION, frac=0.3)[:, 1])


def test_curve_varies_less_than_the_points():
    value = np.random.default_rng(0).random(34)
    assert np.diff(smooth(POSITION, value)).std() < np.diff(value).std() / 2


@pytest.mark.parametrize("n_points", [2, 3, 4, 5])
def test_curve_of_a_few_points_goes_through_their_line(n_points):
    position = np.arange(n_points) / 10
    np.testing.assert_allclose(smooth(position, 1 - position), 1 - position, atol=1e-8)


def test_curve_of_one_point_is_the_point():
    assert smooth(np.array([0.1]), np.array([0.9])).tolist() == [0.9]


def test_series_that_varies_by_rounding_alone_has_no_correlation():
    x, y = np.array([1.0, 1 + 2e-16, 1 - 1e-16, 1.0]), np.array([0.9, 0.8, 0.7, 0.5])
    assert np.isnan([pearson(x, y), pearson(y, x), spearman(x, y), spearman(y, x)]).all()
    assert pearson(1e-9 * y, y) == pytest.approx(1)
