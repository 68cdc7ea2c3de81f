"""Results on disk: CSV, NPZ and JSON, written whole or not at all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.paths import read_together, whole_files, whole_folder, write_json

COLUMNS = (
    "dataset", "reading", "method", "replicate", "seed", "cycle", "neurons", "removed_fraction", "test_accuracy",
    "mean_batch_accuracy", "weight_ray_mean", "entropy_incoming", "entropy_outgoing", "train_seconds",
    "score_seconds", "duality_gap", "single_image_accuracy", "calibrated_accuracy",
)  # fmt: skip
RUN = "run.json"
FILES = ("cycles.csv", "ledger.csv", "measurements.npz", "neuron_sums.npz", RUN)
TIMING_COLUMNS = ("train_seconds", "score_seconds")
LEDGER_COLUMNS = ("dataset", "reading", "method", "replicate", "layer", "neuron", "cycle", "score")


@dataclass
class Results:
    """All that a run records, and that is read back later."""

    cycles: pd.DataFrame  # one row a reading × method × replicate × cycle; see COLUMNS
    measurements: dict[str, np.ndarray]  # y, keyed reading/method/replicate/cycle/layer
    ledger: pd.DataFrame  # one row a neuron that was cut; see LEDGER_COLUMNS
    run: dict[str, Any]  # parameters, versions, git commit, device, threads, wall time
    neuron_sums: dict[str, np.ndarray] = field(default_factory=dict)  # w that each y measures, keyed alike

    def select(self, *, dataset: str, reading: str, methods: list[str]) -> "Results":
        """Results of one reading and some methods.

        Raises
        ------
        ValueError if they were made with another dataset, or without the reading or a method.
        """
        asked = {"dataset": [dataset], "reading": [reading], "method": methods}
        of_reading = self.cycles.query("reading == @reading")
        for column, values in asked.items():
            there = list((of_reading if column == "method" else self.cycles)[column].unique())
            if missing := [value for value in values if value not in there]:
                raise ValueError(
                    f"these results have no {column} {', '.join(missing)}, only {', '.join(there)}: "
                    "run notebook 1 with it, or change the parameters"
                )
        wanted = "reading == @reading and method in @methods"
        prefixes = tuple(f"{reading}/{method}/" for method in methods)
        kept, sums = (
            {key: vector for key, vector in vectors.items() if key.startswith(prefixes)}
            for vectors in (self.measurements, self.neuron_sums)
        )
        cycles = self.cycles.query(wanted).reset_index(drop=True)
        return Results(cycles, kept, self.ledger.query(wanted), self.run, sums)


def joined(parts: Sequence[Results], run: dict[str, Any]) -> Results:
    """Results of several methods and readings as those of one run."""
    vectors = [
        {key: y for part in parts for key, y in getattr(part, n).items()} for n in ("measurements", "neuron_sums")
    ]
    cycles, ledger = (pd.concat([getattr(part, n) for part in parts], ignore_index=True) for n in ("cycles", "ledger"))
    return Results(cycles, vectors[0], ledger, run, vectors[1])


# ------------------------------------------------------------------------------------------- on disk


def write_results(results: Results, results_dir: Path) -> None:
    """Replace the results of a folder: `cycles.csv`, `ledger.csv`, `measurements.npz`, `neuron_sums.npz`, `run.json`.

    Killed at any moment, either all old or all new files are what `read_results` finds.

    Raises
    ------
    FolderInUseError where another process writes into the folder, after ten seconds; CannotWriteError where nobody can.
    """
    with whole_files(results_dir) as folder:
        _write(results, folder)


def write_part(results: Results, path: Path) -> None:
    """Write results as a folder that is there whole, or not at all; see `paths.kept`."""
    with whole_folder(path) as folder:
        _write(results, folder)


def _write(results: Results, folder: Path) -> None:
    results.cycles.to_csv(folder / "cycles.csv", index=False)
    results.ledger.to_csv(folder / "ledger.csv", index=False)
    for name in ("measurements", "neuron_sums"):
        np.savez_compressed(folder / f"{name}.npz", **getattr(results, name))
    write_json(results.run, folder / RUN)


def read_results(results_dir: Path) -> Results:
    """Results of a folder; never a mixture, also while another process writes there.

    Raises
    ------
    FileNotFoundError saying which notebook writes them.
    """
    return read_together(results_dir, FILES, partial(_read, results_dir))


def _read(folder: Path) -> Results:
    run = read_run(folder, what="results", remedy="run notebook 1_dtc_prune_train first, or set results_dir")
    vectors = []
    for name in ("measurements", "neuron_sums"):
        with np.load(folder / f"{name}.npz") as archive:
            vectors.append(dict(archive))
    return Results(
        pd.read_csv(folder / "cycles.csv"),
        vectors[0],
        pd.read_csv(folder / "ledger.csv"),
        run,
        vectors[1],
    )


def read_run(folder: Path, *, what: str, remedy: str) -> dict[str, Any]:
    """`run.json` of a folder that `whole_files` wrote; see `read_together`.

    Raises
    ------
    FileNotFoundError saying what is not there, and the remedy.
    """
    if not (folder / RUN).is_file():
        raise FileNotFoundError(f"no {what} in {folder}: {remedy}")
    return json.loads((folder / RUN).read_text(encoding="utf-8"))
