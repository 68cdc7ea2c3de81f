import itertools
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from test_relation import LENGTHS, by_length, made_process

from dtc_helpers.gibbs import entropy_series
from dtc_helpers.proposition.null_models import (
    NULLS,
    DrawnCorrelations,
    draw_null,
    fixed_m,
    one_length,
    unrelated_signal,
)
from dtc_helpers.proposition.relation import Correlations, Step, correlations
from dtc_helpers.sensing import gaussian_matrix, measure
from dtc_helpers.statistics import bootstrap_interval

SCALES = np.exp(np.random.default_rng(5).normal(0, 0.8, len(LENGTHS)))  # go neither up nor down with the step


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def signals_process(rng, *, fitness):
    """Signals whose norm is the scale of the step, and unrelated ones of constant norm; y = Φw drawn as what it is."""
    steps = []
    for i, (n, scale) in enumerate(zip(LENGTHS, SCALES, strict=True)):
        noise = rng.normal(0, 0.05)
        y = rng.normal(0, scale, n)
        steps.append(Step(y, i / 10, fitness(n, scale, noise), np.array([scale]), np.array([1.0])))
    return steps


def excess_over(name, processes, rng, *, n_draws):
    """Excess of the Pearson correlation over a null model, paired by replicate."""
    found = [draw_null(process, NULLS[name], rng=rng, n_draws=n_draws) for process in processes]
    return excess_of(found, "pearson", rng)


def excess_of(found, statistic, rng):
    differences = [draws.tested[statistic].mean() - draws.null[statistic].mean() for draws in found]
    return bootstrap_interval(differences, rng=rng)


def true_link(n, scale, noise):
    return np.log(scale) + noise


LENGTH_NULLS = ("Gaussian vectors", "ln m alone", "unrelated signal", "fixed m")


# ------------------------------------------------------------------------ processes of known answer


@pytest.mark.parametrize("name", [*LENGTH_NULLS, "one length", "shuffled steps"])
def test_true_link_beyond_length_is_credited(rng, name):
    processes = [signals_process(rng, fitness=true_link) for _ in range(12)]
    found = excess_over(name, processes, rng, n_draws=5)
    assert found.verdict == "above"
    assert found.n == 12
    assert found.mean > 0


def test_link_by_the_norm_is_not_credited_beyond_the_exact_null():
    """It has the norm of every step, so it correlates as well; nothing but chance is left."""
    wrong = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        processes = [signals_process(rng, fitness=true_link) for _ in range(12)]
        wrong += excess_over("exact null", processes, rng, n_draws=3).verdict == "above"
    assert wrong <= 4  # as above


def test_exact_null_is_what_a_fresh_matrix_measures():
    """Entropies of Φw for many Gaussian Φ, and of the null: two samples of one distribution."""
    rng, w = np.random.default_rng(3), np.random.default_rng(4).standard_t(3, size=40)
    process = [Step(np.zeros(30), 0.0, 0.0, w)]

    def entropy(vectors):
        return entropy_series(vectors, bins=np.arange(-60, 61, 2.0))

    fresh = [entropy([measure(gaussian_matrix(30, 40, rng=rng), torch.from_numpy(w)).numpy()])[0] for _ in range(600)]
    null = [NULLS["exact null"](process, entropy, rng).null[0] for _ in range(600)]
    assert np.asarray(scipy.stats.ks_2samp(fresh, null))[1] > 0.001
    (vector,) = caught_by(NULLS["exact null"], [Step(np.zeros(50_000), 0, 0, w)], rng)[1]
    assert vector.std() == pytest.approx(np.linalg.norm(w), rel=0.02)


@pytest.mark.parametrize("name", ["Gaussian vectors", "unrelated signal", "exact null"])
def test_mere_length_effect_is_not_credited(name):
    """Fitness is the length: entropy correlates with it, and so does every vector; of 20 trials few may err."""
    wrong, statistics = Counter(), ("pearson", "spearman", "given_ratio", "given_length")
    for seed in range(20):
        rng = np.random.default_rng(seed)
        processes = [with_signals(made_process(rng, fitness=by_length)) for _ in range(12)]
        found = [draw_null(process, NULLS[name], rng=rng, n_draws=3) for process in processes]
        for statistic in statistics:
            wrong[statistic] += excess_of(found, statistic, rng).verdict == "above"
        assert np.mean([draws.tested.pearson.mean() for draws in found]) > 0.7
    # 2.5 % each, up to 5 % as a percentile interval of 12 is narrow: P(5 or more) < 0.3 %
    assert max(wrong.values()) <= 4


