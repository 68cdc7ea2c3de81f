"""Statistics of replicates, on simulated data whose truth is known."""

import numpy as np
import pytest
import scipy.stats

from dtc_helpers.statistics import (
    area_under_curve,
    compare,
    corrected,
    detectable_difference,
    equivalence_power,
    no_difference,
    sentence,
    t_interval,
)

N_TRIALS = 1000


def covered(rate, *, at):
    """Whether a rate of N_TRIALS trials agrees with the nominal one, within four standard errors."""
    return abs(rate - at) < 4 * np.sqrt(at * (1 - at) / N_TRIALS)


@pytest.mark.parametrize("n", [3, 10, 30])
def test_intervals_cover_at_their_nominal_rate(n):
    draws = np.random.default_rng(n).normal(0.9, 0.01, (N_TRIALS, n))
    intervals = [t_interval(draw) for draw in draws]
    assert covered(np.mean([e.low <= 0.9 <= e.high for e in intervals]), at=0.95)


def test_interval_of_three_numbers_by_hand():
    estimate = t_interval([1.0, 2.0, 3.0])
    assert (estimate.mean, estimate.sd, estimate.n) == (2.0, 1.0, 3)
    half = 4.302652729911275 / np.sqrt(3)  # Student's t with 2 degrees of freedom, 97.5 %
    assert (estimate.low, estimate.high) == pytest.approx((2 - half, 2 + half))


def test_interval_is_scipys():
    x = np.random.default_rng(0).normal(0.9, 0.01, 7)
    found = t_interval(x)
    assert (found.low, found.high) == pytest.approx(
        scipy.stats.t.interval(0.95, 6, loc=x.mean(), scale=scipy.stats.sem(x))
    )


@pytest.mark.parametrize("values", [[[0.1, 0.2]], [0.1, np.nan], [0.1, np.inf], []])
def test_interval_of_anything_but_a_row_of_finite_numbers_is_refused(values):
    with pytest.raises(ValueError, match="expected \\(n_replicates,\\) finite numbers"):
        t_interval(values)


def test_one_replicate_has_a_mean_and_no_interval():
    estimate = t_interval([0.9])
    assert estimate.mean == 0.9
    assert np.isnan([estimate.sd, estimate.low, estimate.high]).all()


@pytest.mark.parametrize("shift", [-0.005, 0.005])
def test_equivalence_at_the_margin_itself_is_claimed_at_the_error_rate(shift):
    rng = np.random.default_rng(1)
    seeds = rng.normal(0.9, 0.02, (N_TRIALS, 10))  # what seeds do to both arms alike
    arms = seeds + rng.normal(shift, 0.002, seeds.shape)
    claims = [compare(arm, seed, margin=0.005).p_equivalence < 0.05 for arm, seed in zip(arms, seeds, strict=True)]
    assert covered(np.mean(claims), at=0.05)


def test_difference_is_claimed_at_the_error_rate_where_there_is_none():
    rng = np.random.default_rng(2)
    seeds = rng.normal(0.9, 0.02, (N_TRIALS, 10))
    arms = seeds + rng.normal(0, 0.002, seeds.shape)
    claims = [compare(arm, seed).p_difference < 0.05 for arm, seed in zip(arms, seeds, strict=True)]
    assert covered(np.mean(claims), at=0.05)


def test_pairing_is_honoured():
    rng = np.random.default_rng(3)
    seeds = rng.normal(0.9, 0.05, 10)
    arm = seeds + 0.003 + rng.normal(0, 0.0005, 10)
    assert compare(arm, seeds).p_difference < 1e-4  # seen only because each seed is compared with itself
    assert compare(arm, rng.permutation(seeds)).p_difference > 0.05


def test_probability_of_improvement_counts_pairs_and_half_of_the_ties():
    x, y = [1.0, 2.0, 3.0], [0.0, 2.0, 2.5]
    pairs = [(a > b) + 0.5 * (a == b) for a in x for b in y]
    assert compare(x, y).probability_of_improvement == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("other", [0.9, 0.903, 0.95])
