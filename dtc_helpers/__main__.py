"""Command line: python -m dtc_helpers reproduce | sweep | collect | promote | explorer."""

import argparse
import logging
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from dtc_helpers.paths import PACKAGE, project_root

if TYPE_CHECKING:  # a command imports what it needs when it runs: torch, papermill and dask take seconds
    from dtc_helpers.sweeps.cluster import Settings
    from dtc_helpers.sweeps.engine import PointOutcome
    from dtc_helpers.sweeps.grid import Grid

_NOISE = ("Executing ", "Ending Cell", "Input Notebook", "Output Notebook", "[IPKernelApp]", "<")


def main() -> None:
    """Run the command that the arguments name; its exit status is 0 if nothing failed, else 1, or 2 for its arguments.

    What this package refuses ends in its sentence; what another library says keeps its traceback.
    """
    parser = argparse.ArgumentParser(prog="python -m dtc_helpers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("reproduce", help="run both primary notebooks at the published settings")
    command.add_argument("--dataset", default="mnist", type=_dataset, help="mnist (default), digits, …")
    command.add_argument("--results-dir", type=Path, default=project_root() / "results")
    command.add_argument("--figures-dir", type=Path, default=project_root() / "figures")
    command.set_defaults(run=_reproduce)
    command = commands.add_parser("sweep", help="run a notebook on every point of a grid that is not done yet")
    command.add_argument("grid", type=Path, help="YAML file: notebook, fixed, cross, zip")
    command.add_argument("--out", type=Path, default=Path("runs"), help="gets one folder a point (default: runs)")
    command.add_argument("--dry-run", action="store_true", help="print points and keys, and run nothing")
    command.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask cluster, e.g. tcp://host:8786")
    command.add_argument("--workers", type=int, metavar="N", help="kernels at once here (default: cores / threads)")
    command.add_argument("--threads", type=int, default=1, metavar="N", help="of every kernel (default: 1)")
    command.add_argument("--time-out", type=float, metavar="SECONDS", help="for every point (default: none)")
    command.set_defaults(run=_sweep)
    command = commands.add_parser("collect", help="join the cycles.csv of all points of a sweep into one table")
    command.add_argument("out", type=Path, help="the folder that the sweep wrote to")
    command.set_defaults(run=_collect)
    command = commands.add_parser(
        "promote", help="make a recomputed table of a study the stored one, once it is checked"
    )
    command.add_argument("name", help="of the table, e.g. 3_uncertainty")
    command.add_argument("--results-dir", type=Path, default=project_root() / "results", help="where it was written")
    command.set_defaults(run=_promote)
    command = commands.add_parser("explorer", help="write the interactive views as one page that needs no server")
    command.add_argument("--out", type=Path, default=Path("build/explorer/index.html"), help="file to write")
    command.add_argument("--renew-from", type=Path, metavar="RESULTS", help="first make its data from a run on MNIST")
    command.set_defaults(run=_explorer)
    arguments = parser.parse_args()
    try:
        sys.exit(arguments.run(arguments))
    except (OSError, ValueError) as error:
        *_, (raised_at, _) = traceback.walk_tb(error.__traceback__)
        if isinstance(error, OSError) or Path(raised_at.f_code.co_filename).is_relative_to(PACKAGE):
            sys.exit(str(error))
        raise


def _dataset(name: str) -> str:
    from dtc_helpers.images.datasets import DATASETS

    if name not in DATASETS:
        raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(DATASETS)}")
    return name


def _reproduce(arguments: argparse.Namespace) -> str | None:
    from dtc_helpers.figures.descriptions import describe_file
    from dtc_helpers.runs.reproduce import NOTEBOOKS, reproduce

    if not (project_root() / "notebooks").is_dir():
        return f"there are no notebooks in {project_root()}: run this in the folder of the project"
    logging.basicConfig(format="%(message)s")
    log = logging.getLogger("papermill")
    log.setLevel(logging.INFO)
    log.addFilter(_is_worth_showing)
    reproduce(dataset=arguments.dataset, results_dir=arguments.results_dir, figures_dir=arguments.figures_dir)
    for name in NOTEBOOKS:
        describe_file(arguments.results_dir / name)
    return None


def _sweep(arguments: argparse.Namespace) -> int | str:
    from dtc_helpers.sweeps.cluster import Settings
    from dtc_helpers.sweeps.grid import read_grid
    from dtc_helpers.sweeps.sweep import sweep

    settings = Settings(arguments.threads, arguments.workers, arguments.scheduler, arguments.time_out)
    try:
        grid = read_grid(arguments.grid)
        if arguments.dry_run:
            return _print_plan(grid, arguments.out, settings)
        return _print_outcomes(grid, sweep(grid, out=arguments.out, settings=settings))
    except KeyboardInterrupt:
        return "stopped: what was done is kept; start the sweep again to go on"


def _print_plan(grid: "Grid", out: Path, settings: "Settings") -> int:
    from dtc_helpers.sweeps.folder import SweepFolder
    from dtc_helpers.sweeps.sweep import planned, seconds_left

    outcomes = planned(grid, SweepFolder(out))
    left = seconds_left(outcomes, settings.n_kernels)
    estimate = "no estimate before one is done" if left is None else f"about {left:.0f} s left"
    return _print_outcomes(grid, outcomes, f"{estimate} with {settings.n_kernels} at once")


def _print_outcomes(grid: "Grid", outcomes: "list[PointOutcome]", *more: str) -> int:
    """Print the table and the sums; 0 if nothing failed."""
    from dtc_helpers.sweeps.sweep import table

    print(table(outcomes, grid.varied).to_string(index=False, na_rep=""))  # noqa: T201
    counts = Counter(outcome.status for outcome in outcomes)
    print(", ".join([*(f"{count} {status}" for status, count in counts.items()), *more]))  # noqa: T201
    return int(counts["failed"] > 0)


def _collect(arguments: argparse.Namespace) -> int:
    from dtc_helpers.sweeps.table import collect

    print(collect(arguments.out))  # noqa: T201
    return 0


def _promote(arguments: argparse.Namespace) -> int:
    from dtc_helpers.studies.promote import promote

    print(promote(arguments.name, arguments.results_dir.absolute()))  # noqa: T201
    return 0


def _explorer(arguments: argparse.Namespace) -> int:
    from dtc_helpers.explorer.page import write_page

    if arguments.renew_from is not None:
        from dtc_helpers.explorer.renew import renew

        renew(arguments.renew_from)
    print(write_page(arguments.out))  # noqa: T201
    return 0


def _is_worth_showing(record: logging.LogRecord) -> bool:
    """Keep what cells print; drop papermill's counters and the names of figures and tables."""
    message = record.getMessage().strip()
    return bool(message) and not message.startswith(_NOISE)


if __name__ == "__main__":
    main()
