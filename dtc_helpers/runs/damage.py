"""Files that are not as they were written: named, with a remedy; a damaged part of a long computation is made again."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

Kept = TypeVar("Kept")
_MOST_WORDS = 200  # characters of what another library says


class DamagedError(ValueError):
    """A file that does not hold what was written into it."""


@contextmanager
def damage_named(path: Path, remedy: str) -> Iterator[None]:
    """Raise DamagedError, which names the file and the remedy, for whatever reading the file leads to."""
    try:
        yield
    except DamagedError:
        raise
    except FileNotFoundError:
        raise DamagedError(f"{path} is missing: {remedy}") from None
    except Exception as error:  # of pandas, numpy, zipfile, zlib, json: a damaged file leads to anything
        why = " ".join(str(error).split())[:_MOST_WORDS] or type(error).__name__
        raise DamagedError(f"{path} is damaged ({why}): {remedy}") from None


def read_json(path: Path, *, remedy: str) -> dict[str, Any]:
    """Mapping that `paths.write_json` wrote.

    Raises
    ------
    DamagedError where the file holds none.
    """
    with damage_named(path, remedy):
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise TypeError(f"{type(value).__name__} instead of names with values")
    return value


def kept(
    path: Path, *, make: Callable[[], Kept], write: Callable[[Kept, Path], None], read: Callable[[Path], Kept]
) -> Kept:
    """Part of a long computation: made and written where it is not there yet, read where it is.

    A part that is damaged is set aside, two folders up, which is told, and made again.

    Parameters
    ----------
    path : file or folder of the part, written whole or not at all; its name tells apart what would give another one.
        What made a table `.csv` is the `.json` beside it.
    """
    if path.exists():
        try:
            return read(path)
        except DamagedError as error:
            print(f"{error}; it is kept as {_set_aside(path)}, and made again", flush=True)  # noqa: T201
    write(make(), path)
    return read(path)


def _set_aside(path: Path) -> Path:
    """Move a damaged part to a name that is free, and what belongs to it."""
    for number in itertools.count(1):
        place = path.parent.parent / f"damaged {number} {path.name}"
        if not place.exists():
            break
    for own in {path, path.with_suffix(".json")}:
        if own.exists():
            own.rename(place if own == path else place.with_suffix(".json"))
    return place
