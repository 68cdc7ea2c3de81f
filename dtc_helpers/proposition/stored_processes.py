"""Stored runs and stored evidence, as processes again: for other bins, other null models, without training."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import torch

from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.networks import outgoing_sums, xavier_mlp
from dtc_helpers.proposition.evidence import Evidence
from dtc_helpers.proposition.null_models import NULLS
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


def nulls_of_run(processes: Mapping[str, Process], *, n_draws: int, rng: np.random.Generator) -> pd.DataFrame:
    """All null models of single runs, in the published bins: one row a method × null model.

    Returns
    -------
    Index method, null model; Pearson correlations tested and expected (means over the draws), low and high (middle
    95 % of what the null gives), share above: draws in which the null does at least as well as what is tested, and
    draws in which both are defined; NaN where none is, e.g. where every measurement is one number.
    """
    rows, measure = {}, partial(entropy_series, bins=PUBLISHED_BIN_EDGES)
    for method, process in processes.items():
        for name, null in NULLS.items():
            pairs = [null(process, measure, rng) for _ in range(n_draws)]
            tested, expected = (
                np.array([pearson(getattr(pair, series), column(pair.steps, "fitness")) for pair in pairs])
                for series in ("tested", "null")
            )
            means = {"tested": _mean(tested), "expected": _mean(expected)}
            defined = np.isfinite(tested) & np.isfinite(expected)  # not where all values lie in bins of their own
            tested, expected = tested[defined], expected[defined]
            low, high = np.quantile(expected, [0.025, 0.975]) if defined.any() else (np.nan, np.nan)
            above = (expected >= tested).mean() if defined.any() else np.nan
            rows[method, name] = {**means, "low": low, "high": high, "share above": above, "draws": defined.sum()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["method", "null model"])


def _mean(correlations: np.ndarray) -> float:
    """Mean of those that are defined; NaN if none is."""
    defined = correlations[np.isfinite(correlations)]
    return float(defined.mean()) if len(defined) else float("nan")


def processes_of_evidence(evidence: Evidence, name: str) -> list[list[Step]]:
    """Replicates of a process of a trial.

    The signals are not stored; vectors of one value with their norm stand for them, which measure alike.

    Raises
    ------
    ValueError for a process that the trial has not.
    """
    rows = evidence.steps[evidence.steps.process == name]
    if rows.empty:
        raise ValueError(f"process = {name!r} is not one of {', '.join(evidence.steps.process.unique())}")
    vectors = np.split(evidence.values, evidence.steps.n_measurements.to_numpy().cumsum()[:-1])
    columns = ["removed_fraction", "fitness", "signal_norm", "unrelated_norm"]
    return [
        [_stored_step(vectors[i], numbers) for i, numbers in zip(run.index, np.asarray(run[columns]), strict=True)]
        for _, run in rows.groupby("replicate")
    ]


def _stored_step(measurement: np.ndarray, numbers: np.ndarray) -> Step:
    removed_fraction, fitness, *norms = numbers
    return Step(measurement, removed_fraction, fitness, *(np.array([norm]) for norm in norms))
