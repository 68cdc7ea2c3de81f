"""Both primary notebooks at the published settings, run headless by papermill."""

from contextlib import chdir
from pathlib import Path

import papermill

from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.images.idx_folders import DatasetNotFoundError
from dtc_helpers.paths import project_root, writable_folder
from dtc_helpers.readings import READINGS

NOTEBOOKS = ("1_dtc_prune_train.ipynb", "2_gibbs_entropy.ipynb")
FALLBACK_DATASET = "digits"


def available_dataset(name: str) -> str:
    """Same name if its images can be had; else says so in plain words and gives the embedded digits."""
    try:
        load_dataset(name)
    except DatasetNotFoundError as error:
        print(  # noqa: T201
            f"\n{error}.\n\nThis run therefore uses the embedded handwritten digits (dataset = {FALLBACK_DATASET!r}), "
            "NOT the images of the paper; every figure and file says so.\n",
            flush=True,
        )
        return FALLBACK_DATASET
    return name


def reproduce(*, dataset: str, results_dir: Path, figures_dir: Path) -> None:
    """Execute notebook 1, then notebook 2, into `results_dir`; figures go to `figures_dir`.

    Raises ValueError for an unknown dataset or damaged files, CannotWriteError for a folder that takes no files, and
    PapermillExecutionError if a cell fails.
    """
    for name, folder in {"--results-dir": results_dir, "--figures-dir": figures_dir}.items():
        writable_folder(folder, change=name)
    dataset = available_dataset(dataset)
    results_dir, figures_dir = _seen_from_project(results_dir), _seen_from_project(figures_dir)
    places = {"results_dir": str(results_dir), "figures_dir": str(figures_dir)}
    with chdir(project_root()):
        for name in NOTEBOOKS:
            print(f"{name} on {dataset} …", flush=True)  # noqa: T201
            papermill.execute_notebook(
                Path("notebooks") / name,
                results_dir / name,
                parameters={"dataset": dataset, "readings": list(READINGS), **places},
                log_output=True,
                progress_bar=False,
            )
    print(f"results and executed notebooks: {results_dir}; figures: {figures_dir / dataset}")  # noqa: T201


def _seen_from_project(path: Path) -> Path:
    """Same folder, relative to the project where it lies in it, so that no notebook names folders of this machine."""
    path = path.resolve()
    return path.relative_to(project_root()) if path.is_relative_to(project_root()) else path
