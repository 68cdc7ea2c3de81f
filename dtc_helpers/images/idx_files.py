"""The IDX files of MNIST and its siblings: found in any usual layout, checked, read, or downloaded by torchvision."""

import gzip
import hashlib
import math
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dtc_helpers.paths import in_project, project_root

DOWNLOAD_PATIENCE_SECONDS = 15

IDX_SHAPES = {
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
}
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_SHOWN = 6  # names of files in an error


class DatasetNotFoundError(FileNotFoundError):
    """The images are nowhere on this machine and could not be downloaded."""


def _data_folders() -> list[Path]:
    given = os.environ.get("DTC_DATA_DIR")
    return [*([in_project(given)] if given else []), project_root() / "data"]


def find_or_download(torchvision_class: str) -> Path:
    """Folder that holds the IDX files of a set: below DTC_DATA_DIR, then `data` of the project, then a download to it.

    Raises
    ------
    DatasetNotFoundError if the files are nowhere and the download fails or stalls.
    """
    return find_folder(torchvision_class) or _download(torchvision_class)


def find_folder(torchvision_class: str) -> Path | None:
    """First folder that holds any file of the set; whether all are there and whole is checked when they are read.

    Below a data folder that is MNIST/raw, as torchvision has it, or MNIST, however it is spelt. For MNIST, whose files
    are known by their checksums, also raw or the data folder itself.
    """
    places = [place for root in _data_folders() for place in _places(root, torchvision_class)]
    return next((place for place in places if idx_paths(place)), None)


def _places(root: Path, torchvision_class: str) -> Iterator[Path]:
    """Folders that may hold a set, torchvision's first."""
    yield root / torchvision_class / "raw"
    for folder in sorted(folder for folder in root.glob("*") if _is_named(folder, torchvision_class)):
        yield from (folder / "raw", folder)
    if torchvision_class == "MNIST" or _is_named(root, torchvision_class) or _is_named(root.parent, torchvision_class):
        yield from (root / "raw", root)


def _is_named(folder: Path, torchvision_class: str) -> bool:
    return "".join(filter(str.isalnum, folder.name)).lower() == torchvision_class.lower()


def idx_paths(folder: Path) -> dict[str, Path]:
    """Files of a set that a folder holds, by their usual names: also with a dot (train-images.idx3-ubyte), or .gz."""
    found = {}
    for name in IDX_SHAPES:
        stem, _, kind = name.rpartition("-idx")
        spellings = (name, f"{stem}.idx{kind}")
        paths = [folder / f"{spelling}{ending}" for ending in ("", ".gz") for spelling in spellings]
        if path := next((path for path in paths if path.is_file()), None):
            found[name] = path
    return found


def files_sha256(folder: Path) -> str:
    """One SHA-256 over those of the four IDX files that are there, in the order of their names."""
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for _, path in sorted(idx_paths(folder).items())]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def read_idx_files(folder: Path, sha256: dict[str, str]) -> dict[str, np.ndarray]:
    """Pixels and labels of the four files of a set, uint8, by the usual names of the files.

    Parameters
    ----------
    folder : holds the four IDX files, compressed or not.
    sha256 : checksums of the uncompressed files by name; without one a file is only held to its header, its length
        and labels from 0 to 9, and must not be MNIST's.

    Raises
    ------
    ValueError naming a file that is missing, truncated, damaged or another one, with the remedy.
    """
    paths = idx_paths(folder)
    remedy = "copy it from a whole set, or delete the files of the set there to have them downloaded anew"
    if not paths:
        raise ValueError(f"{folder} holds none of the files {', '.join(IDX_SHAPES)}: copy them from a whole set")
    if missing := [name for name in IDX_SHAPES if name not in paths]:
        there = f"other files of the set are there ({', '.join(path.name for path in paths.values())})"
        raise ValueError(f"{folder / missing[0]} is missing, though {there}: {remedy}")
    arrays = {}
    for name, path in paths.items():
        try:
            content = _uncompressed(path, _header_bytes(name) + math.prod(IDX_SHAPES[name]))
            arrays[name] = _checked(content, name)
            _check_sum(content, name, sha256)
        except ValueError as error:
            raise ValueError(f"{path} {error}: {remedy}") from None
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} cannot be read ({error}): {remedy}") from None
    return arrays


def _uncompressed(path: Path, n_bytes: int) -> bytes:
    """Content of a file, compressed or not, whatever its name says; one byte more than expected where it is longer."""
    with path.open("rb") as file:
        is_compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        return (gzip.GzipFile(fileobj=file) if is_compressed else file).read(n_bytes + 1)


