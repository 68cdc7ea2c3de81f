"""Tables of accuracies and neurons that the notebooks show, made of the results."""

import numpy as np
import pandas as pd

from dtc_helpers.paper import TABLE_1, TABLE_1_METHODS
from dtc_helpers.readings import READINGS
from dtc_helpers.statistics import smooth


def with_lowess(cycles: pd.DataFrame) -> pd.DataFrame:
    """Cycles with the accuracy that their reading speaks of (column accuracy) and its LOWESS curve (column lowess).

    One curve for every reading × method × replicate.
    """
    table = cycles.assign(accuracy=np.nan, lowess=np.nan)
    for (reading, *_), run in table.groupby(["reading", "method", "replicate"], sort=False):  # pyright: ignore[reportGeneralTypeIssues]
        accuracy = run[READINGS[reading].accuracy_column]
        table.loc[run.index, "accuracy"] = accuracy
        table.loc[run.index, "lowess"] = smooth(run.removed_fraction.to_numpy(), accuracy.to_numpy())
    return table


def beside_paper(cycles: pd.DataFrame) -> pd.DataFrame:
    """Table 1 of the paper beside ours, at the removed fractions of the paper that the run passes through.

    The cycles are those of one reading and replicate, from `with_lowess`. One row a removed fraction, columns (method,
    what); what is "paper", "LOWESS", "raw" (both ours) or "difference" = LOWESS − paper.
    """
    blocks = {}
    paper = pd.DataFrame(TABLE_1, columns=["removed", *TABLE_1_METHODS]).set_index("removed")
    for method, run in cycles.groupby("method", sort=False):
        ours = run.set_index(run.removed_fraction.round(4))
        block = paper.reindex(columns=[method]).join(ours[["lowess", "accuracy"]], how="inner")
        block.columns = ["paper", "LOWESS", "raw"]
        blocks[method] = block.assign(difference=block["LOWESS"] - block["paper"])
    return pd.concat(blocks, axis=1)


def paper_table_1() -> pd.DataFrame:
    """Table 1 of the paper, a row a printed value: columns neurons, method, accuracy (a LOWESS curve of one run)."""
    rows = [
        {"neurons": round(512 * (1 - removed)), "method": method, "accuracy": value}
        for removed, *values in TABLE_1
        for method, value in zip(TABLE_1_METHODS, values, strict=True)
    ]
    return pd.DataFrame(rows)


def alive_by_cycle(ledger: pd.DataFrame, *, n_neurons: int) -> dict[str, np.ndarray]:
    """Neurons of a layer that are in the network after each cycle, in the order in which the last method cuts them.

    The ledger is that of one reading, replicate and layer. Each method has (n_cycles + 1, n_neurons) truths; row 0 is
    before any cut. Raises ValueError for a ledger without rows, or with a neuron that the layer has not.
    """
    if ledger.empty or not ledger.neuron.between(0, n_neurons - 1).all():
        raise ValueError(f"{len(ledger)} neurons were cut, of {n_neurons}: expected some, from 0 to {n_neurons - 1}")
    n_cycles = int(ledger.cycle.max())
    leaves = {}
    for method, cut in ledger.groupby("method", sort=False):
        leaves[method] = np.full(n_neurons, n_cycles + 1)
        leaves[method][cut.neuron] = cut.cycle
    order = np.argsort(list(leaves.values())[-1], kind="stable")
    return {method: cycle[order] > np.arange(n_cycles + 1)[:, None] for method, cycle in leaves.items()}
