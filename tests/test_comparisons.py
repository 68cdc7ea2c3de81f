"""Statistics of replicates, on simulated data whose truth is known."""

import numpy as np
import pytest
import scipy.stats

from dtc_helpers.statistics import area_under_curve, compare, corrected, sentence, t_interval

N_TRIALS = 1000


def covered(rate, *, at):
    """Whether a rate of N_TRIALS trials agrees with the nominal one, within four standard errors."""
    return abs(rate - at) < 4 * np.sqrt(at * (1 - at) / N_TRIALS)


@pytest.mark.parametrize("n", [3, 10, 30])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_intervals_cover_at_their_nominal_rate(n, confidence):
    draws = np.random.default_rng(n).normal(0.9, 0.01, (N_TRIALS, n))
    intervals = [t_interval(draw, confidence=confidence) for draw in draws]
    assert covered(np.mean([e.low <= 0.9 <= e.high for e in intervals]), at=confidence)


def test_interval_of_three_numbers_by_hand():
    estimate = t_interval([1.0, 2.0, 3.0])
    assert (estimate.mean, estimate.sd, estimate.n) == (2.0, 1.0, 3)
    half = 4.302652729911275 / np.sqrt(3)  # Student's t with 2 degrees of freedom, 97.5 %
    assert (estimate.low, estimate.high) == pytest.approx((2 - half, 2 + half))


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


@pytest.mark.parametrize(("other", "p_difference", "p_equivalence"), [(0.9, 1, 0), (0.903, 0, 0), (0.95, 0, 1)])
def test_arms_without_spread_are_judged_by_their_difference(other, p_difference, p_equivalence):
    compared = compare([0.9] * 4, [other] * 4)
    assert (compared.p_difference, compared.p_equivalence) == (p_difference, p_equivalence)


@pytest.mark.parametrize(("x", "y"), [([1.0], [2.0]), ([1.0, 2.0], [1.0]), ([1.0, np.nan], [1.0, 2.0]), ([], [])])
def test_arms_that_cannot_be_paired_are_refused(x, y):
    with pytest.raises(ValueError, match=r"finite|same seeds"):
        compare(x, y)


def test_correction_is_holms():
    assert corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])  # 3·0.01, then 2·0.03 for both others


def test_area_of_a_constant_is_the_constant_and_of_a_ramp_its_middle():
    removed = [0.1, 0.2, 0.5, 0.9]
    assert area_under_curve(removed, [0.7] * 4) == pytest.approx(0.7)
    assert area_under_curve(removed, removed) == pytest.approx(0.5)


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
