"""Data of a study: read from what is committed, or computed anew."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from dtc_helpers.arms import Setting, run_arms
from dtc_helpers.collector import provenance
from dtc_helpers.cycle import Plan
from dtc_helpers.datasets import load_dataset
from dtc_helpers.idx_files import project_root
from dtc_helpers.parameters import StudyParameters, folder
from dtc_helpers.readings import READINGS

STORED = project_root() / "notebooks" / "studies" / "data"
HIDDEN_NEURONS = 512


def study_table(parameters: StudyParameters, name: str) -> pd.DataFrame:
    """Table of all arms, from `notebooks/studies/data/<name>.csv`, or computed when `parameters.recompute` is true.

    Computing writes `<name>.csv` and `<name>.json` (parameters, versions, commit) to `parameters.results_dir`, and goes
    on after the last finished arm when it was interrupted.

    Raises
    ------
    ValueError if the stored table lacks the dataset, a reading, an arm or replicates that are asked for.
    """
    if parameters.recompute:
        return _computed(parameters, name)
    table = pd.read_csv(STORED / f"{name}.csv")
    asked = {"dataset": [parameters.dataset], "reading": parameters.readings, "arm": parameters.arms}
    for column, values in asked.items():
        if missing := [value for value in values if value not in set(table[column])]:
            raise ValueError(f"{name}.csv has no {column} {', '.join(missing)}: set recompute=True, or ask for another")
        table = table.query(f"{column} in @values")
    there = int(table.groupby(["reading", "arm"]).seed.nunique().min())
    if there < parameters.replicates:
        raise ValueError(f"{name}.csv has {there} replicates, not {parameters.replicates}: set recompute=True")
    return table.query("seed in @parameters.seeds").reset_index(drop=True)


def _computed(parameters: StudyParameters, name: str) -> pd.DataFrame:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dataset, target = load_dataset(parameters.dataset).to(device), folder(parameters.results_dir)
    settings = [
        Setting(dataset, READINGS[reading], parameters.seeds, Plan(), HIDDEN_NEURONS, parameters.widths)
        for reading in parameters.readings
    ]
    table = run_arms(settings, parameters.arms, parts=_parts(parameters, target))
    _write(table, {"parameters": asdict(parameters), "device": str(device), **provenance()}, target / name)
    return table


def _parts(parameters: StudyParameters, target: Path) -> Path:
    """Folder of finished arms: another one for other seeds."""
    return target / f".arms {parameters.seed}+{parameters.replicates} {parameters.widths}"


def _write(table: pd.DataFrame, run: dict, path: Path) -> None:
    temporary = path.with_suffix(".incoming")
    table.to_csv(temporary, index=False)
    temporary.replace(path.with_suffix(".csv"))
    path.with_suffix(".json").write_text(json.dumps(run, indent=2) + "\n")
