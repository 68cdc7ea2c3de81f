"""Odd input to public functions: what the docstring promises, or an error in words; never a wrong answer in silence."""

import importlib.metadata
import math

import numpy as np
import pytest
import torch

from dtc_helpers import statistics
from dtc_helpers.gibbs import entropy_series, gibbs_entropy
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.runs.provenance import provenance
from dtc_helpers.scoring import hidden_layer
from dtc_helpers.sensing import measure
from dtc_helpers.surgery import highest, keep_neurons, lowest


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("edges", [[], [1.0], [2.0, 1.0], [0.0, math.nan, 2.0], [[0.0, 1.0]]])
def test_edges_that_make_no_bins_are_refused_alike(edges):
    for entropy in (lambda y: gibbs_entropy(y, bin_edges=edges), lambda y: entropy_series([y], bins=edges)):
        with pytest.raises(ValueError, match=r"edges of shape .*: expected at least two numbers, none below"):
            entropy(np.array([0.5, 1.5]))


REFUSED = {
    "confidence": (lambda: statistics.t_interval([1, 2], confidence=95), "confidence = 95: expected more than 0"),
    "bootstrap": (lambda: statistics.bootstrap_interval([1, 2], rng=rng(), confidence=1), "confidence = 1: expected"),
    "pairs": (lambda: statistics.excess([1, 2, 3], [1], rng=rng()), r"tested \(3,\) and expected \(1,\)"),
    "margin": (lambda: statistics.compare([1, 2], [1, 3], margin=-1), "margin = -1: expected more than 0"),
    "p values": (lambda: statistics.corrected([0.5, 1.5]), "p values from 0.5 to 1.5: expected 0 to 1"),
    "area": (lambda: statistics.area_under_curve([0, math.nan], [1, 2]), "expected as many, rising"),
    "no curve": (lambda: statistics.smooth(np.array([]), np.array([])), "expected .* at least one"),
    "other lengths": (lambda: statistics.smooth(np.arange(3), np.arange(2)), "expected .* of both"),
    "pearson": (lambda: statistics.pearson([1, 2, 3], [1, 2]), "of the same length"),
    "spearman": (lambda: statistics.spearman([[1, 2]], [[1, 2]]), "expected one axis"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_statistics_refuse_what_has_no_answer(name):
    work, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        work()


@pytest.mark.parametrize("correlation", [statistics.pearson, statistics.spearman])
def test_correlation_is_the_same_at_any_scale_and_undefined_where_others_are_not_finite(correlation):
    x, y = np.array([1.0, 3.0, 2.0, 7.0]), np.array([2.0, 2.5, 0.0, 9.0])
    for scale in (1e-200, 1e-300, 1e200, 1e300):
        assert correlation(scale * x, y / scale) == pytest.approx(correlation(x, y), rel=1e-12)
    assert correlation(2.0**600 * x, y) == correlation(x, y)
    assert correlation([1, math.nan, 3, 2], [1, 2, 4, 3]) == pytest.approx(correlation([1, 3, 2], [1, 4, 3]))
    for bad in (math.nan, math.inf):
        assert math.isnan(correlation([1, 2, 3], [1, bad, 4]))


def test_power_is_undefined_without_pairs_and_certain_without_scatter():
    assert math.isnan(statistics.equivalence_power(0.01, 1))
    assert math.isnan(statistics.equivalence_power(math.nan, 5))
    assert statistics.equivalence_power(0.0, 5) == 1.0
    assert math.isnan(statistics.detectable_difference(0.01, 1))


def test_lists_and_whole_numbers_are_smoothed_as_arrays_are():
    assert statistics.smooth([3], [5]).tolist() == [5.0]  # pyright: ignore[reportArgumentType]
    assert statistics.smooth([1, 2, 3], [1, 2, 4]).tolist() == [1.0, 2.0, 4.0]  # pyright: ignore[reportArgumentType]


def test_whole_numbers_measure_real_weights_without_cutting_them_off():
    found = measure(torch.ones(2, 3, dtype=torch.int64), torch.tensor([0.5, 0.25, 0.5]))
    assert (found.dtype, found.tolist()) == (torch.float64, [1.25, 1.25])


@pytest.fixture
def two_networks():
    return ReplicatedMLP([torch.ones(2, 3, 4), torch.ones(2, 2, 3)])


def test_indices_of_any_whole_type_keep_the_same(two_networks):
    for kind in (torch.uint8, torch.int32, torch.int64):
        assert keep_neurons(two_networks, torch.tensor([0, 2], dtype=kind)).neuron_ids[0].tolist() == [[0, 2], [0, 2]]


@pytest.mark.parametrize("choose", [lowest, highest])
def test_scores_that_give_no_order_and_counts_that_cannot_stay_are_refused(choose):
    scores = torch.tensor([[3.0, 1.0, 2.0]])
    assert choose(scores, 3).tolist() == [[0, 1, 2]]
    for n_kept in (0, -1, 4):
        with pytest.raises(ValueError, match=f"n_kept = {n_kept}: expected 1 to 3"):
            choose(scores, n_kept)
    with pytest.raises(ValueError, match="a score is NaN"):
        choose(torch.tensor([[3.0, math.nan, 2.0]]), 1)


@pytest.mark.parametrize("seeds", [[], [1], [1, 2, 3]])
def test_hidden_layer_wants_one_seed_a_replicate(two_networks, seeds):
    with pytest.raises(ValueError, match=f"{len(seeds)} seeds for 2 replicates: expected one a replicate"):
        hidden_layer(two_networks, 0, cycle=1, reading=READINGS["published"], seeds=seeds, plan=Plan())


def test_package_that_is_not_installed_does_not_end_a_run(monkeypatch):
    version = importlib.metadata.version

    def without(package):
        if package == "clarabel":
            raise importlib.metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(importlib.metadata, "version", without)
    assert provenance()["versions"]["clarabel"] is None
