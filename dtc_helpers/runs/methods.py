"""The loop of notebook 1: every reading with every method, each finished one kept until the whole run is there."""

import hashlib
import itertools
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from dtc_helpers.checks.fields import SEEDS, check_names, check_type
from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.images.datasets import Dataset, load_dataset
from dtc_helpers.paper import PUBLISHED_SEED
from dtc_helpers.paths import in_project, only_writer
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.runs.memory import check_memory
from dtc_helpers.runs.parameters import usable_device
from dtc_helpers.runs.progress import progress
from dtc_helpers.runs.provenance import peak_memory_gb, provenance, run_key
from dtc_helpers.runs.recorder import recorded
from dtc_helpers.runs.results import Results, joined, read_results, write_part, write_results
from dtc_helpers.runs.resuming import kept
from dtc_helpers.scoring import SCORES
from dtc_helpers.surgery import schedules

_UNFINISHED = ".unfinished"


def run_methods(
    dataset: str | Path | Dataset,
    *,
    methods: Sequence[str] = ("magnitude", "random", "dtc"),
    readings: Sequence[str] = ("published",),
    seeds: Sequence[int] = (PUBLISHED_SEED,),
    hidden_widths: Sequence[int] = (512,),
    plan: Plan | None = None,
    results_dir: str | Path | None = None,
) -> Results:
    """Compress-train of several methods in several readings, with progress, resuming and recording (section IV).

    Parameters
    ----------
    dataset : a name of `load_dataset`, or a dataset; a named one goes to CUDA where there is one.
    methods : of `scoring.SCORES`.
    readings : of `readings.READINGS`.
    seeds : one a replicate; replicates are trained side by side.
    hidden_widths : neurons of each hidden layer before any cut.
    plan : numbers of the schedule and of the measurement; the published ones unless given.
    results_dir : folder that gets the results when all is done, written whole or not at all. If the run is interrupted,
        the next one with the same arguments, code, versions, threads and instruction set goes on after the last method
        that was finished. No other run may write there meanwhile. None keeps nothing on disk.

    Returns
    -------
    Results; `cycles` has one row a reading × method × replicate × cycle.

    Raises
    ------
    Before anything is trained: ValueError for a method or reading that does not exist or is named twice, and for seeds
    that are none or given twice, and for layers in which the plan cuts nothing; TypeError for values of another type,
    and lists without any; MemoryError for networks that do not fit; FolderInUseError while another run writes into
    `results_dir`, CannotWriteError where nobody can. Later as `compress_train`.

    Examples
    --------
    >>> few = Plan(batches_per_cycle=2, stop_at=20)
    >>> results = run_methods("digits", methods=["random"], hidden_widths=[24], plan=few)  # doctest: +ELLIPSIS
    published, random: 2/2, 18 neurons, ...
    >>> results.cycles.neurons.tolist()
    [21, 18]
    """
    methods, readings = _listed("methods", methods, str), _listed("readings", readings, str)
    seeds, hidden_widths = _listed("seeds", seeds, int), _listed("hidden_widths", hidden_widths, int)
    plan = Plan() if plan is None else plan
    check_names("methods", methods, SCORES)
    check_names("readings", readings, READINGS)
    check_type("plan", plan, Plan)
    _check_seeds(seeds)
    started = time.perf_counter()
    data = dataset if isinstance(dataset, Dataset) else load_dataset(dataset).to(usable_device("auto"))
    check_memory(data, hidden_widths, methods=methods, n_replicates=len(seeds), plan=plan)
    if (narrowest := min(hidden_widths)) <= max(plan.stop_at, 1):
        raise ValueError(
            f"hidden_widths has {narrowest}: expected more than plan.stop_at = {plan.stop_at}, or nothing is cut"
        )
    setting: dict[str, Any] = {"seeds": seeds, "hidden_widths": hidden_widths, "plan": plan}
    about = {"dataset": data.name, "methods": methods, "readings": readings, **_parameters(**setting)}
    train = partial(_run_method, data, **setting)
    if results_dir is None:
        return _all_methods(train, about | {"results_dir": None}, data, started)
    folder = in_project(results_dir)
    with only_writer(folder):
        train = partial(_taken_over, train, folder / _UNFINISHED, _fingerprint(data, setting, methods, readings))
        results = _all_methods(train, about | {"results_dir": str(results_dir)}, data, started)
        write_results(results, folder)
        shutil.rmtree(folder / _UNFINISHED, ignore_errors=True)
    return results


