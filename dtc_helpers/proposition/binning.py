"""The histogram, and how the correlation of entropy and fitness moves with it: the paper's open question."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.proposition.null_models import exact_measurements
from dtc_helpers.proposition.relation import Measure, Process, column
from dtc_helpers.statistics import bootstrap_interval, error_of_mean, pearson

WIDTHS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)  # in weight units; 0.2 is published
REACHES = (1.0, 3.0, 10.0)  # bins of 0.2 from −reach to reach; the published ones reach to 50
RULES = ("sqrt", "sturges", "rice", "scott", "fd", "doane")  # of numpy


def bins_of_width(width: float, *, reach: float = 400.0) -> np.ndarray:
    """Edges at whole multiples of a width that cover −reach … reach, (n_bins + 1,)."""
    n_bins = int(np.ceil(reach / width))
    return width * np.arange(-n_bins, n_bins + 1)


def width_binnings() -> dict[str, Measure]:
    """Bins of many widths that cover every value of the stored trials."""
    return {f"{width:g}": partial(entropy_series, bins=bins_of_width(width)) for width in WIDTHS}


def other_binnings() -> dict[str, Measure]:
    """Ranges, rules for the whole process and for every step, bases and length corrections."""
    published = partial(entropy_series, bins=PUBLISHED_BIN_EDGES)
    return {
        "published bins, nats": published,
        "published bins, bits": partial(published, base="bits"),
        "published bins, Miller–Madow": partial(published, miller_madow=True),
        "published bins, S / ln m": partial(published, normalised=True),
        **{f"0.2 in ±{r:g}": partial(entropy_series, bins=bins_of_width(0.2, reach=r)) for r in REACHES},
        **{f"{rule}, shared": partial(entropy_series, bins=rule) for rule in RULES},
        "fd, shared, Miller–Madow": partial(entropy_series, miller_madow=True),
        "fd, shared, S / ln m": partial(entropy_series, normalised=True),
        **{f"{rule}, each step": partial(entropy_series, bins=rule, shared=False) for rule in ("fd", "sturges")},
    }


def binning_correlations(
    processes: Mapping[str, Sequence[Process]],
    binnings: Mapping[str, Measure],
    *,
    rng: np.random.Generator,
    n_draws: int,
) -> pd.DataFrame:
    """Pearson correlation with the fitness: of the measurements, and of what a fresh Φ would measure (the exact null).

    All binnings see the same draws of it, so that they differ by the histogram and not by chance.

    Parameters
    ----------
    processes, binnings : panel → replicates, name → measure.
    n_draws : of the exact null for each replicate, whose correlations are averaged.

    Returns
    -------
    One row a panel × binning × replicate; columns panel, binning, replicate, tested, expected (NaN if not defined), and
    monte_carlo, the standard error of expected that comes of so many draws.
    """
    rows = []
    for panel, replicates in processes.items():
        for replicate, process in enumerate(replicates):
            own, fitness = [step.measurement for step in process], column(process, "fitness")
            draws = [exact_measurements(process, rng) for _ in range(n_draws)]
            for name, measure in binnings.items():
                keys = {"panel": panel, "binning": name, "replicate": replicate}
                found = pd.Series([pearson(measure(vectors), fitness) for vectors in draws])
                numbers = {"expected": found.mean(), "monte_carlo": found.sem()}
                rows.append({**keys, "tested": pearson(measure(own), fitness), **numbers})
    return pd.DataFrame(rows)


def binning_table(correlations: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Means over replicates with their 95 % bootstrap intervals, of the table of `binning_correlations`.

    Returns
    -------
    One row a panel × binning; columns panel, binning, value, low, high, n of "tested", of "null" (expected) and of
    "excess" (tested − null, paired by replicate): tested_value, …, excess_n; and monte_carlo, the standard error of
    the excess that comes of so many draws.
    """
    rows = []
    for (panel, binning), group in correlations.groupby(["panel", "binning"], sort=False):  # pyright: ignore[reportGeneralTypeIssues]
        row: dict[str, Any] = {"panel": panel, "binning": binning}
        series = {"tested": group.tested, "null": group.expected, "excess": group.tested - group.expected}
        for which, values in series.items():
            found = bootstrap_interval(values, rng=rng)
            numbers = {"value": found.mean, "low": found.low, "high": found.high, "n": found.n}
            row |= {f"{which}_{name}": number for name, number in numbers.items()}
        rows.append({**row, "monte_carlo": error_of_mean(group.monte_carlo)})
    return pd.DataFrame(rows)


def best_binnings(correlations: pd.DataFrame, *, rng: np.random.Generator, n_flips: int = 10_000) -> pd.DataFrame:
    """Binning whose excess stands out most in every panel, with a p value that knows it was picked.

    If a fresh Φ did as well, the excesses of a replicate could as well have the other sign, all binnings of it
    together. The largest t of all binnings is set against the largest t under random signs (Westfall and Young, 1993).

    Returns
    -------
    Index panel; columns binning, excess, p (one-sided, of this binning alone), p_picked (for the best of all). A panel
    of one replicate says nothing of the spread, and is left out.
    """
    rows = {}
    for panel, group in correlations.groupby("panel", sort=False):
        table = group.assign(excess=group.tested - group.expected)
        excess = table.pivot(index="replicate", columns="binning", values="excess")
        excess = excess.loc[:, excess.count() > 1]
        if excess.empty:
            continue
        values, signs = excess.to_numpy(), rng.choice([-1.0, 1.0], size=(n_flips, len(excess)))
        found, flipped = _t_values(values, np.ones((1, len(excess))))[0], _t_values(values, signs)
        best = int(found.round(9).argmax())  # bits and nats are one: the first is named
        least = found[best] - 1e-9 * abs(found[best])  # no flip reaches it again, up to rounding
        reached = {"p": flipped[:, best] >= least, "p_picked": flipped.max(axis=1) >= least}
        p = {name: (1 + hits.sum()) / (1 + n_flips) for name, hits in reached.items()}
        rows[panel] = {"binning": excess.columns[best], "excess": excess.iloc[:, best].mean(), **p}
    columns = ["binning", "excess", "p", "p_picked"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("panel")


def _t_values(excess: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Mean / standard error over replicates of every column, (n_flips, n_binnings); what is NaN is left out."""
    n = np.isfinite(excess).sum(axis=0)
    mean = signs @ np.nan_to_num(excess) / n
    variance = (np.nan_to_num(excess**2).sum(axis=0) / n - mean**2) * n / (n - 1)  # a sign leaves the square
    return mean / np.sqrt(np.maximum(variance / n, 1e-300))  # 0 / 0 is 0: no excess anywhere