@pytest.mark.parametrize("n_others", [2, 4])
def test_arms_whose_difference_does_not_vary_are_not_judged(other, n_others):
    """Two seeds with one difference say nothing of how it scatters."""
    compared = compare([0.9] * 4, [other] * n_others)
    assert compared.difference.mean == pytest.approx(0.9 - other)
    assert np.isnan([compared.p_difference, compared.p_equivalence]).all()
    numbers = {"p_difference": compared.p_difference, "p_equivalence": compared.p_equivalence}
    assert sentence(["a", "b"], compared, **numbers).startswith("a cannot be told from b: ")


def test_difference_that_varies_by_rounding_alone_is_not_judged():
    rng = np.random.default_rng(0)
    for _ in range(200):
        x = rng.integers(9000, 10_000, 4) / 10_000
        found = compare(x, np.round(x - rng.integers(0, 50) / 10_000, 4))  # as a table stores it
        assert np.isnan([found.p_difference, found.p_equivalence]).all()
        assert found.difference.low == pytest.approx(found.difference.high, abs=1e-15)


@pytest.mark.parametrize("shift", [-0.5, 0.5])
def test_difference_of_exactly_the_margin_is_not_equivalent(shift):
    other = np.full(4, 1.0)
    with_spread = compare(other + shift + 0.25 * np.array([-1, 0, 0, 1]), other, margin=0.5)
    assert with_spread.p_equivalence == pytest.approx(0.5)  # as likely above the margin as below


@pytest.mark.parametrize("mean", [-0.008, -0.001, 0.003, 0.02])
@pytest.mark.parametrize("margin", [0.005, 0.01])
def test_p_values_are_those_of_students_t_by_hand(mean, margin):
    others = np.random.default_rng(4).normal(0.9, 0.05, 8)
    x = others + mean + 0.002 * np.array([-2, -1, -1, 0, 0, 1, 1, 3])
    difference = x - others
    error, t = difference.std(ddof=1) / np.sqrt(8), scipy.stats.t(df=7)
    found = compare(x, others, margin=margin)
    assert found.p_difference == pytest.approx(2 * t.sf(abs(difference.mean() / error)))
    one_sided = t.sf((difference.mean() + margin) / error), t.cdf((difference.mean() - margin) / error)
    assert found.p_equivalence == pytest.approx(max(one_sided))
    assert found.difference == t_interval(difference)
    assert (found.margin, found.n) == (margin, (8, 8))


@pytest.mark.parametrize("shift", [-0.02, 0.0, 0.003])
def test_arms_of_unequal_size_are_compared_by_welchs_t_with_all_replicates(shift):
    rng = np.random.default_rng(6)
    x, y = rng.normal(0.9 + shift, 0.01, 30), rng.normal(0.9, 0.002, 10)
    found, a, b = compare(x, y), x.var(ddof=1) / 30, y.var(ddof=1) / 10
    error, freedom = np.sqrt(a + b), (a + b) ** 2 / (a**2 / 29 + b**2 / 9)
    t, difference = scipy.stats.t(df=freedom), x.mean() - y.mean()
    assert found.p_difference == pytest.approx(2 * t.sf(abs(difference) / error))
    expected = max(t.sf((difference + 0.005) / error), t.cdf((difference - 0.005) / error))
    assert found.p_equivalence == pytest.approx(expected)
    interval = [difference - t.ppf(0.975) * error, difference + t.ppf(0.975) * error]
    assert [found.difference.low, found.difference.high] == pytest.approx(interval)
    assert (found.difference.mean, found.n) == (pytest.approx(difference), (30, 10))
    words = sentence(["a", "b"], found, p_difference=1, p_equivalence=1)
    assert words.endswith(", n = 30 and 10, margin 0.5)")


@pytest.mark.parametrize(("sd", "n"), [(0.012, 30), (0.02, 10), (0.004, 10)])
def test_power_of_equivalence_and_the_difference_that_can_be_detected_are_those_of_simulations(sd, n):
    rng = np.random.default_rng(7)
    none = rng.normal(0, sd, (4000, n))
    claimed = [compare(d, np.zeros(n)).p_equivalence < 0.05 for d in none[:1000]]
    assert equivalence_power(sd, n) == pytest.approx(np.mean(claimed), abs=0.06)
    there = none + detectable_difference(sd, n)
    p_values = np.asarray(scipy.stats.ttest_1samp(there, 0, axis=1))[1]
    assert [no_difference(d) for d in there[:50]] == pytest.approx(p_values[:50])
    assert np.mean(p_values < 0.05) == pytest.approx(0.8, abs=0.03)


