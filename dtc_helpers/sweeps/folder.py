"""The folder of a sweep: `<key>/` for every point that is done, written whole or not at all.

::

    <key>/         notebook.ipynb  log.txt  result.json  results/  figures/    a point that is done
    failed/<key>/  the same of the last attempt of a point that is not
    .incoming-…    being written; never read
    .locks/<key>   held while somebody executes the point
"""

import errno
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from dtc_helpers.paths import whole_folder, write_json
from dtc_helpers.sweeps.point import MOST_BYTES

RECORD = "result.json"


class SweepFolder:
    """Results of points by their keys."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def record(self, key: str) -> dict[str, Any] | None:
        """The `result.json` of a point that is done; None for any other. Raises ValueError where it is damaged."""
        return _read(self.path / key / RECORD)

    def failure(self, key: str) -> dict[str, Any] | None:
        """The `result.json` of the last attempt of a point that failed; None where there is none."""
        return _read(self.path / "failed" / key / RECORD)

    def done(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Folder and record of every point that is done, by key."""
        for path in sorted(self.path.glob(f"[!.]*/{RECORD}")):
            if record := _read(path):  # deleted meanwhile, to run the point anew
                yield path.parent, record

    def try_lock(self, key: str) -> BaseFileLock | None:
        """Lock of a point, held until it is released; None while another holds it.

        The kernel lets go of it when this process ends, however it ends, so no lock is ever stale.
        """
        locks = self.path / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / key, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            return None
        return lock

    def write(self, key: str, record: dict[str, Any], archive: bytes | None) -> None:
        """Store an attempt, under `failed/` if the record has an error. The caller holds the lock of the point.

        Raises OSError if it is too large, or cannot be written, and nothing of it is left then.
        """
        done, failed = self.path / key, self.path / "failed" / key
        with whole_folder(failed if record["error"] else done) as folder:
            if archive is not None:  # None where no worker came back with one
                with zipfile.ZipFile(io.BytesIO(archive)) as files:
                    if (size := sum(file.file_size for file in files.infolist())) > MOST_BYTES:
                        raise OSError(errno.EFBIG, f"what came back has {size:,} bytes, more than {MOST_BYTES:,}")
                    files.extractall(folder)
            write_json(record, folder / RECORD)
            shutil.rmtree(failed, ignore_errors=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, RecursionError) as error:
        record = error
    if not isinstance(record, dict) or "error" not in record:
        raise ValueError(f"{path} is damaged or no record of a point: delete it to have the point run anew")
    return record
