"""A fixed part of the random problems of `benchmarks/random_problems.py`, judged in exact arithmetic."""

import pytest

from benchmarks.random_problems import KINDS, TOLERANCE, exact_gap, problem
from dtc_helpers.recovery import l1_penalty_max, recover

N_PROBLEMS = 100  # of each kind
EXACTLY_EVERY = 8


@pytest.mark.parametrize("kind", KINDS)
def test_random_problems_are_proven_with_few_nonzeros_and_the_proof_holds(kind):
    first = KINDS.index(kind)
    for number in range(first, N_PROBLEMS * len(KINDS), len(KINDS)):
        given = problem(number)
        assert given.kind == kind
        penalty = given.penalty_fraction * float(l1_penalty_max(given.Theta, given.y)) or given.penalty_fraction
        answer = recover(given.Theta, given.y, l1_penalty=penalty).certified()
        assert (answer.sparse_code != 0).sum() <= len(given.y)
        if number // len(KINDS) % EXACTLY_EVERY == 0:
            exact = exact_gap(given.Theta.numpy(), given.y.numpy(), penalty, answer)
            assert abs(exact - float(answer.duality_gap)) <= TOLERANCE
