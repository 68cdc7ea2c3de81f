"""Tables that the notebooks show, made of the results."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dtc_helpers.gibbs import gibbs_entropy
from dtc_helpers.paper import TABLE_1, TABLE_1_METHODS
from dtc_helpers.readings import READINGS
from dtc_helpers.runs.results import Results
from dtc_helpers.statistics import pearson, smooth, spearman


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

    Parameters
    ----------
    cycles : of one reading and replicate, from `with_lowess`.

    Returns
    -------
    One row a removed fraction, columns (method, what); what is "paper", "LOWESS", "raw" (both ours) or
    "difference" = LOWESS − paper.
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
    """Which neuron is in the network after which cycle, columns in the order in which the last method cuts them.

    Parameters
    ----------
    ledger : of one reading, replicate and layer.
    n_neurons : of the layer before any cut.

    Returns
    -------
    method → (n_cycles + 1, n_neurons) bool; row 0 is before any cut.
    """
    n_cycles = int(ledger.cycle.max())
    leaves = {}
    for method, cut in ledger.groupby("method", sort=False):
        leaves[method] = np.full(n_neurons, n_cycles + 1)
        leaves[method][cut.neuron] = cut.cycle
    order = np.argsort(list(leaves.values())[-1], kind="stable")
    return {method: cycle[order] > np.arange(n_cycles + 1)[:, None] for method, cycle in leaves.items()}


def entropies(results: Results, *, bin_edges: np.ndarray, bases: dict[str, str]) -> pd.DataFrame:
    """Gibbs entropy of every measurement of the first hidden layer.

    Parameters
    ----------
    bin_edges : (n_bins + 1,)
    bases : "incoming" and "outgoing" → "nats" or "bits".

    Returns
    -------
    One row a measurement: side, n_measurements, entropy, unit, share_outside and the cycle's other columns.
    """
    rows = []
    for side, base in bases.items():
        for _, cycle in with_lowess(results.cycles).iterrows():
            measurement = measurement_of(results, cycle, side)
            entropy = gibbs_entropy(measurement, bin_edges=bin_edges, base=base)
            found = {"side": side, "entropy": entropy.value, "unit": entropy.unit}
            counts = {"n_measurements": len(measurement), "share_outside": entropy.share_outside}
            rows.append({**cycle, **found, **counts})
    return pd.DataFrame(rows)


def occurrences(results: Results, *, side: str, cycles: pd.DataFrame, bin_edges: np.ndarray) -> pd.DataFrame:
    """Occurrence probabilities of the given cycles: columns n_measurements, value (middle of the bin), probability."""
    middles = (bin_edges[:-1] + bin_edges[1:]) / 2
    parts = []
    for _, cycle in cycles.iterrows():
        measurement = measurement_of(results, cycle, side)
        probability = occurrence_probabilities(measurement, bin_edges=bin_edges)
        columns = {"n_measurements": len(measurement), "value": middles, "probability": probability}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def measurement_of(results: Results, cycle: pd.Series, side: str) -> np.ndarray:
    """Measurement y that belongs to a row of `cycles.csv`."""
    return results.measurements[f"{cycle.reading}/{cycle.method}/{cycle.replicate}/{cycle.cycle}/{side}"]


def correlations(entropy_table: pd.DataFrame) -> pd.DataFrame:
    """Pearson correlation of Gibbs entropy and accuracy, one row a layer × method × replicate.

    Parameters
    ----------
    entropy_table : from `entropies`.

    Returns
    -------
    Columns with LOWESS (the accuracy that the paper prints), with raw (the accuracies themselves), Spearman (of the
    ranks, raw), cycles (in which the entropy is defined) and outside (mean share outside the bins).
    """
    rows = []
    for (side, method, replicate), run in entropy_table.groupby(["side", "method", "replicate"], sort=False):  # pyright: ignore[reportGeneralTypeIssues]
        rows.append(
            {
                "layer": {"incoming": "previous", "outgoing": "next"}[side],
                "method": method,
                "replicate": replicate,
                "with LOWESS": pearson(run.entropy, run.lowess),
                "with raw": pearson(run.entropy, run.accuracy),
                "Spearman": spearman(run.entropy, run.accuracy),
                "cycles": int(run.entropy.notna().sum()),
                "outside": run.share_outside.mean(),
            }
        )
    return pd.DataFrame(rows).set_index(["layer", "method", "replicate"])


def across(entropy_table: pd.DataFrame) -> pd.DataFrame:
    """Pearson correlation of each method's entropy with each method's accuracy curve (LOWESS).

    Parameters
    ----------
    entropy_table : from `entropies`, one side and replicate.

    Returns
    -------
    Rows: whose entropy; columns: whose accuracy.
    """
    by_method = {method: run.set_index("neurons") for method, run in entropy_table.groupby("method", sort=False)}
    rows = {
        method: {other: pearson(run.entropy, its.lowess.reindex(run.index)) for other, its in by_method.items()}
        for method, run in by_method.items()
    }
    return (
        pd.DataFrame.from_dict(rows, orient="index")
        .rename_axis("entropy of", axis=0)
        .rename_axis("accuracy of", axis=1)
    )


def why_undefined(entropy_table: pd.DataFrame) -> list[str]:
    """Why correlations of a run are undefined, or say nothing: a sentence a reason; none for a run of usual length.

    Parameters
    ----------
    entropy_table : from `entropies`.
    """
    places: dict[str, list[str]] = {}
    for (side, method, replicate), run in entropy_table.groupby(["side", "method", "replicate"], sort=False):  # pyright: ignore[reportGeneralTypeIssues]
        place = f"{side} sums of {method}, replicate {replicate}"
        places.setdefault(_why_undefined(run), []).append(place)
    return [f"{reason}: {_some(of)}" for reason, of in places.items() if reason]


def _some(places: list[str]) -> str:
    return ", ".join([*places[:6], *([f"and {len(places) - 6} more"] if len(places) > 6 else [])])


def _why_undefined(run: pd.DataFrame) -> str:
    counted = run[run.entropy.notna()]
    if len(run) == 1:
        return "undefined (–), there is one cycle only"
    if len(counted) < 2:
        return f"undefined (–), {len(counted)} of {len(run)} cycles have a value inside the bins"
    if np.ptp(counted.entropy) == 0:
        lengths = " (one measurement, S = 0)" if (counted.n_measurements == 1).all() else ""
        return f"undefined (–), the entropy is the same in every cycle{lengths}"
    if np.ptp(counted.accuracy) == 0 or np.ptp(counted.lowess) == 0:
        return "undefined (–), the accuracy is the same in every cycle"
    return "1 or −1 whatever the data, there are two points only" if len(counted) == 2 else ""


def occurrence_probabilities(measurement: np.ndarray, *, bin_edges: np.ndarray) -> np.ndarray:
    """Share of the counted values in every bin, (n_bins,); all NaN when none is counted.

    Examples
    --------
    >>> from dtc_helpers.runs.tables import occurrence_probabilities
    >>> occurrence_probabilities(np.array([0.1, 1.1, 1.2, 1.3, 7.0]), bin_edges=np.array([0, 1, 2])).tolist()
    [0.25, 0.75]
    """
    counts = np.histogram(measurement, bins=bin_edges)[0]
    return counts / counts.sum() if counts.any() else np.full(len(counts), np.nan)


def covering_bin_edges(measurements: Sequence[np.ndarray], *, width: float = 0.2) -> np.ndarray:
    """Edges at whole multiples of `width` that cover every value of all measurements, with an empty bin at each end.

    Examples
    --------
    >>> from dtc_helpers.runs.tables import covering_bin_edges
    >>> covering_bin_edges([np.array([0.1, 0.6]), np.array([1.2])], width=0.5).tolist()
    [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0]
    """
    lowest = min(measurement.min() for measurement in measurements)
    highest = max(measurement.max() for measurement in measurements)
    return width * np.arange(np.floor(lowest / width) - 1, np.floor(highest / width) + 3)
