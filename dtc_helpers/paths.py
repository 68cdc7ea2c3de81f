"""Places of the project, and files that are written whole or not at all, under a name that nobody else uses."""

import errno
import hashlib
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

Kept = TypeVar("Kept")
PACKAGE = Path(__file__).resolve().parent
_COMPLETE, _LOCK = ".complete", ".writing.lock"
_PROBE_BYTES = 2**16  # that a disk must still take before long work begins


def project_root() -> Path:
    """Checkout that holds this package, and with it notebooks, data and results; if installed, the working directory.

    What else lies beside an installed package is not ours: a folder `notebooks` alone makes no checkout.
    """
    checkout = PACKAGE.parent
    is_checkout = (checkout / "pyproject.toml").is_file() and (checkout / "notebooks").is_dir()
    return checkout if is_checkout else Path.cwd()


def in_project(path: str | Path) -> Path:
    """Absolute path of what a person names: relative paths start at the project, wherever the process was started.

    Raises ValueError for the home folder (~) of somebody who has none.
    """
    try:
        return project_root() / Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"{path}: there is no such home folder") from None


Files = list[tuple[str, bytes]]  # name and content


def package_files() -> Files:
    """Every Python file of this package, sub-packages too, in a fixed order."""
    return [(path.relative_to(PACKAGE).as_posix(), path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))]


def code_hash(files: Files) -> str:
    """Hash of files with their names."""
    return hashlib.sha256(b"".join(name.encode() + content for name, content in files)).hexdigest()


class FolderInUseError(BlockingIOError):
    """Another process writes into the folder."""


class CannotWriteError(OSError):
    """Nothing can be written into the folder; `errno` is that of the system."""


def writable_folder(folder: str | Path, *, change: str = "folder") -> Path:
    """Folder that takes files, made where it is not there yet: asked before long work whose results go there.

    CannotWriteError says which folder takes none, why, and what to `change` to have another one, e.g. "results_dir".
    """
    folder = Path(folder)
    with _in_words(folder, change):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE_BYTES))
    return folder


@contextmanager
def _in_words(folder: Path, change: str = "folder") -> Iterator[None]:
    """Raise CannotWriteError where the system says less."""
    try:
        yield
    except (FolderInUseError, CannotWriteError):
        raise
    except OSError as error:
        why = ": ".join(str(part) for part in (error.strerror or error, error.filename2) if part)
        said = CannotWriteError(f"nothing can be written into {folder} ({why}): choose another {change}, or make room")
        said.errno = error.errno
        raise said from None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Temporary file that becomes `path` when the block ends well, and is gone when it does not.

    Raises CannotWriteError where nothing can be written there, or `path` is a folder.
    """
    with _incoming(path) as folder:
        _refuse_folder(path)
        yield folder / path.name
        (folder / path.name).replace(path)


def _refuse_folder(path: Path) -> None:
    """Raises CannotWriteError where a file is to be put, and a folder is."""
    if path.is_dir():
        with _in_words(path, "file"):
            raise OSError(errno.EISDIR, "it is a folder")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Temporary folder that becomes `path`, in place of an older one, when the block ends well."""
    with _incoming(path) as folder:
        temporary = folder / path.name
        temporary.mkdir()
        yield temporary
        while temporary.exists():  # again where another process put one there in between: the last stays
            shutil.rmtree(path, ignore_errors=True)
            try:
                temporary.rename(path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise


@contextmanager
def _incoming(path: Path) -> Iterator[Path]:
    """Folder of our own beside `path`, under a lock that ends with this process: what others left behind is removed."""
    folder = path.parent / f".incoming-{uuid.uuid4().hex}"
    with _in_words(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        for lock in path.parent.glob(".incoming-*.lock"):
            with suppress(Timeout), FileLock(lock, blocking=False):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)
        with FileLock(folder.with_suffix(".lock")) as lock:
            try:
                folder.mkdir()
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)


@contextmanager
def only_writer(folder: Path, *, wait_seconds: float = 0, change: str = "results_dir") -> Iterator[None]:
    """Folder, made where it is not there yet, into which no other process writes until the block ends.

    Raises FolderInUseError where another one does, after waiting for so long; CannotWriteError where nobody can.
    """
    writable_folder(folder, change=change)
    # one lock a process and folder, so that a run that holds it can write its results
    lock = FileLock(folder / _LOCK, is_singleton=True)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise FolderInUseError(
            f"another run writes into {folder}: wait until it ends, or choose another {change}"
        ) from None
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            (folder / _LOCK).unlink(missing_ok=True)
        lock.release()


@contextmanager
def whole_files(folder: Path, *, change: str = "results_dir") -> Iterator[Path]:
    """Temporary folder whose files take the places of those in `folder` together: readers find all old or all new ones.

    They count from the one renaming of their folder on; `read_together` moves them, also after a process that was
    killed. One process at a time: another one waits for ten seconds, and is refused then.
    """
    with only_writer(folder, wait_seconds=10, change=change):
        _finish(folder)
        with whole_folder(folder / _COMPLETE) as temporary:
            yield temporary
            for path in temporary.iterdir():
                _refuse_folder(folder / path.name)
        _finish(folder)


def read_together(folder: Path, names: Sequence[str], read: Callable[[], Kept]) -> Kept:
    """Value that `read` makes of files of a folder that `whole_files` wrote: of all old ones or all new ones.

    Complete new files are moved to their places first, also those of a process that was killed while it did so.

    Parameters
    ----------
    names : of the files; where one was replaced while `read` went on, it reads again.
    """
    paths = [folder / name for name in (*names, _COMPLETE)]
    while True:
        before = [_mark(path) for path in paths]
        if (folder / _COMPLETE).is_dir():
            with suppress(FolderInUseError), only_writer(folder):
                _finish(folder)
            time.sleep(0.01)  # where another process does it
            continue
        try:
            found = read()
        except Exception:
            if [_mark(path) for path in paths] == before:
                raise
            continue
        if [_mark(path) for path in paths] == before:
            return found


def _mark(path: Path) -> tuple[int, int] | None:
    """Number and time of a file, which tell it from another one of its name; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _finish(folder: Path) -> None:
    """Move complete new files to their places; for the only writer."""
    complete = folder / _COMPLETE
    if complete.is_dir():
        for path in complete.iterdir():
            path.replace(folder / path.name)
        complete.rmdir()


def write_json(value: Any, path: Path) -> None:
    """Write a value as people read it, two blanks a level."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
