"""papermill that never outlives the process that started it: python -m dtc_helpers.sweeps.guarded_papermill ARGUMENTS.

Its standard input is a pipe that the starter holds and never writes to. The pipe ends when the starter does, also by
kill -9, and then papermill, the kernel and the folder of the point go too.
"""

import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

POINT_FOLDER_PREFIX = "dtc-point-"


def main() -> None:
    """Run papermill's command line; its exit code is the exit code of this process."""
    threading.Thread(target=_leave_with_starter, daemon=True).start()
    # jsonschema would take a second to build a grammar of web addresses, if this package could be found
    sys.modules["rfc3987_syntax"] = None  # pyright: ignore[reportArgumentType]
    from papermill.cli import papermill  # takes another second: the thread must watch by then
    from papermill.engines import NBClientEngine, papermill_engines
    from traitlets.config import Config

    class SocketFileEngine(NBClientEngine):
        """Kernel behind socket files in the current folder: kernels that start together may pick the same TCP port."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: Any, **others: Any) -> Any:
            kernel = Config({"KernelManager": {"transport": "ipc", "ip": "kernel"}})
            return super().execute_managed_notebook(nb_man, kernel_name, config=kernel, **others)

    papermill_engines.register(None, SocketFileEngine)  # None: where no engine is named
    papermill()


def _leave_with_starter() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock would make Python complain when it ends while a thread waits in it
    for child in psutil.Process().children(recursive=True):
        child.kill()
    if Path.cwd().name.startswith(POINT_FOLDER_PREFIX):  # never the folder of somebody who tries this by hand
        shutil.rmtree(Path.cwd(), ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
