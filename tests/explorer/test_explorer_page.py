"""The page in a real browser: from a file, alone, by hand and by keyboard, and with the answers of the package."""

import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from explorer_browser import control, missing, read

from dtc_helpers.explorer import page as explorer_page
from dtc_helpers.explorer.answers import LabSettings, exact_trial, lab_answer
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, gibbs_entropy
from dtc_helpers.proposition.relation import Step

AXE = Path(__file__).resolve().parents[2] / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
FRAME_MILLISECONDS = 50
CONTROLS = {
    "lab": ["weights", "order", "shuffle", "n_measurements", "l1_penalty_fraction", "seed", "dct_type", "ray_domain",
            "cut_scores"],
    "proposition": ["process", "replicate", "null_model", "measure", "bin_width"],
    "replay": ["left", "right", "cycle", "layer", "play"],
    "game": ["cut", "clear"],
}  # fmt: skip
MOVED = {view: names for view, names in CONTROLS.items() if view != "game"}  # has its own tests
every_view = pytest.mark.parametrize("view", CONTROLS)
every_moved_view = pytest.mark.parametrize("view", MOVED)
pytestmark = pytest.mark.browser


def move(tab, view, name):
    """Change a control as a person does, by the keyboard where it is a slider."""
    element = control(tab, view, name)
    kind = element.evaluate("(e) => e.type")
    if kind == "range":
        element.focus()
        for _ in range(12):
            tab.keyboard.press("ArrowRight")
    elif kind == "button":
        element.press("Enter")
    else:
        place, options = element.evaluate("(e) => [e.selectedIndex, e.options.length]")
        element.select_option(index=(place + 1) % options)


def drawn(tab, view):
    """How often a view was drawn, once the next pictures are there."""
    frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    return tab.evaluate(f"async () => {{ await {frames}; return window.drawings['{view}']; }}")


def facts(tab, view):
    return tab.locator(f"#{view} .facts").inner_text()


# ------------------------------------------------------------------------------------------------- the file


def test_page_is_one_small_file_made_in_no_time(tmp_path):
    started = time.perf_counter()
    path = explorer_page.write_page(tmp_path / "new" / "index.html")
    assert time.perf_counter() - started < 2
    assert path.stat().st_size < 300_000


@every_view
def test_page_asks_for_nothing_but_itself_and_says_nothing(opened, view):
    tab = opened(view)
    for name in CONTROLS[view]:
        move(tab, view, name)
    tab.wait_for_timeout(400)
    assert len([url for url in tab.requests if not url.startswith("data:")]) == 1
    assert tab.messages == []


@every_view
def test_page_is_ready_soon(opened, view):
    ready = opened(view).evaluate("performance.getEntriesByType('navigation')[0].domComplete")
    assert ready < 1000


def test_view_is_drawn_once_when_it_is_opened(opened):
    tab = opened("lab", order="sorted")
    assert drawn(tab, "lab") == 1
    tab.evaluate("location.hash = 'view=replay&cycle=7'")
    tab.wait_for_function("document.getElementById('replay').dataset.state !== undefined")
    assert drawn(tab, "replay") == 1
    tab.evaluate("location.hash = 'view=lab&order=shuffled'")
    tab.wait_for_function("JSON.parse(document.getElementById('lab').dataset.state).order === 'shuffled'")
    assert drawn(tab, "lab") == 2


# --------------------------------------------------------------------------------------------- to be touched


@pytest.mark.parametrize(("view", "name"), [(view, name) for view, names in MOVED.items() for name in names])
def test_every_control_changes_text_and_picture(opened, view, name):
    tab = opened(view)
    read(tab, view, "state")
    if view == "lab":
        tab.locator("#lab [aria-label^='as numbered: mean']").wait_for()  # its twenty draws would change it, too
    text, picture = facts(tab, view), tab.locator(f"#{view} .panels").screenshot()
    move(tab, view, name)
    tab.wait_for_timeout(800 if name == "play" else 0)
    read(tab, view, "state")
    assert facts(tab, view) != text
    assert tab.locator(f"#{view} .panels").screenshot() != picture


def test_list_of_controls_is_whole(opened):
    for view, names in CONTROLS.items():
        there = opened(view).locator(f"#{view} [data-control]").evaluate_all("all => all.map(e => e.dataset.control)")
        assert there == names


def test_bar_is_dragged_and_moved_by_arrows(opened):
    tab = opened("lab")
    bars = tab.locator("#lab .bar")
    assert [bar.get_attribute("tabindex") for bar in bars.all()].count("0") == 1  # one stop of the tab key, not 64
    bars.nth(5).scroll_into_view_if_needed()
    before, box = read(tab, "lab", "found")["code"], bars.nth(5).bounding_box()
    tab.mouse.move(box["x"] + 3, box["y"] + 3)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 3, box["y"] - 30, steps=4)
    tab.mouse.up()
    state = read(tab, "lab", "state")
    assert len(state["weights"]) == 64
    assert read(tab, "lab", "found")["code"] != before
    bars.nth(5).focus()
    for key in ("ArrowRight", "ArrowUp"):
        tab.keyboard.press(key)
    changed = read(tab, "lab", "state")["weights"]
    assert [i for i in range(64) if changed[i] != state["weights"][i]] == [6]
    assert changed[6] > state["weights"][6]
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')").startswith("neuron 6")