def _header_bytes(name: str) -> int:
    return 4 * (1 + len(IDX_SHAPES[name]))


def _checked(content: bytes, name: str) -> np.ndarray:
    """Array of an IDX file: a number for its type and axes, the length of each axis, then the values."""
    shape, n_header = IDX_SHAPES[name], _header_bytes(name)
    header = np.frombuffer(content[:n_header].ljust(n_header, b"\0"), ">u4").tolist()
    if header != (expected := [0x800 + len(shape), *shape]):
        raise ValueError(f"begins with {header}, expected {expected}{_instead(header)}")
    if len(content) != n_header + math.prod(shape):
        more = "more than" if len(content) > n_header + math.prod(shape) else f"{len(content):,} bytes instead of"
        raise ValueError(f"has {more} {n_header + math.prod(shape):,} bytes")
    values = np.frombuffer(content, np.uint8, offset=n_header).reshape(shape)
    if len(shape) == 1 and values.max() > 9:
        raise ValueError(f"has the label {values.max()}: labels go from 0 to 9")
    return values


def _instead(header: list[int]) -> str:
    """Words on another file of a set that has such a beginning; none where none has."""
    others = [name for name, shape in IDX_SHAPES.items() if header[: 1 + len(shape)] == [0x800 + len(shape), *shape]]
    return f", as {others[0]} does: are files mixed up?" if others else ""


def _check_sum(content: bytes, name: str, sha256: dict[str, str]) -> None:
    found = hashlib.sha256(content).hexdigest()
    if name in sha256 and found != sha256[name]:
        raise ValueError(f"is damaged or of another set (its SHA-256 is not {sha256[name][:12]}…)")
    if name not in sha256 and found == MNIST_SHA256[name]:
        raise ValueError("is the file of MNIST, not of this set")


def _described(folder: Path) -> str:
    """A data folder and what is in it, for an error."""
    names = sorted(path.name for path in folder.glob("*"))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    holds = f"holds {', '.join(names[:_SHOWN])}{more}" if names else "is empty" if folder.is_dir() else "is no folder"
    return f"{folder}, which {holds}"


def _download(torchvision_class: str) -> Path:
    """Let torchvision download in a process of its own, so that a network that never answers can be given up."""
    root, raw = project_root() / "data", Path(torchvision_class) / "raw"
    try:
        root.mkdir(parents=True, exist_ok=True)
        incoming = tempfile.TemporaryDirectory(prefix=".incoming-", dir=root)  # what is left there is no dataset
    except OSError as error:
        raise _not_found(torchvision_class, f"cannot be downloaded there ({error.strerror})") from None
    with incoming as folder:
        code = f"import torchvision; torchvision.datasets.{torchvision_class}({folder!r}, download=True)"
        silent = subprocess.DEVNULL
        with subprocess.Popen([sys.executable, "-c", code], stdout=silent, stderr=silent) as process:
            try:
                _wait_while_files_grow(process, Path(folder))
            finally:
                process.kill()
        complete = process.returncode == 0 and all((folder / raw / name).is_file() for name in IDX_SHAPES)
        if complete:
            _put(folder / raw, root / raw)
    if not complete:
        raise _not_found(torchvision_class, "the download failed")
    return root / raw


def _put(made: Path, place: Path) -> None:
    """Put the files of a set in their place, all at once where nothing else is there."""
    for archive in set(made.iterdir()) - {made / name for name in IDX_SHAPES}:
        archive.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.replace(place)
    except OSError:  # something is there, of another process or another kind
        for name in IDX_SHAPES:
            (made / name).replace(place / name)


def _not_found(torchvision_class: str, why: str) -> DatasetNotFoundError:
    given = os.environ.get("DTC_DATA_DIR")
    named = _described(in_project(given)) if given else "not set"
    root, (first, *_) = project_root() / "data", IDX_SHAPES
    return DatasetNotFoundError(
        f"{torchvision_class} is neither in DTC_DATA_DIR ({named}) nor in {_described(root)}, and {why}: put its four "
        f"IDX files ({first}, …, also as .gz) into {root / torchvision_class / 'raw'}, "
        "or use dataset='digits', which needs no network"
    )


def _wait_while_files_grow(process: subprocess.Popen, folder: Path) -> None:
    downloaded_bytes, last_growth = -1, time.monotonic()
    while process.poll() is None and time.monotonic() - last_growth < DOWNLOAD_PATIENCE_SECONDS:
        time.sleep(0.2)
        now_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if now_bytes > downloaded_bytes:
            downloaded_bytes, last_growth = now_bytes, time.monotonic()
