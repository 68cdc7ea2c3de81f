"""Sentences with the numbers of a run, computed from it: what a notebook says of what its reader sees."""

from collections.abc import Mapping

import pandas as pd

from dtc_helpers.paper import PAPER_CORRELATIONS, PAPER_DATASET
from dtc_helpers.readings import READINGS
from dtc_helpers.runs.tables import beside_paper

CLOSE_UP_TO = 0.86  # removed; beyond, training is chaotic enough to move the paper's curves


def name_of(method: str) -> str:
    """Name of a method as it stands in a sentence."""
    return "DTC" if method == "dtc" else method


def _each(values: Mapping[str, float] | pd.Series, digits: int = 4) -> str:
    return ", ".join(f"{name_of(str(method))} {value:.{digits}f}" for method, value in values.items())


def of_run(cycles: pd.DataFrame) -> list[str]:
    """Sentences on what the first replicate did, from cycles of one reading with `tables.with_lowess`."""
    run = cycles.loc[cycles.replicate == cycles.replicate.iloc[0], :]
    widths = run.neurons.unique()
    tenth = min(widths, key=lambda n: abs(n - 0.1 * run.neurons.iloc[0] / (1 - run.removed_fraction.iloc[0])))
    places = {"first cut": widths[0], "cut that is nearest to a tenth": tenth, "last cut": widths[-1]}
    said = []
    for place, width in places.items():
        at = run[run.neurons == width].set_index("method")
        said.append(f"After the {place} ({width} neurons left): {_each(at.accuracy)}.")
    said += [*_of_paper(run), *_of_single_images(run, int(widths[0])), *_of_gaps(run)]
    return said


def _of_paper(run: pd.DataFrame) -> list[str]:
    if run.dataset.iloc[0] != PAPER_DATASET or run.reading.iloc[0] != "published":
        return []
    table = beside_paper(run)
    away = table[[column for column in table if column[1] == "difference"]].abs().max(axis=1).dropna()
    is_near = away.index <= CLOSE_UP_TO
    if is_near.all() or not is_near.any():
        return []
    near, far = away[is_near].max(), away[~is_near].max()
    return [f"LOWESS curves: within {near:.4f} of the paper's up to 86 % removed, up to {far:.3f} away beyond."]


def _of_single_images(run: pd.DataFrame, width: int) -> list[str]:
    if READINGS[run.reading.iloc[0]].loss_axis != "batch":
        return []
    at = run[run.neurons == width].set_index("method")
    alone, helped = _each(at.single_image_accuracy, 3), _each(at.calibrated_accuracy, 3)
    return [f"At {width} neurons, images shown one by one: {alone}; with ten constants: {helped}."]


def _of_gaps(run: pd.DataFrame) -> list[str]:
    gaps = run.duality_gap.dropna()
    if gaps.empty:
        return []
    return [f"Relative duality gap of the solves: median {gaps.median():.0e}, largest {gaps.max():.0e}."]


def of_correlations(across: pd.DataFrame, null_table: pd.DataFrame, *, is_paper: bool) -> list[str]:
    """Sentences on entropy and accuracy of one run, their correlations beside the paper's and the exact null's.

    The tables are those of `entropy_tables.across` and `stored_processes.null_table`; `is_paper` is whether the paper's
    numbers belong to this run.
    """
    said = []
    if "dtc" in across.index:
        said.append(f"DTC's entropy with the accuracy curve of {_each(across.loc['dtc'], 3)}.")
        if is_paper:
            said.append(f"The paper has, of the same pairs: {_each(PAPER_CORRELATIONS)}.")
    own = {str(method): float(across.loc[method, method]) for method in across.index}  # pyright: ignore[reportArgumentType]
    said.append(f"Each entropy with its own network's curve: {_each(own, 3)}.")
    exact = null_table[null_table.index.get_level_values("null model") == "exact null"].droplevel("null model")
    said.append(f"The exact null gives on average: {_each(exact.expected, 3)}.")
    shares = [
        f"{name_of(str(method))} {100 * row['share above']:.1f} ± {100 * row['error of the share']:.1f} %"
        for method, row in exact.iterrows()
    ]
    said.append(f"So many of its draws do at least as well (± Monte-Carlo error): {', '.join(shares)}.")
    return said