def _listed(name: str, values: Any, kind: type) -> list[Any]:
    """List of what is given as a list, tuple, range or array; refused without values or with others than of a kind."""
    if isinstance(values, list | tuple | range):  # an array would make 1 of True
        listed = [each.item() if isinstance(each, np.generic) else each for each in values]
    else:
        listed = np.asarray(values).tolist()
    check_type(name, listed, list[kind])
    return listed


def _check_seeds(seeds: list[int]) -> None:
    SEEDS.check("seeds", seeds)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds = {seeds}: one is given twice, and a run counted twice is no replicate")


def _all_methods(
    train: Callable[[str, str], Results], parameters: dict[str, Any], data: Dataset, started: float
) -> Results:
    """Every reading with every method, and what made them."""
    pairs = itertools.product(parameters["readings"], parameters["methods"])
    parts = [train(reading, method) for reading, method in pairs]
    run = {
        "parameters": parameters,
        "device_used": str(data.test.images.device),
        "wall_seconds": round(time.perf_counter() - started, 2),
        "peak_memory_gb": peak_memory_gb(),
        **provenance(),
    }
    return joined(parts, run)


def _run_method(
    data: Dataset, reading: str, method: str, *, seeds: list[int], hidden_widths: list[int], plan: Plan
) -> Results:
    """One method in one reading, with progress."""
    common = {"reading": READINGS[reading], "seeds": seeds}
    network = start_networks(data, hidden_widths, device=data.test.images.device, **common)
    records = compress_train(network, data, method=method, plan=plan, **common)
    total = len(schedules(hidden_widths, keep_fraction=plan.keep_fraction, stop_at=plan.stop_at))
    shown = progress(records, total=total, title=f"{reading}, {method}", describe=lambda r: f"{r.neurons} neurons")
    run = {"parameters": _parameters(seeds, hidden_widths, plan)}
    return recorded(shown, dataset=data.name, reading=reading, method=method, seeds=seeds, run=run)


def _taken_over(
    train: Callable[[str, str], Results], unfinished: Path, fingerprint: str, reading: str, method: str
) -> Results:
    """Results of a method, taken over from an interrupted run where it had finished it."""
    path = unfinished / f"{reading}-{method} {fingerprint}"
    if path.exists():
        print(f"{reading}, {method}: taken over from the interrupted run", flush=True)  # noqa: T201
    return kept(path, make=partial(train, reading, method), write=write_part, read=read_results)


def _fingerprint(data: Dataset, setting: dict[str, Any], methods: list[str], readings: list[str]) -> str:
    """Tells apart runs whose numbers may differ; scores and readings of one's own by what they are now."""
    content = hashlib.sha256()
    for split in (data.train, data.test):
        for values in (split.images, split.labels):
            content.update(values.cpu().numpy().tobytes())
    made_by = [_code_of(SCORES[name]) for name in methods], [READINGS[name] for name in readings]
    return run_key(data.name, content.hexdigest(), setting, data.test.images.device, *made_by)


def _code_of(score: object) -> object:
    """All that a function does, not where it stands; of anything else its own words."""
    code = score if isinstance(score, CodeType) else getattr(score, "__code__", None)
    return (code.co_code, code.co_names, [*map(_code_of, code.co_consts)]) if code is not None else repr(score)


def _parameters(seeds: list[int], hidden_widths: list[int], plan: Plan) -> dict[str, Any]:
    """Setting as `run.json` keeps it, by the names that notebook 1 has."""
    widths = hidden_widths[0] if len(hidden_widths) == 1 else hidden_widths
    return {"replicates": len(seeds), "seed": seeds[0], "seeds": seeds, "hidden_neurons": widths, **asdict(plan)}