def test_what_is_sorted_and_then_changed_by_hand_is_numbered_as_it_stands(opened):
    tab = opened("lab", order="sorted")
    tab.locator("#lab .bar").first.focus()
    tab.keyboard.press("ArrowUp")
    state = read(tab, "lab", "state")
    assert state["order"] == "as_numbered"
    assert state["weights"][1:] == sorted(state["weights"][1:])


def test_twenty_draws_appear_when_the_hand_rests(opened):
    tab = opened("lab")
    chart = tab.locator("#lab [aria-label^='as numbered: mean']")
    chart.wait_for()
    assert "sorted by weight: mean error" in chart.get_attribute("aria-label")


@pytest.mark.parametrize(
    ("view", "exercise", "state"),
    [
        ("lab", "sorted", {"order": "sorted"}),
        ("lab", "nothing-left", {"l1_penalty_fraction": 1.1}),
        ("lab", "three-nonzeros", {"l1_penalty_fraction": 0.7}),
        ("lab", "small-error", {"n_measurements": 64, "l1_penalty_fraction": 1e-4}),
        ("proposition", "null-wins", {"bin_width": 5}),
        ("proposition", "no-length", {"measure": "normalised"}),
        ("replay", "one-number", {"cycle": 34}),
    ],
)
def test_exercise_is_ticked_when_it_is_done(opened, view, exercise, state):
    assert opened(view).locator(f"[data-exercise={exercise}] .tick").count() == 0
    assert opened(view, **state).locator(f"[data-exercise={exercise}] .tick").inner_text() == " ✓ done"


def test_run_plays_and_pauses(opened):
    tab = opened("replay", cycle=28)  # some cycles before the end: a slow machine has time to look
    button = control(tab, "replay", "play")
    button.click()
    button.filter(has_text="pause").wait_for()  # the label follows with the next picture
    tab.wait_for_function("JSON.parse(document.getElementById('replay').dataset.state).cycle === 34")
    button.filter(has_text="play").wait_for()
    button.click()  # from the start again
    button.click()
    tab.wait_for_timeout(800)
    assert read(tab, "replay", "state")["cycle"] == 1


def test_who_asks_for_less_motion_goes_cycle_by_cycle(opened):
    tab = opened("replay", motion="reduce")
    button = control(tab, "replay", "play")
    assert button.inner_text() == "next cycle"
    button.click()
    tab.wait_for_timeout(800)
    assert read(tab, "replay", "state")["cycle"] == 2


# ----------------------------------------------------------------------------------------------- the answers


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"weights": "noise", "n_measurements": 64, "l1_penalty_fraction": 1e-5, "dct_type": 2, "seed": 7},
        {"order": "sorted", "n_measurements": 9, "l1_penalty_fraction": 0.2, "dct_type": 4},
        {"order": "shuffled", "shuffle": 3, "ray_domain": "sparse_code", "cut_scores": "highest"},
        {"weights": "0.5,-1,2,0,0,3.5", "n_measurements": 2, "dct_type": 3},
    ],
)
def test_lab_answers_as_python_does(opened, state):
    tab = opened("lab", **state)
    found, shown = read(tab, "lab", "found"), read(tab, "lab", "state")
    names = {field.name for field in fields(LabSettings)}
    ours = lab_answer(_weights(shown["weights"]), LabSettings(**{k: v for k, v in shown.items() if k in names}))
    size = np.abs(ours.sparse_code).max()
    np.testing.assert_allclose(found["code"], ours.sparse_code, atol=1e-9 * size, rtol=0)
    assert found["gap"] <= 1e-9
    assert found["cut"] == ours.cut
    assert found["error"] == pytest.approx(ours.error, rel=1e-9)
    assert f"{len(np.flatnonzero(ours.sparse_code))}, at most" in facts(tab, "lab")


def _weights(weights):
    if weights == "noise":
        return np.array([float(f"{v:.4g}") for v in np.random.RandomState(1).normal(size=64)])
    return np.array(explorer_page.stored("lab")["presets"]["trained"] if weights == "trained" else weights)


def test_proposition_answers_as_python_does(opened):
    found = read(opened("proposition", replicate=2, bin_width=0.5), "proposition", "found")
    steps = explorer_page.stored("proposition")["processes"]["MNIST, DTC"][1]
    process = [Step(np.array(s["measurement"]), 0.0, s["fitness"], np.array([s["signal_norm"]])) for s in steps]
    ours = exact_trial(process, bin_width=0.5, rng=np.random.RandomState(0))
    assert found["tested"] == pytest.approx(ours.tested, abs=1e-9)
    np.testing.assert_allclose(found["found"], ours.found, atol=1e-9)


