import numpy as np
import pytest

from dtc_helpers.statistics import Estimate, bootstrap_interval, error_of_mean


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_estimate_is_the_mean_and_leaves_out_what_is_undefined(rng):
    found = bootstrap_interval([1, 2, np.nan, 3], rng=rng)
    assert (found.mean, found.n) == (2, 3)
    assert 1 <= found.low <= 2 <= found.high <= 3
    assert str(Estimate(0.5, 0.25, 0.75, 0.1, 3)) == "0.5000 (0.2500 to 0.7500, n = 3)"


@pytest.mark.parametrize(("values", "mean"), [([], np.nan), ([np.nan], np.nan), ([0.5], 0.5)])
def test_one_replicate_has_no_interval(rng, values, mean):
    found = bootstrap_interval(values, rng=rng)
    np.testing.assert_equal([found.mean, found.low, found.high], [mean, np.nan, np.nan])


def test_equal_replicates_have_an_interval_without_width(rng):
    assert bootstrap_interval([0.25] * 5, rng=rng) == Estimate(0.25, 0.25, 0.25, 0.0, 5)


def test_interval_is_the_middle_of_the_means_of_resamples(rng):
    values = np.array([0, 0, 0, 0, 0.5, 1, 2, 6])  # lopsided: no other interval than that of percentiles looks like it
    means = rng.choice(values, (100_000, 8)).mean(axis=1)
    found = bootstrap_interval(values, rng=rng)
    expected = np.quantile(means, [0.025, 0.975])
    assert [found.low, found.high] == pytest.approx(expected, abs=0.12)  # 2,000 resamples scatter by 0.03
    assert found.mean == values.mean()


def test_two_replicates_have_an_interval(rng):
    assert bootstrap_interval([0, 1], rng=rng) == Estimate(
        0.5, 0.0, 1.0, np.sqrt(0.5), 2
    )  # a quarter of the resamples are 0, 0 or 1, 1


def test_interval_covers_the_truth_about_as_often_as_it_says(rng):
    covered = 0
    for _ in range(200):
        found = bootstrap_interval(rng.normal(0.5, 0.1, 25), rng=rng)
        covered += found.low <= 0.5 <= found.high
    # a percentile interval of 25 values covers some 93 %; 200 experiments scatter by 1.8 %
    assert 0.87 <= covered / 200 <= 0.99


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.1, 0.2, "open"), (0.0, 0.2, "open"), (0.01, 0.2, "above"), (-0.2, 0.0, "open"), (-0.2, -0.01, "below")],
)
def test_verdict_asks_for_the_whole_interval(low, high, verdict):
    assert Estimate(0.1, low, high, 0.1, 9).verdict == verdict


def test_error_of_a_mean_is_that_of_the_numbers_that_are_there():
    assert error_of_mean([3.0, np.nan, 4.0]) == pytest.approx(5 / 2)
    assert np.isnan(error_of_mean([np.nan]))
