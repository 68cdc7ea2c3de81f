import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from dtc_helpers.paper import FIRST_CUT_ACCURACY, PAPER_CORRELATIONS, TABLE_1, TABLE_1_METHODS
from dtc_helpers.readings import READINGS, IndependentStreams, PublishedStreams
from dtc_helpers.runs.results import COLUMNS
from dtc_helpers.scoring import SCORES
from dtc_helpers.studies.numbering import NUMBERINGS
from dtc_helpers.studies.walk import ANY_READING, SWITCHES, WALK, differs_for
from dtc_helpers.training import outputs

every_reading = pytest.mark.parametrize("reading", READINGS.values(), ids=list(READINGS))


@every_reading
def test_everything_a_reading_names_exists(reading):
    assert READINGS[reading.name] is reading
    assert reading.kept_as_ranked <= set(SCORES)
    assert reading.accuracy_column in COLUMNS
    assert outputs(torch.zeros(1, 2, 3), axis=reading.loss_axis).shape == (1, 2, 3)


# What the published notebooks compute, and what the text of arXiv:2505.23869 says instead.
WHAT_THEY_DO = {
    "kept_scores": ("lowest", "highest"),  # `score < quantile` stays; the text cuts the neurons of low rays
    "kept_as_ranked": (frozenset({"random"}), frozenset()),  # survivors as RandomState.choice gives them
    "ray_domain": ("sparse_code", "recovered_weights"),
    "loss_axis": ("batch", "class"),  # of the log-softmax
    "measurement_rounding": ("truncated", "rounded"),  # int(N · (1 − 0.9))
    "solver": ("scs", "exact"),  # cvxpy's at its default tolerance; the optimum
    "accuracy_column": ("mean_batch_accuracy", "test_accuracy"),
    "optimizer": ("new", "carried"),
    "data_order": ("restarted", "shuffled"),
    "streams": (PublishedStreams, IndependentStreams),  # one seed used anew
}


@pytest.mark.parametrize(("column", "name"), list(enumerate(("published", "described"))))
def test_readings_are_those_of_the_notebooks_and_of_the_text(column, name):
    expected = {switch: what[column] for switch, what in WHAT_THEY_DO.items()}
    assert vars(READINGS[name]) == {"name": name, **expected}


def test_walk_turns_every_switch_once_and_ends_at_the_described_reading():
    assert list(WALK) == ["published", *SWITCHES]
    assert WALK["published"] == READINGS["published"]
    turned = []
    for before, after in itertools.pairwise(WALK.values()):
        changed = [switch for switch in WHAT_THEY_DO if vars(before)[switch] != vars(after)[switch]]
        assert changed
        assert all(vars(after)[switch] == vars(READINGS["described"])[switch] for switch in changed)
        turned += changed
    assert sorted(turned) == sorted(WHAT_THEY_DO)
    assert replace(list(WALK.values())[-1], name="described") == READINGS["described"]
    assert all(ANY_READING[name].name == name for name in ("described", *WALK))


@pytest.mark.parametrize("switch", WHAT_THEY_DO)
def test_only_dtc_knows_of_rays_measurements_and_solver(switch):
    published = READINGS["published"]
    other = replace(published, name="other", **{switch: WHAT_THEY_DO[switch][1]})
    only_dtc = switch in ("ray_domain", "measurement_rounding", "solver")
    assert all(differs_for(name, published, other) for name in NUMBERINGS)  # "dtc" among them
    for method in sorted(set(SCORES) - {"dtc"}):
        assert differs_for(method, published, other) == (not only_dtc)
        assert not differs_for(method, published, replace(published, name="other"))


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
    assert sorted(PAPER_CORRELATIONS.items()) == [("dtc", 0.9174), ("magnitude", 0.9377), ("random", 0.9412)]
