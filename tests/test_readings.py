import numpy as np
import pytest
import torch

from dtc_helpers.paper import FIRST_CUT_ACCURACY, PAPER_CORRELATIONS, TABLE_1, TABLE_1_METHODS
from dtc_helpers.readings import READINGS
from dtc_helpers.recovery import SOLVERS
from dtc_helpers.runs.results import COLUMNS
from dtc_helpers.scoring import SCORES
from dtc_helpers.sensing import MEASUREMENT_COUNTS
from dtc_helpers.surgery import CHOICES
from dtc_helpers.training import outputs

every_reading = pytest.mark.parametrize("reading", READINGS.values(), ids=list(READINGS))


@every_reading
def test_everything_a_reading_names_exists(reading):
    assert READINGS[reading.name] is reading
    assert reading.kept_scores in CHOICES
    assert reading.kept_as_ranked <= set(SCORES)
    assert reading.ray_domain in ("sparse_code", "recovered_weights")
    assert reading.measurement_rounding in MEASUREMENT_COUNTS
    assert reading.solver in SOLVERS
    assert reading.accuracy_column in COLUMNS
    assert reading.optimizer in ("new", "carried")
    assert reading.data_order in ("restarted", "shuffled")
    assert outputs(torch.zeros(1, 2, 3), axis=reading.loss_axis).shape == (1, 2, 3)


@every_reading
def test_streams_of_one_seed_give_the_same_again_and_those_of_another_something_else(reading):
    def draws(seed):
        streams = reading.streams(seed)
        weights = torch.randn(5, generator=streams.weights()).tolist()
        return (
            weights,
            streams.measurement_matrix(1, 0).normal(size=(5,)).tolist(),
            streams.choice(1, 0).permutation(50).tolist(),
            streams.data_order(0).permutation(50).tolist(),
        )

    assert draws(1) == draws(1)
    assert all(one != other for one, other in zip(draws(1), draws(2), strict=True))


def test_published_streams_are_the_seed_used_anew():
    streams = READINGS["published"].streams(42424242)
    expected = np.random.RandomState(42424242).normal(size=(3, 4))
    for _ in range(2):  # in every cycle the same
        assert np.array_equal(streams.measurement_matrix(1, 0).normal(size=(3, 4)), expected)
    torch.manual_seed(42424242)  # what the published notebook does
    assert torch.equal(torch.randn(5), torch.randn(5, generator=streams.weights()))


def test_independent_streams_share_nothing_between_purposes_cycles_and_layers():
    streams = READINGS["described"].streams(7)
    sources = [
        *(streams.measurement_matrix(cycle, layer) for cycle in (1, 2) for layer in (0, 1)),
        *(streams.choice(cycle, layer) for cycle in (1, 2) for layer in (0, 1)),
        *(streams.data_order(n_pass) for n_pass in (0, 1)),
    ]
    first_numbers = [float(source.random()) for source in sources]
    assert len(set(first_numbers)) == len(sources)


def test_table_1_has_15_rows_of_fractions_that_rise():
    assert len(TABLE_1) == 15
    removed = [row[0] for row in TABLE_1]
    assert removed == sorted(set(removed))
    assert all(len(row) == 1 + len(TABLE_1_METHODS) and 0 < value < 1 for row in TABLE_1 for value in row)


def test_numbers_of_the_paper_belong_to_methods_that_exist():
    assert set(TABLE_1_METHODS) == set(FIRST_CUT_ACCURACY) < set(SCORES)
    # arXiv:2505.23869, section VI
    assert sorted(PAPER_CORRELATIONS.items()) == [("dtc", 0.9174), ("random", 0.9412)]
