"""The L1 solve: optimality conditions first, an independent oracle second."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recovery_oracles import l1_minimiser, l1_objective
from scipy.linalg import invhilbert
from sklearn.datasets import load_diabetes

from dtc_helpers.recovery import SOLVERS, Recovery, l1_penalty_max, recover
from dtc_helpers.sensing import dct_basis, gaussian_matrix, measure, sensing_matrix
from dtc_helpers.solvers import Answer, active_set, certificate, interior_point
from dtc_helpers.solvers.exact import METHODS, methods_for
from dtc_helpers.solvers.polish import independent_support

PENALTY = 0.3
every_method = pytest.mark.parametrize("solver", METHODS)  # each alone; "exact" covers the weakness of one by the other


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Threads only wait for one another on problems this small, for long where the machine is busy."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@st.composite
def problems(draw):
    """Θ = ΦΨ of any size and DCT type, y = Φw of heavy-tailed weights of any scale."""
    n_neurons = draw(st.integers(2, 48))
    n_measurements = draw(st.integers(1, n_neurons))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = rng.standard_t(df=draw(st.sampled_from([2, 5, 50])), size=n_neurons)
    weights = torch.from_numpy(weights) * 10.0 ** draw(st.integers(-12, 12))
    measurement_matrix = gaussian_matrix(n_measurements, n_neurons, rng=rng)
    Theta = sensing_matrix(measurement_matrix, dct_type=draw(st.integers(1, 4)))
    return Theta, measure(measurement_matrix, weights)


def layer(n_measurements=10, n_neurons=40, *, seed=0, n_problems=None):
    rng = np.random.default_rng(seed)
    measurement_matrix = gaussian_matrix(n_measurements, n_neurons, rng=rng)
    shape = (n_neurons,) if n_problems is None else (n_problems, n_neurons)
    weights = torch.from_numpy(rng.standard_t(df=3, size=shape))
    return sensing_matrix(measurement_matrix), measure(measurement_matrix, weights)


def slope(Theta, y, s):
    return 2 * ((y - s @ Theta.T) @ Theta)


# What the optimum is


TAKEN_FOR_INFEASIBLE = torch.tensor([[-0.0046, -0.0906]], dtype=torch.float64), torch.tensor([0.0556]).double()


@every_method
@settings(max_examples=120, deadline=None)
@given(problem=problems(), log_ratio=st.floats(0.1, 5))
@example(problem=TAKEN_FOR_INFEASIBLE, log_ratio=5.0)
def test_objective_and_support_are_those_of_an_independent_solver(solver, problem, log_ratio):
    Theta, y = problem
    ours = recover(Theta, y, l1_penalty_fraction=10**-log_ratio, solver=solver).certified()
    penalty = 10**-log_ratio * float(l1_penalty_max(Theta, y))
    theirs = l1_minimiser(Theta.numpy(), y.numpy(), penalty)
    other_objective = l1_objective(Theta.numpy(), y.numpy(), theirs, penalty)
    assert float(ours.objective) == pytest.approx(other_objective, rel=1e-8)
    off_support = ours.sparse_code == 0
    margin = penalty - slope(Theta, y, ours.sparse_code)[off_support].abs()
    if (margin > 1e-3 * penalty).all():  # strictly complementary: the minimiser is unique
        scale = ours.sparse_code.abs().max()
        assert np.abs(theirs[off_support.numpy()]).max(initial=0.0) <= 1e-5 * scale


@every_method
@settings(max_examples=120, deadline=None)
@given(problem=problems(), log_ratio=st.floats(0.01, 5))
def test_optimality_conditions_hold(solver, problem, log_ratio):
    Theta, y = problem
    recovery = recover(Theta, y, l1_penalty_fraction=10**-log_ratio, solver=solver).certified()
    penalty, s = 10**-log_ratio * l1_penalty_max(Theta, y), recovery.sparse_code
    relative_slope = slope(Theta, y, s) / penalty
    rounding = 1e-13 * 10**log_ratio * len(y)  # of y − Θs, beside λ
    assert relative_slope.abs().max() <= 1 + 1e-8 + rounding
    torch.testing.assert_close(relative_slope[s != 0], s[s != 0].sign(), rtol=0, atol=1e-8 + rounding)
    assert 1 <= (s != 0).sum() <= len(y)


@settings(max_examples=50, deadline=None)
@given(problem=problems(), exponent=st.integers(-12, 12))
def test_scale_of_the_weights_does_not_matter(problem, exponent):
    Theta, y = problem
    code = recover(Theta, y, l1_penalty_fraction=1e-3).certified().sparse_code
    scaled = recover(Theta, y * 10.0**exponent, l1_penalty_fraction=1e-3).certified().sparse_code
    torch.testing.assert_close(scaled, code * 10.0**exponent, rtol=1e-6, atol=1e-9 * float(scaled.abs().max()))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize(("n_measurements", "n_neurons"), [(1, 2), (1, 30), (2, 2), (30, 30), (10, 40)])
def test_absolute_penalty_is_solved_at_any_scale(n_measurements, n_neurons, scale):
    Theta, y = layer(n_measurements, n_neurons)
    recovery = recover(Theta, scale * y, l1_penalty=PENALTY).certified()
    assert (recovery.sparse_code != 0).sum() <= n_measurements
    assert recovery.sparse_code.any() == (l1_penalty_max(Theta, scale * y) > PENALTY)


@pytest.mark.parametrize("solver", [name for name in SOLVERS if name != "scs"])
def test_orthonormal_sensing_is_a_soft_threshold_at_half_the_penalty(solver):
    y = torch.tensor([3.0, -0.2, 0.1, -1.0, 0.0, 0.5], dtype=torch.float64)
    recovery = recover(dct_basis(6), y, l1_penalty=PENALTY, solver=solver)
    coefficients = dct_basis(6).T @ y
    expected = coefficients.sign() * (coefficients.abs() - PENALTY / 2).clamp_min(0)
    torch.testing.assert_close(recovery.sparse_code, expected, rtol=0, atol=1e-4)


def test_one_measurement_by_hand():
    # (2s − 3)² + |s| over the larger column: 8s − 12 + 1 = 0
    recovery = recover(torch.tensor([[1.0, 2.0]]), torch.tensor([3.0]), l1_penalty=1.0)
    torch.testing.assert_close(recovery.sparse_code, torch.tensor([0.0, 11 / 8], dtype=torch.float64))
    assert recovery.objective.item() == pytest.approx((2 * 11 / 8 - 3) ** 2 + 11 / 8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_keeps_the_same_contract(solver):
    Theta, y = layer(n_problems=3)
    exact = recover(Theta, y, l1_penalty=PENALTY).certified()
    recovery = recover(Theta, y, l1_penalty=PENALTY, solver=solver, tolerance=1e-2).certified()
    assert recovery.sparse_code.shape == (3, 40)
    assert recovery.iterations > 0
    torch.testing.assert_close(recovery.objective, exact.objective, rtol=2e-2, atol=0)
    assert (recovery.objective >= exact.objective * (1 - 1e-9)).all()


# The certificate


def test_within_is_numpys_clip():
    values = np.array([-np.inf, -2.0, 0.0, 0.5, 3.0, np.inf, np.nan])
    highest = np.array([1.0, 1.0, 1.0, 0.25, 2.0, 7.0, 1.0])
    for upper in (1.0, highest):
        np.testing.assert_array_equal(certificate.within(values, 0.0, upper), np.clip(values, 0.0, upper))


@settings(max_examples=50, deadline=None)
@given(problem=problems(), log_ratio=st.floats(-1, 5), seed=st.integers(0, 1000))
def test_gap_of_any_code_lies_in_0_to_1_and_bounds_its_distance_from_the_optimum(problem, log_ratio, seed):
    Theta, y = problem
    penalty = 10**-log_ratio * l1_penalty_max(Theta, y)
    s = torch.from_numpy(np.random.default_rng(seed).normal(size=Theta.shape[1])) * y.norm() / len(y)
    judged = certificate.judged(
        Theta.numpy(), y[None].numpy(), penalty[None].numpy(), Answer(s[None].numpy(), None, 0), ""
    )
    (objective,), (gap,) = judged.objective, judged.gap
    best = recover(Theta, y, l1_penalty=penalty).certified().objective
    assert 0 <= gap <= 1
    assert objective * (1 - gap) <= best * (1 + 1e-8)


def test_gap_of_scs_is_larger_and_can_be_refused():
    Theta, y = layer(51, 512)
    assert recover(Theta, y, l1_penalty=1e-2).certified().duality_gap < 1e-9
    early = recover(Theta, y, l1_penalty=1e-2, solver="scs")
    assert not early.converged
    with pytest.raises(RuntimeError, match="1 of 1 problems did not reach the tolerance 1e-09: the largest"):
        early.certified()


def test_only_problems_above_the_tolerance_are_refused():
    one = torch.ones(2)
    recovery = Recovery(torch.ones(2, 3), one, torch.tensor([1e-12, 1e-3]), torch.ones(2, 1), ("exact",) * 2, 5)
    assert recovery.converged.tolist() == [True, False]
    with pytest.raises(RuntimeError, match="1 of 2"):
        recovery.certified()


def test_too_few_iterations_are_reported_with_the_true_gap():
    Theta, y = layer(40, 200, n_problems=2)
    answer = interior_point.minimise(Theta, y / PENALTY, tolerance=1e-9, max_iterations=1)
    gap = certificate.judged(Theta.numpy(), y.numpy() / PENALTY, np.ones(2), answer, "").gap
    assert answer.iterations == 1
    assert ((gap > 1e-9) & (gap <= 1)).all()


# λ at its ends


@every_method
def test_largest_penalty_is_where_the_code_becomes_zero(solver):
    Theta, y = layer()
    assert recover(Theta, y, l1_penalty_fraction=0.999, solver=solver).sparse_code.any()
    for fraction in (1.0, 1.5):
        zero = recover(Theta, y, l1_penalty_fraction=fraction, solver=solver).certified()
        assert not zero.sparse_code.any()
        assert zero.iterations <= 1
        torch.testing.assert_close(zero.objective, y.square().sum())


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("penalty", [{"l1_penalty": PENALTY}, {"l1_penalty_fraction": 0.1}])
def test_no_measurement_has_the_zero_code(solver, penalty):
    Theta, _ = layer()
    recovery = recover(Theta, torch.zeros(10), solver=solver, **penalty)
    torch.testing.assert_close(recovery.sparse_code, torch.zeros(40, dtype=torch.float64), rtol=0, atol=1e-9)
    assert recovery.duality_gap.item() <= 1


@every_method
@pytest.mark.parametrize("shared", [True, False], ids=["shared Φ", "own Φ"])
def test_one_penalty_per_problem(solver, shared):
    problems = [layer(seed=seed) for seed in range(4)]
    Theta, y = (torch.stack(values) for values in zip(*problems, strict=True))
    Theta = Theta[0] if shared else Theta
    penalties = torch.tensor([0.01, 1.0, 1e6, 30.0])  # the third is above its λ_max
    together = recover(Theta, y, l1_penalty=penalties, solver=solver).certified()
    for row, penalty in enumerate(penalties):
        alone = recover(Theta if shared else Theta[row], y[row], l1_penalty=float(penalty)).certified()
        torch.testing.assert_close(together.sparse_code[row], alone.sparse_code)
        torch.testing.assert_close(together.objective[row], alone.objective)


# Batches


@every_method
@pytest.mark.parametrize("shared", [True, False])
def test_batch_is_a_loop(shared, solver):
    measurement_matrix = torch.stack([gaussian_matrix(12, 60, rng=np.random.default_rng(i)) for i in range(4)])
    if shared:
        measurement_matrix = measurement_matrix[0]
    weights = torch.from_numpy(np.random.default_rng(9).standard_t(df=3, size=(2, 4, 60)))
    Theta, y = sensing_matrix(measurement_matrix), measure(measurement_matrix, weights)
    together = recover(Theta, y, l1_penalty=PENALTY, solver=solver).certified()
    assert together.sparse_code.shape == (2, 4, 60)
    assert together.dual_point.shape == (2, 4, 12)
    assert together.solved_by == (solver,) * 8
    for side, replicate in np.ndindex(2, 4):
        alone = recover(Theta if shared else Theta[replicate], y[side, replicate], l1_penalty=PENALTY)
        torch.testing.assert_close(together.sparse_code[side, replicate], alone.sparse_code, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(together.objective[side, replicate], alone.objective)


def test_what_is_done_stops_costing(monkeypatch):
    n_systems = []

    def counting(Theta, diagonal):
        n_systems.append(len(diagonal))
        return normal_matrix(Theta, diagonal)

    normal_matrix = interior_point.normal_matrix
    monkeypatch.setattr(interior_point, "normal_matrix", counting)
    Theta, y = layer(n_problems=8)
    recover(Theta, y, l1_penalty_fraction=torch.logspace(-4, -0.1, 8), solver="interior_point").certified()
    assert n_systems[0] == 8
    assert n_systems[-1] < 8
    assert n_systems == sorted(n_systems, reverse=True)


def test_empty_batch_has_an_empty_answer():
    Theta, _ = layer()
    for solver in SOLVERS:
        recovery = recover(Theta, torch.zeros(0, 2, 10), l1_penalty=PENALTY, solver=solver).certified()
        assert recovery.sparse_code.shape == (0, 2, 40)
        assert recovery.objective.shape == (0, 2)


def test_large_matrices_are_multiplied_some_rows_at_a_time(monkeypatch):
    Theta, y = layer(150, 300)
    whole = recover(Theta, y, l1_penalty=PENALTY, solver="interior_point").certified()
    monkeypatch.setitem(interior_point.normal_matrix.__globals__["_SCALED_NUMBERS"], "cpu", 50 * 300)
    in_parts = recover(Theta, y, l1_penalty=PENALTY, solver="interior_point").certified()
    torch.testing.assert_close(in_parts.sparse_code, whole.sparse_code, rtol=1e-9, atol=1e-12)


# Where the minimiser is not unique


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 20)),
    sign=st.sampled_from([1.0, -1.0]),
    log_ratio=st.floats(0.05, 5),
    seed=st.integers(0, 10**6),
)
def test_repeated_columns_still_give_few_nonzeros(size, sign, log_ratio, seed):
    rng = np.random.default_rng(seed)
    half = torch.from_numpy(rng.normal(size=size))
    y = torch.from_numpy(rng.normal(size=size[0]))
    once = recover(half, y, l1_penalty_fraction=10**-log_ratio).certified()
    twice = recover(torch.cat([half, sign * half], 1), y, l1_penalty_fraction=10**-log_ratio).certified()
    torch.testing.assert_close(twice.objective, once.objective, rtol=1e-8, atol=0)
    assert (twice.sparse_code != 0).sum() <= size[0]


def test_more_equal_columns_than_measurements():
    recovery = recover(torch.ones(5, 30), torch.full((5,), 3.0), l1_penalty=1.0).certified()
    assert (recovery.sparse_code != 0).sum() == 1
    assert recovery.sparse_code.sum().item() == pytest.approx(3 - 1 / 10)


def test_dependent_measurements():
    Theta, y = layer(10, 40)
    once = recover(Theta, y, l1_penalty=PENALTY).certified()
    twice = recover(torch.cat([Theta, Theta]), torch.cat([y, y]), l1_penalty=2 * PENALTY).certified()
    torch.testing.assert_close(twice.sparse_code, once.sparse_code, rtol=1e-8, atol=1e-10)


@every_method
@pytest.mark.parametrize("log_condition", [3, 6, 12])
def test_ill_conditioned_sensing(log_condition, solver):
    rng = np.random.default_rng(log_condition)
    left, right = (np.linalg.qr(rng.normal(size=(60, 60)))[0] for _ in range(2))
    Theta = torch.from_numpy(left * np.logspace(0, -log_condition, 60) @ right)
    y = Theta @ torch.from_numpy(rng.standard_t(df=3, size=60))
    assert recover(Theta, y, l1_penalty_fraction=1e-5, solver=solver).certified().duality_gap <= 1e-9


@settings(max_examples=40, deadline=None)
@given(size=st.tuples(st.integers(1, 8), st.integers(1, 30)), seed=st.integers(0, 10**6))
def test_independent_support_keeps_the_product_and_does_not_grow(size, seed):
    rng = np.random.default_rng(seed)
    Theta, code = torch.from_numpy(rng.normal(size=size)), torch.from_numpy(rng.normal(size=size[1]))
    fewer = independent_support(Theta, code)
    torch.testing.assert_close(Theta @ fewer, Theta @ code)
    assert fewer.abs().sum() <= code.abs().sum() * (1 + 1e-12)
    assert (fewer != 0).sum() <= size[0]


# Where one method gives up


def zero_one(seed, shape=(5, 10)):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 2, size=shape)).double()


@pytest.mark.parametrize("seed", range(10))
def test_zero_one_matrix_is_solved_at_every_penalty(seed):
    Theta, fractions = zero_one(seed), torch.logspace(-6, -0.01, 300)
    y = Theta @ torch.arange(10.0).double()
    recovery = recover(Theta, y.expand(300, 5), l1_penalty_fraction=fractions).certified()
    assert (recovery.sparse_code != 0).sum(-1).max() <= 5


def test_ties_of_a_rademacher_matrix_and_of_an_integer_one_give_few_nonzeros():
    rng = np.random.default_rng(0)
    for _ in range(50):
        for shape, values, fraction in (((5, 20), (-1, 1), 0.41), ((3, 30), range(-5, 6), 6e-3)):
            Theta = torch.from_numpy(rng.choice(values, size=shape)).double()
            y = Theta @ torch.from_numpy(rng.integers(-2, 3, size=shape[1])).double()
            recovery = recover(Theta, y, l1_penalty_fraction=fraction).certified()
            assert (recovery.sparse_code != 0).sum() <= shape[0]


def test_badly_conditioned_problems_at_small_penalties_lose_no_more_than_rounding():
    diabetes: Any = load_diabetes()
    Theta, y = torch.from_numpy(diabetes.data), torch.from_numpy(diabetes.target)
    for fraction, gap in ((1e-11, 1e-9), (1e-12, 1e-6)):  # rounding of Θᵀc beside λ, squared
        assert recover(Theta, y, l1_penalty_fraction=fraction).duality_gap < gap
    inverse = torch.from_numpy(invhilbert(8))  # its condition is 1.5e10
    for y in (torch.arange(1.0, 9.0), torch.eye(8)[0], inverse.sum(1)):
        recover(inverse, y, l1_penalty_fraction=1e-4).certified()
    assert recover(inverse, torch.ones(8), l1_penalty_fraction=1e-4).duality_gap < 1e-3


@pytest.mark.parametrize("exponent", [-300, -161, 155, 300])
@pytest.mark.parametrize("solver", ["exact", *METHODS])
def test_certificate_holds_at_the_ends_of_float64(exponent, solver):
    Theta, y = layer()
    usual = recover(Theta, y, l1_penalty_fraction=1e-3).certified().sparse_code
    recovery = recover(Theta, y * 10.0**exponent, l1_penalty_fraction=1e-3, solver=solver).certified()
    torch.testing.assert_close(recovery.sparse_code / 10.0**exponent, usual, rtol=1e-6, atol=1e-9)
    factor = 10.0 ** (exponent // 2)
    scaled = recover(factor * Theta, y * 10.0**exponent, l1_penalty_fraction=1e-3, solver=solver).certified()
    torch.testing.assert_close(scaled.sparse_code / factor, usual * 10.0 ** (exponent - 2 * (exponent // 2)))


def test_interior_point_keeps_its_best_iterate_where_its_factor_breaks_down():
    worst = 0.0
    for seed in range(20):
        Theta, fractions = zero_one(seed), torch.logspace(-6, -0.01, 50)
        y = (Theta @ torch.arange(10.0).double()).expand(50, 5)
        recovery = recover(Theta, y, l1_penalty_fraction=fractions, solver="interior_point")
        worst = max(worst, float(recovery.duality_gap.max()))
        assert (recovery.sparse_code != 0).sum(-1).max() <= 5
    assert 1e-9 < worst < 1e-4  # it did break down somewhere, and lost little


@pytest.mark.parametrize("broken", METHODS)
def test_other_method_solves_what_one_gives_up(monkeypatch, broken):
    Theta, y = layer(n_problems=3)
    right = recover(Theta, y, l1_penalty=PENALTY).certified()
    nothing = Answer(np.zeros((3, 40)), np.zeros((3, 10)), 0)
    monkeypatch.setattr(f"dtc_helpers.solvers.exact.{broken}.minimise", lambda *_, **__: nothing)
    recovery = recover(Theta, y, l1_penalty=PENALTY).certified()
    (other,) = set(METHODS) - {broken}
    assert recovery.solved_by == (other,) * 3
    torch.testing.assert_close(recovery.sparse_code, right.sparse_code)


def test_numbers_of_a_solver_that_says_it_failed_are_not_used(monkeypatch):
    Theta, y = layer()
    rubbish = {"lam": np.full(40, np.nan), "iterations": 3}
    monkeypatch.setattr(active_set.daqp, "solve", lambda *_, **__: (np.full(10, np.nan), np.nan, -1, rubbish))
    answer = active_set.minimise(Theta.numpy(), y[None].numpy())
    assert not answer.code.any()
    np.testing.assert_array_equal(answer.dual_point, y[None].numpy())  # pyright: ignore[reportArgumentType]


def test_only_the_problems_that_one_method_gives_up_go_to_the_other(monkeypatch):
    Theta, y = layer(n_problems=3)
    right, solve, n_solved = recover(Theta, y, l1_penalty=PENALTY), active_set.minimise, []

    def all_but_the_second(Theta, y):
        answer = solve(Theta, y)
        answer.code[1] = 0.0
        return answer

    def counting(Theta, y, **others):
        n_solved.append(len(y))
        return interior_point.minimise(Theta, y, **others)

    monkeypatch.setattr("dtc_helpers.solvers.exact.active_set", SimpleNamespace(minimise=all_but_the_second))
    monkeypatch.setattr("dtc_helpers.solvers.exact.interior_point", SimpleNamespace(minimise=counting))
    recovery = recover(Theta, y, l1_penalty=PENALTY).certified()
    assert recovery.solved_by == ("active_set", "interior_point", "active_set")
    assert n_solved == [1]
    torch.testing.assert_close(recovery.sparse_code, right.sparse_code)


def test_best_code_and_best_bound_are_kept_where_nothing_is_proven(monkeypatch):
    Theta, y = layer()
    right = recover(Theta, y, l1_penalty=PENALTY)
    code, c = right.sparse_code[None].numpy(), right.dual_point[None].numpy()
    good_code, good_bound = Answer(1.001 * code, 0 * c, 1), Answer(0 * code, 1.001 * c, 1)
    answers = {"active_set": good_code, "interior_point": good_bound}
    for method, answer in answers.items():
        assert answer.dual_point is not None
        unit = float(y.abs().max().frexp().exponent.double().exp2())  # what the solve divides y by; λ too
        matrix_unit = float(Theta.abs().max().frexp().exponent.double().exp2())
        penalty = PENALTY / unit / matrix_unit
        scaled = Answer(answer.code * matrix_unit / unit / penalty, answer.dual_point / unit / penalty, 1)
        monkeypatch.setattr(f"dtc_helpers.solvers.exact.{method}.minimise", lambda *_, scaled=scaled, **__: scaled)
    recovery = recover(Theta, y, l1_penalty=PENALTY)
    assert recovery.solved_by == ("active_set",)
    torch.testing.assert_close(recovery.sparse_code, 1.001 * right.sparse_code)
    torch.testing.assert_close(recovery.dual_point, 1.001 * right.dual_point)
    assert 1e-9 < recovery.duality_gap < 0.01


def test_smallest_penalty_gives_a_code_that_fits_though_nothing_proves_it():
    Theta, y = layer()
    recovery = recover(Theta, y, l1_penalty=1e-300)
    assert not recovery.converged
    assert (Theta @ recovery.sparse_code - y).norm() <= 1e-9 * y.norm()
    assert (recovery.sparse_code != 0).sum() <= len(y)


def test_faster_method_comes_first():
    def first(n_neurons, n_problems, *, fraction=1e-4):
        Theta, y = (values.numpy() for values in layer(n_neurons // 10, n_neurons, n_problems=n_problems))
        penalty = fraction * certificate.l1_penalty_max(Theta, y)
        return methods_for("exact", Theta, y, penalty, device=torch.device("cpu"))[0]

    assert [first(n, 1) for n in (20, 128, 512)] == ["active_set"] * 3
    assert [first(n, 1) for n in (1024, 2048)] == ["interior_point"] * 2
    assert first(1024, 1, fraction=0.5) == "active_set"  # few nonzeros
    assert first(20, 16) == first(128, 16) == "active_set"


def test_interior_point_needs_a_dozen_iterations_at_any_penalty():
    for n_measurements, n_neurons in ((5, 50), (20, 200), (100, 200)):
        Theta, y = layer(n_measurements, n_neurons, n_problems=8)
        for fraction in (0.5, 1e-2, 1e-4, 1e-6):
            recovery = recover(Theta, y, l1_penalty_fraction=fraction, solver="interior_point").certified()
            assert recovery.iterations <= 16


@pytest.mark.parametrize("n_threads", [1, 2])
def test_solve_leaves_the_number_of_threads_as_it_was(n_threads):
    torch.set_num_threads(n_threads)
    recover(*layer(), l1_penalty=PENALTY, solver="interior_point")
    assert torch.get_num_threads() == n_threads
    torch.set_num_threads(1)


# Input


def test_import_brings_no_solver_of_others():
    code = "import sys, dtc_helpers.recovery; print({'cvxpy', 'sklearn', 'pandas', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_arrays_are_refused_with_what_to_do():
    Theta, y = layer()
    with pytest.raises(TypeError, match=r"sensing_matrix is of type ndarray: expected a torch.Tensor, see torch.as_"):
        recover(Theta.numpy(), y, l1_penalty=PENALTY)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="measurement is of type list"):
        recover(Theta, y.tolist(), l1_penalty=PENALTY)  # pyright: ignore[reportArgumentType]


def test_single_precision_is_solved_in_double():
    Theta, y = layer()
    recovery = recover(Theta.float(), y.float(), l1_penalty=PENALTY).certified()
    assert recovery.sparse_code.dtype == torch.float64
    assert recovery.duality_gap < 1e-9


def test_inputs_are_left_alone():
    Theta, y = layer(n_problems=2)
    before = Theta.clone(), y.clone()
    recover(Theta, y, l1_penalty=PENALTY)
    torch.testing.assert_close((Theta, y), before, rtol=0, atol=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(bad):
    Theta, y = layer()
    y[3] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        recover(Theta, y, l1_penalty=PENALTY)


@pytest.mark.parametrize("name", ["l1_penalty", "l1_penalty_fraction"])
@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_penalty_that_is_not_positive_is_refused(name, bad):
    with pytest.raises(ValueError, match=f"{name} = .*: expected finite numbers above 0; at 0 the minimiser is not"):
        recover(*layer(), **{name: bad})


@pytest.mark.parametrize("penalties", [{}, {"l1_penalty": 0.3, "l1_penalty_fraction": 0.1}])
def test_one_of_two_penalties_must_be_given(penalties):
    with pytest.raises(ValueError, match="either l1_penalty or l1_penalty_fraction"):
        recover(*layer(), **penalties)


def test_unknown_solver_is_refused_with_those_that_exist():
    with pytest.raises(
        ValueError, match="'newton' is not one of exact, active_set, interior_point, scs, clarabel, lars"
    ):
        recover(*layer(), l1_penalty=PENALTY, solver="newton")


@pytest.mark.parametrize("shape", [(9,), (40,), (0,)])
def test_shapes_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match="do not fit"):
        recover(torch.ones(10 if shape[0] else 0, 40), torch.ones(shape), l1_penalty=PENALTY)
