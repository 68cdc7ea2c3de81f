import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dtc_helpers.gibbs import (
    PUBLISHED_BIN_EDGES,
    covering_bin_edges,
    gaussian_null,
    gibbs_entropy,
    occurrence_probabilities,
    pearson,
)

UNIT_BINS = np.arange(11.0)  # ten bins: 0…1, …, 9…10
values_inside = hnp.arrays(float, st.integers(1, 60), elements=st.floats(-50, 49))
any_values = hnp.arrays(float, st.integers(1, 60), elements=st.floats(-1e6, 1e6))


def entropy(measurement, **options):
    return gibbs_entropy(np.asarray(measurement, dtype=float), **{"bin_edges": UNIT_BINS, **options})


def test_published_edges_run_from_minus_50_to_49_8_in_steps_of_0_2():
    assert len(PUBLISHED_BIN_EDGES) == 500
    assert PUBLISHED_BIN_EDGES[0] == -50
    assert PUBLISHED_BIN_EDGES[-1] == pytest.approx(49.8)


# ------------------------------------------------------------------------------------------- entropy


@pytest.mark.parametrize("n_values", [1, 2, 100])
def test_entropy_is_0_when_one_bin_holds_everything(n_values):
    assert entropy([3.5] * n_values).value == 0


@pytest.mark.parametrize("n_bins", range(1, 11))
@pytest.mark.parametrize("times", [1, 3])
def test_entropy_of_k_equal_bins_is_the_logarithm_of_k(n_bins, times):
    measurement = np.repeat(np.arange(n_bins) + 0.5, times)
    assert entropy(measurement).value == pytest.approx(np.log(n_bins))
    assert entropy(measurement, base="bits").value == pytest.approx(np.log2(n_bins))


def test_entropy_by_hand():
    found = entropy([0.5, 0.6, 1.5, 2.5])  # p = ½, ¼, ¼
    assert found.value == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(4))
    assert entropy([0.5, 0.6, 1.5, 2.5], base="bits").value == pytest.approx(1.5)


@given(values_inside)
def test_entropy_is_scipys_of_the_same_counts(measurement):
    counts = np.histogram(measurement, bins=PUBLISHED_BIN_EDGES)[0]
    found = gibbs_entropy(measurement, bin_edges=PUBLISHED_BIN_EDGES)
    assert found.value == pytest.approx(scipy.stats.entropy(counts), abs=1e-12)
    assert found.share_outside == 0


@given(values_inside, st.integers(1, 40))
def test_entropy_is_at_most_that_of_all_different_or_of_all_bins_full(measurement, n_bins):
    found = gibbs_entropy(measurement, bin_edges=np.linspace(-50, 49, n_bins + 1))
    assert -1e-12 <= found.value <= np.log(min(len(measurement), n_bins)) + 1e-12


@given(values_inside, st.randoms())
def test_entropy_does_not_depend_on_the_order(measurement, random):
    shuffled = measurement.copy()
    random.shuffle(shuffled)
    entropies = [gibbs_entropy(values, bin_edges=PUBLISHED_BIN_EDGES) for values in (shuffled, measurement)]
    assert entropies[0] == entropies[1]


@given(values_inside)
def test_bits_are_nats_divided_by_the_logarithm_of_2(measurement):
    nats, bits = (gibbs_entropy(measurement, bin_edges=PUBLISHED_BIN_EDGES, base=base) for base in ("nats", "bits"))
    assert bits.value == pytest.approx(nats.value / np.log(2))
    assert (nats.unit, bits.unit) == ("nats", "bits")


@pytest.mark.parametrize(
    ("measurement", "share"), [([0.5], 0), ([0.5, -1], 0.5), ([-1, 10.5, 99, 5], 0.75), ([0, 10], 0), ([1, 11], 0.5)]
)
def test_share_outside_counts_what_the_bins_do_not_see(measurement, share):
    assert entropy(measurement).share_outside == share


def test_entropy_is_that_of_the_values_inside_the_bins():
    assert entropy([0.5, 1.5, 1e6, -1e6]).value == entropy([0.5, 1.5]).value


def test_entropy_is_undefined_when_everything_is_outside():
    found = entropy([-5, 99])
    assert np.isnan(found.value)
    assert found.share_outside == 1


@pytest.mark.parametrize("measurement", [[], [np.nan], [1, np.nan], [np.inf], [1, -np.inf]])
def test_empty_or_not_finite_measurement_is_refused(measurement):
    with pytest.raises(ValueError, match="expected finite values"):
        entropy(measurement)


@pytest.mark.parametrize("base", ["bit", "nat", "", "2"])
def test_unknown_base_is_refused_with_those_that_exist(base):
    with pytest.raises(ValueError, match="is not one of nats, bits"):
        entropy([1], base=base)


