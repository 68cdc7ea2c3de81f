import gc
import os

import matplotlib as mpl
import pytest
import torch
from explorer_browser import CHROMIUM, missing
from hypothesis import settings

from dtc_helpers.images import idx_folders
from dtc_helpers.images.datasets import Dataset, Split, load_dataset
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.studies import setting as settings_of_studies
from dtc_helpers.studies.setting import Setting

mpl.use("Agg")
# Everyone's test run checks the same examples; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
torch.set_num_threads(1)  # toys gain nothing from a second thread, and wait for it where cores are busy


@pytest.fixture(scope="session", autouse=True)
def _imports_are_no_garbage():
    """Holm's correction of statsmodels collects garbage at every call: half a second with all that is imported."""
    gc.freeze()


@pytest.fixture
def toy_network():
    """Two inputs, three hidden neurons, two classes.

    For the image (1, 2) the hidden activities are relu(1, −2, 3) = (1, 0, 3)
    and the logits 1·1 + 3·3 = 10, 4·1 + 6·3 = 22.
    """
    hidden = torch.tensor([[[1.0, 0.0], [0.0, -1.0], [1.0, 1.0]]])
    output = torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    return ReplicatedMLP([hidden, output])


@pytest.fixture
def tiny_dataset():
    """600 training and 700 test images of 6 pixels in 3 classes that a small network can tell apart."""
    generator = torch.Generator().manual_seed(0)
    centres = 2 * torch.randn(3, 6, generator=generator)
    splits = []
    for n_images in (600, 700):
        labels = torch.randint(3, (n_images,), generator=generator)
        splits.append(Split(centres[labels] + torch.randn(n_images, 6, generator=generator), labels))
    return Dataset("tiny", "tiny clouds", *splits, n_validation=100, image_shape=(2, 3))


@pytest.fixture(scope="session")
def mnist():
    if idx_folders.find_folder("MNIST") is None:
        pytest.skip("MNIST is not on this machine: put MNIST/raw/* into the folder that DTC_DATA_DIR names")
    return load_dataset("mnist")


@pytest.fixture
def setting(tiny_dataset, monkeypatch):
    """Sixteen hidden neurons, four cuts, two replicates."""
    monkeypatch.setattr(settings_of_studies, "images", lambda *_: tiny_dataset)
    plan = Plan(batches_per_cycle=2, keep_fraction=0.7, stop_at=4)
    return Setting("tiny", READINGS["described"], (1, 2), plan, (16,), (7, 3), columns={"point": 0.1})


@pytest.fixture(scope="session")
def chromium():
    try:
        from playwright.sync_api import sync_playwright  # pyright: ignore[reportMissingImports]
    except ImportError:
        missing("playwright")
        raise
    if CHROMIUM is None:
        missing("Chromium")
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # as root there is none
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()
