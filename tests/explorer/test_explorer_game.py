"""The game: everybody starts with the same network, and a hand that copies a rival has the rival's accuracy."""

import numpy as np
import pytest
import torch

from dtc_helpers.explorer import Game
from dtc_helpers.explorer.game import N_RANDOM, RIVALS, Match
from dtc_helpers.readings import Plan
from dtc_helpers.scoring import SCORES


@pytest.fixture
def match(tiny_dataset):
    return Match(tiny_dataset, neurons=16, plan=Plan(batches_per_cycle=2, stop_at=10))


def smallest(match):
    order = np.argsort(match.sizes, kind="stable")[: match.n_cut]
    return [match.alive[place] for place in order]


def test_hand_that_cuts_the_smallest_is_as_accurate_as_magnitude_in_every_cycle(match):
    assert RIVALS["magnitude"] in SCORES
    while match.n_cut:
        match.cut(smallest(match))
    assert len(match.alive) <= 10
    assert len(match.history["you"]) >= 2
    assert match.history["you"] == pytest.approx(match.history["magnitude"])
    assert [len(draws) for draws in match.history["random"]] == [N_RANDOM] * len(match.history["you"])


def test_players_who_draw_lots_start_alike_and_part(match):
    while match.n_cut:
        match.cut(smallest(match))
    assert len(set(match.history["random"][-1])) > 1


@pytest.mark.parametrize("names", [[], [0], [0, 0], [0, 99], [0, 1, 2]])
def test_wrong_number_of_neurons_is_refused_and_nothing_changes(match, names):
    before = match.network.weights[0].clone()
    with pytest.raises(ValueError, match="expected 2 that are alive"):
        match.cut(names)
    assert torch.equal(match.network.weights[0], before)
    assert match.history["you"] == []


def test_click_in_the_front_end_is_a_cut_in_the_kernel(match):
    game = Game(match)
    gone = game.alive[:2]
    game.set_state({"chosen": gone, "move": 1})
    assert not set(gone) & set(game.alive)
    assert len(game.history["you"]) == 1
    assert game.chosen == []
    assert repr(game) == "Game(14 neurons on tiny, after 1 cuts)"
    assert game.picture().startswith(b"\x89PNG")
