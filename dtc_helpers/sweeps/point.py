"""One point of a sweep, where a Dask worker executes it: one papermill process in a folder that is gone afterwards.

The scheduler carries this module to the worker as it stands, so it imports nothing of the package; the package itself
travels in the job.
"""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import psutil
import yaml
from distributed import Worker, get_worker

MOST_BYTES = 2 * 10**9  # of what a point sends back, unpacked
LOG, NOTEBOOK = "log.txt", "notebook.ipynb"
RESULTS_DIR, FIGURES_DIR = "results", "figures"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
_LOOK_EVERY_SECONDS = 0.1
_INPUT, _PARAMETERS = "input.ipynb", "parameters.yaml"


def run_point(job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Execute a notebook with its parameters, and give all that it wrote; OSError without room for a temporary folder.

    Parameters
    ----------
    job : notebook (text of the ipynb file), package (zip of the helper package), parameters, threads (of the kernel),
        time_out (seconds or None), data_dir (folder of the images on the caller's disk, or None), result_file
        (that the notebook must leave in its results, or None).

    Returns
    -------
    record : error (None if all went well), exit_code (of papermill), seconds, threads, host.
    archive : zip of the executed notebook, its results and figures, and the log.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dtc-point-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _lay_out(folder, job)
        exit_code, stopped = _execute(folder, job)
        record = {
            "error": stopped
            or _failure(folder, exit_code)
            or _missing_result(folder, job["result_file"])
            or _too_large(folder),
            "exit_code": exit_code,
            "seconds": round(time.monotonic() - started, 2),
            "threads": job["threads"],
            "host": socket.gethostname(),
        }
        return record, _packed(folder)


def _lay_out(folder: Path, job: dict[str, Any]) -> None:
    with zipfile.ZipFile(io.BytesIO(job["package"])) as package:
        package.extractall(folder)
    (folder / _INPUT).write_text(job["notebook"], encoding="utf-8")
    # YAML and not JSON: papermill reads YAML, to which the 1e-05 of JSON is text
    (folder / _PARAMETERS).write_text(yaml.safe_dump(job["parameters"]), encoding="utf-8")


def _execute(folder: Path, job: dict[str, Any]) -> tuple[int, str | None]:
    """Exit code of papermill, and why it was stopped, if it was."""
    command = ["-m", "dtc_helpers.sweeps.guarded_papermill", _INPUT, NOTEBOOK, "-f", _PARAMETERS]
    with (
        (folder / LOG).open("wb") as log,
        subprocess.Popen(
            [sys.executable, *command, "--no-progress-bar", "--log-output"],
            cwd=folder,
            env=_environment(folder, job),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the caller's terminal is the caller's to handle
        ) as process,
    ):
        try:
            stopped = _wait(process, job["time_out"])
        finally:
            _kill_tree(process)
    return process.returncode, stopped


def _environment(folder: Path, job: dict[str, Any]) -> dict[str, str]:
    """Threads, the package that travelled along, and the caller's images if its disk is also here."""
    threads = dict.fromkeys(THREAD_VARIABLES, str(job["threads"]))
    # TMPDIR: what the kernel leaves in temporary files goes with the folder
    environment = {**os.environ, **threads, "PYTHONPATH": str(folder), "TMPDIR": str(folder)}
    if (given := job["data_dir"]) and Path(given).is_dir():
        environment["DTC_DATA_DIR"] = given
    elif own := os.environ.get("DTC_DATA_DIR"):
        environment["DTC_DATA_DIR"] = str(Path(own).expanduser().absolute())
    return environment


def _wait(process: subprocess.Popen, time_out: float | None) -> str | None:
    """Wait until papermill ends, or until the time is over or nobody wants the point any more: then say so."""
    worker = get_worker()
    key = worker.get_current_task()
    started = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_EVERY_SECONDS)
            return None
        if time_out is not None and time.monotonic() - started > time_out:
            return f"time-out: not done after {time_out:g} s"
        if not _is_wanted(worker, key):
            return "cancelled"


def _is_wanted(worker: Worker, key: Any) -> bool:
    """Whether the caller still waits: the thread of a task runs on when it is cancelled or the caller dies."""
    task = worker.state.tasks.get(key)
    is_closing = worker.status.name in ("closing", "closed", "failed")
    return not is_closing and task is not None and task.state == "executing"


def _kill_tree(process: subprocess.Popen) -> None:
    """Kill papermill and its kernel, which leads a process group of its own."""
    if process.poll() is not None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()


def _failure(folder: Path, exit_code: int) -> str | None:
    if exit_code == 0:
        return None
    lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing in the log")
    return f"papermill exited with {exit_code}: {last}"


def _missing_result(folder: Path, result_file: str | None) -> str | None:
    if result_file is None:
        return None
    path = folder / RESULTS_DIR / result_file
    if not path.is_file() or path.stat().st_size == 0:
        return f"papermill exited with 0, but the notebook left no {RESULTS_DIR}/{result_file}"
    if path.suffix == ".json":
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            return f"{RESULTS_DIR}/{result_file} is not JSON: {error}"
    return None


def _too_large(folder: Path) -> str | None:
    size = sum(path.stat().st_size for path in _left(folder))
    return None if size <= MOST_BYTES else f"the notebook left {size:,} bytes, more than the {MOST_BYTES:,} sent back"


def _packed(folder: Path) -> bytes:
    """Zip of what the notebook wrote, without what travelled here and without a download of images."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [] if _too_large(folder) else _left(folder):
            archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def _left(folder: Path) -> list[Path]:
    left = (NOTEBOOK, LOG, RESULTS_DIR, FIGURES_DIR)
    found = [path for path in sorted(folder.rglob("*")) if path.relative_to(folder).parts[0] in left]
    return [path for path in found if path.is_file() or path.is_dir()]  # no pipe, which would be read for ever
