"""Parts of a long computation: each finished one is kept, and taken over after an interruption."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dtc_helpers.runs.damage import DamagedError

Kept = TypeVar("Kept")


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
