"""Files that are not as they were written: named, with a remedy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    """Mapping that `paths.write_json` wrote; DamagedError where the file holds none."""
    with damage_named(path, remedy):
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise TypeError(f"{type(value).__name__} instead of names with values")
    return value
