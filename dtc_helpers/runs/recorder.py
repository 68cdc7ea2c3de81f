"""The records of a run as tables."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.cycle import CycleRecord
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, gibbs_entropy
from dtc_helpers.runs.results import ACCURACIES, COLUMNS, LEDGER_COLUMNS, Results


def recorded(
    records: Iterable[CycleRecord], *, dataset: str, reading: str, method: str, seeds: list[int], run: dict[str, Any]
) -> Results:
    """Results of one method in one reading; `run` says what made them."""
    rows, ledger, measurements, neuron_sums = [], [], {}, {}
    for record in records:
        for replicate, seed in enumerate(seeds):
            key = {"dataset": dataset, "reading": reading, "method": method, "replicate": replicate}
            rows.append({**key, "seed": seed, **_cycle_values(record, replicate)})
            for i, cut in enumerate(record.layers):
                for side, name in enumerate(("incoming", "outgoing")):
                    place = f"{reading}/{method}/{replicate}/{record.cycle}/{layer_name(name, i)}"
                    measurements[place] = cut.measurements[side, replicate].cpu().numpy()
                    neuron_sums[place] = cut.neuron_sums[side, replicate].cpu().numpy()
                gone = {"neuron": cut.removed[replicate].cpu(), "score": cut.removed_scores[replicate].cpu()}
                ledger.append(pd.DataFrame({**key, "layer": i + 1, "cycle": record.cycle, **gone}))
    cycles = pd.DataFrame(rows, columns=list(COLUMNS))
    cuts = pd.concat(ledger, ignore_index=True).reindex(columns=LEDGER_COLUMNS)
    return Results(cycles, measurements, cuts, run, neuron_sums)


def layer_name(side: str, layer: int) -> str:
    """Return "incoming" or "outgoing" of the first hidden layer, "incoming_2" of the second, …."""
    return side if layer == 0 else f"{side}_{layer + 1}"


def _cycle_values(record: CycleRecord, replicate: int) -> dict[str, Any]:
    """Columns of one replicate; means over hidden layers where there are several. Scores of a solve are rays."""
    scores = np.concatenate([cut.scores[replicate].cpu() for cut in record.layers])
    entropies = [
        [gibbs_entropy(y.cpu().numpy(), bin_edges=PUBLISHED_BIN_EDGES).value for y in cut.measurements[:, replicate]]
        for cut in record.layers
    ]
    entropy_incoming, entropy_outgoing = (np.mean(of_side) for of_side in zip(*entropies, strict=True))
    gaps = [float(cut.duality_gap[replicate]) for cut in record.layers if cut.duality_gap is not None]
    return {
        "cycle": record.cycle,
        "neurons": record.neurons,
        "removed_fraction": record.removed_fraction,
        **{column: float(getattr(record.accuracy, field)[replicate]) for column, field in ACCURACIES.items()},
        "weight_ray_mean": float(scores.mean()) if gaps else np.nan,
        "entropy_incoming": entropy_incoming,
        "entropy_outgoing": entropy_outgoing,
        "train_seconds": record.train_seconds,
        "score_seconds": record.score_seconds,
        "duality_gap": max(gaps, default=np.nan),
    }
