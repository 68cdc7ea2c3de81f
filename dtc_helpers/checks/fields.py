"""Fields of dataclasses, each held to its type and to the limits that stand beside it in `Annotated`.

A limit is anything with `check(name, values)`, which raises ValueError for a value that is not allowed.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints


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

    known: Collection[str]
    may_repeat: bool = False  # in a list

    def check(self, name: str, values: list[str]) -> None:
        """Raises ValueError for a name that is not known, or given twice where it may not be."""
        check_names(name, list(dict.fromkeys(values)) if self.may_repeat else values, self.known)


@dataclass(frozen=True)
class Matching:
    """Text of a form."""

    pattern: str  # regular expression of the whole text
    expected: str  # the same in words

    def check(self, name: str, values: list[str]) -> None:
        """Raises ValueError for a text of another form."""
        for value in values:
            if not re.fullmatch(self.pattern, value):
                raise ValueError(f"{name} = {value!r}: expected {self.expected}")


SEEDS = Between(0, 2**32 - 1)  # numpy's legacy generator takes 32 bits
Seed = Annotated[int, Between(0, 2**32 - 10_001)]  # replicate r adds r, to one of SEEDS
Replicates = Annotated[int, Between(1, 10_000)]
Batches = Annotated[int, Between(1, 10**9)]
Neurons = Annotated[int, Between(1, 10**6)]
HiddenNeurons = Annotated[int, Between(2, 10**6)]
CutShare = Annotated[float, Between(1e-6, 1 - 1e-6)]  # of the neurons, kept or cut
MeasurementShare = Annotated[float, Between(1e-9, 1)]  # m / N
Penalty = Annotated[float, Between(1e-300, 1e300)]  # λ
PenaltyShare = Annotated[float, Between(1e-12, 10**6)]  # λ / λ_max; from 1 on nothing is left
NullDraws = Annotated[int, Between(10, 10**6)]
DeviceName = Annotated[str, Matching(r"auto|cpu|cuda(:\d+)?", "auto, cpu or cuda")]


def check_fields(owner: Any) -> None:
    """Hold every field of a dataclass to its type, and its values, those in lists too, to the limits beside it.

    Numbers of NumPy and other libraries become Python's own, in place: JSON and checkpoints know no others.

    Raises
    ------
    TypeError or ValueError saying which field, what was expected and what came.
    """
    for name, (kind, limits) in _kinds(type(owner)).items():
        value = getattr(owner, name)
        check_type(name, value, kind)
        object.__setattr__(owner, name, _pythons_own(value))  # it is frozen, and not made yet
        for limit in limits:
            limit.check(name, list(_leaves(value)))


def _pythons_own(value: Any) -> Any:
    if isinstance(value, list):
        return [_pythons_own(each) for each in value]
    if isinstance(value, Real) and type(value) not in (bool, int, float):
        return int(value) if isinstance(value, Integral) else float(value)
    return value


@cache
def _kinds(owner: type) -> dict[str, tuple[Any, list[Any]]]:
    """Type and limits of every field."""
    limits = get_type_hints(owner, include_extras=True)
    return {name: (kind, list(dict.fromkeys(_limits(limits[name])))) for name, kind in get_type_hints(owner).items()}


def _limits(kind: Any) -> Iterator[Any]:
    """Limits anywhere in a type: of the elements of a list, of each side of a union."""
    if get_origin(kind) is Annotated:
        yield from kind.__metadata__
    for inner in get_args(kind):
        yield from _limits(inner)


def _leaves(value: Any) -> Iterator[Any]:
    """Value itself, or all in a list of lists; None has no limit."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, list):
            yield from _leaves(each)
        elif each is not None:
            yield each


def check_type(name: str, value: Any, kind: Any) -> None:
    """Refuse a value of another type: a whole number may stand for a float, text and True never for a number.

    Raises
    ------
    TypeError saying what was expected and what came.
    """
    if not _has_type(value, kind):
        hint = "; YAML reads 1e-4 as text: write 1.0e-4" if isinstance(value, str) and kind is float else ""
        came = type(value).__name__
        if isinstance(value, list):
            came += f" of {', '.join(sorted({type(element).__name__ for element in value})) or 'nothing'}"
        raise TypeError(f"{name} = {value!r}: expected {_words(kind)}, got {came}{hint}")


def _words(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        return " | ".join(map(_words, get_args(kind)))
    if get_origin(kind) is not None:
        return str(kind)
    return "None" if kind is type(None) else kind.__name__


def _has_type(value: Any, kind: Any) -> bool:
    if kind in (int, float):
        return isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return any(_has_type(value, option) for option in get_args(kind))
    if origin is list:
        (element,) = get_args(kind)
        return isinstance(value, list) and len(value) > 0 and all(_has_type(each, element) for each in value)
    return isinstance(value, origin or kind) and value != []


def check_as_many(owner: Any, *names: str) -> None:
    """Raises ValueError where lists of a dataclass that belong together, element by element, are not as long."""
    lengths = {name: len(getattr(owner, name)) for name in names}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{' and '.join(f'{n} {name}' for name, n in lengths.items())}: expected as many")


def check_names(name: str, values: Collection[str], known: Iterable[str]) -> None:
    """Raises ValueError for a value that is not known, or named twice."""
    unknown = [value for value in values if value not in known]
    if unknown:
        raise ValueError(f"{name} = {', '.join(map(str, unknown))} does not exist: expected {', '.join(known)}")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} = {', '.join(values)} names one twice")