def test_replay_answers_as_python_does(opened):
    found = read(opened("replay", cycle=12), "replay", "found")
    y = np.array(explorer_page.stored("replay")["runs"]["published, DTC"]["outgoing"][11])
    assert found["left"]["entropy"] == pytest.approx(gibbs_entropy(y, bin_edges=PUBLISHED_BIN_EDGES).value, abs=1e-12)


# ----------------------------------------------------------------------------------------------- the address


@every_moved_view
def test_view_that_is_sent_is_the_one_that_was_seen(opened, view):
    tab = opened(view)
    for name in CONTROLS[view]:
        if name != "play":
            move(tab, view, name)
    if view == "lab":
        tab.locator("#lab .bar").first.press("ArrowUp")
    state = read(tab, view, "state")
    tab.wait_for_timeout(400)
    other = opened(tab.evaluate("location.hash.slice('#view='.length)"))
    assert {**read(other, view, "state"), "playing": None} == {**state, "playing": None}


def test_address_that_changes_changes_the_view_and_back(opened):
    tab = opened("lab", n_measurements=5)
    tab.evaluate("location.hash = '#view=replay&cycle=9'")
    tab.wait_for_selector("#replay:visible")
    assert read(tab, "replay", "state")["cycle"] == 9
    tab.go_back()
    tab.wait_for_selector("#lab:visible")
    assert read(tab, "lab", "state")["n_measurements"] == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_measurements": "many"}, {"n_measurements": ""}, {"order": "upside_down"}, {"weights": "1"},
        {"weights": "1,x,3"}, {"weights": ",".join(["1"] * 65)}, {"dct_type": 7}, {"shuffle": -1}, {"unknown": 1},
    ],
)  # fmt: skip
def test_address_at_fault_is_passed_over(opened, wrong):
    tab = opened("lab", **wrong)
    assert tab.messages == []
    assert read(tab, "lab", "state") == read(opened("lab"), "lab", "state")


@pytest.mark.parametrize(("given", "becomes"), [(0, 1), (1000, 64), (7.4, 7)])
def test_numbers_beyond_a_slider_stop_at_its_ends(opened, given, becomes):
    assert read(opened("lab", n_measurements=given), "lab", "state")["n_measurements"] == becomes


def test_teacher_hides_controls_and_a_reset_brings_the_start_back(opened):
    tab = opened("lab", hide="seed,dct_type,navigation", n_measurements=3)
    assert not control(tab, "lab", "seed").is_visible()
    assert not control(tab, "lab", "dct_type").is_visible()
    assert not tab.locator("nav").is_visible()
    assert control(tab, "lab", "n_measurements").is_visible()
    tab.locator("#lab .reset").click()
    assert read(tab, "lab", "state")["n_measurements"] == 16
    tab.wait_for_timeout(400)
    assert "hide=seed" in tab.evaluate("location.hash")


# ------------------------------------------------------------------------------------------ whoever looks at it


@every_view
@pytest.mark.parametrize("width", [320, 400, 1200])
def test_nothing_overflows(opened, view, width):
    tab = opened(view, width=width)
    tab.wait_for_timeout(400)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@every_view
def test_question_and_picture_stay_where_scripts_do_not_run(opened, view):
    tab = opened(view, script=False)
    section = tab.locator(f"#{view}")
    assert section.locator(".question").is_visible()
    assert section.locator(".picture img").evaluate("(image) => image.naturalWidth") > 600
    assert section.locator("input, select, button").count() == 0
    assert tab.locator("noscript").is_visible()


@every_view
@pytest.mark.parametrize("width", [400, 1200])
def test_axe_finds_nothing_serious(opened, view, width):
    if not AXE.exists():
        missing("axe-core")
    tab = opened(view, width=width)
    tab.wait_for_timeout(400)
    tab.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    violations = tab.evaluate(
        "axe.run().then(({violations}) => violations.map(v => [v.id, v.impact, v.nodes[0].html]))"
    )
    assert [v for v in violations if v[1] in ("serious", "critical")] == []


@every_moved_view
def test_moves_are_drawn_at_once(opened, view):
    """Each move at its best of five: what else the machine does in between is not ours."""
    name = {"lab": "n_measurements", "proposition": "bin_width", "replay": "cycle"}[view]
    tab = opened(view)
    milliseconds = np.min([tab.evaluate(MOVES, [view, name]) for _ in range(5)], axis=0)
    assert np.quantile(milliseconds, 0.95) < FRAME_MILLISECONDS


MOVES = """async ([view, name]) => {
  const input = document.querySelector(`#${view} [data-control=${name}]`);
  const times = [];
  for (let i = 0; i < 20; i++) {
    input.value = Number(input.min) + (i / 19) * (Number(input.max) - Number(input.min));
    const start = performance.now();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - start);
  }
  return times;
}"""
