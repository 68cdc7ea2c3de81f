"""The parameters of the primary notebooks, and how a notebook takes its own."""

import ast
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import torch

from dtc_helpers.checks.fields import (
    Batches,
    Between,
    CutShare,
    DeviceName,
    HiddenNeurons,
    MeasurementShare,
    Neurons,
    NullDraws,
    Penalty,
    Replicates,
    Seed,
)
from dtc_helpers.paths import in_project, writable_folder
from dtc_helpers.readings import Plan
from dtc_helpers.runs.checking import DatasetName, DatasetOrFile, MethodName, NotebookParameters, ReadingName


@dataclass(frozen=True)
class Parameters(NotebookParameters):
    """Parameters of notebook 1, by the names and types of its `parameters` cell.

    Raises TypeError for a value of another type, ValueError for a value that is not allowed; the message says which,
    what was expected and what came.
    """

    dataset: DatasetOrFile
    readings: list[ReadingName]
    methods: list[MethodName]
    replicates: Replicates
    seed: Seed
    hidden_neurons: HiddenNeurons | list[HiddenNeurons]
    batches_per_cycle: Batches
    keep_fraction: CutShare
    stop_at: Neurons
    l1_penalty: Penalty
    measurement_fraction: MeasurementShare
    device: DeviceName
    results_dir: str
    figures_dir: str

    def __post_init__(self) -> None:
        super().__post_init__()
        Between(1, min(self.hidden_widths) - 1).check("stop_at", [self.stop_at])

    def written(self) -> dict[str, str]:
        """Results, and figures beside them unless a folder is named."""
        return {"results_dir": self.results_dir, **super().written()}

    @property
    def hidden_widths(self) -> list[int]:
        """Neurons of each hidden layer."""
        return [self.hidden_neurons] if isinstance(self.hidden_neurons, int) else self.hidden_neurons

    @property
    def seeds(self) -> list[int]:
        """One seed a replicate: from `seed` upwards."""
        return [self.seed + replicate for replicate in range(self.replicates)]

    @property
    def plan(self) -> Plan:
        """Numbers that the compress-train loop needs."""
        schedule = self.batches_per_cycle, self.keep_fraction, self.stop_at
        return Plan(*schedule, self.l1_penalty, self.measurement_fraction)

    @property
    def is_published_plan(self) -> bool:
        """Whether all numbers are the published ones."""
        return self.hidden_widths == [512] and self.plan == Plan()

    @property
    def torch_device(self) -> torch.device:
        """Device to use; see `usable_device`."""
        return usable_device(self.device)


@dataclass(frozen=True)
class EntropyParameters(NotebookParameters):
    """Parameters of notebook 2; it raises as `Parameters` does."""

    dataset: DatasetOrFile
    readings: list[ReadingName]
    methods: list[MethodName]
    seed: Seed
    null_draws: NullDraws
    results_dir: str
    figures_dir: str


@dataclass(frozen=True)
class AnyNetworkParameters(NotebookParameters):
    """Parameters of notebook 3; it raises as `Parameters` does."""

    dataset: DatasetName
    reading: ReadingName
    cuts: Batches
    batches_per_cut: Batches
    keep_fraction: CutShare
    seed: Seed
    figures_dir: str


Kind = TypeVar("Kind", bound=NotebookParameters)


def notebook_parameters(namespace: Mapping[str, Any], kind: type[Kind]) -> Kind:
    """Parameters of a running notebook, from its `globals()`, as the dataclass `kind`; or an error before any work.

    papermill only logs a parameter that the notebook does not know, and runs the defaults. Here the cells that start
    with the comment `# Parameters` (the notebook's own and the one papermill injects) are read again, and a name that
    is not a field of `kind` is refused. So is a folder that the notebook will write into and cannot.
    """
    allowed = [field.name for field in fields(kind)]
    unknown = [name for name in _given_names(namespace.get("In", [])) if name not in allowed]
    if unknown:
        raise ValueError(f"unknown parameter {', '.join(unknown)}: expected one of {', '.join(allowed)}")
    parameters = kind(**{name: namespace[name] for name in allowed})
    for name, folder in parameters.written().items():
        writable_folder(in_project(folder), change=name)
    return parameters


def _given_names(sources: list[str]) -> list[str]:
    """Names that the parameter cells assign: the last with annotations (the notebook's own) and the last without."""
    last: dict[bool, list[ast.stmt]] = {}
    for source in sources:
        if source.startswith("# Parameters"):
            statements = ast.parse(source).body
            last[any(isinstance(statement, ast.AnnAssign) for statement in statements)] = statements
    targets = []
    for statement in itertools.chain(*last.values()):
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets.append(statement.target)
    return [target.id for target in targets if isinstance(target, ast.Name)]


def usable_device(device: str | torch.device) -> torch.device:
    """Device to use: "auto" is CUDA where there is one, else the CPU; ValueError for one that PyTorch has not here."""
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else str(device)
    usable = r"cpu|cuda(:\d+)?" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(usable, name):
        raise ValueError(f"device = {device!r} cannot be used here: expected auto, cpu or, with CUDA, cuda")
    return torch.device(name)
