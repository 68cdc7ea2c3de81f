"""Gathers the records of a run as tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.cycle import CycleRecord
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, gibbs_entropy
from dtc_helpers.runs.results import ACCURACIES, COLUMNS, LEDGER_COLUMNS, Results


@dataclass
class Recorder:
    """Gathers the records of a run; `results` gives them as tables."""

    dataset: str
    seeds: Sequence[int]
    rows: list[dict[str, Any]] = field(default_factory=list)
    measurements: dict[str, np.ndarray] = field(default_factory=dict)
    neuron_sums: dict[str, np.ndarray] = field(default_factory=dict)
    ledger: list[pd.DataFrame] = field(default_factory=list)

    def add(self, record: CycleRecord, *, reading: str, method: str) -> None:
        """Take in one cycle of all replicates."""
        for replicate, seed in enumerate(self.seeds):
            key = {"dataset": self.dataset, "reading": reading, "method": method, "replicate": replicate}
            self.rows.append({**key, "seed": seed, **_cycle_values(record, replicate)})
            for i, cut in enumerate(record.layers):
                for side, name in enumerate(("incoming", "outgoing")):
                    place = f"{reading}/{method}/{replicate}/{record.cycle}/{layer_name(name, i)}"
                    self.measurements[place] = cut.measurements[side, replicate].cpu().numpy()
                    self.neuron_sums[place] = cut.neuron_sums[side, replicate].cpu().numpy()
                gone = {"neuron": cut.removed[replicate].cpu(), "score": cut.removed_scores[replicate].cpu()}
                self.ledger.append(pd.DataFrame({**key, "layer": i + 1, "cycle": record.cycle, **gone}))

    def results(self) -> Results:
        """All that was recorded."""
        ledger = pd.concat(self.ledger, ignore_index=True).reindex(columns=LEDGER_COLUMNS)
        return Results(pd.DataFrame(self.rows, columns=list(COLUMNS)), self.measurements, ledger, {}, self.neuron_sums)


def layer_name(side: str, layer: int) -> str:
    """Return "incoming" or "outgoing" of the first hidden layer, "incoming_2" of the second, …."""
    return side if layer == 0 else f"{side}_{layer + 1}"


def _cycle_values(record: CycleRecord, replicate: int) -> dict[str, Any]:
    """Columns of one replicate; means over hidden layers where there are several. Scores of a solve are rays."""
    scores = np.concatenate([cut.scores[replicate].cpu() for cut in record.layers])
    entropy_incoming, entropy_outgoing = (
        np.mean(
            [
                gibbs_entropy(cut.measurements[side, replicate].cpu().numpy(), bin_edges=PUBLISHED_BIN_EDGES).value
                for cut in record.layers
            ]
        )
        for side in (0, 1)
    )
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
