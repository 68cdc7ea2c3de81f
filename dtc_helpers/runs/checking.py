"""Checks of what is given: types, limits and names, as soon as a value is there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from dtc_helpers.images.datasets import DATASETS
from dtc_helpers.images.own_data import SUFFIX
from dtc_helpers.paths import in_project
from dtc_helpers.readings import READINGS
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


@dataclass(frozen=True)
class DatasetSource:
    """A name of a dataset, or a file of one's own."""

    def check(self, name: str, values: list[str]) -> None:
        """Raises ValueError for a name that is not known, or a file that is not there."""
        for value in values:
            if not value.endswith(SUFFIX):
                check_names(name, [value], {**DATASETS, "or the path of an .npz file": None})
            elif not in_project(value).is_file():
                raise ValueError(f"{name} = {value}: there is no such file; relative paths start at the project")


# What may be given stands beside the type, wherever a parameter of this kind is declared.
DatasetName = Annotated[str, OneOf(DATASETS)]
DatasetOrFile = Annotated[str, DatasetSource()]
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

    def written(self) -> dict[str, str]:
        """Folders that the notebook writes into, under the names of the parameters that name them."""
        if not hasattr(self, "figures_dir"):
            return {}
        return {"figures_dir": vars(self)["figures_dir"] or f"{vars(self).get('results_dir', 'results')}/figures"}


def _limits(kind: Any) -> Iterator[Between | OneOf | DatasetSource]:
    """Limits anywhere in a type: of the elements of a list, of each side of a union."""
    if get_origin(kind) is Annotated:
        yield from kind.__metadata__
    for inner in get_args(kind):
        yield from _limits(inner)


def check_type(name: str, value: Any, kind: Any) -> None:
    """Refuse a value of another type: a whole number may stand for a float, text and True never for a number.

    Raises
    ------
    TypeError saying what was expected and what came.
    """
    if not _has_type(value, kind):
        hint = "; YAML reads 1e-4 as text: write 1.0e-4" if isinstance(value, str) and kind is float else ""
        expected = kind.__name__ if isinstance(kind, type) else kind
        came = type(value).__name__
        if isinstance(value, list):
            came = f"list of {', '.join(sorted({type(element).__name__ for element in value})) or 'nothing'}"
        raise TypeError(f"{name} = {value!r}: expected {expected}, got {came}{hint}")


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
