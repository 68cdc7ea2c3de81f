import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series, gibbs_entropy, occurrence_probabilities
from dtc_helpers.runs.entropy_tables import covering_bin_edges
from dtc_helpers.statistics import pearson

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


@pytest.mark.parametrize("n_bins", [4, 40])
def test_miller_madow_adds_the_occupied_bins_less_1_over_twice_the_values(n_bins):
    edges = np.linspace(0, 4, n_bins + 1)
    measurement = np.array([0.55, 0.55, 1.55, 3.55, 99])  # three bins, four values inside
    plain, corrected = (
        gibbs_entropy(measurement, bin_edges=edges, base="bits", miller_madow=yes).value for yes in (False, True)
    )
    assert plain == pytest.approx(1.5)
    assert corrected == pytest.approx(1.5 + 2 / 8 / np.log(2))


def test_miller_madow_is_nearer_to_the_truth_of_ten_equal_bins():
    rng = np.random.default_rng(0)
    draws = [rng.uniform(0, 10, 30) for _ in range(400)]
    plain, corrected = (np.mean([entropy(y, miller_madow=yes).value for y in draws]) for yes in (False, True))
    assert abs(corrected - np.log(10)) < 0.2 * abs(plain - np.log(10))


def test_normalised_entropy_is_1_when_all_values_lie_apart_and_0_for_one_value():
    assert entropy([0.5, 1.5, 2.5]).normalised == pytest.approx(1)
    assert entropy([0.5, 0.6, 0.7]).normalised == 0
    assert entropy([0.5]).normalised == 0
    assert entropy([0.5, 1.5, 99]).normalised == pytest.approx(np.log(2) / np.log(3))  # of all values
    assert np.isnan(entropy([-5]).normalised)


@given(values_inside)
def test_normalised_entropy_lies_between_0_and_1_in_either_base(measurement):
    nats, bits = (gibbs_entropy(measurement, bin_edges=PUBLISHED_BIN_EDGES, base=base) for base in ("nats", "bits"))
    assert -1e-12 <= nats.normalised <= 1 + 1e-12
    assert bits.normalised == nats.normalised


@pytest.mark.parametrize("width", [0.1, 0.2])
def test_entropy_of_many_gaussian_values_tends_to_the_analytic_one(width):
    sigma = 2.0
    y = np.random.default_rng(0).normal(0, sigma, 400_000)
    found = gibbs_entropy(y, bin_edges=np.arange(-12, 12 + width, width))
    # differential entropy ½ ln(2πeσ²), less the log of the bin width; the estimate scatters by 1.1e-3
    assert found.value == pytest.approx(0.5 * np.log(2 * np.pi * np.e * sigma**2) - np.log(width), abs=4e-3)


@pytest.mark.parametrize("rule", ["fd", "scott", "sturges", "auto", 7])
def test_rule_or_number_of_bins_is_numpys(rule):
    y = np.random.default_rng(0).normal(size=50)
    edges = np.histogram_bin_edges(y, bins=rule)
    assert gibbs_entropy(y, bin_edges=rule) == gibbs_entropy(y, bin_edges=edges)
    assert gibbs_entropy(y, bin_edges=rule).share_outside == 0


@pytest.mark.parametrize("bins", ["fd", "sturges", 10])
@pytest.mark.parametrize("measurement", [[3.0], [3.0, 3.0, 3.0]])
def test_constant_measurement_has_entropy_0_by_every_rule(bins, measurement):
    assert entropy(measurement, bin_edges=bins).value == 0


# ------------------------------------------------------------------------------------------- process


def process(seed=0, lengths=(50, 30, 12, 5, 1)):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 3, n) for n in lengths]


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("options", [{}, {"base": "bits"}, {"miller_madow": True}])
@pytest.mark.parametrize("bins", [PUBLISHED_BIN_EDGES, UNIT_BINS])
def test_process_is_its_measurements_one_by_one(bins, options, normalised):
    found = entropy_series(process(), bins=bins, normalised=normalised, **options)
    one_by_one = [gibbs_entropy(y, bin_edges=bins, **options) for y in process()]
    np.testing.assert_allclose(found, [e.normalised if normalised else e.value for e in one_by_one])


@pytest.mark.parametrize("options", [{}, {"base": "bits"}, {"miller_madow": True}])
def test_process_whose_steps_have_edges_of_their_own_is_its_measurements_one_by_one(options):
    found = entropy_series(process(), bins="sturges", shared=False, **options)
    assert found.tolist() == [gibbs_entropy(y, bin_edges="sturges", **options).value for y in process()]


def test_shared_rule_makes_one_set_of_edges_that_covers_all():
    edges = np.histogram_bin_edges(np.concatenate(process()), bins="fd")
    alone = [gibbs_entropy(y, bin_edges=edges) for y in process()]
    assert entropy_series(process(), bins="fd") == pytest.approx([e.value for e in alone])
    assert [e.share_outside for e in alone] == [0] * 5


def test_only_shared_edges_see_a_change_of_scale():
    y = np.random.default_rng(0).normal(size=40)
    own, shared = (entropy_series([y, 5 * y], bins="fd", shared=shared) for shared in (False, True))
    assert own[0] == pytest.approx(own[1])
    assert shared[1] > shared[0] + 0.5


@pytest.mark.parametrize(
    ("measurements", "message"),
    [([], "without steps"), ([[1.0], []], "0 values"), ([[1.0], [np.nan, 2]], "2 values, 1 of them NaN")],
)
@pytest.mark.parametrize("shared", [True, False])
def test_process_without_steps_or_values_is_refused(measurements, message, shared):
    with pytest.raises(ValueError, match=message):
        entropy_series([np.array(y) for y in measurements], shared=shared)


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


def test_covering_edges_have_an_empty_bin_at_each_end_and_the_published_width():
    measurements = [np.array([0.1, 0.9]), np.array([0.3])]
    assert covering_bin_edges(measurements, width=0.5).tolist() == [-0.5, 0, 0.5, 1, 1.5]
    np.testing.assert_allclose(np.diff(covering_bin_edges(measurements)), np.diff(PUBLISHED_BIN_EDGES)[0])


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


def test_rule_that_an_outlier_drives_to_too_many_bins_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"'fd' takes bins of .* more than 10,000,000: look for outliers"):
        entropy_series([rng.normal(size=50), 1e12 * rng.normal(size=5)])
