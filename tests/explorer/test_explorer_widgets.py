"""Widgets: traits both ways, answers of the package, a picture and a sentence where no script runs."""

import base64
import subprocess
import sys

import numpy as np
import pytest
import traitlets
from made_results import results_of

from dtc_helpers.explorer import Lab, Proposition, Replay, page
from dtc_helpers.explorer.answers import lab_answer
from dtc_helpers.proposition.relation import Step
from dtc_helpers.runs.results import write_results

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("make", [Lab, Proposition, Replay])
def test_every_widget_gives_a_small_picture_and_a_stable_sentence(make):
    (first, _), (second, _) = make()._repr_mimebundle_(), make()._repr_mimebundle_()
    assert first["text/plain"] == second["text/plain"]
    assert "0x" not in first["text/plain"]
    picture = base64.b64decode(first["image/png"])
    assert picture.startswith(PNG)
    assert len(picture) <= 30_000
    assert first["image/png"] == second["image/png"]
    assert "application/vnd.jupyter.widget-view+json" in first


def test_lab_says_to_python_what_a_slider_changed():
    lab = Lab([0.5, -1.0, 2.0, 0.1, 0.0, 1.5, -0.3, 0.7])
    before = lab.sparse_code
    lab.set_state({"n_measurements": 4, "order": "sorted"})  # as the front end does
    ours = lab_answer(np.array(lab.weights), lab.settings)
    assert (lab.n_measurements, lab.order) == (4, "sorted")
    assert lab.sparse_code == ours.sparse_code.tolist() != before
    assert lab.recovered_weights == ours.recovered_weights.tolist()
    assert lab.cut == ours.cut
    assert lab.gap <= 1e-9


def test_lab_sends_what_python_sets():
    lab = Lab()
    assert {"weights", "n_measurements", "l1_penalty_fraction", "order", "shuffle"} <= set(lab.get_state())
    lab.l1_penalty_fraction = 2.0
    assert lab.get_state("l1_penalty_fraction") == {"l1_penalty_fraction": 2.0}
    assert not any(lab.sparse_code)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"weights": [1.0]}, ValueError, "one vector of 2 to 64 finite numbers"),
        ({"weights": [0.0] * 65}, ValueError, "one vector of 2 to 64 finite numbers"),
        ({"weights": [1.0, float("nan")]}, ValueError, "one vector of 2 to 64 finite numbers"),
        ({"weights": [[1.0, 2.0]]}, ValueError, "one vector of 2 to 64 finite numbers"),
        ({"order": "upside down"}, traitlets.TraitError, "order"),
        ({"dct_type": 5}, traitlets.TraitError, "dct_type"),
    ],
)
def test_lab_refuses_what_it_cannot_show(wrong, error, words):
    with pytest.raises(error, match=words):
        Lab(**wrong)


def test_answers_cannot_be_set():
    with pytest.raises(traitlets.TraitError):
        Lab().cut = [1]


def test_proposition_takes_processes_of_ones_own():
    rng = np.random.default_rng(0)
    steps = [Step(rng.normal(size=m), 1 - m / 20, m / 20, np.ones(m)) for m in (20, 15, 10, 5, 2)]
    view = Proposition({"mine": [steps]}, bin_width=0.5)
    assert view.process == "mine"
    assert [step.measurement.size for step in view.steps] == [20, 15, 10, 5, 2]
    assert repr(view) == "Proposition(mine, replicate 1, 5 steps, bins of 0.5, null model: exact)"


def test_replay_takes_results_of_ones_own(tmp_path):
    own = results_of(1)
    write_results(own, tmp_path)
    for given in (own, tmp_path, str(tmp_path)):
        view = Replay(given, cycle=2)
        assert repr(view) == "Replay(published, DTC beside published, DTC, cycle 2 of 2)"
        assert view.picture().startswith(PNG)


def test_script_of_the_widgets_is_one_module_without_imports():
    script = page.joined(page.WIDGET)
    assert script.count("export ") == script.count("export default { render };") == 1
    assert "import " not in script.replace("is imported", "")


def test_page_is_made_without_torch_and_without_widgets():
    code = (
        "import sys; from dtc_helpers.explorer.page import page; page(); print({'torch', 'anywidget'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=page.WEB.parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
