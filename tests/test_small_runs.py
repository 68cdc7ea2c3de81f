"""Notebook 2 runs on whatever notebook 1 accepts, and says where a statistic is undefined."""

import contextlib
import itertools
import tempfile
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from notebook_cells import run_cells

from dtc_helpers.figures import style
from dtc_helpers.proposition.null_models import NULLS
from dtc_helpers.runs.entropy_tables import why_undefined
from dtc_helpers.scoring import SCORES

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
MAIN, ENTROPY = NOTEBOOKS / "1_dtc_prune_train.ipynb", NOTEBOOKS / "2_gibbs_entropy.ipynb"


def run_both(folder, **chosen):
    """Names that both notebooks leave, on one batch a cycle."""
    places = {"results_dir": str(folder)}
    first = run_cells(MAIN, batches_per_cycle=1, device="cpu", **places, **chosen)
    shared = {name: chosen[name] for name in ("methods", "readings") if name in chosen}
    return first, run_cells(ENTROPY, null_draws=10, **places, **shared)


@contextlib.contextmanager
def undrawn():
    """Leave out the layout of the figures, which would take three quarters of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "save_figure", lambda *_: None)
        yield


def some_of(names):
    """One to three of the names, in any order."""
    return st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)


@st.composite
def small_settings(draw):
    """From one cut to several of one layer or two, with one measurement throughout or more."""
    hidden = draw(st.sampled_from([2, 3, 16, 20, [20, 16], [3, 40]]))
    smallest = hidden if isinstance(hidden, int) else min(hidden)
    return {
        "hidden_neurons": hidden,
        "stop_at": draw(st.integers(max(1, smallest - 4), smallest - 1)),
        "methods": draw(some_of(list(SCORES))),
        "readings": draw(some_of(["published", "described"])),
        "replicates": draw(st.integers(1, 2)),
        "measurement_fraction": draw(st.sampled_from([0.1, 0.1, 1.0])),
    }


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(small_settings())
def test_both_notebooks_run_on_any_small_setting(chosen):
    with tempfile.TemporaryDirectory() as folder, undrawn():
        first, second = run_both(Path(folder), **chosen)
    assert set(second["nulls"].index) == set(itertools.product(chosen["methods"], NULLS))
    assert list(first["results"].cycles.reading.unique()) == chosen["readings"]


def test_one_cycle_is_drawn_with_the_word_undefined_and_the_reason_is_told(tmp_path):
    _, second = run_both(tmp_path, hidden_neurons=16, stop_at=14, methods=["random", "dtc"])
    assert second["in_published"][["with LOWESS", "with raw"]].isna().all(axis=None)
    (reason,) = why_undefined(second["published"])
    assert reason.startswith("undefined (–), there is one cycle only: incoming sums of random, replicate 0, incoming")
    drawn = {path.name for path in (tmp_path / "figures" / "digits").glob("*.png")}
    assert {"accuracy.png", "null_correlations.png", "run_beside_nulls.png"} <= drawn


def entropies(**columns):
    return pd.DataFrame({"side": "outgoing", "method": "dtc", "replicate": 0, "n_measurements": 3, **columns})


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (entropies(entropy=[0.0] * 3, accuracy=[0.9, 0.8, 0.7], lowess=[0.9, 0.8, 0.7], n_measurements=1),
         "undefined (–), the entropy is the same in every cycle (one measurement, S = 0)"),
        (entropies(entropy=[0.5] * 3, accuracy=[0.9, 0.8, 0.7], lowess=[0.9, 0.8, 0.7]),
         "undefined (–), the entropy is the same in every cycle"),
        (entropies(entropy=[0.1, 0.2, 0.3], accuracy=[0.9, 0.9, 0.9], lowess=[0.9, 0.9, 0.9]),
         "undefined (–), the accuracy is the same in every cycle"),
        (entropies(entropy=[np.nan, 0.2, np.nan], accuracy=[0.9, 0.8, 0.7], lowess=[0.9, 0.8, 0.7]),
         "undefined (–), 1 of 3 cycles have a value inside the bins"),
        (entropies(entropy=[0.1, 0.2], accuracy=[0.9, 0.8], lowess=[0.9, 0.8]),
         "1 or −1 whatever the data, there are two points only"),
    ],
)  # fmt: skip
def test_reason_is_the_one_that_holds(table, reason):
    assert why_undefined(table) == [f"{reason}: outgoing sums of dtc, replicate 0"]


def test_no_reason_is_given_where_all_is_defined_and_many_places_are_counted():
    numbers = {"accuracy": [0.9, 0.8, 0.6], "lowess": [0.9, 0.8, 0.6]}
    assert why_undefined(entropies(entropy=[0.3, 0.2, 0.1], **numbers)) == []
    many = pd.concat([entropies(entropy=[0.0] * 3, **numbers).assign(replicate=r) for r in range(20)])
    assert why_undefined(many)[0].endswith("replicate 5, and 14 more")


@pytest.mark.parametrize(("methods", "replicates"), [(["dtc"], 1), (["norms"], 1), (["norms", "random"], 2)])
def test_checks_of_a_published_run_look_at_the_methods_that_were_run(methods, replicates, tmp_path, monkeypatch):
    places = {"results_dir": str(tmp_path), "figures_dir": str(tmp_path)}
    small = {"batches_per_cycle": 1, "hidden_neurons": 16, "stop_at": 12}
    with undrawn():
        names = run_cells(MAIN, methods=methods, replicates=replicates, **small, **places)
    (check,) = [cell.source for cell in nbformat.read(MAIN, as_version=4).cells if "FIRST_CUT" in cell.source]
    first = names["shown"].query("cycle == 1").set_index("method").accuracy
    published = {"magnitude": 0.5, **{method: float(first[method]) for method in methods}}
    monkeypatch.setattr(names["paper"], "FIRST_CUT_ACCURACY", published)
    names["is_paper"] = True
    exec(check, names)
    published[methods[0]] += 0.01
    with pytest.raises(AssertionError):
        exec(check, names)
