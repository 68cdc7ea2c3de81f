"""The four IDX files of MNIST and its siblings: their usual names, checked and read."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np

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
