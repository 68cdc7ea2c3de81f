"""Where the tests find a browser, and what they do where there is none."""

import os
import shutil

import pytest

ON_A_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
NAMES = ("chromium", "chromium-browser", "google-chrome", ON_A_MAC)
CHROMIUM = os.environ.get("DTC_CHROMIUM") or next((path for path in map(shutil.which, NAMES) if path), None)


def missing(what):
    """Skip with a word; under CI, where all is installed, fail."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is not here: see `make browser`")
