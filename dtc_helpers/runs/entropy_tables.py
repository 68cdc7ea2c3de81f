"""Tables of measurements and their entropies that the notebooks show, made of the results."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dtc_helpers.gibbs import gibbs_entropy, occurrence_probabilities
from dtc_helpers.runs.results import Results
from dtc_helpers.runs.tables import with_lowess
from dtc_helpers.statistics import pearson, spearman

_MOST_BINS = 10**6


def entropies(results: Results, *, bin_edges: np.ndarray, bases: dict[str, str]) -> pd.DataFrame:
    """Gibbs entropy of every measurement of the first hidden layer, in bins of these edges, (n_bins + 1,).

    The bases are "incoming" and "outgoing" → "nats" or "bits". One row a measurement: side, n_measurements, entropy,
    unit, share_outside and the cycle's other columns.
    """
    rows = []
    for side, base in bases.items():
        for _, cycle in with_lowess(results.cycles).iterrows():
            measurement = measurement_of(results, cycle, side)
            entropy = gibbs_entropy(measurement, bin_edges=bin_edges, base=base)
            found = {"side": side, "entropy": entropy.value, "unit": entropy.unit, "n_measurements": len(measurement)}
            rows.append({**cycle, **found, "share_outside": entropy.share_outside})
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
    """Measurement y that belongs to a row of `cycles.csv`; ValueError where none does."""
    key = f"{cycle.reading}/{cycle.method}/{cycle.replicate}/{cycle.cycle}/{side}"
    if key not in results.measurements:
        raise ValueError(f"there is no measurement {key}: expected a cycle of these results, side incoming or outgoing")
    return results.measurements[key]


def correlations(entropy_table: pd.DataFrame) -> pd.DataFrame:
    """Pearson correlation of the Gibbs entropy, from `entropies`, and accuracy: one row a side × method × replicate.

    Columns with LOWESS (the accuracy that the paper prints), with raw (the accuracies themselves), Spearman (of the
    ranks, raw), cycles (in which the entropy is defined) and outside (mean share outside the bins).
    """
    rows = []
    for (side, method, replicate), run in entropy_table.groupby(["side", "method", "replicate"], sort=False):  # pyright: ignore[reportGeneralTypeIssues]
        rows.append(
            {
                "sums": side,
                "method": method,
                "replicate": replicate,
                "with LOWESS": pearson(run.entropy, run.lowess),
                "with raw": pearson(run.entropy, run.accuracy),
                "Spearman": spearman(run.entropy, run.accuracy),
                "cycles": int(run.entropy.notna().sum()),
                "outside": run.share_outside.mean(),
            }
        )
    return pd.DataFrame(rows).set_index(["sums", "method", "replicate"])


def across(entropy_table: pd.DataFrame) -> pd.DataFrame:
    """Pearson correlation of each method's entropy (rows) with each method's accuracy curve (LOWESS; columns).

    The table is that of `entropies`, of one side and replicate.
    """
    by_method = {method: run.set_index("neurons") for method, run in entropy_table.groupby("method", sort=False)}
    rows = {
        method: {other: pearson(run.entropy, its.lowess.reindex(run.index)) for other, its in by_method.items()}
        for method, run in by_method.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="entropy of", columns="accuracy of")


def why_undefined(entropy_table: pd.DataFrame) -> list[str]:
    """Reasons why correlations of a table of `entropies` are undefined, or say nothing: a sentence each.

    A run of usual length has none.
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


def covering_bin_edges(measurements: Sequence[np.ndarray], *, width: float = 0.2) -> np.ndarray:
    """Edges at whole multiples of `width` that cover every value of all measurements, with an empty bin at each end.

    Raises ValueError without values, for values that are not finite, and for a width not above 0 or far too small.

    Examples
    --------
    >>> covering_bin_edges([np.array([0.1, 0.6]), np.array([1.2])], width=0.5).tolist()
    [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0]
    """
    values = np.concatenate([np.empty(0), *map(np.ravel, measurements)])
    if not values.size or not np.isfinite(values).all():
        n_finite = np.isfinite(values).sum()
        raise ValueError(f"{values.size} values, of which {n_finite} are finite: expected some, and all")
    lowest, highest = values.min(), values.max()
    if not width > 0 or (highest - lowest) / width > _MOST_BINS:
        raise ValueError(f"width = {width} for values from {lowest} to {highest}: expected 1 … {_MOST_BINS:,} bins")
    return width * np.arange(np.floor(lowest / width) - 1, np.floor(highest / width) + 3)
