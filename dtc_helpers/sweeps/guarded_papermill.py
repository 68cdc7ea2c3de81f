"""papermill that never outlives the process that started it: python -m dtc_helpers.sweeps.guarded_papermill ARGUMENTS.

Its standard input is a pipe that the starter holds and never writes to. The pipe ends when the starter does, also by
kill -9, and then papermill, the kernel and the folder of the point go too.
"""

import os
import shutil
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import psutil

POINT_FOLDER_PREFIX = "dtc-point-"
# Checks of web addresses and durations, notebooks in clouds, kernels of IPython 2: papermill goes on without them, and
# importing them would take longer than all the rest of it.
_NOT_NEEDED = (
    "rfc3987_syntax", "rfc3986_validator", "isoduration", "boto3", "azure", "gcsfs", "pyarrow", "github", "IPython",
)  # fmt: skip


def main() -> None:
    """Run papermill's command line; its exit code is the exit code of this process."""
    threading.Thread(target=_leave_with_starter, daemon=True).start()
    _spare_imports()
    from papermill.cli import papermill  # takes a while: the thread must watch by then
    from papermill.engines import NBClientEngine, papermill_engines
    from traitlets.config import Config

    class SocketFileEngine(NBClientEngine):
        """Kernel behind socket files in the current folder: kernels that start together may pick the same TCP port."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: Any, **others: Any) -> Any:
            config = Config({"KernelManager": {"transport": "ipc", "ip": "kernel"}})
            return super().execute_managed_notebook(nb_man, kernel_name, config=config, **others)

    papermill_engines.register(None, SocketFileEngine)  # None: where no engine is named
    try:
        papermill()
    except SystemExit as end:
        if end.code == 0:
            _leave_at_once()
        raise


def _spare_imports() -> None:
    """Hide packages that papermill imports, finds or asks, and that a notebook in a folder has no use for."""
    sys.modules.update(dict.fromkeys(_NOT_NEEDED))  # pyright: ignore[reportArgumentType, reportCallIssue]
    sys.modules["requests"] = ModuleType("requests")  # for notebooks on the web
    sys.modules["entrypoints"] = entrypoints = ModuleType("entrypoints")  # for engines of other packages
    vars(entrypoints)["get_group_all"] = lambda group: []  # noqa: ARG005


def _leave_at_once() -> NoReturn:
    """End without taking Python apart, which would take 0.1 s: notebook and log are written, the kernel has ended."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _leave_with_starter() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock would make Python complain when it ends while a thread waits in it
    for child in psutil.Process().children(recursive=True):
        child.kill()
    if Path.cwd().name.startswith(POINT_FOLDER_PREFIX):  # never the folder of somebody who tries this by hand
        shutil.rmtree(Path.cwd(), ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
