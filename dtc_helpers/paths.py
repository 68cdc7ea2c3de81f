"""Where the project is, and how a file is written: whole or not at all, under a name that nobody else uses."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

Kept = TypeVar("Kept")
PACKAGE = Path(__file__).resolve().parent
_COMPLETE = ".complete"


def project_root() -> Path:
    """Checkout that holds this package, and with it notebooks, data and results; if installed, the working directory.

    What else lies beside an installed package is not ours: a folder `notebooks` alone makes no checkout.
    """
    checkout = PACKAGE.parent
    is_checkout = (checkout / "pyproject.toml").is_file() and (checkout / "notebooks").is_dir()
    return checkout if is_checkout else Path.cwd()


def in_project(path: str | Path) -> Path:
    """Absolute path of what a person names: relative paths start at the project, wherever the process was started."""
    return project_root() / Path(path).expanduser()


def package_files() -> list[tuple[str, bytes]]:
    """Name and content of every Python file of this package, sub-packages too, in a fixed order."""
    return [(path.relative_to(PACKAGE).as_posix(), path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))]


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Temporary file that becomes `path` when the block ends well, and is gone when it does not."""
    with _incoming(path) as folder:
        yield folder / path.name
        (folder / path.name).replace(path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Temporary folder that becomes `path`, in place of an older one, when the block ends well."""
    with _incoming(path) as folder:
        temporary = folder / path.name
        temporary.mkdir()
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        temporary.rename(path)


@contextmanager
def _incoming(path: Path) -> Iterator[Path]:
    """Folder of our own beside `path`, under a lock that ends with this process: what others left behind is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for lock in path.parent.glob(".incoming-*.lock"):
        with suppress(Timeout), FileLock(lock, blocking=False):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
    folder = path.parent / f".incoming-{uuid.uuid4().hex}"
    with FileLock(folder.with_suffix(".lock")) as lock:
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.lock_file).unlink(missing_ok=True)


@contextmanager
def whole_files(folder: Path) -> Iterator[Path]:
    """Temporary folder whose files take the places of those in `folder` together: readers find all old or all new ones.

    They count from the one renaming of their folder on; `finish` moves them, also after a process that was killed.
    """
    finish(folder)
    with whole_folder(folder / _COMPLETE) as temporary:
        yield temporary
    finish(folder)


def finish(folder: Path) -> None:
    """Move complete new files to their places, also those of a process that was killed while it did so."""
    complete = folder / _COMPLETE
    if complete.is_dir():
        for path in complete.iterdir():
            path.replace(folder / path.name)
        complete.rmdir()


def write_json(value: Any, path: Path) -> None:
    """Write a value as people read it, two blanks a level."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def kept(
    path: Path, *, make: Callable[[], Kept], write: Callable[[Kept, Path], None], read: Callable[[Path], Kept]
) -> Kept:
    """Part of a long computation: made and written where it is not there yet, read where it is.

    Parameters
    ----------
    path : file or folder of the part, written whole or not at all; its name tells apart what would give another one.
    """
    if not path.exists():
        write(make(), path)
    return read(path)
