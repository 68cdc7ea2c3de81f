"""How long the commands of the README take on a fresh clone: python -m benchmarks.commands.

They are run one after the other, as a newcomer would, in a folder that goes away. Nothing else should run meanwhile.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.environment import gigabytes
from dtc_helpers.paths import project_root

COMMANDS = ("make install", "make reproduce", "make reproduce DATASET=digits", "make test")


def words(seconds: float) -> str:
    """Minutes and seconds as the README has them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def timed(command: str, folder: Path) -> tuple[float, str]:
    """Seconds of a command and what it printed.

    Raises
    ------
    SystemExit with its last lines, if it fails.
    """
    started = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CI")}
    ran = subprocess.run(command.split(), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{command} failed:\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}")
    return time.perf_counter() - started, ran.stdout


def details(command: str, folder: Path, printed: str) -> str:
    """What else a command shows: size of the environment, memory and training time, parts of the tests."""
    if command == "make install":
        return f"environment {gigabytes(folder / '.venv'):.1f} GB"
    if "reproduce" in command:
        run = json.loads((folder / "results" / "run.json").read_text())
        each = run["wall_seconds"] / len(run["parameters"]["readings"])
        return f"{run['peak_memory_gb']:.1f} GB of memory; the methods take {each:.0f} s a reading"
    unit, notebooks = (float(seconds) for seconds in re.findall(r" in ([\d.]+)s", printed))
    return f"unit tests {words(unit)}, notebooks {words(notebooks)}"


def main() -> None:
    """Clone, run, print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(project_root()), str(folder)], check=True)
        print(f"machine: {platform.system()} {platform.machine()}, {os.cpu_count()} cores; a fresh clone")
        for command in COMMANDS:
            seconds, printed = timed(command, folder)
            print(f"{command}: {words(seconds)}; {details(command, folder, printed)}", flush=True)


if __name__ == "__main__":
    main()
