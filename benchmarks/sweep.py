"""What a sweep costs beside the notebook's own time, and whether its memory grows.

A notebook that does next to nothing is executed on many points by two kernels at once. Usage:
python -m benchmarks.sweep [POINTS]
"""

import resource
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from dtc_helpers.sweeps.cluster import Settings
from dtc_helpers.sweeps.folder import SweepFolder
from dtc_helpers.sweeps.grid import read_grid
from dtc_helpers.sweeps.sweep import sweep

KERNELS = 2
MOST_OVERHEAD_SECONDS = 5.0
CELL = """from pathlib import Path
Path(results_dir).mkdir()
(Path(results_dir) / "run.json").write_text(f'{{"x": {x}}}')"""


def write_trivial_grid(folder: Path, n_points: int) -> Path:
    """Grid of a notebook that only writes its parameter."""
    parameters = new_code_cell('x: int = 0\nresults_dir: str = "results"', metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook = new_notebook(cells=[parameters, new_code_cell(CELL)], metadata={"kernelspec": kernel})
    nbformat.write(notebook, folder / "trivial.ipynb")
    grid = {"notebook": "trivial.ipynb", "result_file": "run.json", "cross": {"x": list(range(n_points))}}
    (folder / "grid.yaml").write_text(yaml.safe_dump(grid))
    return folder / "grid.yaml"


def own_seconds(notebook: Path) -> float:
    """Time that the cells of an executed notebook took, as papermill noted it."""
    cells = nbformat.read(notebook, as_version=4).cells
    return sum(cell.metadata.get("papermill", {}).get("duration") or 0 for cell in cells)


def watch_memory(out: Path, samples: dict[int, float], stop: threading.Event) -> None:
    """Megabytes of this process, by the number of points done."""
    while not stop.wait(1.0):
        n_done = len(list(out.glob("*/result.json")))
        samples[n_done] = psutil.Process().memory_info().rss / 1e6


def main() -> None:
    """Measure and print."""
    n_points = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    samples: dict[int, float] = {}
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "runs"
        grid = read_grid(write_trivial_grid(Path(name), n_points))
        watch = threading.Thread(target=watch_memory, args=(out, samples, stop))
        watch.start()
        started = time.perf_counter()
        outcomes = sweep(grid, out=out, settings=Settings(workers=KERNELS))
        wall = time.perf_counter() - started
        stop.set()
        watch.join()
        overheads = [
            record["seconds"] - own_seconds(path / "notebook.ipynb") for path, record in SweepFolder(out).done()
        ]
    print_report([outcome.status for outcome in outcomes], overheads, wall, samples)


def print_report(statuses: list[str], overheads: list[float], wall: float, samples: dict[int, float]) -> None:
    """Print what was measured."""
    cores, load = psutil.cpu_count(), psutil.getloadavg()[1]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (used.ru_utime + used.ru_stime) / len(statuses)
    print(f"{statuses.count('done')} of {len(statuses)} points done in {wall:.0f} s by {KERNELS} kernels at once")
    print(
        f"machine: {cores} cores, mean load of the last 5 minutes {load:.1f}, of which this benchmark wants {KERNELS}"
    )
    quantiles = statistics.quantiles(overheads, n=20)
    verdict = "below" if quantiles[9] < MOST_OVERHEAD_SECONDS else "ABOVE"
    print(
        f"overhead above the notebook's own time, s a point: median {quantiles[9]:.2f}, 95 % below {quantiles[-1]:.2f}"
    )
    print(f"the median is {verdict} the {MOST_OVERHEAD_SECONDS:g} s allowed; processor time {cpu:.2f} s a point")
    tenth = max(1, len(statuses) // 10)
    shown = {n: megabytes for n, megabytes in sorted(samples.items()) if n % tenth == 0}
    print("memory, MB, by points done:", ", ".join(f"{n}: {megabytes:.0f}" for n, megabytes in shown.items()))
    settled = [megabytes for n, megabytes in sorted(samples.items()) if n >= tenth]
    print(f"growth after the first tenth: {settled[-1] - settled[0]:+.1f} MB")


if __name__ == "__main__":
    main()
