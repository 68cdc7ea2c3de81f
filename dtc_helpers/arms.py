"""Arms of a study: every way to a small network, replicated, as rows of one tidy table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from dtc_helpers.controls import batches_of_equal_cost, dense, fresh, random_ids, rewound, trained_at_once
from dtc_helpers.cycle import CycleRecord, Plan, compress_train, start_networks
from dtc_helpers.datasets import Dataset
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import Reading
from dtc_helpers.surgery import schedule
from dtc_helpers.training import Accuracy

ARM_COLUMNS = (
    "dataset", "reading", "arm", "replicate", "seed", "neurons", "removed_fraction", "batches", "test_accuracy",
    "mean_batch_accuracy", "single_image_accuracy",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What all arms of a study have in common."""

    dataset: Dataset  # on the device to use
    reading: Reading
    seeds: Sequence[int]  # one a replicate
    plan: Plan
    hidden_neurons: int  # of the single hidden layer, before any cut
    widths: Sequence[int]  # of the schedule: where networks are trained from scratch, and tickets drawn

    @property
    def schedule(self) -> list[int]:
        """Widths after each cut."""
        return schedule(self.hidden_neurons, keep_fraction=self.plan.keep_fraction, stop_at=self.plan.stop_at)

    def start(self) -> ReplicatedMLP:
        """Untrained networks."""
        return start_networks(
            self.dataset, [self.hidden_neurons], reading=self.reading, seeds=self.seeds, device=self.device
        )

    def cut(self, method: str) -> Iterator[CycleRecord]:
        """Compress-train of untrained networks."""
        arguments = {"reading": self.reading, "seeds": self.seeds, "plan": self.plan}
        return compress_train(self.start(), self.dataset, method=method, **arguments)

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.dataset.test.images.device


Outcome = tuple[int, int, Accuracy]  # neurons, batches of training so far, accuracy of all replicates


def cut_arm(setting: Setting, *, method: str) -> Iterator[Outcome]:
    """Compress-train: an outcome after every cut."""
    for record in setting.cut(method):
        yield record.neurons, record.cycle * setting.plan.batches_per_cycle, record.accuracy


def dense_arm(setting: Setting) -> Iterator[Outcome]:
    """Never cut, same batches: an outcome after every cycle."""
    measured = dense(
        setting.start(),
        setting.dataset,
        n_cycles=len(setting.schedule),
        reading=setting.reading,
        seeds=setting.seeds,
        plan=setting.plan,
    )
    for cycle, accuracy in enumerate(measured, start=1):
        yield setting.hidden_neurons, cycle * setting.plan.batches_per_cycle, accuracy


def scratch_arm(setting: Setting, *, budget: str) -> Iterator[Outcome]:
    """Small networks trained from scratch, an outcome for each of the chosen widths.

    Parameters
    ----------
    budget : "batches", as many as the compress-train run has had at this width; "multiply_adds", as many of these; or
        "longer", twice as many batches as "multiply_adds" (what the small network can reach at all).
    """
    for width in setting.widths:
        n_cycles = setting.schedule.index(width) + 1
        n_batches = n_cycles * setting.plan.batches_per_cycle
        if budget != "batches":
            n_batches = _equal_cost(setting, width, n_cycles) * (2 if budget == "longer" else 1)
        network = fresh(setting.start(), [width], setting.dataset, reading=setting.reading, seeds=setting.seeds)
        yield _trained(setting, network, n_batches)


def ticket_arm(setting: Setting, *, method: str, kind: str) -> Iterator[Outcome]:
    """Lottery tickets, trained for as many batches as the compress-train run has had at this width.

    Parameters
    ----------
    method : whose survivors they are.
    kind : "rewound", the survivors with their initial weights; "random", random neurons with their initial weights.
    """
    for record in setting.cut(method):
        if record.neurons in setting.widths:
            start = setting.start()
            ids = record.network.neuron_ids
            if kind == "random":
                ids = random_ids(start, [record.neurons], reading=setting.reading, seeds=setting.seeds)
            yield _trained(setting, rewound(start, ids), record.cycle * setting.plan.batches_per_cycle)


def _equal_cost(setting: Setting, width: int, n_cycles: int) -> int:
    ends = (setting.dataset.n_inputs, setting.dataset.n_classes)
    stages = [setting.hidden_neurons, *setting.schedule][:n_cycles]
    costs = [((ends[0], stage, ends[1]), setting.plan.batches_per_cycle) for stage in stages]
    return batches_of_equal_cost((ends[0], width, ends[1]), costs)


def _trained(setting: Setting, network: ReplicatedMLP, n_batches: int) -> Outcome:
    measured = trained_at_once(
        network, setting.dataset, n_batches=n_batches, reading=setting.reading, seeds=setting.seeds
    )
    return network.n_neurons, n_batches, measured


ARMS: dict[str, Callable[[Setting], Iterator[Outcome]]] = {
    **{method: partial(cut_arm, method=method) for method in ("magnitude", "norms", "random", "dtc")},
    "dense": dense_arm,
    **{f"scratch, {budget}": partial(scratch_arm, budget=budget) for budget in ("batches", "multiply_adds", "longer")},
    **{f"ticket, {method}": partial(ticket_arm, method=method, kind="rewound") for method in ("dtc", "norms")},
    "ticket, random": partial(ticket_arm, method="random", kind="random"),
}


def run_arm(setting: Setting, arm: str) -> pd.DataFrame:
    """One arm as a table with the columns ARM_COLUMNS, one row an outcome and replicate."""
    rows: list[dict[str, Any]] = []
    for neurons, batches, accuracy in ARMS[arm](setting):
        for replicate, seed in enumerate(setting.seeds):
            rows.append(
                {
                    "dataset": setting.dataset.name,
                    "reading": setting.reading.name,
                    "arm": arm,
                    "replicate": replicate,
                    "seed": seed,
                    "neurons": neurons,
                    "removed_fraction": round(1 - neurons / setting.hidden_neurons, 6),
                    "batches": batches,
                    "test_accuracy": round(float(accuracy.overall[replicate]), 6),
                    "mean_batch_accuracy": round(float(accuracy.batch_mean[replicate]), 6),
                    "single_image_accuracy": round(float(accuracy.single_image[replicate]), 6),
                }
            )
    return pd.DataFrame(rows, columns=list(ARM_COLUMNS))


def run_arms(settings: Sequence[Setting], arms: Sequence[str], *, parts: Path) -> pd.DataFrame:
    """All arms of all settings; each finished one is kept in `parts`, and an interrupted study goes on after it.

    Parameters
    ----------
    settings : one a reading.
    parts : folder of this study; whoever changes the settings takes another folder.
    """
    parts.mkdir(parents=True, exist_ok=True)
    tables = []
    for setting in settings:
        for arm in arms:
            path = parts / f"{setting.dataset.name} {setting.reading.name} {arm}.csv"
            if not path.is_file():
                temporary = path.with_suffix(".incoming")
                run_arm(setting, arm).to_csv(temporary, index=False)
                temporary.replace(path)
            tables.append(pd.read_csv(path))
    return pd.concat(tables, ignore_index=True)
