"""Stored results as what the views are given: plain lists, rounded, one function a view."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.figures.style import METHOD_LABELS, spelled
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES
from dtc_helpers.proposition.evidence import processes_of_evidence, read_evidence
from dtc_helpers.proposition.relation import Process, Step
from dtc_helpers.readings import READINGS
from dtc_helpers.runs.results import Results

NORMS = ("signal_norm", "unrelated_norm")
LAYERS = ("outgoing", "incoming")
DECIMALS = 3  # of measurements
SHOWN_TRIALS = ("mnist", "photographs")  # of study 10
REPLICATES = 2


def lab_state(weights: Sequence[float] | np.ndarray, *, name: str = "trained") -> dict[str, Any]:
    """Weights of a layer as the first preset of the lab.

    Raises
    ------
    ValueError unless there are 2 to 64 finite weights.
    """
    found = np.asarray(weights, dtype=float)
    if found.ndim != 1 or not 2 <= found.size <= 64 or not np.isfinite(found).all():
        raise ValueError(f"weights of shape {found.shape}: the lab takes one vector of 2 to 64 finite numbers")
    return {"n": found.size, "presets": {name: found.tolist()}}


def proposition_state(processes: Mapping[str, Sequence[Process]]) -> dict[str, Any]:
    """Replicates of processes: what is measured, how fit it is, and the norms, all that a measurement can show."""
    return {"processes": {name: [_steps(process) for process in group] for name, group in processes.items()}}


def _steps(process: Process) -> list[dict[str, Any]]:
    return [
        {
            "measurement": np.round(step.measurement, DECIMALS).tolist(),
            "fitness": round(float(step.fitness), 5),
            "signal_norm": round(float(np.linalg.norm(step.signal)), 5),
            "unrelated_norm": round(float(np.linalg.norm(step.unrelated_signal)), 5),
        }
        for step in process
    ]


def process_of_state(steps: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Process again of what a view is given; vectors of one value with their norms stand for the signals."""
    return [
        Step(np.array(step["measurement"]), 0.0, step["fitness"], *(np.array([step[name]]) for name in NORMS))
        for step in steps
    ]


def replay_state(results: Results) -> dict[str, Any]:
    """First replicate of every reading and method: when each neuron goes, accuracies, and what was measured."""
    cycles = results.cycles.query("replicate == 0")
    runs = {
        f"{reading}, {METHOD_LABELS[method]}": _run(results, cycles.loc[rows.index], reading, method)
        for (reading, method), rows in cycles.groupby(["reading", "method"], sort=False)  # pyright: ignore[reportGeneralTypeIssues]
    }
    first = cycles[cycles.reading.eq(cycles.reading.iloc[0]) & cycles.method.eq(cycles.method.iloc[0])]
    n_neurons = len(next(iter(runs.values()))["gone"])
    return {
        "dataset": spelled(cycles.dataset.iloc[0]),
        "neurons": n_neurons,
        "widths": first.neurons.tolist(),
        "runs": runs,
    }


def _run(results: Results, cycles: pd.DataFrame, reading: str, method: str) -> dict[str, Any]:
    prefix = f"{reading}/{method}/0"
    n_neurons = results.neuron_sums[f"{prefix}/1/outgoing"].size
    gone = np.zeros(n_neurons, dtype=int)  # 0: never
    cut = results.ledger.query("reading == @reading and method == @method and replicate == 0 and layer == 1")
    gone[cut.neuron] = cut.cycle
    measured = {
        layer: [rounded_in_bins(results.measurements[f"{prefix}/{cycle}/{layer}"]) for cycle in cycles.cycle]
        for layer in LAYERS
    }
    accuracy = cycles[READINGS[reading].accuracy_column].round(5).tolist()
    return {"gone": gone.tolist(), "accuracy": accuracy, **measured}


def rounded_in_bins(values: np.ndarray) -> list[float]:
    """Values with few decimals that still lie in the published bins they lay in, so that the entropy stays."""
    rounded, step = np.round(values, DECIMALS), 10.0**-DECIMALS
    was, is_now = (np.searchsorted(PUBLISHED_BIN_EDGES, v, side="right") for v in (values, rounded))
    return np.round(rounded + step * np.sign(was - is_now), DECIMALS).tolist()


def processes_of_study(folder: Path) -> dict[str, Sequence[Process]]:
    """First replicates of the processes of study 10's stored trials that the page shows."""
    found = {}
    for trial in SHOWN_TRIALS:
        evidence = read_evidence(folder / trial)
        for process in evidence.steps.process.unique():
            found[f"{spelled(trial)}, {process}"] = processes_of_evidence(evidence, process)[:REPLICATES]
    return found
