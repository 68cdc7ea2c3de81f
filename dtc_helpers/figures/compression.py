"""Figures of compress-train runs: each draws on the Axes it is given and computes nothing."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dtc_helpers.figures.style import (
    AFTER_THE_CUT,
    COLOURS,
    METHOD_COLOURS,
    METHOD_LABELS,
    METHOD_MARKERS,
    in_percent,
    legend_above,
    neurons_axis,
    runs,
)
from dtc_helpers.statistics import pearson

_ARROW = {"arrowstyle": "->", "color": "0.3"}
_SIDES = (COLOURS[0], COLOURS[2])  # of the weights that come in and go out


def idea(ax: Axes) -> Axes:
    """Picture of Dual Tomographic Compression: the sums of a hidden layer, two measurements, two rays, a cut; again."""
    ax.set(xlim=(0, 12), ylim=(0, 5.4))
    ax.axis("off")
    hidden, cut, summed = (0.6, 1.65, 2.7, 3.75, 4.8), 1.65, 3.75
    rows = {"inputs": (0.5, (1.2, 2.7, 4.2)), "hidden": (1.9, hidden), "classes": (3.3, (1.6, 3.8))}
    for (x, ys), (to_x, to_ys), colour in zip(rows.values(), list(rows.values())[1:], _SIDES, strict=False):
        for y, to_y in itertools.product(ys, to_ys):
            look = {"color": colour, "lw": 2} if summed in (y, to_y) else {"color": "0.8", "lw": 0.8}
            ax.plot([x, to_x], [y, to_y], zorder=1, **look)
    for name, (x, ys) in rows.items():
        colours = [COLOURS[3] if name == "hidden" and y == cut else "white" for y in ys]
        ax.scatter([x] * len(ys), ys, s=230, c=colours, edgecolors="0.2", zorder=2)
        ax.text(x, 5.25, name, ha="center", fontsize="small")
    for y, text, colour in ((3.6, "incoming sums  a", _SIDES[0]), (1.8, "outgoing sums  b", _SIDES[1])):
        _boxes(ax, y, (text, f"y = Φ{text[-1]}", "sparse code s", "ray"), colour)
        ax.annotate("", (11.1, 2.7 + 0.15 * np.sign(y - 2.7)), (10.6, y), arrowprops=_ARROW)
    ax.text(11.55, 2.7, "|sum|\n= score", ha="center", va="center", fontsize="small")
    ax.annotate(
        "cut, train on, score again", (1.9, 0.25), (11.5, 0.25), ha="center", va="center", fontsize="small",
        arrowprops={"arrowstyle": "->", "color": COLOURS[3]}, color=COLOURS[3],
    )  # fmt: skip
    return ax


def _boxes(ax: Axes, y: float, texts: Sequence[str], first: tuple[float, float, float]) -> None:
    places = (4.9, 6.85, 8.5, 10.1)
    for x, text, edge in zip(places, texts, (first, *["0.5"] * 3), strict=True):
        box = {"boxstyle": "round", "facecolor": "0.95", "edgecolor": edge, "linewidth": 1 + (edge == first)}
        ax.text(x, y, text, ha="center", va="center", fontsize="small", bbox=box)
    for x, to_x in ((5.85, 6.25), (7.4, 7.7), (9.3, 9.7)):
        ax.annotate("", (to_x, y), (x, y), arrowprops=_ARROW)


def cosines(basis: np.ndarray, ax: Axes) -> Axes:
    """Columns of Ψ, each a cosine that runs through all neurons, one above the other.

    `basis`: (n_neurons, n_neurons).
    """
    heights = -1.3 * np.arange(len(basis))
    for height, column, colour in zip(heights, basis.T, itertools.cycle(COLOURS), strict=False):
        ax.axhline(height, color="0.85", lw=0.8)
        ax.plot(column + height, "o-", ms=4, lw=1.2, color=colour)
    ax.set_yticks(heights, [f"cosine {number}" for number in range(len(basis))])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("neuron")
    return ax


def accuracy(cycles: pd.DataFrame, ax: Axes, *, paper: pd.DataFrame | None = None) -> Axes:
    """Accuracy against the neurons that are left (the paper's Figure 1): after every cut, and LOWESS curves.

    Parameters
    ----------
    cycles : with the columns method, replicate, neurons, accuracy, lowess.
    paper : printed LOWESS values, columns neurons, method, accuracy; as open circles in their own right.
    """
    for method, run, label in runs(cycles):
        colour = METHOD_COLOURS[method]
        ax.plot(run.neurons, run.accuracy, METHOD_MARKERS[method], ls="-", ms=4, lw=1.2, label=label, color=colour)
        ax.plot(run.neurons, run.lowess, ls=":", lw=1.5, color=colour)
    if paper is not None:
        for method, printed in paper.groupby("method", sort=False):
            ax.plot(printed.neurons, printed.accuracy, "o", ms=8, mfc="none", color=METHOD_COLOURS[str(method)])
    neurons_axis(ax)
    in_percent(ax.yaxis)
    ax.set_ylabel("test accuracy [%]")
    title = "dotted: LOWESS" + ("; circles: the paper's" if paper is not None else "")
    ax.legend(title=title, title_fontsize="small", fontsize="small", loc="lower left")
    return ax


def accuracy_by_reading(
    cycles: pd.DataFrame, axes: Sequence[Axes], *, paper: pd.DataFrame | None = None
) -> Sequence[Axes]:
    """Accuracy against the neurons that are left, one panel a reading; each shows the accuracy its reading speaks of.

    Parameters
    ----------
    cycles : as for `accuracy`, and the column reading.
    paper : as for `accuracy`; it belongs to the published reading.
    """
    for (name, of_reading), ax in zip(cycles.groupby("reading", sort=False), axes, strict=True):
        accuracy(of_reading, ax, paper=paper if name == "published" else None)
        ax.set_title(f"{name} reading", fontsize="medium")
    return axes


def batch_dependence(cycles: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Accuracy of the same networks when images come in batches, one by one, and one by one with class constants.

    `cycles` has the columns method, replicate, neurons, mean_batch_accuracy, single_image_accuracy and
    calibrated_accuracy, of readings whose softmax goes over the batch; a panel a method.
    """
    if cycles.empty:
        axes[0].text(0.5, 0.5, "no reading with a softmax over the batch", ha="center")
        return axes
    looks = {
        "mean_batch_accuracy": ("-", "full", "in batches"),
        "calibrated_accuracy": ("--", "none", "one by one, with ten constants"),
        "single_image_accuracy": (":", "none", "one by one"),
    }
    for (method, of_method), ax in zip(cycles.groupby("method", sort=False), axes, strict=True):
        colour, marker = METHOD_COLOURS[str(method)], METHOD_MARKERS[str(method)]
        for replicate, run in of_method.groupby("replicate", sort=False):
            for column, (line, fill, label) in looks.items():
                label = label if replicate == of_method.replicate.iloc[0] else None
                ax.plot(run.neurons, run[column], marker, ls=line, fillstyle=fill, ms=4, color=colour, label=label)
        neurons_axis(ax)
        in_percent(ax.yaxis)
        ax.set_title(METHOD_LABELS[str(method)], fontsize="medium")
    axes[0].set_ylabel("test accuracy [%]")
    legend_above(axes)
    return axes


def weight_rays(cycles: pd.DataFrame, ax: Axes) -> Axes:
    """Mean absolute weight ray before every cut (the paper's Figure 3).

    `cycles`: of DTC, with the columns neurons, weight_ray_mean; without any the figure says so.
    """
    if cycles.empty:
        ax.text(0.5, 0.5, "no DTC in this run", ha="center")
        return ax
    ax.plot(cycles.neurons, cycles.weight_ray_mean, "o-", ms=4.5, color=METHOD_COLOURS["dtc"])
    neurons_axis(ax)
    ax.set(xlabel=AFTER_THE_CUT, ylabel="mean |ray| [weight units]")
    return ax


def neuron_ledger(ledger: Mapping[str, np.ndarray], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Cycle in which each neuron left: one panel a method, neurons in the order in which the last method cut them.

    `ledger`: method → (n_cycles + 1, n_neurons), true while the neuron is in the network; columns are ordered alike.
    """
    for (method, alive), ax in zip(ledger.items(), axes, strict=True):
        shown = sns.light_palette(METHOD_COLOURS[method], as_cmap=True)
        ax.imshow(alive, aspect="auto", cmap=shown, interpolation="nearest", vmin=0, vmax=1)
        ax.set(title=METHOD_LABELS[method], xlabel=f"neuron ({METHOD_LABELS[list(ledger)[-1]]}'s order)")
        ax.grid(False)
    axes[0].set_ylabel("cycle (coloured: still there)")
    return axes


def inverse_sensing(
    weights: np.ndarray, recovered: np.ndarray, code: np.ndarray, axes: Sequence[Axes]
) -> Sequence[Axes]:
    """Picture of an inverse compressed sensing: sums w with what is recovered of them, Ψs, and the sparse code s.

    `weights`, `recovered` and `code` are w, Ψs and s, (n_neurons,) each; the first 64 neurons and cosines are drawn.
    """
    of_neurons, of_code = axes
    n_shown = min(64, len(weights))
    of_neurons.vlines(np.arange(n_shown), 0, weights[:n_shown], color="0.75", lw=3, label="w")
    of_neurons.plot(recovered[:n_shown], "o", ms=4, color=METHOD_COLOURS["dtc"], label="Ψs")
    correlation = pearson(weights, recovered)
    error = np.linalg.norm(recovered - weights) / np.linalg.norm(weights)
    of_neurons.set_title(f"correlation {correlation:.2f}, relative error {error:.2f}", fontsize="medium")
    of_neurons.set(xlabel=f"neuron (the first {n_shown} of {len(weights)})", ylabel="sum of weights [weight units]")
    of_neurons.set_ylim(top=of_neurons.get_ylim()[1] + 0.2 * np.ptp(of_neurons.get_ylim()))  # for the legend
    of_neurons.legend(loc="upper right", ncols=2, fontsize="small")
    of_code.vlines(np.arange(n_shown), 0, code[:n_shown], color=COLOURS[4], lw=2)
    n_nonzeros = np.count_nonzero(np.abs(code) > 1e-9)
    of_code.set_title(f"sparse code: {n_nonzeros} of {len(code)} are not 0", fontsize="medium")
    of_code.set(xlabel=f"cosine (the first {n_shown})", ylabel="s [weight units]")
    return axes
