"""Results on disk: CSV, NPZ and JSON, written whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtc_helpers.paths import read_together, whole_files, whole_folder, write_json
from dtc_helpers.readings import READINGS
from dtc_helpers.runs.damage import damage_named, read_json
from dtc_helpers.runs.stored_tables import FINITE, NUMBER, TEXT, WHOLE, read_stored

COLUMNS = (
    "dataset", "reading", "method", "replicate", "seed", "cycle", "neurons", "removed_fraction", "test_accuracy",
    "mean_batch_accuracy", "weight_ray_mean", "entropy_incoming", "entropy_outgoing", "train_seconds",
    "score_seconds", "duality_gap", "single_image_accuracy", "calibrated_accuracy",
)  # fmt: skip
ACCURACIES = {  # column → field of `training.Accuracy`
    "test_accuracy": "overall", "mean_batch_accuracy": "batch_mean", "single_image_accuracy": "single_image",
    "calibrated_accuracy": "calibrated",
}  # fmt: skip
RUN = "run.json"
FILES = ("cycles.csv", "ledger.csv", "measurements.npz", "neuron_sums.npz", RUN)
LEDGER_COLUMNS = ("dataset", "reading", "method", "replicate", "layer", "neuron", "cycle", "score")
KINDS = {
    **dict.fromkeys((*COLUMNS, *LEDGER_COLUMNS), NUMBER),
    **dict.fromkeys(("dataset", "reading", "method"), TEXT),
    **dict.fromkeys(("replicate", "seed", "cycle", "neurons", "layer", "neuron"), WHOLE),
    **dict.fromkeys(("removed_fraction", "test_accuracy", "mean_batch_accuracy"), FINITE),
}
_REMEDY = "run notebook 1_dtc_prune_train again, or set results_dir"


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

        Raises ValueError if they were made with another dataset, or without the reading or a method.
        """
        cycles: pd.DataFrame = self.cycles
        for column, values in {"dataset": [dataset], "reading": [reading], "method": methods}.items():
            there = list(cycles[column].unique())
            if missing := [value for value in values if value not in there]:
                raise ValueError(
                    f"these results have no {column} {', '.join(missing)}, only {', '.join(there)}: "
                    "run notebook 1 with it, or change the parameters"
                )
            cycles = cycles.loc[cycles[column].isin(values), :]
        ledger = self.ledger.query("reading == @reading and method in @methods")
        prefixes = tuple(f"{reading}/{method}/" for method in methods)
        measurements, neuron_sums = (
            {key: vector for key, vector in vectors.items() if key.startswith(prefixes)}
            for vectors in (self.measurements, self.neuron_sums)
        )
        return Results(cycles.reset_index(drop=True), measurements, ledger, self.run, neuron_sums)


def joined(parts: Sequence[Results], run: dict[str, Any]) -> Results:
    """Results of several methods and readings as those of one run."""
    return Results(
        pd.concat([part.cycles for part in parts], ignore_index=True),
        {key: vector for part in parts for key, vector in part.measurements.items()},
        pd.concat([part.ledger for part in parts], ignore_index=True),
        run,
        {key: vector for part in parts for key, vector in part.neuron_sums.items()},
    )


# ------------------------------------------------------------------------------------------- on disk


def write_results(results: Results, results_dir: str | Path) -> None:
    """Replace the results of a folder, FILES: whenever it is killed, `read_results` finds all old or all new ones.

    Raises FolderInUseError where another process writes there, after ten seconds, CannotWriteError where nobody can.
    """
    with whole_files(Path(results_dir)) as folder:
        _write(results, folder)


def write_part(results: Results, path: Path) -> None:
    """Write results as a folder that is there whole, or not at all; see `resuming.kept`."""
    with whole_folder(path) as folder:
        _write(results, folder)


def _write(results: Results, folder: Path) -> None:
    results.cycles.to_csv(folder / "cycles.csv", index=False)
    results.ledger.to_csv(folder / "ledger.csv", index=False)
    for name in ("measurements", "neuron_sums"):
        np.savez_compressed(folder / f"{name}.npz", **getattr(results, name))
    write_json(results.run, folder / RUN)


def read_results(results_dir: str | Path) -> Results:
    """Results of a folder; never a mixture, also while another process writes there.

    Raises FileNotFoundError saying which notebook writes them, DamagedError naming a file that is not as written.
    """
    results_dir = Path(results_dir)
    try:
        return _checked(read_together(results_dir, FILES, partial(_read, results_dir)), results_dir)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FileNotFoundError(f"no results in {results_dir} ({error.strerror or error}): {_REMEDY}") from None


