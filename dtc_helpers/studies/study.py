"""Common ground of all studies of replicated arms: parameters, settings, and the table, read or computed."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import pandas as pd

from dtc_helpers.checks.fields import OneOf, Replicates, Seed
from dtc_helpers.paths import in_project, only_writer, project_root, writable_folder
from dtc_helpers.runs.checking import DatasetName, NotebookParameters
from dtc_helpers.runs.damage import damage_named
from dtc_helpers.runs.provenance import provenance
from dtc_helpers.studies.arms import ARMS, last_places
from dtc_helpers.studies.runs import ARM_COLUMNS, read_made, read_table, recorded, run_arms, write_made
from dtc_helpers.studies.setting import Setting

STORED = project_root() / "notebooks" / "studies" / "data"
_DO = "set recompute=True, or ask for what is stored"
ArmName = Annotated[str, OneOf(ARMS)]
Runs = list[tuple[Setting, str]]  # (setting, arm) each


@dataclass(frozen=True)
class TableParameters(NotebookParameters):
    """Parameters of every study with a table that is stored, or made anew; it raises as `Parameters` does."""

    seed: Seed
    recompute: bool
    results_dir: str
    figures_dir: str

    def written(self) -> dict[str, str]:
        """Figures, and a table where it is made anew."""
        return {**({"results_dir": self.results_dir} if self.recompute else {}), **super().written()}


@dataclass(frozen=True)
class StudyParameters(TableParameters):
    """Parameters of every study of replicated arms; it raises as `Parameters` does."""

    arms: list[ArmName]
    replicates: Replicates

    def seeds(self, n_replicates: int | None = None) -> list[int]:
        """One seed a replicate: seed, seed + 1, … for all replicates or for so many."""
        return [self.seed + replicate for replicate in range(n_replicates or self.replicates)]


@dataclass(frozen=True)
class SeveralDatasets(StudyParameters):
    """Parameters of a study of several datasets; it raises as `Parameters` does."""

    datasets: list[DatasetName]


def refuse_repeats(runs: Iterable[tuple[Mapping[str, Any], str]]) -> None:
    """Raises ValueError where (columns of a setting, arm) is asked for twice: its runs would count as more replicates.

    The arm "scratch" is "scratch, batches" too.
    """
    arms: dict[tuple[Any, ...], list[str]] = {}
    for columns, arm in runs:
        others = arms.setdefault(tuple(columns.items()), [])
        if any(arm == other or arm.startswith(f"{other}, ") or other.startswith(f"{arm}, ") for other in others):
            raise ValueError(f"{_run(arm, columns)} is asked for twice: name every arm and every value once")
        others.append(arm)


def study_table(name: str, runs: Runs, parameters: StudyParameters) -> pd.DataFrame:
    """Table of all runs, from `notebooks/studies/data/<name>.csv`, or computed when `parameters.recompute` is true.

    Computing writes `<name>.csv` and `<name>.json` (parameters, versions, and for each run its seconds and commit) to
    `parameters.results_dir`, and goes on after the last finished run when it was interrupted. Raises FileNotFoundError
    if there is no stored table; DamagedError if it is not as it was written; ValueError if it lacks a run, replicates
    of it, or a size, and for a run that is asked for twice.
    """
    refuse_repeats((_columns(setting), arm) for setting, arm in runs)
    if parameters.recompute:
        return _computed(name, runs, parameters)
    own = dict.fromkeys(column for setting, _ in runs for column in setting.columns)
    table = read_table(STORED / f"{name}.csv", [*own, *ARM_COLUMNS[:-2]])  # the last two are of later studies
    return pd.concat([_stored(name, table, *run) for run in runs], ignore_index=True)


def _stored(name: str, table: pd.DataFrame, setting: Setting, arm: str) -> pd.DataFrame:
    """Rows of one run."""
    wanted = _columns(setting)
    found = rows_of_run(table, name, arm, seeds=setting.seeds, wanted=wanted)
    places = found.set_index(["neurons", "batches"]).index
    if missing := [place for place in last_places(setting, arm) if place not in places]:
        raise ValueError(f"{name}.csv lacks (neurons, batches) = {missing} of {_run(arm, wanted)}: {_DO}")
    return found


def _columns(setting: Setting) -> dict[str, Any]:
    return {"dataset": setting.name, "reading": setting.reading.name, **setting.columns}


def rows_of_run(
    table: pd.DataFrame, name: str, arm: str, *, seeds: Sequence[int], wanted: Mapping[str, Any]
) -> pd.DataFrame:
    """Rows of one arm, and of the arms that its one run gives ("scratch, batches", …), of these seeds.

    Parameters
    ----------
    name : of the table, for the ValueError where a seed has none.
    wanted : column → value that the rows have.
    """
    is_wanted = table.seed.isin(seeds) & (table.arm.eq(arm) | table.arm.str.startswith(f"{arm}, "))
    for column, value in wanted.items():
        is_wanted &= table[column].eq(value)
    found: pd.DataFrame = table.loc[is_wanted, :]
    if (there := found.seed.nunique()) < len(seeds):
        asked = f"{there} of the {len(seeds)} replicates asked for"
        raise ValueError(f"{name}.csv has {asked} of {_run(arm, wanted)}: {_DO}")
    return found


def _run(arm: str, wanted: Mapping[str, Any]) -> str:
    return " · ".join([arm, *(f"{column} {value}" for column, value in wanted.items())])


def grid(parameters: SeveralDatasets, first: str, second: str) -> Iterator[tuple[str, Any, Any]]:
    """(dataset, value, value) of all points: the first dataset on the full grid, the others on the thinned one."""
    for i, dataset in enumerate(parameters.datasets):
        values = [getattr(parameters, f"thinned_{name}" if i else name) for name in (first, second)]
        yield from ((dataset, *point) for point in itertools.product(*values))


def other_table(
    name: str,
    make: Callable[[], pd.DataFrame],
    parameters: TableParameters,
    *,
    settings: dict[str, Any],
    keys: Sequence[str],
) -> pd.DataFrame:
    """Table of a study that is none of runs: from `notebooks/studies/data/<name>.csv`, or made and written alike.

    Parameters
    ----------
    settings : what the table depends on, beside the code.
    keys : columns that tell its rows from each other.

    Raises
    ------
    ValueError if what is stored was made with other settings; DamagedError where it is not as it was written.
    """
    if parameters.recompute:
        target = in_project(parameters.results_dir)
        with only_writer(target):  # from the beginning: else what was made could not be written
            table, record = recorded(make, title=name)
            run = {"settings": settings, "keys": list(keys), **provenance(), "runs": [record]}
            write_made((table, run), target / f"{name}.csv")
        return table
    table, run = read_made(path := STORED / f"{name}.csv", keys)
    with damage_named(path.with_suffix(".json"), "run the study with recompute = True"):
        run["settings"].items()
    if other := {key: value for key, value in run["settings"].items() if settings.get(key) != value}:
        raise ValueError(f"{name}.csv was made with {other}: {_DO}")
    return table


def _computed(name: str, runs: Runs, parameters: StudyParameters) -> pd.DataFrame:
    target = writable_folder(in_project(parameters.results_dir), change="results_dir")
    table, records = run_arms(runs, parts=target / f".{name}")
    run = {"parameters": asdict(parameters), "device": str(runs[0][0].device), **provenance(), "runs": records}
    write_made((table, run), target / f"{name}.csv")
    return table
