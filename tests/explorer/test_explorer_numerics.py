"""JavaScript says what the package says: same Φ, same solution, same certificate, same entropy."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from benchmarks.random_problems import KINDS, problem
from dtc_helpers.explorer.answers import ORDERS, LabSettings, lab_answer
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series, gibbs_entropy
from dtc_helpers.proposition.binning import bins_of_width
from dtc_helpers.recovery import l1_penalty_max, recover
from dtc_helpers.sensing import dct_basis, gaussian_matrix, sensing_matrix
from dtc_helpers.statistics import pearson
from dtc_helpers.surgery import CHOICES, n_keep

TOLERANCE = 1e-9
many = hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def problems(draw):
    """Θ, y and λ / λ_max: Gaussian or small whole numbers, some columns repeated, some weights zero."""
    n = draw(st.integers(2, 64))
    m = draw(st.one_of(st.integers(1, n), st.just(1), st.just(n)))
    rng = np.random.RandomState(draw(seeds))
    Phi = gaussian_matrix(m, n, rng=rng)
    weights = rng.normal(size=n) * (rng.uniform(size=n) < draw(st.sampled_from([1.0, 0.3, 0.05])))
    Theta = sensing_matrix(Phi, dct_type=draw(st.integers(1, 4))).numpy()
    y = Phi.numpy() @ weights
    kind = draw(st.sampled_from(["Gaussian", "Gaussian", "whole numbers", "repeated columns", "mirrored columns"]))
    if kind == "whole numbers":
        Theta, y = rng.randint(-2, 3, size=(m, n)).astype(float), rng.randint(-3, 4, size=m).astype(float)
    elif kind != "Gaussian":
        Theta = np.concatenate([Theta[:, : (n + 1) // 2]] * 2, axis=1)[:, :n]
        if kind == "mirrored columns":
            Theta[:, (n + 1) // 2 :] *= -1
    fraction = draw(st.one_of(st.floats(-5, 0.1).map(lambda power: 10**power), st.just(1.0)))
    return Theta, y, fraction


@many
@given(problems())
@example((np.eye(4), np.zeros(4), 0.5))
@example((np.eye(4), np.array([1.0, 1.0, -1.0, 1.0]), 0.5))
@example((np.ones((3, 5)), np.ones(3), 0.1))
def test_solution_and_certificate_are_those_of_recover(javascript, problem):
    Theta, y, fraction = problem
    largest = float(l1_penalty_max(torch.from_numpy(Theta), torch.from_numpy(y)))
    (found,) = javascript("recover", Theta=Theta.tolist(), y=y.tolist(), fractions=[fraction])
    assert found["lambdaMax"] == pytest.approx(largest, rel=1e-12)
    assert found["gap"] <= TOLERANCE
    if largest == 0:
        assert not any(found["code"])
        return
    ours = recover(torch.from_numpy(Theta), torch.from_numpy(y), l1_penalty=fraction * largest)
    code, theirs = ours.sparse_code.numpy(), np.array(found["code"])
    assert found["objective"] == pytest.approx(float(ours.objective), rel=TOLERANCE)
    assert np.count_nonzero(theirs) <= len(y)
    assert np.abs(Theta @ (theirs - code)).max() <= 1e-7 * np.abs(y).max()
    if _is_unique(Theta, y, code, fraction * largest):
        assert np.abs(theirs - code).max() <= TOLERANCE * max(np.abs(code).max(), 1e-300)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "scaled rows"])  # twelve orders of magnitude apart
def test_random_problems_are_proven(javascript, kind):
    for number in range(KINDS.index(kind), 40 * len(KINDS), len(KINDS)):
        given = problem(number)
        y = given.y.numpy() / max(float(given.y.abs().max()), 1e-300)
        fraction = max(given.penalty_fraction, 1e-5)
        (found,) = javascript("recover", Theta=given.Theta.tolist(), y=y.tolist(), fractions=[fraction])
        assert found["gap"] <= TOLERANCE


def _is_unique(Theta, y, code, penalty):
    """Whether columns whose correlation reaches λ are few and well apart: then there is one solution, to rounding."""
    correlation = np.abs(2 * Theta.T @ (y - Theta @ code)) / penalty
    columns = Theta[:, correlation > 1 - 1e-6]
    if columns.shape[1] == 0:
        return True
    values = np.linalg.svd(columns, compute_uv=False)
    return columns.shape[1] <= len(y) and values[-1] > 1e-3 * values[0]


@many
@given(problems())
def test_one_path_gives_the_solution_at_every_penalty(javascript, problem):
    Theta, y, _ = problem
    fractions = [1.2, 0.7, 0.1, 1e-3]
    given = {"Theta": Theta.tolist(), "y": y.tolist()}
    for fraction, found in zip(
        fractions, javascript("recover", **given, fractions=fractions, lowest=1e-5), strict=True
    ):
        (alone,) = javascript("recover", **given, fractions=[fraction])
        np.testing.assert_allclose(
            Theta @ found["code"], Theta @ alone["code"], atol=1e-8 * max(np.abs(y).max(), 1e-300)
        )


@pytest.mark.parametrize("seed", [0, 1, 42424242, 2**32 - 1])
def test_measurement_matrix_is_that_of_numpy(javascript, seed):
    theirs = np.array(javascript("gaussian", m=40, n=64, seed=seed))
    ours = gaussian_matrix(40, 64, rng=np.random.RandomState(seed)).numpy()
    np.testing.assert_allclose(theirs, ours, rtol=1e-15, atol=0)
    assert (theirs == ours).mean() > 0.95  # the rest by the last bit of a logarithm


@many
@given(seeds, st.integers(1, 300))
def test_shuffle_is_that_of_numpy(javascript, seed, n):
    assert javascript("permutation", n=n, seed=seed) == np.random.RandomState(seed).permutation(n).tolist()


@pytest.mark.parametrize("dct_type", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [2, 3, 16, 63, 64])
def test_basis_is_that_of_scipy(javascript, n, dct_type):
    theirs = np.array(javascript("basis", n=n, type=dct_type))
    np.testing.assert_allclose(theirs, dct_basis(n, dct_type=dct_type).numpy(), atol=1e-15)
    np.testing.assert_allclose(theirs @ theirs.T, np.eye(n), atol=1e-14)
    assert scipy.fft.dct(np.ones(n), type=dct_type, norm="ortho") == pytest.approx(theirs @ np.ones(n), abs=1e-13)


@many
@given(st.lists(st.floats(-5, 5) | st.just(0.0), min_size=2, max_size=64), st.sampled_from(["lowest", "highest"]))
def test_those_who_are_cut_are_those_that_surgery_does_not_keep(javascript, scores, which):
    kept = CHOICES["highest" if which == "lowest" else "lowest"](
        torch.tensor([scores], dtype=torch.float64).abs(), n_keep(len(scores), 0.9)
    )
    assert javascript("cut", scores=scores, which=which) == sorted(set(range(len(scores))) - set(kept[0].tolist()))


values = st.lists(st.floats(-60, 60) | st.integers(-300, 300).map(lambda k: 0.2 * k), min_size=1, max_size=80)


@many
@given(values)
def test_histogram_and_entropy_are_those_of_gibbs(javascript, values):
    edges = PUBLISHED_BIN_EDGES
    assert javascript("histogram", values=values, edges=edges.tolist()) == np.histogram(values, edges)[0].tolist()
    theirs, ours = (
        javascript("entropy", values=values, edges=edges.tolist()),
        gibbs_entropy(np.array(values), bin_edges=edges),
    )
    assert theirs["outside"] == pytest.approx(ours.share_outside, abs=1e-15)
    assert (theirs["entropy"] is None) == math.isnan(ours.value)
    assert theirs["entropy"] is None or theirs["entropy"] == pytest.approx(ours.value, abs=1e-14)


@many
@given(values, st.sampled_from([0.02, 0.1, 0.2, 0.7, 5.0, 20.0]))
def test_bins_of_one_width_are_those_of_the_proposition(javascript, values, width):
    ours = entropy_series([np.array(values)], bins=bins_of_width(width))[0]
    assert javascript("entropy_of_width", values=values, width=width) == pytest.approx(ours, abs=1e-14)


def test_last_edge_belongs_to_the_last_bin(javascript):
    assert javascript("histogram", values=[0, 1, 2, 2, 2.1, -0.1], edges=[0, 1, 2]) == [1, 3]


@many
@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=40))
def test_correlation_is_that_of_statistics(javascript, pairs):
    x, y = (list(column) for column in zip(*pairs, strict=True))
    theirs, ours = javascript("pearson", values=x, others=y), pearson(x, y)
    if min(np.ptp(x), np.ptp(y)) > 1e-6 or math.isnan(ours):  # below, both are rounding
        assert (theirs is None) == math.isnan(ours)
        assert theirs is None or theirs == pytest.approx(ours, abs=1e-9)


def test_correlation_passes_over_what_is_not_defined(javascript):
    assert javascript("pearson", values=[1, None, 3, 4], others=[1, 9, 3, 4]) == pytest.approx(1)
    assert javascript("pearson", values=[1, 1], others=[1, 2]) is None


@st.composite
def labs(draw):
    """Weights and settings of the lab."""
    n = draw(st.integers(2, 64))
    weights = np.random.RandomState(draw(seeds)).normal(size=n).tolist()
    settings = LabSettings(
        n_measurements=draw(st.integers(1, n)),
        l1_penalty_fraction=10 ** draw(st.floats(-5, 0.1)),
        seed=draw(st.integers(0, 99)),
        dct_type=draw(st.integers(1, 4)),
        ray_domain=draw(st.sampled_from(["recovered_weights", "sparse_code"])),
        cut_scores=draw(st.sampled_from(["lowest", "highest"])),
        order=draw(st.sampled_from(list(ORDERS))),
        shuffle=draw(seeds),
    )
    return weights, settings


@many
@given(labs())
def test_whole_lab_is_the_one_in_python(javascript, given_lab):
    weights, settings = given_lab
    theirs = javascript("lab", weights=weights, state=asdict(settings))
    ours = lab_answer(np.array(weights), settings)
    assert theirs["gap"] <= TOLERANCE
    size = np.abs(ours.sparse_code).max()
    np.testing.assert_allclose(theirs["code"], ours.sparse_code, atol=TOLERANCE * size, rtol=0)
    np.testing.assert_allclose(theirs["recovered"], ours.recovered_weights, atol=TOLERANCE * size, rtol=0)
    assert theirs["error"] == pytest.approx(ours.error, rel=1e-8, abs=1e-8)
    scores = np.abs(ours.sparse_code if settings.ray_domain == "sparse_code" else ours.recovered_weights)
    if settings.ray_domain == "sparse_code" or np.diff(np.sort(scores)).min() > 1e-8 * size:  # no ties to rounding
        assert theirs["cut"] == ours.cut
        assert theirs["shared"] == pytest.approx(ours.shared)
