"""The parameters of the notebooks: what may be given, checked before any work is done."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import torch

from dtc_helpers.images.datasets import DATASETS
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.scoring import SCORES


@dataclass(frozen=True)
class Between:
    """Limit of a number, both ends allowed."""

    lowest: float
    highest: float

    def check(self, name: str, values: list[Any]) -> None:
        """Raises ValueError for a number outside."""
        for value in values:
            if not self.lowest <= value <= self.highest:
                raise ValueError(f"{name} = {value} is outside {self.lowest} … {self.highest}")


@dataclass(frozen=True, eq=False)
class OneOf:
    """Names that exist."""

    known: Mapping[str, Any]
    may_repeat: bool = False  # in a list

    def check(self, name: str, values: list[str]) -> None:
        """Raises ValueError for a name that is not known, or given twice where it may not be."""
        check_names(name, list(dict.fromkeys(values)) if self.may_repeat else values, self.known)


# What may be given stands beside the type, wherever a parameter of this kind is declared.
DatasetName = Annotated[str, OneOf(DATASETS)]
ReadingName = Annotated[str, OneOf(READINGS)]
MethodName = Annotated[str, OneOf(SCORES)]
Seed = Annotated[int, Between(0, 2**32 - 10_001)]  # numpy's legacy generator takes 32 bits; replicate r adds r
Replicates = Annotated[int, Between(1, 10_000)]
Batches = Annotated[int, Between(1, 10**9)]
Neurons = Annotated[int, Between(1, 10**6)]
HiddenNeurons = Annotated[int, Between(2, 10**6)]
CutShare = Annotated[float, Between(1e-6, 1 - 1e-6)]  # of the neurons, kept or cut
MeasurementShare = Annotated[float, Between(1e-9, 1)]  # m / N
Penalty = Annotated[float, Between(1e-300, 1e300)]  # λ
PenaltyShare = Annotated[float, Between(1e-12, 1)]  # λ / λ_max
NullDraws = Annotated[int, Between(10, 10**6)]


@dataclass(frozen=True)
class NotebookParameters:
    """Refuses values of a wrong type, unknown names and numbers out of range as soon as they are given."""

    def __post_init__(self) -> None:
        limits = get_type_hints(type(self), include_extras=True)
        for name, kind in get_type_hints(type(self)).items():
            value = getattr(self, name)
            check_type(name, value, kind)
            for limit in dict.fromkeys(_limits(limits[name])):
                limit.check(name, value if isinstance(value, list) else [value])


def _limits(kind: Any) -> Iterator[Between | OneOf]:
    """Limits anywhere in a type: of the elements of a list, of each side of a union."""
    if get_origin(kind) is Annotated:
        yield from kind.__metadata__
    for inner in get_args(kind):
        yield from _limits(inner)


@dataclass(frozen=True)
class Parameters(NotebookParameters):
    """Parameters of notebook 1, by the names and types of its `parameters` cell.

    Raises
    ------
    TypeError for a value of another type, ValueError for a value that is not allowed; the message says which,
    what was expected and what came.
    """

    dataset: DatasetName
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
    device: str
    results_dir: str
    figures_dir: str

    def __post_init__(self) -> None:
        super().__post_init__()
        Between(1, min(self.hidden_widths) - 1).check("stop_at", [self.stop_at])

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
        return Plan(
            self.batches_per_cycle,
            self.keep_fraction,
            self.stop_at,
            self.l1_penalty,
            self.measurement_fraction,
        )

    @property
    def is_published_plan(self) -> bool:
        """Whether all numbers are the published ones."""
        return self.hidden_widths == [512] and self.plan == Plan()

    @property
    def torch_device(self) -> torch.device:
        """Device to use; "auto" is CUDA where there is one, else the CPU."""
        return usable_device(self.device)


@dataclass(frozen=True)
class EntropyParameters(NotebookParameters):
    """Parameters of notebook 2; it raises as `Parameters` does."""

    dataset: DatasetName
    readings: list[ReadingName]
    methods: list[MethodName]
    seed: Seed
    null_draws: NullDraws
    results_dir: str
    figures_dir: str


Kind = TypeVar("Kind", bound=NotebookParameters)


def notebook_parameters(namespace: Mapping[str, Any], kind: type[Kind]) -> Kind:
    """Parameters of the running notebook, or an error before any work is done.

    papermill only logs a parameter that the notebook does not know, and runs the defaults. Here the cells that start
    with the comment `# Parameters` (the notebook's own and the one papermill injects) are read again, and a name that
    is not a field of `kind` is refused.

    Parameters
    ----------
    namespace : `globals()` of the notebook.
    kind : dataclass of the allowed names and types, e.g. `Parameters`.
    """
    allowed = [field.name for field in fields(kind)]
    unknown = [name for name in _given_names(namespace.get("In", [])) if name not in allowed]
    if unknown:
        raise ValueError(f"unknown parameter {', '.join(unknown)}: expected one of {', '.join(allowed)}")
    return kind(**{name: namespace[name] for name in allowed})


def _given_names(sources: list[str]) -> list[str]:
    """Names that the parameter cells assign: the last with annotations (the notebook's own) and the last without."""
    own, injected = [], []
    for source in sources:
        if source.startswith("# Parameters"):
            statements = ast.parse(source).body
            if any(isinstance(statement, ast.AnnAssign) for statement in statements):
                own = statements
            else:
                injected = statements
    targets = []
    for statement in [*own, *injected]:
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets.append(statement.target)
    return [target.id for target in targets if isinstance(target, ast.Name)]


def usable_device(device: str) -> torch.device:
    """Device to use; "auto" is CUDA where there is one, else the CPU.

    Raises
    ------
    ValueError for a device that PyTorch has not here.
    """
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    usable = r"cpu|cuda(:\d+)?" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(usable, name):
        raise ValueError(f"device = {device!r} cannot be used here: expected auto, cpu or, with CUDA, cuda")
    return torch.device(name)


def check_type(name: str, value: Any, kind: Any) -> None:
    """Refuse a value of another type: a whole number may stand for a float, text and True never for a number.

    Raises
    ------
    TypeError saying what was expected and what came.
    """
    if not _has_type(value, kind):
        hint = "; YAML reads 1e-4 as text: write 1.0e-4" if isinstance(value, str) and kind is float else ""
        expected = kind.__name__ if isinstance(kind, type) else kind
        raise TypeError(f"{name} = {value!r}: expected {expected}, got {type(value).__name__}{hint}")


def _has_type(value: Any, kind: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is str:
        return isinstance(value, str)
    if getattr(kind, "__origin__", None) is list:
        (element,) = get_args(kind)
        return isinstance(value, list) and len(value) > 0 and all(_has_type(v, element) for v in value)
    if isinstance(kind, type):
        return isinstance(value, kind) and value != []
    return any(_has_type(value, option) for option in get_args(kind))


def check_names(name: str, values: list[str], known: Mapping[str, Any]) -> None:
    """Raises ValueError for a value that is not known, or named twice."""
    unknown = [value for value in values if value not in known]
    if unknown:
        raise ValueError(f"{name} = {', '.join(unknown)} does not exist: expected {', '.join(known)}")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} = {', '.join(values)} names one twice")
