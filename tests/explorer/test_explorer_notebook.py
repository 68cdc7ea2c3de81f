"""The widgets where they live: the notebook under papermill, and JupyterLab in a real browser."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import papermill
import pytest
from notebook_cells import widget_traces

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "explore.ipynb"
KERNEL_SECONDS = 180  # torch is imported, on a machine that may be busy


@pytest.mark.notebook
def test_notebook_runs_on_other_parameters(tmp_path):
    done = papermill.execute_notebook(
        NOTEBOOK, tmp_path / "out.ipynb", parameters={"n_measurements": 24, "seed": 5}, progress_bar=False, cwd=ROOT
    )
    words = json.dumps(done.cells)
    assert "m = 24" in words
    assert widget_traces(json.loads(json.dumps(done))) != []  # as papermill writes it: hence the stripping


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """Address of a JupyterLab of our own on this machine alone, with the notebook in it."""
    folder = tmp_path_factory.mktemp("jupyter")
    shutil.copy(NOTEBOOK, folder / "explore.ipynb")
    (folder / "bare.ipynb").write_text(json.dumps(_bare_notebook()), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token="]
    homes = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    environment = {**os.environ, **homes, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jupyterlab", *options, "--LabApp.extension_manager=readonly"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{port}/api", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def _bare_notebook():
    """Two cells: a lab, and what Python knows of it."""
    sources = ["from dtc_helpers.explorer import Lab\nlab = Lab()\nlab", "print('m is', lab.n_measurements, lab.cut)"]
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for i, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def _wait_for(address, server):
    for _ in range(600):
        assert server.poll() is None, "JupyterLab has ended"
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError("JupyterLab does not answer")


def _tab(chromium, *, height):
    """A tab for JupyterLab. What it asks on the way (a busy machine answers it late) is printed and accepted."""
    tab = chromium.new_page(viewport={"width": 1300, "height": height})

    def accept(dialog):
        print("JupyterLab asks:", dialog.inner_text())  # noqa: T201
        dialog.locator(".jp-Dialog-footer button").last.click()

    tab.add_locator_handler(tab.locator(".jp-Dialog").last, accept)
    return tab


def _run(tab, cell, answer):
    """Run a cell until it answers: JupyterLab may lose a key while the page is still being built."""
    from playwright.sync_api import TimeoutError as NotThereError  # pyright: ignore[reportMissingImports]

    for _ in range(KERNEL_SECONDS // 15):
        cell.locator(".cm-content").click(timeout=1000 * KERNEL_SECONDS)
        tab.keyboard.press("Control+Enter")
        with suppress(NotThereError):
            answer.wait_for(timeout=15_000)
            return
    pytest.fail("the cell gives no answer")


@pytest.mark.browser
@pytest.mark.notebook
def test_slider_moved_in_jupyterlab_arrives_in_the_kernel(chromium, jupyter):
    tab, outside = _tab(chromium, height=1500), []
    tab.on("request", lambda request: outside.append(request.url))
    tab.goto(f"{jupyter}/lab/tree/bare.ipynb?reset")
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=1000 * KERNEL_SECONDS)
    first, second = tab.locator(".jp-CodeCell").nth(0), tab.locator(".jp-CodeCell").nth(1)
    slider = tab.locator("[data-control=n_measurements]")
    _run(tab, first, slider)
    picture = tab.locator(".explorer .panels").screenshot()
    slider.focus()
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
    tab.wait_for_timeout(1000)
    assert tab.locator(".explorer .panels").screenshot() != picture
    _run(tab, second, second.get_by_text("m is 21"))
    assert [url for url in outside if not url.startswith((jupyter, "data:", "blob:"))] == []
    tab.close()


@pytest.mark.browser
@pytest.mark.notebook
def test_committed_notebook_opened_in_jupyterlab_shows_pictures_without_running(chromium, jupyter):
    tab = _tab(chromium, height=6000)
    tab.goto(f"{jupyter}/lab/tree/explore.ipynb?reset")
    tab.locator(".jp-RenderedImage img").nth(4).wait_for(timeout=1000 * KERNEL_SECONDS)
    tab.wait_for_timeout(1500)  # for a sixth, or for widgets that fail
    assert tab.locator(".jp-RenderedImage img").count() == 5
    assert tab.get_by_text("Error displaying widget").count() == 0
    tab.close()
