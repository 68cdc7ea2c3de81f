"""What the views are given is what is stored, rounded, and small enough to travel."""

import base64
import io
import json
import re
from functools import partial

import numpy as np
import pytest
import torch
from made_results import results_of
from PIL import Image

from dtc_helpers.explorer import page, state
from dtc_helpers.explorer.answers import LabSettings, exact_trial, lab_answer
from dtc_helpers.explorer.game import RIVALS
from dtc_helpers.explorer.renew import renew
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.paths import project_root
from dtc_helpers.proposition.binning import bins_of_width
from dtc_helpers.proposition.null_models import NULLS, draw_null
from dtc_helpers.runs.results import write_results
from dtc_helpers.statistics import pearson

MOST_BYTES = {"replay": 60_000, "proposition": 60_000, "lab": 2_000, "game": 120_000}


@pytest.mark.parametrize("view", page.VIEWS)
def test_stored_data_and_picture_are_small(view):
    assert (page.DATA / f"{view}.json").stat().st_size <= MOST_BYTES[view]
    assert (page.DATA / f"{view}.png").stat().st_size <= 30_000


@pytest.mark.parametrize("view", page.VIEWS)
def test_picture_in_the_page_is_the_stored_one_to_the_last_pixel(view):
    (found,) = re.findall(rf'<section id="{view}".*?src="data:image/webp;base64,(.*?)"', page.page(), re.DOTALL)
    with Image.open(io.BytesIO(base64.b64decode(found))) as shown, Image.open(page.DATA / f"{view}.png") as kept:
        np.testing.assert_array_equal(shown.convert("RGB"), kept.convert("RGB"))


def test_page_says_how_often_the_rivals_lie_inside_the_band():
    rivals = page.stored("game")["rivals"]
    draws = np.array(rivals["random"])
    inside = {name: int(np.sum((draws.min(1) <= rivals[name]) & (rivals[name] <= draws.max(1)))) for name in RIVALS}
    words = " ".join(page.page().split())
    assert f"Of {len(draws)} cuts, DTC lies inside the band after {inside['DTC']}, magnitude after" in words
    assert f"magnitude after {inside['magnitude']}. Who draws lots" in words
    assert inside == {"DTC": 12, "magnitude": 11}


def test_stored_processes_are_those_of_study_10():
    folder = project_root() / "notebooks" / "studies" / "data" / "10_proposition"
    made = state.proposition_state(state.processes_of_study(folder))
    assert json.loads(json.dumps(made)) == page.stored("proposition")


def test_rounded_measurements_stay_in_their_bins():
    edges = PUBLISHED_BIN_EDGES
    values = np.concatenate([edges[:-1] + shift for shift in (-1e-4, -1e-9, 0, 1e-9, 1e-4)])
    rounded = np.array(state.rounded_in_bins(values))
    assert np.abs(rounded - values).max() <= 2e-3
    np.testing.assert_array_equal(np.histogram(rounded, edges)[0], np.histogram(values, edges)[0])


def test_a_run_says_when_each_neuron_goes_and_what_was_measured(stored_run):
    measured = [[0.123, 7.0]] * 2
    assert state.replay_state(stored_run) == {
        "dataset": "MNIST",
        "neurons": 4,
        "widths": [3, 2],
        "runs": {
            "published, DTC": {
                "gone": [2, 0, 1, 0], "accuracy": [0.9, 0.9], "outgoing": measured, "incoming": measured
            }
        },
    }  # fmt: skip


def test_every_neuron_of_the_stored_runs_goes_once_or_stays():
    stored = page.stored("replay")
    assert len(stored["runs"]) == 6
    for run in stored["runs"].values():
        widths = [sum(1 for gone in run["gone"] if gone == 0 or gone > cycle) for cycle in range(1, 35)]
        assert widths == stored["widths"]


def test_entropies_in_javascript_are_those_of_the_stored_run(javascript):
    for run in page.stored("replay")["runs"].values():
        ours = entropy_series([np.array(y) for y in run["outgoing"]], bins=PUBLISHED_BIN_EDGES)
        theirs = [
            javascript("entropy", values=y, edges=PUBLISHED_BIN_EDGES.tolist())["entropy"] for y in run["outgoing"]
        ]
        np.testing.assert_allclose(theirs, ours, atol=1e-12)