def _read(folder: Path) -> Results:
    run = read_run(folder, what="results", remedy="run notebook 1_dtc_prune_train first, or set results_dir")
    with damage_named(folder / RUN, _REMEDY):
        _ = run["parameters"]["seed"], run["parameters"]["batches_per_cycle"]
    cycles, ledger = (
        read_stored(folder / f"{name}.csv", {column: KINDS[column] for column in columns}, remedy=_REMEDY)
        for name, columns in (("cycles", COLUMNS), ("ledger", LEDGER_COLUMNS))
    )
    measurements, neuron_sums = (_read_vectors(folder / f"{name}.npz") for name in ("measurements", "neuron_sums"))
    return Results(cycles, measurements, ledger, run, neuron_sums)


def _checked(found: Results, folder: Path) -> Results:
    """Results whose files agree; asked once all are read, for that takes longer than reading them."""
    with damage_named(folder / "cycles.csv", _REMEDY):
        _check_cycles(found.cycles)
    for name in ("measurements", "neuron_sums"):
        with damage_named(folder / f"{name}.npz", f"it or cycles.csv was changed: {_REMEDY}"):
            _check_vectors(found.cycles, getattr(found, name))
    with damage_named(folder / "ledger.csv", _REMEDY):
        _check_ledger(found.ledger, found.neuron_sums)
    return found


def _read_vectors(path: Path) -> dict[str, np.ndarray]:
    with damage_named(path, _REMEDY), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        found = dict(archive)
        if bad := [key for key, y in found.items() if y.ndim != 1 or y.dtype.kind != "f" or not np.isfinite(y).all()]:
            raise ValueError(f"{bad[0]} is no vector of finite numbers")
    return found


def _check_cycles(cycles: pd.DataFrame) -> None:
    """Refuse readings that are none, and runs whose cycles are not 1, 2, …, with fewer neurons in each."""
    if unknown := set(cycles.reading) - set(READINGS):
        raise ValueError(f"there is no reading {', '.join(sorted(unknown))}")
    if any(0 not in set(run.replicate) for _, run in cycles.groupby(["reading", "method"])):
        raise ValueError("the first replicate is not there")
    for (reading, method, replicate), run in cycles.groupby(["reading", "method", "replicate"]):  # pyright: ignore[reportGeneralTypeIssues]
        if run.cycle.tolist() != list(range(1, len(run) + 1)) or (run.neurons.diff() >= 0).any():
            raise ValueError(f"the cycles of {reading}, {method}, replicate {replicate} are not one after the other")


def _check_vectors(cycles: pd.DataFrame, vectors: dict[str, np.ndarray]) -> None:
    """Refuse vectors where one of a cycle is not there, or its cycle is not."""
    rows = cycles[["reading", "method", "replicate", "cycle"]].itertuples(index=False)
    places = {"/".join(map(str, row)) for row in rows}
    for key in (f"{place}/{side}" for place in places for side in ("incoming", "outgoing")):
        if vectors.get(key, np.empty(0)).size == 0:
            raise ValueError(f"{key} is not there")
    if others := {key.rpartition("/")[0] for key in vectors} - places:
        raise ValueError(f"{min(others)} is no cycle of cycles.csv")


def _check_ledger(ledger: pd.DataFrame, sums: dict[str, np.ndarray]) -> None:
    """Refuse neurons that the first hidden layer never had."""
    first = ledger[ledger.layer == 1]
    for (reading, method, replicate), cut in first.groupby(["reading", "method", "replicate"]):  # pyright: ignore[reportGeneralTypeIssues]
        if not cut.neuron.between(0, sums[f"{reading}/{method}/{replicate}/1/outgoing"].size - 1).all():
            raise ValueError(f"{reading}, {method} cut a neuron that was never there")


def read_run(folder: Path, *, what: str, remedy: str) -> dict[str, Any]:
    """`run.json` of a folder; FileNotFoundError says what is not there and the remedy, DamagedError what is damaged."""
    if not (folder / RUN).is_file():
        raise FileNotFoundError(f"no {what} in {folder}: {remedy}")
    return read_json(folder / RUN, remedy=remedy.replace(" first", " again"))
