"""Parts of a long computation: each finished one is kept, and taken over after an interruption."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from dtc_helpers.runs.damage import DamagedError

Kept = TypeVar("Kept")


def kept(
    path: Path, *, make: Callable[[], Kept], write: Callable[[Kept, Path], None], read: Callable[[Path], Kept]
) -> Kept:
    """Part of a long computation: made and written where it is not there yet, read where it is.

    Its file or folder, whose name tells apart what would give another part, is written whole or not at all; what made a
    table `.csv` is the `.json` beside it. One that is damaged is set aside, two folders up, which is told.
    """
    if path.exists():
        try:
            return read(path)
        except (DamagedError, FileNotFoundError) as error:  # also one of which a file is gone
            what = str(error).rpartition(": ")[0] or error  # the remedy is for whoever reads results, not parts
            print(f"{what}: it is kept as {_set_aside(path)}, and made again", flush=True)  # noqa: T201
    write(make(), path)
    return read(path)


def _set_aside(path: Path) -> Path:
    """Move a damaged part to a name that is free, and what belongs to it; another process may have done so."""
    names = (path.parent.parent / f"damaged {number} {path.name}" for number in itertools.count(1))
    place = next(name for name in names if not name.exists())
    for suffix in dict.fromkeys((path.suffix, ".json")):
        with suppress(FileNotFoundError):
            path.with_suffix(suffix).rename(place.with_suffix(suffix))
    return place
