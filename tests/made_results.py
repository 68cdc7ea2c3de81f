"""Small made-up results."""

import numpy as np
import pandas as pd

from dtc_helpers.runs.results import COLUMNS, LEDGER_COLUMNS, Results


def results_of(seed, *, methods=("magnitude", "dtc"), reading="published"):
    """Small results in which every file carries the seed."""
    rng = np.random.default_rng(seed)
    rows = []
    for method in methods:
        for cycle in (1, 2):
            words = {"dataset": "digits", "reading": reading, "method": method, "replicate": 0, "seed": seed}
            numbers = dict(zip(COLUMNS[7:], rng.random(len(COLUMNS) - 7), strict=True))
            rows.append(
                {
                    **words,
                    "cycle": cycle,
                    "neurons": 10 - cycle,
                    **numbers,
                    "duality_gap": 0.1 if method == "dtc" else np.nan,
                }
            )
    cycles = pd.DataFrame(rows, columns=list(COLUMNS))
    keys = ["dataset", "reading", "method", "replicate", "cycle"]
    ledger = cycles[keys].assign(layer=1, neuron=range(len(cycles)), score=rng.random(len(cycles)))
    places = [f"{m}/0/{c}/{side}" for side in ("incoming", "outgoing") for m in methods for c in (1, 2)]
    measurements = {f"{reading}/{place}": rng.normal(size=3) for place in places}
    sums = {key: rng.normal(size=30) for key in measurements}
    run = {"seed": seed, "name": "λ", "parameters": {"seed": seed, "batches_per_cycle": 1}}
    return Results(cycles, measurements, ledger.reindex(columns=LEDGER_COLUMNS), run, sums)