def test_published_edges_are_those_of_numpy(javascript):
    assert javascript("edges") == PUBLISHED_BIN_EDGES.tolist()


def test_lab_sorts_shuffles_and_cuts_the_same_neurons():
    weights = np.array(page.stored("lab")["presets"]["trained"])
    answers = {order: lab_answer(weights, LabSettings(order=order)) for order in ("as_numbered", "sorted", "shuffled")}
    for answer in answers.values():
        assert sorted(answer.weights) == sorted(weights)
        assert len(answer.cut) == 7
        assert answer.duality_gap <= 1e-9
    assert answers["sorted"].error < 0.5 < answers["as_numbered"].error


def test_whole_layer_of_zeros_has_no_relative_error():
    assert np.isnan(lab_answer(np.zeros(4), LabSettings(n_measurements=2)).error)


def test_trial_in_javascript_is_the_one_in_python(javascript):
    folder = project_root() / "notebooks" / "studies" / "data" / "10_proposition"
    processes = state.processes_of_study(folder)
    for name in ("MNIST, DTC", "MNIST, quantisation", "photographs, JPEG"):
        steps = state.proposition_state(processes)["processes"][name][0]
        shown = {"bin_width": 0.3, "measure": "entropy"}
        theirs = javascript("trial", steps=steps, nullModel="exact", count=5, state=shown)
        ours = exact_trial(state.process_of_state(steps), bin_width=0.3, rng=np.random.RandomState(0), n_draws=5)
        np.testing.assert_allclose(theirs["own"], ours.own, atol=1e-12)
        np.testing.assert_allclose(theirs["series"][0], ours.null, atol=1e-12)
        assert theirs["tested"] == pytest.approx(ours.tested, abs=1e-9)
        np.testing.assert_allclose(theirs["found"], ours.found, atol=1e-9)
        assert theirs["byLength"] == pytest.approx(ours.by_length, abs=1e-12)


@pytest.mark.parametrize("name", ["Gaussian vectors", "ln m alone", "unrelated signal", "shuffled steps"])
def test_other_null_models_are_those_of_the_proposition(javascript, name):
    steps = page.stored("proposition")["processes"]["MNIST, DTC"][0]
    measure = partial(entropy_series, bins=bins_of_width(0.2))
    rng = np.random.RandomState(0)
    found = draw_null(state.process_of_state(steps), NULLS[name], rng=rng, measure=measure, n_draws=4)  # pyright: ignore[reportArgumentType]
    theirs = javascript("trial", steps=steps, nullModel=name, count=4, state={"bin_width": 0.2, "measure": "entropy"})
    ours = found.null.pearson[: len(theirs["found"])]
    np.testing.assert_allclose(theirs["found"], ours, atol=1e-9)


def test_normalised_entropy_is_that_of_the_package(javascript):
    steps = page.stored("proposition")["processes"]["MNIST, DTC"][0]
    vectors = [np.array(s["measurement"]) for s in steps]
    ours = entropy_series(vectors, bins=bins_of_width(0.2), normalised=True)
    shown = {"bin_width": 0.2, "measure": "normalised"}
    theirs = javascript("trial", steps=steps, nullModel="exact", count=1, state=shown)
    np.testing.assert_allclose(theirs["own"], ours, atol=1e-12)
    assert theirs["tested"] == pytest.approx(pearson(ours, [s["fitness"] for s in steps]), abs=1e-9)


def test_quantile_is_that_of_numpy(javascript):
    values = torch.randn(37, generator=torch.Generator().manual_seed(0)).tolist()
    for share in (0.025, 0.5, 0.975):
        assert javascript("quantile", values=values, share=share) == pytest.approx(np.quantile(values, share))


def test_data_of_the_page_are_not_renewed_from_another_run(tmp_path):
    write_results(results_of(1), tmp_path / "results")
    with pytest.raises(ValueError, match=r"results holds another run: expected MNIST in both readings"):
        renew(tmp_path / "results", tmp_path / "data")
    assert not (tmp_path / "data").exists()
