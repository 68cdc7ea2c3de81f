import numpy as np
import pandas as pd
import pytest
from explorer_node import Core

from dtc_helpers.explorer.state import LAYERS
from dtc_helpers.runs.results import Results


@pytest.fixture(scope="session")
def core():
    process = Core()
    yield process
    process.close()


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
