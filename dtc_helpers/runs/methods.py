"""An interrupted run goes on after its last finished method."""

import shutil
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from dtc_helpers.runs.recorder import Recorder
from dtc_helpers.runs.provenance import environment_key
from dtc_helpers.runs.parameters import Parameters
from dtc_helpers.paths import in_project
from dtc_helpers.runs.results import Results, read_results, write_results


class FinishedMethods:
    """Finished methods of the run with these parameters, kept in the results folder until all are there.

    They count only for the same parameters, the same code of this package, the same versions of what it uses, and the
    same threads and instruction set, which decide how sums are rounded.
    """

    def __init__(self, parameters: Parameters):
        self._parameters = parameters
        self._folder = in_project(parameters.results_dir) / ".unfinished"
        given = {name: v for name, v in asdict(parameters).items() if not name.endswith("_dir")}
        self._key = f"{given} {parameters.torch_device} {environment_key()}"

    def take(self, collector: Recorder, *, reading: str, method: str) -> bool:
        """Add a method to the collector if it was finished before the run was interrupted; says so."""
        part = self._part(reading, method)
        if not (part / "run.json").is_file():
            return False
        results = read_results(part)
        if results.run["key"] != self._key:
            return False
        collector.rows += results.cycles.to_dict("records")  # pyright: ignore[reportArgumentType]
        collector.measurements |= results.measurements
        collector.neuron_sums |= results.neuron_sums
        collector.ledger.append(results.ledger)
        print(f"{reading}, {method}: taken over from the interrupted run")  # noqa: T201
        return True

    def keep(self, collector: Recorder, *, reading: str, method: str) -> None:
        """Write what the collector has of a finished method."""
        rows = pd.DataFrame(collector.rows).query("reading == @reading and method == @method")
        ledger = pd.concat(collector.ledger).query("reading == @reading and method == @method")
        prefix = f"{reading}/{method}/"
        measurements, sums = (
            {key: vector for key, vector in vectors.items() if key.startswith(prefix)}
            for vectors in (collector.measurements, collector.neuron_sums)
        )
        write_results(Results(rows, measurements, ledger, {"key": self._key}, sums), self._part(reading, method))

    def clear(self) -> None:
        """Forget them: the results of the whole run are written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _part(self, reading: str, method: str) -> Path:
        return self._folder / f"{reading}-{method}"
