"""The last step of a study: a recomputed table becomes the stored one, after it has been checked."""

from pathlib import Path

import pandas as pd

from dtc_helpers.paths import in_project
from dtc_helpers.proposition.evidence import SUBJECTS, Evidence, read_evidence, write_evidence
from dtc_helpers.studies.runs import ARM_COLUMNS, read_made, read_table, write_made
from dtc_helpers.studies.study import STORED
from dtc_helpers.studies.study_10_proposition_on_trial import STORED_TRIAL


def promote(name: str, results_dir: str | Path) -> Path:
    """Make `<name>.csv` and `.json` of a results folder, as `study_table` computed them, the stored table; its path.

    Parameters
    ----------
    name : of the table, e.g. "3_uncertainty"; or of the trial of study 10, "10_proposition", a folder.
    results_dir : where the table lies, or one folder above.

    Raises
    ------
    FileNotFoundError if a file is missing; ValueError if several folders have one, or if the table is not whole, or was
    made by code that is in no commit, or has fewer rows of a run than the stored one: the message says which.
    CannotWriteError where the stored tables cannot be replaced.
    """
    if name == STORED_TRIAL.name:
        return _promote_trial(in_project(results_dir) / name, STORED / name)
    source = _found(f"{name}.csv", in_project(results_dir))
    for path in (source, source.with_suffix(".json")):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: run the study with recompute = True first")
    table, run = read_made(source)
    if complaints := _complaints(table, run, STORED / source.name):
        raise ValueError(f"{source} is not promoted: {'; '.join(complaints)}")
    if "keys" not in run:
        read_table(source, ARM_COLUMNS)  # refuses other kinds of values
    write_made((table, run), STORED / source.name)
    return STORED / source.name


def _found(file: str, folder: Path) -> Path:
    """File of that name in a folder, else the only one in the folders there."""
    inside = sorted(path for path in folder.glob(f"[!.]*/{file}") if path.parent != STORED)
    if (folder / file).is_file() or not inside:
        return folder / file
    if len(inside) > 1:
        raise ValueError(f"{', '.join(map(str, inside))}: say with --results-dir which of them is meant")
    return inside[0]


def _promote_trial(source: Path, stored: Path) -> Path:
    """Store the evidence of all datasets of a folder, once that of each is checked."""
    found = {name: read_evidence(source / name) for name in SUBJECTS if (source / name).is_dir()}
    if not found:
        raise FileNotFoundError(f"{source} holds no trial: run study 10 with recompute = True first")
    complaints = [f"{name}: {why}" for name, new in found.items() for why in _trial_complaints(new, stored / name)]
    if complaints:
        raise ValueError(f"{source} is not promoted: {'; '.join(complaints)}")
    for name, new in found.items():
        write_evidence(new, stored / name)
    return stored


def _trial_complaints(new: Evidence, stored: Path) -> list[str]:
    made = [new.run.get("git_commit"), _of_comparisons(new).get("git_commit")]
    found = ["it was made by code that is in no commit"] * any(map(_is_in_no_commit, made))
    if not stored.is_dir():
        return found
    old = read_evidence(stored)
    for what in ("steps", "comparisons"):
        sizes = _sizes(getattr(old, what), getattr(new, what), ["process"])
        found += [f"{process} has fewer {what} than the stored one" for process in sizes.query("new < old").index]
    had, draws = (_of_comparisons(trial).get("n_draws", 0) for trial in (old, new))
    return [*found, *([f"{draws} draws of the nulls, the stored one has {had}"] if draws < had else [])]


def _of_comparisons(trial: Evidence) -> dict:
    found = trial.run.get("comparisons")
    return found if isinstance(found, dict) else {}


def _sizes(old: pd.DataFrame, new: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Rows of each group in both tables, 0 where one has none."""
    return pd.DataFrame({"old": old.groupby(keys).size(), "new": new.groupby(keys).size()}).fillna(0)


def _is_in_no_commit(commit: object) -> bool:
    return commit is None or "+changes" in str(commit)


def _complaints(table: pd.DataFrame, run: dict, stored: Path) -> list[str]:
    """Reasons not to store a table, the gravest first."""
    keys = run.get("keys")  # of a table that is none of runs
    if keys is not None and not (isinstance(keys, list) and keys):
        return [f"{stored.stem}.json does not name the columns that tell its rows apart"]
    needed = ARM_COLUMNS if keys is None else [*keys, *(read_table(stored).columns if stored.is_file() else ())]
    if missing := [column for column in dict.fromkeys(needed) if column not in table]:
        return [f"it has no column {', '.join(missing)}"]
    measured = "test_accuracy" if keys is None else "accuracy"
    if measured in table and not pd.Series(pd.to_numeric(table[measured], errors="coerce")).between(0, 1).all():
        return [f"{measured} is not a number from 0 to 1 in every row"]
    found, runs = [], run.get("runs", [])
    if not runs or not all(isinstance(one, dict) and {"run", "git_commit"} <= one.keys() for one in runs):
        return [f"{stored.stem}.json does not say by which runs it was made"]
    if changed := [one["run"] for one in runs if _is_in_no_commit(one["git_commit"])]:
        found.append(f"{len(changed)} of its runs were made by code that is in no commit, e.g. {changed[0]}")
    own = [column for column in table if column not in ARM_COLUMNS[3:]]
    if table.duplicated(keys or [*own, "seed", "neurons", "batches"]).any():
        found.append("it has a row twice")
    if stored.is_file():
        old = read_table(stored)
        sizes = _sizes(old, table, [key for key in (keys or own) if key in old])
        fewer = sizes.query("new < old").index
        if len(fewer):
            found.append(f"{len(fewer)} of {len(sizes)} runs have fewer rows than the stored table, e.g. {fewer[0]}")
    return found
