from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from test_null_models import with_signals
from test_relation import by_length, made_process

from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.proposition.binning import (
    WIDTHS,
    best_binnings,
    binning_correlations,
    binning_table,
    bins_of_width,
    other_binnings,
    width_binnings,
)
from dtc_helpers.proposition.null_models import exact_measurements
from dtc_helpers.proposition.relation import column
from dtc_helpers.statistics import pearson


@pytest.mark.parametrize("width", WIDTHS)
def test_edges_are_multiples_of_the_width_and_cover_the_reach(width):
    edges = bins_of_width(width, reach=30)
    np.testing.assert_allclose(np.diff(edges), width)
    np.testing.assert_allclose(edges / width, np.round(edges / width), atol=1e-9)
    assert edges[0] <= -30 < 30 <= edges[-1]


def test_table_has_a_row_a_process_and_binning_and_the_base_changes_nothing():
    rng = np.random.default_rng(0)
    processes = {"length": [with_signals(made_process(rng, fitness=by_length)) for _ in range(3)]}
    binnings = {**width_binnings(), **other_binnings()}
    correlations = binning_correlations(processes, binnings, rng=rng, n_draws=1)
    assert len(correlations) == 3 * len(binnings)
    table = binning_table(correlations, rng=rng).set_index("binning")
    assert list(table.index) == list(binnings)
    assert (table.tested_n == 3).sum() >= len(table) - 2
    for which in ("tested", "null", "excess"):
        nats, bits = (table.loc[f"published bins, {base}", f"{which}_value"] for base in ("nats", "bits"))
        assert nats == pytest.approx(bits, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("published bins, nats", {"bins": PUBLISHED_BIN_EDGES}),
        ("published bins, bits", {"bins": PUBLISHED_BIN_EDGES, "base": "bits"}),
        ("published bins, Miller–Madow", {"bins": PUBLISHED_BIN_EDGES, "miller_madow": True}),
        ("published bins, S / ln m", {"bins": PUBLISHED_BIN_EDGES, "normalised": True}),
        ("0.2 in ±3", {"bins": np.arange(-15, 16) * 0.2}),
        ("sturges, shared", {"bins": "sturges"}),
        ("fd, shared, Miller–Madow", {"bins": "fd", "miller_madow": True}),
        ("fd, shared, S / ln m", {"bins": "fd", "normalised": True}),
        ("fd, each step", {"bins": "fd", "shared": False}),
        ("sturges, each step", {"bins": "sturges", "shared": False}),
        ("0.5", {"bins": np.arange(-800, 801) * 0.5}),
        ("20", {"bins": np.arange(-20, 21) * 20.0}),
    ],
)
def test_binning_is_what_its_name_says(name, options):
    measurements = [np.random.default_rng(n).normal(0, 4, n) for n in (40, 20, 10, 5)]
    measure = {**width_binnings(), **other_binnings()}[name]
    np.testing.assert_allclose(measure(measurements), entropy_series(measurements, **options))


def test_correlations_of_binnings_are_means_over_the_same_draws_of_the_exact_null():
    rng = np.random.default_rng(0)
    process = with_signals(made_process(rng, fitness=lambda *given: given[-1], lengths=(9, 8, 7, 6, 5, 4, 3, 2, 2, 2)))
    binnings = {"narrow": partial(entropy_series, bins=bins_of_width(0.5)), "wide": narrow_or_nothing}
    found = binning_correlations({"p": [process]}, binnings, rng=np.random.default_rng(5), n_draws=12)
    again, fitness = np.random.default_rng(5), column(process, "fitness")
    draws = [exact_measurements(process, again) for _ in range(12)]
    for row, measure in zip(found.to_dict("records"), binnings.values(), strict=True):
        assert row["tested"] == pytest.approx(pearson(measure([step.measurement for step in process]), fitness))
        each = np.array([pearson(measure(vectors), fitness) for vectors in draws])
        each = each[np.isfinite(each)]
        assert row["expected"] == pytest.approx(each.mean())
        assert row["monte_carlo"] == pytest.approx(each.std(ddof=1) / np.sqrt(len(each)))
    assert 1 < len(each) < 12  # that of the wide bins is not always defined


def narrow_or_nothing(measurements):
    """Not defined for half of the processes: those whose first value is negative."""
    return np.array([y.std() if measurements[0][0] > 0 else 0.0 for y in measurements])


def test_table_of_binnings_is_the_mean_over_replicates_of_each_and_of_their_difference():
    values = {"tested": [0.5, 0.7, 0.9], "expected": [0.4, 0.3, 0.8], "monte_carlo": [0.03, 0.04, 0.0]}
    table = pd.DataFrame({"panel": "p", "binning": "b", "replicate": range(3), **values})
    (row,) = binning_table(table, rng=np.random.default_rng(0)).to_dict("records")
    assert [row[f"{which}_value"] for which in ("tested", "null", "excess")] == pytest.approx([0.7, 0.5, 0.2])
    assert row["monte_carlo"] == pytest.approx(0.05 / 3)
    assert row["excess_low"] == pytest.approx(0.1, abs=1e-9)
    assert row["excess_high"] == pytest.approx(0.4, abs=1e-9)


