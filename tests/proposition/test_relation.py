from dataclasses import asdict, replace

import numpy as np
import pytest
import scipy.stats

from dtc_helpers.gibbs import entropy_series
from dtc_helpers.proposition.relation import (
    Estimate,
    Step,
    column,
    correlations,
    estimate,
    partial_correlation,
    relation,
)

LENGTHS = (50, 40, 32, 25, 20, 16, 12, 10, 8, 6)


def made_process(rng, *, fitness, lengths=LENGTHS, scales=(3,) * 10):
    """Measurements of given lengths and scales; fitness is a function of both and of noise."""
    steps = []
    for i, (n, scale) in enumerate(zip(lengths, scales, strict=True)):
        steps.append(Step(rng.normal(0, scale, n), i / len(lengths), fitness(n, scale, rng.normal(0, 0.05))))
    return steps


def by_length(n, scale, noise):
    return np.log(n) + noise


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ------------------------------------------------------------------------------------------- steps


@pytest.mark.parametrize(("removed", "ratio"), [(0, 1), (0.5, 2), (0.9, 10)])
def test_compression_ratio_is_original_over_left(removed, ratio):
    assert Step(np.ones(1), removed, 0.5).compression_ratio == pytest.approx(ratio)


@pytest.mark.parametrize("removed", [-0.1, 1, 1.5, np.nan])
def test_fraction_that_leaves_nothing_is_refused(removed):
    with pytest.raises(ValueError, match="removed_fraction"):
        Step(np.ones(1), removed, 0.5)


def test_columns_are_the_numbers_of_the_steps(rng):
    process = made_process(rng, fitness=lambda n, *_: n / 100)
    assert column(process, "length").tolist() == list(LENGTHS)
    assert column(process, "fitness").tolist() == [n / 100 for n in LENGTHS]


# ------------------------------------------------------------------------------------ correlations


def test_correlations_are_scipys(rng):
    process = made_process(rng, fitness=by_length)
    series = entropy_series([step.measurement for step in process])
    found, fitness = correlations(process, series), column(process, "fitness")
    assert found.pearson == pytest.approx(scipy.stats.pearsonr(series, fitness)[0])
    assert found.spearman == pytest.approx(scipy.stats.spearmanr(series, fitness)[0])
    ratios = 1 / (1 - np.arange(10) / 10)
    assert found.given_ratio == pytest.approx(partial_correlation(series, fitness, given=ratios))
    assert found.given_length == pytest.approx(partial_correlation(series, fitness, given=np.log(LENGTHS)))


def test_step_without_an_entropy_takes_no_part_in_any_correlation(rng):
    process = made_process(rng, fitness=by_length)
    series = rng.normal(size=10)
    found = correlations(process, np.where(np.arange(10) == 3, np.nan, series))
    expected = correlations(process[:3] + process[4:], np.delete(series, 3))
    np.testing.assert_allclose(list(asdict(found).values()), list(asdict(expected).values()))


def test_four_steps_are_enough(rng):
    process = made_process(rng, fitness=by_length)[:4]
    assert np.isfinite(list(asdict(correlations(process, rng.normal(size=4))).values())).all()


def test_partial_correlation_is_that_of_the_residuals_of_two_regressions(rng):
    given = rng.normal(size=30)
    x, y = given + rng.normal(size=30), 3 - 2 * given + rng.normal(size=30)
    residuals = [v - np.polyval(np.polyfit(given, v, 1), given) for v in (x, y)]
    expected = scipy.stats.pearsonr(*residuals)[0]
    assert partial_correlation(x, y, given=given) == pytest.approx(expected)
    r, with_x, with_y = (np.corrcoef(*pair)[0, 1] for pair in ((x, y), (x, given), (y, given)))
    assert expected == pytest.approx((r - with_x * with_y) / np.sqrt((1 - with_x**2) * (1 - with_y**2)))


def test_partial_correlation_of_what_only_the_given_ties_together_is_about_0(rng):
    given = rng.normal(size=4000)
    x, y = given + rng.normal(size=4000), given + rng.normal(size=4000)
    assert np.corrcoef(x, y)[0, 1] > 0.4
    assert abs(partial_correlation(x, y, given=given)) < 4 / np.sqrt(4000)


def test_partial_correlation_is_undefined_where_the_given_explains_all(rng):
    given, y = rng.normal(size=(2, 20))
    assert np.isnan(partial_correlation(3 * given + 1, y, given=given))
    assert np.isnan(partial_correlation(np.r_[1.0, 2, 3, np.nan], y[:4], given=given[:4]))


def test_given_that_does_not_vary_takes_nothing_away(rng):
    x, y = rng.normal(size=(2, 20))
    assert partial_correlation(x, y, given=np.ones(20)) == pytest.approx(scipy.stats.pearsonr(x, y)[0])


