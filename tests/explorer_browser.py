"""Where the tests find a browser, and what they do where there is none."""

import os
import shutil

import pytest

CHROMIUM = os.environ.get("DTC_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def missing(what):
    """Skip with a word; under CI, where all is installed, fail."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is not here: see `make browser`")
