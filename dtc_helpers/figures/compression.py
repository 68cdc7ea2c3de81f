"""Figures of compress-train runs: each draws on the Axes it is given and computes nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from dtc_helpers.figures.style import COLOURS, METHOD_COLOURS, METHOD_LABELS, METHOD_MARKERS, removed_axis, runs


def accuracy(cycles: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracy against removed neurons (the paper's Figure 1): cycles as points, their LOWESS curve as a line.

    Parameters
    ----------
    cycles : with the columns method, replicate, removed_fraction, accuracy, lowess.
    """
    for method, run, label in runs(cycles):
        colour = METHOD_COLOURS[method]
        ax.plot(run.removed_fraction, run.accuracy, METHOD_MARKERS[method], ms=4.5, alpha=0.6, color=colour)
        ax.plot(run.removed_fraction, run.lowess, lw=2, label=label, color=colour)
    removed_axis(ax)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=None))
    ax.set_ylabel("test accuracy [%]")
    ax.legend(title="points: every cycle; lines: LOWESS", title_fontsize="small")
    return ax


def accuracy_by_reading(cycles: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Accuracy against removed neurons, one panel a reading; each shows the accuracy that its reading speaks of.

    Parameters
    ----------
    cycles : as for `accuracy`, and the column reading.
    """
    for (name, of_reading), ax in zip(cycles.groupby("reading", sort=False), axes, strict=True):
        accuracy(of_reading, ax).legend(fontsize="small", loc="lower left")
        ax.set_title(f"{name} reading", fontsize="medium")
    return axes


def accuracy_close_up(cycles: pd.DataFrame, ax: Axes, *, floor: float = 0.8) -> Axes:
    """Figure 1 above an accuracy of `floor` (the paper's Figure 2); `floor` as a fraction."""
    accuracy(cycles, ax)
    ax.set_ylim(floor, max(min(1.0, cycles.accuracy.max() + 0.01), floor + 0.01))  # empty where all are below
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=None))
    return ax


def batch_dependence(cycles: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracy of the same networks when images come in batches, and when each comes alone.

    Parameters
    ----------
    cycles : with the columns method, replicate, removed_fraction, mean_batch_accuracy, single_image_accuracy.
    """
    for method, run, label in runs(cycles):
        style = {"color": METHOD_COLOURS[method], "marker": METHOD_MARKERS[method], "ms": 4}
        ax.plot(run.removed_fraction, run.mean_batch_accuracy, **style, label=label and f"{label}, in batches")
        ax.plot(
            run.removed_fraction,
            run.single_image_accuracy,
            ls=":",
            **style,
            mfc="white",
            label=label and "… one by one",
        )
    removed_axis(ax)
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=None))
    ax.set_ylabel("test accuracy [%]")
    ax.legend(fontsize="x-small", ncols=cycles.method.nunique(), loc="lower center", bbox_to_anchor=(0.5, 1))
    return ax


def weight_rays(cycles: pd.DataFrame, ax: Axes) -> Axes:
    """Mean absolute weight ray before every cut (the paper's Figure 3).

    Parameters
    ----------
    cycles : of DTC, with the columns removed_fraction, weight_ray_mean.
    """
    ax.plot(cycles.removed_fraction, cycles.weight_ray_mean, "o-", ms=4.5, color=METHOD_COLOURS["dtc"])
    removed_axis(ax)
    ax.set_ylabel("mean |weight ray| [weight units]")
    return ax


def neuron_ledger(ledger: Mapping[str, np.ndarray], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Which neuron left in which cycle: one panel a method, neurons in the order in which the last method cut them.

    Parameters
    ----------
    ledger : method → (n_cycles + 1, n_neurons) true while the neuron is in the network; columns are ordered alike.
    """
    for (method, alive), ax in zip(ledger.items(), axes, strict=True):
        shown = sns.light_palette(METHOD_COLOURS[method], as_cmap=True)
        ax.imshow(alive, aspect="auto", cmap=shown, interpolation="nearest", vmin=0, vmax=1)
        ax.set_title(METHOD_LABELS[method])
        ax.set_xlabel(f"neuron ({METHOD_LABELS[list(ledger)[-1]]}'s order)")
        ax.grid(False)
    axes[0].set_ylabel("cycle (coloured: still there)")
    return axes


def inverse_sensing(vectors: Mapping[str, np.ndarray], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Picture of an inverse compressed sensing: weights w, measurement y, sparse code s, recovered weights Ψs.

    Parameters
    ----------
    vectors : title → values, one panel each.
    """
    x_labels = ("neuron", "measurement", "frequency", "neuron")
    for (title, values), x_label, ax in zip(vectors.items(), x_labels, axes, strict=True):
        ax.vlines(np.arange(len(values)), 0, values, color=COLOURS[7], lw=max(0.5, 60 / len(values) / 4))
        ax.plot(values, "o", ms=5 if len(values) <= 16 else 1.5, color=METHOD_COLOURS["dtc"])
        ax.axhline(0, color="0.3", lw=0.8)
        ax.set_title(title, fontsize="medium")
        ax.set_xlabel(x_label)
    axes[0].set_ylabel("value [weight units]")
    return axes


def rays_compared(exact: np.ndarray, published: np.ndarray, ax: Axes, *, n_cut: int) -> Axes:
    """|Weight ray| of every neuron by two solvers; lines mark the value above which each cuts.

    Parameters
    ----------
    exact, published : (n_neurons,) absolute weight rays.
    n_cut : how many of the highest are cut.
    """
    ax.axline((0, 0), slope=1, color="0.7", lw=1)
    ax.plot(exact, published, "o", ms=4, alpha=0.6, color=METHOD_COLOURS["dtc"])
    for draw, rays in ((ax.axvline, exact), (ax.axhline, published)):
        draw(np.sort(rays)[-n_cut], color=COLOURS[3], lw=1, ls="--")
    ax.set_xlabel("|weight ray|, exact solve [weight units]")
    ax.set_ylabel("|weight ray|, SCS [weight units]")
    return ax


def duality_gaps(cycles: pd.DataFrame, ax: Axes) -> Axes:
    """Relative duality gap of the solves of every cycle: how far at most the answer is from the optimum.

    Parameters
    ----------
    cycles : of DTC, with the columns removed_fraction, duality_gap.
    """
    ax.semilogy(
        cycles.removed_fraction, cycles.duality_gap.clip(lower=1e-16), "o-", ms=4.5, color=METHOD_COLOURS["dtc"]
    )
    removed_axis(ax)
    ax.set_ylabel("relative duality gap [1]")
    return ax
