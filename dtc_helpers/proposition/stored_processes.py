"""A run of notebook 1 as a process, beside all null models."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import torch

from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.networks import outgoing_sums, xavier_mlp
from dtc_helpers.proposition.null_models import NULLS, pairs_of
from dtc_helpers.proposition.relation import Process, Step, column
from dtc_helpers.runs.results import Results
from dtc_helpers.runs.tables import with_lowess
from dtc_helpers.statistics import pearson


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


def draw_nulls(
    processes: Mapping[str, Process], *, n_draws: int, seed: int
) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Pearson correlations with the fitness of single runs, in the published bins, beside those of every null model.

    That is (method, null model) → tested and expected, (n_draws,) each; NaN where a draw has none.
    """
    rng, measure, found = np.random.default_rng(seed), partial(entropy_series, bins=PUBLISHED_BIN_EDGES), {}
    for method, process in processes.items():
        for name, null in NULLS.items():
            pairs = pairs_of(process, null, measure=measure, rng=rng, n_draws=n_draws)
            tested, expected = (
                np.array([pearson(getattr(pair, series), column(pair.steps, "fitness")) for pair in pairs])
                for series in ("tested", "null")
            )
            found[method, name] = (tested, expected)
    return found


def null_table(draws: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Place of what is tested among the draws of each null model: one row a method × null model.

    Returns
    -------
    Index method, null model; tested and expected (means over the draws), low and high (middle 95 % of what the null
    gives), share above: draws in which the null does at least as well as what is tested, its Monte-Carlo standard
    error, and draws: those in which both are defined. NaN where none is, e.g. where every measurement is one number.
    """
    rows = {}
    for key, (tested, expected) in draws.items():
        both = pd.DataFrame({"tested": tested, "expected": expected})
        known = both.dropna()  # not where all values lie in bins of their own
        low, high = known.expected.quantile([0.025, 0.975])
        above = (known.expected >= known.tested).mean()
        error = np.sqrt(above * (1 - above) / max(len(known), 1))
        numbers = {"low": low, "high": high, "share above": above, "error of the share": error, "draws": len(known)}
        rows[key] = {**both.mean(), **numbers}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["method", "null model"])
