import numpy as np
import pandas as pd
import pytest
from explorer_node import JavaScript

from dtc_helpers.explorer.page import write_page
from dtc_helpers.explorer.state import LAYERS
from dtc_helpers.runs.results import Results


@pytest.fixture(scope="session")
def javascript():
    process = JavaScript()
    yield process
    process.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("explorer") / "index.html").as_uri()


COUNT_DRAWINGS = """window.drawings = {};
new MutationObserver((all) => all.forEach(({ target }) => (drawings[target.id] = (drawings[target.id] ?? 0) + 1)))
  .observe(document, { subtree: true, attributeFilter: ["data-found"] });"""


@pytest.fixture
def opened(chromium, address):
    """Function that opens a view; what the page asked for or said stands in its lists `requests` and `messages`."""
    contexts = []

    def open_view(view, *, width=1200, script=True, motion="no-preference", **state):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, reduced_motion=motion
        )
        contexts.append(context)
        tab = context.new_page()
        if script:
            tab.add_init_script(COUNT_DRAWINGS)
        tab.requests, tab.messages = [], []
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.on("console", lambda message: tab.messages.append(message.text))
        tab.on("pageerror", lambda error: tab.messages.append(str(error)))
        tab.goto(address + "#view=" + "&".join([view, *(f"{name}={value}" for name, value in state.items())]))
        if script:
            tab.wait_for_selector("html[data-ready]")
        return tab

    yield open_view
    for context in contexts:
        context.close()


@pytest.fixture
def stored_run():
    """Run of two cycles of four neurons: 2 goes first, then 0."""
    key = {"dataset": "mnist", "reading": "published", "method": "dtc", "replicate": 0}
    numbers = {"mean_batch_accuracy": 0.9, "test_accuracy": 0.1}
    cycles = pd.DataFrame([{**key, "cycle": c, "neurons": 4 - c, **numbers} for c in (1, 2)])
    ledger = pd.DataFrame([{**key, "layer": 1, "neuron": n, "cycle": c, "score": 0.0} for n, c in ((2, 1), (0, 2))])
    vectors = {f"published/dtc/0/{c}/{layer}": np.array([0.12345, 7.0]) for c in (1, 2) for layer in LAYERS}
    sums = {name: np.zeros(5 - int(name.split("/")[3])) for name in vectors}
    return Results(cycles, vectors, ledger, {}, sums)
