import numpy as np
import pandas as pd
import pytest
import scipy.stats
from test_relation import by_length, made_process

from dtc_helpers.proposition.binning import (
    WIDTHS,
    best_binnings,
    binning_correlations,
    binning_table,
    bins_of_width,
    other_binnings,
    width_binnings,
)


@pytest.mark.parametrize("width", WIDTHS)
def test_edges_are_multiples_of_the_width_and_cover_the_reach(width):
    edges = bins_of_width(width, reach=30)
    np.testing.assert_allclose(np.diff(edges), width)
    np.testing.assert_allclose(edges / width, np.round(edges / width), atol=1e-9)
    assert edges[0] <= -30 < 30 <= edges[-1]


def test_table_has_a_row_a_process_and_binning_and_the_base_changes_nothing():
    rng = np.random.default_rng(0)
    processes = {"length": [made_process(rng, fitness=by_length) for _ in range(3)]}
    binnings = {**width_binnings(), **other_binnings()}
    correlations = binning_correlations(processes, binnings, rng=rng, n_draws=1)
    assert len(correlations) == 3 * len(binnings)
    table = binning_table(correlations, rng=rng).set_index("binning")
    assert list(table.index) == list(binnings)
    assert (table.tested_n == 3).sum() >= len(table) - 2
    for which in ("tested", "null", "excess"):
        nats, bits = (table.loc[f"published bins, {base}", f"{which}_value"] for base in ("nats", "bits"))
        assert nats == pytest.approx(bits, abs=1e-12)


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
