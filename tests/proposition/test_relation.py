from dataclasses import asdict, replace

import numpy as np
import pytest
import scipy.stats

from dtc_helpers.gibbs import entropy_series
from dtc_helpers.proposition.relation import Step, column, correlations, partial_correlation

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
    both = np.stack([np.log(LENGTHS), np.arange(10)])
    assert found.given_length_and_step == pytest.approx(partial_correlation(series, fitness, given=both))
    curved = np.stack([*both, np.arange(10) ** 2])
    assert found.given_length_and_curve == pytest.approx(partial_correlation(series, fitness, given=curved))


def test_step_without_an_entropy_takes_no_part_in_any_correlation(rng):
    process = made_process(rng, fitness=by_length)
    series = rng.normal(size=10)
    found = asdict(correlations(process, np.where(np.arange(10) == 3, np.nan, series)))
    expected = asdict(correlations(process[:3] + process[4:], np.delete(series, 3)))
    # the steps keep their numbers
    numbers, fitness = np.delete(np.arange(10), 3), np.delete(column(process, "fitness"), 3)
    both = np.stack([np.delete(np.log(LENGTHS), 3), numbers])
    expected["given_length_and_step"] = partial_correlation(np.delete(series, 3), fitness, given=both)
    curved = np.stack([*both, numbers**2])
    expected["given_length_and_curve"] = partial_correlation(np.delete(series, 3), fitness, given=curved)
    assert found == pytest.approx(expected)


def test_four_steps_are_enough_and_one_more_for_every_further_thing_that_is_given(rng):
    process, series = made_process(rng, fitness=by_length), rng.normal(size=6)
    undefined = {4: {"given_length_and_step", "given_length_and_curve"}, 5: {"given_length_and_curve"}, 6: set()}
    for n, expected in undefined.items():
        found = asdict(correlations(process[:n], series[:n]))
        assert {name for name, value in found.items() if np.isnan(value)} == expected


def test_partial_correlation_given_two_is_that_of_the_residuals_of_least_squares(rng):
    given, x, y = rng.normal(size=(2, 30)), *rng.normal(size=(2, 30))
    design = np.column_stack([np.ones(30), *given])
    residuals = [v - design @ np.linalg.solve(design.T @ design, design.T @ v) for v in (x, y)]
    assert partial_correlation(x, y, given=given) == pytest.approx(scipy.stats.pearsonr(*residuals)[0])


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
