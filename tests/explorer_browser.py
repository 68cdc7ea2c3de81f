"""Where the tests find a browser, what they do where there is none, and how they look at a view."""

import json
import os
import shutil

import pytest

ON_A_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
NAMES = ("chromium", "chromium-browser", "google-chrome", ON_A_MAC)
CHROMIUM = os.environ.get("DTC_CHROMIUM") or next((path for path in map(shutil.which, NAMES) if path), None)


def missing(what):
    """Skip with a word; under CI, where all is installed, fail."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is not here: see `make browser`")


def read(tab, view, what):
    """State of a view, or what it found, after the next picture."""
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return json.loads(tab.get_attribute(f"#{view}", f"data-{what}"))


def control(tab, view, name):
    return tab.locator(f"#{view} [data-control={name}]")
