"""The common style of all figures: the canvas, how methods look, axes, and how a figure is saved."""

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, PercentFormatter, ScalarFormatter

from dtc_helpers.images.datasets import TITLES
from dtc_helpers.paths import whole_file
from dtc_helpers.scoring import SCORES

COLOURS = sns.color_palette("colorblind")
_LOOKS = {"magnitude": (0, "s"), "random": (1, "^"), "dtc": (2, "o"), "norms": (9, "D")}  # the others take what is left
_LABELS = {"dtc": "DTC", "norms": "L2 norms"}


def _looks() -> dict[str, tuple[int, str]]:
    """Number of the colour and marker of every method that has a score."""
    colours, markers = itertools.cycle((4, 5, 6, 8, 3, 7)), itertools.cycle("vP*X<>")
    return {method: _LOOKS.get(method) or (next(colours), next(markers)) for method in SCORES}


METHOD_COLOURS = {method: COLOURS[number] for method, (number, _) in _looks().items()}
METHOD_MARKERS = {method: marker for method, (_, marker) in _looks().items()}
AFTER_THE_CUT = "hidden neurons left after the cut"  # where a number is of the time before it
METHOD_LABELS = {method: _LABELS.get(method, method) for method in SCORES}

_SPELLED = {name: title for name, title in TITLES.items() if name != "digits"}  # which is a word


def spelled(words: object) -> str:
    """Words in which datasets are spelled as people do, e.g. MNIST for `mnist`."""
    return re.sub(r"\b(" + "|".join(_SPELLED) + r")\b", lambda found: _SPELLED[found[0]], str(words))


def canvas(caption: str, *, n_panels: int = 1, height: float = 4.2, share_y: bool = False) -> np.ndarray:
    """Axes of a new figure in the common style, with the caption below them.

    Parameters
    ----------
    caption : dataset and settings, so that the figure says what it shows when it travels alone.
    n_panels : panels side by side.
    height : of the figure in inches.

    Returns
    -------
    (n_panels,) Axes
    """
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind")
    figure, axes = plt.subplots(1, n_panels, figsize=(9, height), squeeze=False, sharey=share_y, layout="constrained")
    figure.supxlabel(spelled(caption), fontsize="x-small", color="0.35")
    return axes[0]


def runs(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, str | None]]:
    """Every run with its method, and the label that the first replicate of a method carries in the legend."""
    labels: dict[str, str | None] = {**METHOD_LABELS}
    for (method, _), run in table.groupby(["method", "replicate"], sort=False):  # pyright: ignore[reportGeneralTypeIssues]
        yield method, run, labels[method]
        labels[method] = None


def legend_above(axes: Sequence[Axes]) -> None:
    """One legend for all panels, that of the first, above them where it covers nothing."""
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize="small")


def log_axis(ax: Axes) -> None:
    """Logarithmic x axis with ticks at 1, 2, 5, 10, …, written as they are."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.minorticks_off()


def neurons_axis(ax: Axes) -> None:
    """Hidden neurons left, as a logarithmic x axis that falls to the right, as the network does."""
    log_axis(ax)
    ax.xaxis.set_inverted(True)
    ax.set_xlabel("hidden neurons left")


def in_percent(axis: Axis, *, decimals: int | None = None) -> None:
    """Fractions in percent, the sign of which stands in the label."""
    axis.set_major_formatter(PercentFormatter(1, decimals=decimals, symbol=None))


def save_figure(figure: Figure, name: str, figures_dir: Path) -> None:
    """Save as PNG and PDF, without dates, so that the same figure is the same file.

    `name` is the file's stem, the name of the plot function.
    """
    for suffix, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None, "Producer": None})):
        with whole_file(figures_dir / f"{name}.{suffix}") as path:
            figure.savefig(path, format=suffix, dpi=150, bbox_inches="tight", metadata=metadata)
