"""Results on disk: CSV, NPZ and JSON, written whole or not at all."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

COLUMNS = (
    "dataset", "reading", "method", "replicate", "seed", "cycle", "neurons", "removed_fraction", "test_accuracy",
    "mean_batch_accuracy", "weight_ray_mean", "entropy_incoming", "entropy_outgoing", "train_seconds",
    "score_seconds", "duality_gap", "single_image_accuracy",
)  # fmt: skip
TIMING_COLUMNS = ("train_seconds", "score_seconds")
LEDGER_COLUMNS = ("dataset", "reading", "method", "replicate", "layer", "neuron", "cycle", "score")


@dataclass
class Results:
    """What a run collects, and later all that is read back."""

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


# ------------------------------------------------------------------------------------------- on disk

_STAGING, _COMPLETE = ".incoming", ".complete"


def write_results(results: Results, results_dir: Path) -> None:
    """Replace the results of a folder: `cycles.csv`, `ledger.csv`, `measurements.npz`, `neuron_sums.npz`, `run.json`.

    Killed at any moment, either all old or all new files are what `read_results` finds: they are written beside the
    old ones, and count from the one renaming of their folder on.
    """
    results_dir.mkdir(parents=True, exist_ok=True)
    _finish(results_dir)
    staging = results_dir / _STAGING
    shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
    staging.mkdir()
    results.cycles.to_csv(staging / "cycles.csv", index=False)
    results.ledger.to_csv(staging / "ledger.csv", index=False)
    for name in ("measurements", "neuron_sums"):
        np.savez_compressed(staging / f"{name}.npz", **getattr(results, name))
    (staging / "run.json").write_text(json.dumps(results.run, indent=2) + "\n")
    staging.rename(results_dir / _COMPLETE)
    _finish(results_dir)


def _finish(results_dir: Path) -> None:
    """Move complete new files to their places, also those of a run that was killed while it did so."""
    complete = results_dir / _COMPLETE
    if complete.is_dir():
        for path in complete.iterdir():
            path.replace(results_dir / path.name)
        complete.rmdir()


def read_results(results_dir: Path) -> Results:
    """Results of a folder.

    Raises
    ------
    FileNotFoundError saying which notebook writes them.
    """
    if results_dir.is_dir():
        _finish(results_dir)
    if not (results_dir / "run.json").is_file():
        raise FileNotFoundError(
            f"no results in {results_dir}: run notebook 1_dtc_prune_train first, or set results_dir"
        )
    vectors = []
    for name in ("measurements", "neuron_sums"):
        with np.load(results_dir / f"{name}.npz") as archive:
            vectors.append(dict(archive))
    return Results(
        pd.read_csv(results_dir / "cycles.csv"),
        vectors[0],
        pd.read_csv(results_dir / "ledger.csv"),
        json.loads((results_dir / "run.json").read_text()),
        vectors[1],
    )


def save_figure(figure: Figure, name: str, figures_dir: Path) -> None:
    """Save as PNG and PDF, without dates, so that the same figure is the same file.

    Parameters
    ----------
    name : file stem, the name of the plot function.
    """
    figures_dir.mkdir(parents=True, exist_ok=True)
    for suffix, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None, "Producer": None})):
        temporary = figures_dir / f".{name}.{suffix}"
        figure.savefig(temporary, format=suffix, dpi=150, bbox_inches="tight", metadata=metadata)
        temporary.replace(figures_dir / f"{name}.{suffix}")