def with_signals(process):
    return [replace(step, signal=np.ones(9), unrelated_signal=np.ones(9)) for step in process]


@pytest.mark.parametrize("name", ["one length", "fixed m"])
def test_nothing_is_left_of_a_length_effect_when_the_length_is_fixed(rng, name):
    processes = [signals_process(rng, fitness=by_length) for _ in range(12)]
    assert excess_over(name, processes, rng, n_draws=5).verdict != "above"


def test_length_effect_does_not_beat_the_logarithm_of_the_length(rng):
    processes = [made_process(rng, fitness=by_length) for _ in range(8)]
    found = excess_over("ln m alone", processes, rng, n_draws=1)
    assert found.high < 0


# -------------------------------------------------------------------------------------- single nulls


def test_new_measurement_of_a_signal_is_in_distribution_that_of_a_matrix(rng):
    w = rng.normal(size=30)
    drawn = measure(gaussian_matrix(2000, 2000, rng=rng)[:, :30], torch.from_numpy(w)).numpy()
    process = [Step(np.zeros(2000), 0, 0, w, w)]
    caught = []
    unrelated_signal(process, lambda vectors: caught.append(vectors) or np.zeros(len(vectors)), rng)
    assert scipy.stats.kstest(caught[-1][0] / np.linalg.norm(w), "norm").pvalue > 0.001
    assert scipy.stats.kstest(drawn / np.linalg.norm(w), "norm").pvalue > 0.001


@pytest.mark.parametrize("name", NULLS)
def test_null_gives_two_series_over_the_same_steps_from_its_generator_alone(rng, name):
    process = signals_process(rng, fitness=true_link)
    one, other = (NULLS[name](process, entropy_series, np.random.default_rng(3)) for _ in range(2))
    assert len(one.tested) == len(one.null) == len(one.steps) > 3
    np.testing.assert_array_equal(one.null, other.null)
    assert set(map(id, one.steps)) <= set(map(id, process))
    question = (NULLS[name].__doc__ or "").split("\n\n")[1]
    assert question.count("?") == 1  # what it asks; the answer is the result


def lengths_seen(null, process, rng):
    seen = []
    null(process, lambda vectors: seen.append([v.size for v in vectors]) or np.zeros(len(vectors)), rng)
    return seen


def caught_by(null, process, rng):
    """Vectors that a null model measures: the tested ones, then those of the null."""
    caught = []
    null(process, lambda vectors: caught.append(vectors) or np.zeros(len(vectors)), rng)
    return caught


def test_one_length_takes_values_of_the_measurements_that_are_long_enough(rng):
    process = signals_process(rng, fitness=true_link)
    assert lengths_seen(one_length, process, rng) == [[18] * 5] * 2
    caught = []
    one_length(process, lambda vectors: caught.append(vectors) or np.zeros(len(vectors)), rng)
    assert all(np.isin(y, step.measurement).all() for y, step in zip(caught[0], process, strict=False))
    assert all(len(np.unique(y)) == 18 for y in caught[0])


def test_one_length_takes_any_of_the_values(rng):
    process = signals_process(rng, fitness=true_link)
    taken = [caught_by(one_length, process, rng)[0][0] for _ in range(60)]  # 18 of 50 values, 60 times
    assert set(np.concatenate(taken)) == set(process[0].measurement)


def test_gaussian_vectors_have_mean_0_and_the_standard_deviation_of_all_measurements_together(rng):
    made = ((40_000, 1), (30_000, 10), (20_000, 3), (10_000, 5))  # lengths and scales, about a mean of 4
    process = [Step(rng.normal(4, scale, n), 0, 0) for n, scale in made]
    deviation = np.concatenate([step.measurement for step in process]).std()
    _, vectors = caught_by(NULLS["Gaussian vectors"], process, rng)
    assert [v.size for v in vectors] == [n for n, _ in made]
    for v in vectors:
        assert v.std() == pytest.approx(deviation, rel=5 / np.sqrt(2 * v.size))
        assert abs(v.mean()) < 5 * deviation / np.sqrt(v.size)


