"""The folder with the IDX files of MNIST and its siblings: found in any usual layout, or downloaded by torchvision."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dtc_helpers.images.idx_files import IDX_SHAPES, idx_paths
from dtc_helpers.paths import in_project, project_root

DOWNLOAD_PATIENCE_SECONDS = 15
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