def test_arm_without_spread_may_be_compared_with_one_that_has():
    x, y = np.full(4, 0.9), np.array([0.88, 0.9, 0.89, 0.91])
    assert compare(x, y).p_difference == pytest.approx(scipy.stats.ttest_1samp(x - y, 0)[1])
    assert compare(x, y).p_difference == pytest.approx(compare(y, x).p_difference)


def test_margin_is_half_a_point_of_accuracy_unless_given():
    assert compare([0.9, 0.91], [0.9, 0.92]).margin == 0.005


@pytest.mark.parametrize(("x", "y"), [([1.0], [2.0]), ([1.0, 2.0], [1.0]), ([1.0, np.nan], [1.0, 2.0]), ([], [])])
def test_arms_that_cannot_be_compared_are_refused(x, y):
    with pytest.raises(ValueError, match=r"finite|at least 2 of each"):
        compare(x, y)


def test_correction_is_holms():
    assert corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])  # 3·0.01, then 2·0.03 for both others


def test_what_could_not_be_tested_counts_as_no_test():
    found = corrected([0.01, np.nan, 0.04, 0.03])
    assert np.isnan(found[1])
    assert found[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(corrected([np.nan])).all()


def test_area_of_a_constant_is_the_constant_and_of_a_ramp_its_middle():
    removed = [0.1, 0.2, 0.5, 0.9]
    assert area_under_curve(removed, [0.7] * 4) == pytest.approx(0.7)
    assert area_under_curve(removed, removed) == pytest.approx(0.5)


def test_area_by_hand():
    # trapezoids: 0.1 · 0.85 + 0.3 · 0.6, over a removed fraction of 0.4
    assert area_under_curve([0.1, 0.2, 0.5], [0.9, 0.8, 0.4]) == pytest.approx((0.085 + 0.18) / 0.4)


@pytest.mark.parametrize("removed", [[0.5], [0.5, 0.1], [0.1, 0.1], [0.1, 0.2, 0.3]])
def test_area_needs_a_rising_curve(removed):
    with pytest.raises(ValueError, match="rising, at least 2"):
        area_under_curve(removed, [0.9, 0.8])


@pytest.mark.parametrize(
    ("shift", "spread", "said"),
    [
        (0.02, 0.002, "is better than random"),
        (-0.02, 0.002, "is worse than random"),
        (0.0, 0.002, "is equivalent to random"),
        (0.002, 0.0005, "is better, by less than matters, than random"),
        (0.0, 0.05, "cannot be told from random"),
    ],
)
def test_sentence_says_what_the_tests_allow(shift, spread, said):
    noise = scipy.stats.norm.ppf((np.arange(10) + 0.5) / 10)  # ten values of mean 0
    random = np.full(10, 0.9)
    compared = compare(random + shift + spread * noise, random)
    words = sentence(
        ["DTC", "random"], compared, p_difference=compared.p_difference, p_equivalence=compared.p_equivalence
    )
    assert words.startswith(f"DTC {said}: {100 * shift:+.2f} points of accuracy (")
    assert "n = 10, margin 0.5" in words
    low, high = 100 * compared.difference.low, 100 * compared.difference.high
    assert words.endswith(f"({low:+.2f} to {high:+.2f}, n = 10, margin 0.5)")


@pytest.mark.parametrize(
    ("p_difference", "p_equivalence", "said"),
    [
        (0.05, 0.05, "cannot be told from"),
        (0.05, 0.049, "is equivalent to"),
        (0.049, 0.05, "is better than"),
        (0.049, 0.049, "is better, by less than matters, than"),
    ],
)
def test_sentence_goes_by_the_p_values_it_is_given_and_claims_nothing_at_the_level_itself(
    p_difference, p_equivalence, said
):
    compared = compare([0.92, 0.93, 0.92], [0.9, 0.9, 0.91])
    words = sentence(["DTC", "random"], compared, p_difference=p_difference, p_equivalence=p_equivalence)
    assert words.startswith(f"DTC {said} random: ")


def test_arms_of_unequal_size_that_vary_by_rounding_alone_are_not_judged():
    found = compare([0.9, 0.9], [0.8, 0.8, 0.8 + 2e-16])
    assert np.isnan([found.p_difference, found.p_equivalence]).all()
    assert np.isnan(no_difference([0.1 + 0.2, 0.3, 0.3]))
