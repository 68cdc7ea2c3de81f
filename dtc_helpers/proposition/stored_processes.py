"""A run of notebook 1 as a process, beside all null models."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import torch

from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.networks import outgoing_sums, xavier_mlp
from dtc_helpers.proposition.null_models import NULLS, NullDraws, draw_null
from dtc_helpers.proposition.relation import Process, Step
from dtc_helpers.runs.results import Results
from dtc_helpers.runs.tables import with_lowess


def process_of_run(results: Results, method: str, *, fitness: str, generator: torch.Generator) -> list[Step]:
    """First replicate of a method as a process: the next layer's measurements, and the accuracy after every cut.

    The unrelated signal is made here: outgoing sums of an untrained network that loses as many neurons, any of them.

    Parameters
    ----------
    results : of notebook 1, one reading.
    fitness : "lowess" (as the paper correlates) or "accuracy".
    generator : of the untrained network's weights.
    """
    cycles = with_lowess(results.cycles).query("method == @method and replicate == 0")
    keys = [f"{reading}/{method}/0/{cycle}/outgoing" for reading, cycle in cycles[["reading", "cycle"]].to_numpy()]
    signals = [results.neuron_sums[key] for key in keys]
    # One input is enough: only the weights to the ten classes are summed.
    untrained = outgoing_sums(xavier_mlp([1, len(signals[0]), 10], generators=[generator]))[0].numpy()
    return [
        Step(results.measurements[key], removed, value, signal, untrained[: len(signal)])
        for key, removed, value, signal in zip(keys, cycles.removed_fraction, cycles[fitness], signals, strict=True)
    ]


def draw_nulls(processes: Mapping[str, Process], *, n_draws: int, seed: int) -> dict[tuple[str, str], NullDraws]:
    """Draws of all null models of single runs, in the published bins: (method, null model) → draws."""
    rng, measure = np.random.default_rng(seed), partial(entropy_series, bins=PUBLISHED_BIN_EDGES)
    return {
        (method, name): draw_null(process, null, measure=measure, n_draws=n_draws, rng=rng)
        for method, process in processes.items()
        for name, null in NULLS.items()
    }


def null_table(draws: Mapping[tuple[str, str], NullDraws], statistic: str = "pearson") -> pd.DataFrame:
    """Where what is tested lies among the draws of each null model: one row a method × null model.

    Returns
    -------
    Index method, null model; tested and expected (means over the draws), low and high (middle 95 % of what the null
    gives), share above: draws in which the null does at least as well as what is tested, its Monte-Carlo standard
    error, and draws: those in which both are defined.
    """
    rows = {}
    for key, found in draws.items():
        tested, expected = (found.values(which, statistic) for which in ("tested", "null"))
        defined = np.isfinite(tested) & np.isfinite(expected)  # not where all values lie in bins of their own
        tested, expected, n = tested[defined], expected[defined], int(defined.sum())
        low, high = np.quantile(expected, [0.025, 0.975]) if n else (np.nan, np.nan)
        above = (expected >= tested).mean() if n else np.nan
        means = {"tested": found.mean("tested", statistic), "expected": found.mean("null", statistic)}
        error = np.sqrt(above * (1 - above) / n) if n else np.nan
        rows[key] = {**means, "low": low, "high": high, "share above": above, "error of the share": error, "draws": n}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["method", "null model"])
