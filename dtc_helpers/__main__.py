"""Command line: python -m dtc_helpers reproduce."""

import argparse
import logging
from pathlib import Path

from dtc_helpers.datasets import DATASETS
from dtc_helpers.idx_files import project_root
from dtc_helpers.reproduce import reproduce

_NOISE = ("Executing ", "Ending Cell", "Input Notebook", "Output Notebook", "[IPKernelApp]", "<")


def main() -> None:
    """Run the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m dtc_helpers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("reproduce", help="run both primary notebooks at the published settings")
    command.add_argument("--dataset", default="mnist", choices=list(DATASETS))
    command.add_argument("--results-dir", type=Path, default=project_root() / "results")
    command.add_argument("--figures-dir", type=Path, default=project_root() / "figures")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    log = logging.getLogger("papermill")
    log.setLevel(logging.INFO)
    log.addFilter(_is_worth_showing)
    reproduce(dataset=arguments.dataset, results_dir=arguments.results_dir, figures_dir=arguments.figures_dir)


def _is_worth_showing(record: logging.LogRecord) -> bool:
    """Keep what cells print; drop papermill's counters and the names of figures and tables."""
    message = record.getMessage().strip()
    return bool(message) and not message.startswith(_NOISE)


if __name__ == "__main__":
    main()