@pytest.mark.parametrize("n_steps", [0, 1, 3])
def test_too_few_steps_are_refused(rng, n_steps):
    process = made_process(rng, fitness=by_length)[:n_steps]
    with pytest.raises(ValueError, match=f"a process of {n_steps} steps has no relation: expected at least 4"):
        correlations(process, np.zeros(n_steps))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_fitness_that_is_not_finite_is_refused(rng, bad):
    process = made_process(rng, fitness=by_length)
    process[7] = replace(process[7], fitness=bad)
    with pytest.raises(ValueError, match="fitness is NaN"):
        correlations(process, np.arange(10))


# ------------------------------------------------------------------------------------------ estimate


def test_estimate_is_the_mean_and_leaves_out_what_is_undefined(rng):
    found = estimate([1, 2, np.nan, 3], rng=rng)
    assert (found.value, found.n) == (2, 3)
    assert 1 <= found.low <= 2 <= found.high <= 3
    assert str(Estimate(0.5, 0.25, 0.75, 3)) == "0.500 (0.250 to 0.750, n = 3)"


@pytest.mark.parametrize(("values", "mean"), [([], np.nan), ([np.nan], np.nan), ([0.5], 0.5)])
def test_one_replicate_has_no_interval(rng, values, mean):
    found = estimate(values, rng=rng)
    np.testing.assert_equal([found.value, found.low, found.high], [mean, np.nan, np.nan])


def test_equal_replicates_have_an_interval_without_width(rng):
    assert estimate([0.25] * 5, rng=rng) == Estimate(0.25, 0.25, 0.25, 5)


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_interval_is_the_middle_of_the_means_of_resamples(rng, confidence):
    values = np.array([0, 0, 0, 0, 0.5, 1, 2, 6])  # lopsided: no other interval than that of percentiles looks like it
    means = rng.choice(values, (100_000, 8)).mean(axis=1)
    found = estimate(values, rng=rng, confidence=confidence)
    expected = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    assert [found.low, found.high] == pytest.approx(expected, abs=0.12)  # 2,000 resamples scatter by 0.03
    assert found.value == values.mean()


def test_two_replicates_have_an_interval(rng):
    assert estimate([0, 1], rng=rng) == Estimate(0.5, 0.0, 1.0, 2)  # a quarter of the resamples are 0, 0 or 1, 1


def test_interval_covers_the_truth_about_as_often_as_it_says(rng):
    covered = 0
    for _ in range(200):
        found = estimate(rng.normal(0.5, 0.1, 25), rng=rng)
        covered += found.low <= 0.5 <= found.high
    # a percentile interval of 25 values covers some 93 %; 200 experiments scatter by 1.8 %
    assert 0.87 <= covered / 200 <= 0.99


# ------------------------------------------------------------------------------------------ relation


def test_relation_is_the_mean_over_replicates(rng):
    processes = [made_process(rng, fitness=by_length) for _ in range(6)]
    found = relation(processes, rng=rng)
    each = [correlations(p, entropy_series([s.measurement for s in p])) for p in processes]
    for name in ("pearson", "spearman", "given_ratio", "given_length"):
        assert getattr(found, name).value == pytest.approx(np.mean([getattr(one, name) for one in each]))
        assert getattr(found, name).n == 6
    assert found.pearson.low <= found.pearson.value <= found.pearson.high


def test_relation_has_intervals_of_the_confidence_asked_for(rng):
    processes = [made_process(rng, fitness=by_length) for _ in range(6)]
    usual = relation(processes, rng=np.random.default_rng(1))
    same, half = (relation(processes, rng=np.random.default_rng(1), confidence=level) for level in (0.95, 0.5))
    assert usual == same
    for name in ("pearson", "spearman", "given_ratio", "given_length"):
        wide, narrow = (found.high - found.low for found in (getattr(usual, name), getattr(half, name)))
        assert 0 < narrow < 0.6 * wide


def test_relation_takes_another_measure_of_disorder(rng):
    processes = [made_process(rng, fitness=by_length) for _ in range(3)]
    found = relation(processes, measure=lambda measurements: np.log([y.size for y in measurements]), rng=rng)
    assert found.pearson.value > 0.95
    assert found.given_length.n == 0  # nothing is left of ln m, given ln m


def test_relation_of_a_fitness_that_does_not_vary_is_undefined(rng):
    found = relation([made_process(rng, fitness=lambda *_: 0.5)] * 3, rng=rng)
    assert np.isnan(found.pearson.value)
    assert found.pearson.n == 0


def test_no_process_is_refused(rng):
    with pytest.raises(ValueError, match="no process"):
        relation([], rng=rng)


@pytest.mark.parametrize("measurement", [[], [np.nan], [np.inf, 1]])
def test_measurement_without_entropy_is_refused(rng, measurement):
    process = [*made_process(rng, fitness=by_length), Step(np.array(measurement), 0.99, 0.1)]
    with pytest.raises(ValueError, match="expected finite values"):
        relation([process], rng=rng)