# ---------------------------------------------------------------------------------------------- bins


@given(any_values)
def test_occurrence_probabilities_add_up_to_1_or_are_undefined(measurement):
    probabilities = occurrence_probabilities(measurement, bin_edges=UNIT_BINS)
    inside = ((measurement >= 0) & (measurement <= 10)).any()
    assert probabilities.shape == (10,)
    assert probabilities.sum() == pytest.approx(1) if inside else np.isnan(probabilities).all()


def test_occurrence_probabilities_by_hand():
    probabilities = occurrence_probabilities(np.array([0.5, 0.5, 9.5, 10, 11]), bin_edges=UNIT_BINS)
    assert probabilities.tolist() == [0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0.5]


@given(
    st.lists(hnp.arrays(float, st.integers(1, 20), elements=st.integers(-50_000, 50_000).map(lambda i: i / 997))),
    st.sampled_from([0.1, 0.2, 1.0, 3.0]),
)
def test_covering_edges_cover_every_value(measurements, width):
    measurements = [*measurements, np.array([0.05])]
    edges = covering_bin_edges(measurements, width=width)
    for measurement in measurements:
        assert gibbs_entropy(measurement, bin_edges=edges).share_outside == 0
    np.testing.assert_allclose(np.diff(edges), width)
    np.testing.assert_allclose(edges / width, np.round(edges / width), atol=1e-6)
    # One bin may stay empty at each end, no more.
    together = np.concatenate(measurements)
    assert edges[-1] <= together.max() + 2 * width * (1 + 1e-9)
    assert edges[0] >= together.min() - 2 * width * (1 + 1e-9)


@pytest.mark.parametrize("edge", [-318, -315, -313])
def test_value_just_below_an_edge_is_covered(edge):
    measurement = np.array([np.nextafter(0.2 * edge, -np.inf), 0.0])
    edges = covering_bin_edges([measurement], width=0.2)
    assert gibbs_entropy(measurement, bin_edges=edges).share_outside == 0


# --------------------------------------------------------------------------------------- correlation


def test_correlation_is_numpys():
    x, y = np.random.default_rng(0).random((2, 30))
    assert pearson(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])


@pytest.mark.parametrize(("slope", "expected"), [(2.0, 1), (-0.5, -1)])
def test_correlation_of_a_line_is_plus_or_minus_1(slope, expected):
    x = np.arange(10)
    assert pearson(x, slope * x + 3) == pytest.approx(expected)


def test_steps_without_an_entropy_are_passed_over():
    x, y = np.random.default_rng(0).random((2, 30))
    with_holes = np.insert(x, [0, 7, 30], np.nan)
    assert pearson(with_holes, np.insert(y, [0, 7, 30], [1e3, -1e3, 5])) == pytest.approx(pearson(x, y))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1, 1, 1], [1, 2, 3]),
        ([1, 2, 3], [4, 4, 4]),
        ([1], [2]),
        ([], []),
        ([np.nan] * 3, [1, 2, 3]),
        ([1, np.nan], [1, 2]),
    ],
)
def test_correlation_of_what_does_not_vary_is_undefined(x, y):
    assert np.isnan(pearson(x, y))


# --------------------------------------------------------------------------------------------- null


def null(lengths, fitness, *, seed=0, scale=5.0, n_draws=200):
    rng = np.random.default_rng(seed)
    return gaussian_null(lengths, fitness, scale=scale, bin_edges=PUBLISHED_BIN_EDGES, rng=rng, n_draws=n_draws)


def test_null_of_equal_lengths_is_centred_at_no_correlation():
    correlations = null([50] * 20, np.linspace(0, 1, 20))
    assert correlations.shape == (200,)
    # 20 unrelated pairs: standard deviation 1/√19 each, 0.016 for the mean of 200
    assert abs(correlations.mean()) < 4 * 0.016
    assert correlations.std() == pytest.approx(1 / np.sqrt(19), rel=0.2)


def test_null_of_shrinking_lengths_follows_the_logarithm_of_the_length():
    lengths = [100, 80, 60, 40, 20, 10, 5, 2]
    assert null(lengths, np.log(lengths)).mean() > 0.9


def test_null_comes_from_its_generator_alone():
    lengths, fitness = [30, 20, 10], [3, 2, 2.5]
    np.testing.assert_array_equal(null(lengths, fitness), null(lengths, fitness))
    assert not np.array_equal(null(lengths, fitness), null(lengths, fitness, seed=1))


def test_null_of_single_values_is_undefined():
    assert np.isnan(null([1, 1, 1], [1, 2, 3], n_draws=5)).all()