def test_logarithm_of_the_length_is_set_against_the_entropy(rng):
    process = signals_process(rng, fitness=true_link)
    pair = NULLS["ln m alone"](process, entropy_series, rng)
    np.testing.assert_allclose(pair.null, np.log(LENGTHS))
    np.testing.assert_array_equal(pair.tested, entropy_series([step.measurement for step in process]))


def test_fixed_m_measures_every_step_as_often_as_the_first(rng):
    process = signals_process(rng, fitness=true_link)
    assert lengths_seen(fixed_m, process, rng) == [[50] * 10] * 2


def test_shuffled_steps_keep_the_entropies(rng):
    process = signals_process(rng, fitness=true_link)
    pair = NULLS["shuffled steps"](process, entropy_series, rng)
    assert sorted(pair.null) == sorted(pair.tested)
    assert pair.null.tolist() != pair.tested.tolist()


def test_every_order_of_the_steps_is_as_likely(rng):
    process = signals_process(rng, fitness=true_link)[:4]
    orders = Counter(
        tuple(NULLS["shuffled steps"](process, lambda vectors: np.arange(len(vectors)), rng).null.tolist())
        for _ in range(2400)
    )
    found = [orders[order] for order in itertools.permutations(range(4))]
    assert sum(found) == 2400
    assert scipy.stats.chisquare(found).pvalue > 0.001


@pytest.mark.parametrize("name", ["exact null", "unrelated signal", "fixed m"])
def test_missing_signal_is_named(rng, name):
    process = made_process(rng, fitness=by_length)
    with pytest.raises(ValueError, match=r"a step has no (unrelated_)?signal: this null model needs it"):
        draw_null(process, NULLS[name], rng=rng, n_draws=1)


@pytest.mark.parametrize("name", NULLS)
def test_single_step_is_refused(rng, name):
    with pytest.raises(ValueError, match="expected at least 4 steps"):
        draw_null(signals_process(rng, fitness=true_link)[:1], NULLS[name], rng=rng, n_draws=1)


def test_mean_of_a_comparison_is_over_the_draws_that_have_one():
    nan = np.nan
    tested = [Correlations(0.0, 0.1, nan, nan, nan, nan), Correlations(nan, 0.2, nan, 0.5, nan, nan)]
    tested += [Correlations(0.5, 0.3, nan, nan, nan, nan), Correlations(0.1, 0.9, nan, nan, nan, nan)]
    tested, null = pd.DataFrame(tested), pd.DataFrame([Correlations(-1.0, 0.0, 0.0, 0.0, 0.0, 0.0)])
    found = DrawnCorrelations(tested, null).summary()
    assert found.tested["pearson"] == pytest.approx(0.2)
    assert found.tested["given_length"] == 0.5
    assert np.isnan(found.tested["given_ratio"])
    assert found.expected["pearson"] == -1
    assert np.isnan(found.monte_carlo["pearson"])  # one draw of the null says nothing of its spread
    again = DrawnCorrelations(tested, null=tested.head(3)).summary()
    sd_tested, sd_null = np.std([0, 0.5, 0.1], ddof=1), np.std([0, 0.5], ddof=1)
    assert again.monte_carlo["pearson"] == pytest.approx(np.sqrt(sd_tested**2 / 3 + sd_null**2 / 2))


def test_monte_carlo_error_is_how_far_repetitions_scatter(rng):
    process = signals_process(rng, fitness=true_link)
    found = [draw_null(process, NULLS["exact null"], rng=rng, n_draws=40).summary().loc["pearson"] for _ in range(60)]
    means = [one.tested - one.expected for one in found]
    assert np.mean([one.monte_carlo for one in found]) == pytest.approx(np.std(means, ddof=1), rel=0.35)


def sizes(vectors):
    """A measure of its own: not the entropy, but the number of values."""
    return np.array([float(v.size) for v in vectors])


def test_comparison_takes_the_measure_it_is_given_and_draws_anew_every_time(rng):
    process = signals_process(rng, fitness=true_link)
    found = draw_null(process, NULLS["shuffled steps"], measure=sizes, n_draws=7, rng=rng)
    assert found.tested.to_dict("records") == [asdict(correlations(process, LENGTHS))] * 7
    assert found.null.pearson.nunique() == len(found.null) == 7
