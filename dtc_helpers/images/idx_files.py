"""The IDX files of MNIST and its siblings: found, checked, or downloaded by torchvision."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from dtc_helpers.paths import in_project, project_root

DOWNLOAD_PATIENCE_SECONDS = 15

IDX_BYTES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class DatasetNotFoundError(FileNotFoundError):
    """The images are nowhere on this machine and could not be downloaded."""


def _data_folders() -> list[Path]:
    given = os.environ.get("DTC_DATA_DIR")
    return [*([in_project(given)] if given else []), project_root() / "data"]


def find_or_download(torchvision_class: str) -> Path:
    """Folder to give to torchvision as `root`: DTC_DATA_DIR, then `data` of the project, then a download to it.

    Raises
    ------
    DatasetNotFoundError if the files are nowhere and the download fails or stalls.
    """
    return find_root(torchvision_class) or _download(torchvision_class)


def find_root(torchvision_class: str) -> Path | None:
    """First data folder that holds any file of the set; whether all are there and whole is checked later."""
    raw = Path(torchvision_class) / "raw"
    return next((root for root in _data_folders() if any((root / raw / f).is_file() for f in IDX_BYTES)), None)


def files_sha256(raw_folder: Path) -> str:
    """One SHA-256 over those of the four IDX files that are there, in the order of their names."""
    paths = [raw_folder / name for name in sorted(IDX_BYTES) if (raw_folder / name).is_file()]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def check_idx_files(raw_folder: Path, sha256: dict[str, str]) -> None:
    """Refuse files that are missing, truncated or damaged, by name and with the remedy.

    Parameters
    ----------
    raw_folder : holds the four uncompressed IDX files.
    sha256 : checksums by file name; only the size is checked for a file without one.

    Raises
    ------
    ValueError naming the file.
    """
    remedy = f"delete {raw_folder} to have it downloaded anew, or copy the file from a whole set"
    for file_name, expected_bytes in IDX_BYTES.items():
        path = raw_folder / file_name
        if not path.is_file():
            raise ValueError(f"{path} is missing, though other files of the set are there: {remedy}")
        if path.stat().st_size != expected_bytes:
            raise ValueError(f"{path} has {path.stat().st_size} bytes, expected {expected_bytes}: {remedy}")
        if file_name in sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256[file_name]:
            raise ValueError(f"{path} is damaged (its SHA-256 is not {sha256[file_name][:12]}…): {remedy}")


def _download(torchvision_class: str) -> Path:
    """Let torchvision download in a process of its own, so that a network that never answers can be given up."""
    root = project_root() / "data"
    incoming = root / ".incoming"  # what a stalled download leaves is never taken for a dataset
    incoming.mkdir(parents=True, exist_ok=True)
    code = f"import torchvision; torchvision.datasets.{torchvision_class}({str(incoming)!r}, download=True)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_while_files_grow(process, incoming)
        finally:
            process.kill()
    raw = Path(torchvision_class) / "raw"
    complete = process.returncode == 0 and all((incoming / raw / name).is_file() for name in IDX_BYTES)
    if complete:
        (root / raw).mkdir(parents=True, exist_ok=True)
        for name in IDX_BYTES:
            (incoming / raw / name).replace(root / raw / name)
    shutil.rmtree(incoming)
    if not complete:
        raise DatasetNotFoundError(
            f"{torchvision_class} is neither in DTC_DATA_DIR ({os.environ.get('DTC_DATA_DIR', 'not set')}) "
            f"nor in {root}, and the download failed: put its four IDX files into {root / raw}, "
            "or use dataset='digits', which needs no network"
        )
    return root


def _wait_while_files_grow(process: subprocess.Popen, folder: Path) -> None:
    downloaded_bytes, last_growth = -1, time.monotonic()
    while process.poll() is None and time.monotonic() - last_growth < DOWNLOAD_PATIENCE_SECONDS:
        time.sleep(0.2)
        now_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if now_bytes > downloaded_bytes:
            downloaded_bytes, last_growth = now_bytes, time.monotonic()