def made_correlations(rng, *, planted=0.0, n_replicates=12):
    """Five binnings of chance alone, but for an excess in the third; in the last, half is not defined."""
    excess = rng.normal(0, 0.01, (n_replicates, 5))
    excess[:, 2] += planted
    excess[::2, 4] = np.nan
    replicates, binnings = np.indices(excess.shape).reshape(2, -1)
    numbers = {"replicate": replicates, "binning": binnings, "tested": 0.8 + excess.ravel(), "expected": 0.8}
    return pd.DataFrame({"panel": "made", **numbers})


def test_planted_excess_is_the_best_binning_and_outlives_the_picking():
    rng = np.random.default_rng(1)
    best = best_binnings(made_correlations(rng, planted=0.03), rng=rng).loc["made"]
    assert best.binning == 2
    assert best.p <= best.p_picked < 0.01
    assert best.excess == pytest.approx(0.03, abs=0.01)


def test_best_of_chance_alone_is_credited_as_seldom_as_it_should_be():
    rng = np.random.default_rng(2)
    runs = [best_binnings(made_correlations(rng), rng=rng, n_flips=200).loc["made"] for _ in range(100)]
    assert sum(run.p <= 0.05 for run in runs) > 10  # picked, and not told so
    assert sum(run.p_picked <= 0.05 for run in runs) <= 10


def test_p_of_a_single_binning_is_that_of_a_sign_flip_test():
    rng = np.random.default_rng(3)
    one = made_correlations(rng, planted=0.004).query("binning == 2")
    best = best_binnings(one, rng=rng).loc["made"]
    expected = scipy.stats.permutation_test(
        (one.tested - one.expected,), np.mean, permutation_type="samples", alternative="greater", n_resamples=10_000
    ).pvalue
    assert best.p == best.p_picked == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_best_binning_has_the_largest_t_and_is_set_against_the_largest_under_the_same_signs(seed):
    made = made_correlations(np.random.default_rng(seed), n_replicates=8)
    lonely = pd.DataFrame([{"panel": "made", "replicate": 0, "binning": 5, "tested": 1.0, "expected": 0.0}])
    best = best_binnings(pd.concat([made, lonely]), rng=np.random.default_rng(seed), n_flips=30).loc["made"]
    chosen = int(best.binning)
    excess = (made.tested - made.expected).to_numpy().reshape(8, 5)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(30, 8))
    t, flipped = slow_t_values(excess), [slow_t_values(excess * flip[:, None]) for flip in signs]
    assert chosen == np.argmax(t)
    assert best.excess == pytest.approx(np.nanmean(excess[:, chosen]))
    assert best.p == pytest.approx((1 + sum(one[chosen] >= max(t) - 1e-9 for one in flipped)) / 31)
    assert best.p_picked == pytest.approx((1 + sum(max(one) >= max(t) - 1e-9 for one in flipped)) / 31)


def slow_t_values(excess) -> list[float]:
    each: list[Any] = [scipy.stats.ttest_1samp(values[np.isfinite(values)], 0) for values in excess.T]
    return [found.statistic for found in each]


def test_of_binnings_that_are_one_the_first_is_named():
    excess, scales = np.random.default_rng(0).normal(0.1, 1, 9), (1, 0.1, 1 / 3, 7, 1e-3, np.log(2), 1.1)
    for first in range(len(scales)):  # whatever rounding makes of the t values
        turned = scales[first:] + scales[:first]
        parts = [
            pd.DataFrame({"panel": "p", "binning": i, "replicate": range(9), "tested": scale * excess, "expected": 0.0})
            for i, scale in enumerate(turned)
        ]
        assert best_binnings(pd.concat(parts), rng=np.random.default_rng(0), n_flips=10).loc["p"].binning == 0


@pytest.mark.parametrize("n", [6, 8])
def test_p_of_an_excess_in_every_replicate_is_that_of_one_in_all_signs(n):
    """No flip can reach more: only the identity does, in one of 2ⁿ draws, whatever the last digit of its t."""
    rng = np.random.default_rng(5)
    replicates, binnings = np.indices((n, 6)).reshape(2, -1)
    for _ in range(40):
        tested = 0.1 + 0.1 * np.abs(rng.normal(size=6 * n))
        numbers = {"replicate": replicates, "binning": binnings, "tested": tested, "expected": 0.0}
        best = best_binnings(pd.DataFrame({"panel": "made", **numbers}), rng=rng).loc["made"]
        assert best.p_picked == pytest.approx(2.0**-n, rel=0.5)
        assert best.p == best.p_picked


def test_panel_of_one_replicate_has_no_best_binning():
    table = made_correlations(np.random.default_rng(6))
    table = pd.concat([table, table[table.replicate == 0].assign(panel="alone")])
    assert best_binnings(table, rng=np.random.default_rng(7)).index.tolist() == ["made"]
    alone = best_binnings(table.loc[table.panel == "alone", :], rng=np.random.default_rng(7))
    assert alone.empty
    assert list(alone) == ["binning", "excess", "p", "p_picked"]
