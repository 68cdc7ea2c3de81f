"""Figures of the lessons: each draws on the Axes it is given and computes nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dtc_helpers.figures.style import COLOURS, in_percent

_MARKERS = "os^Dv"


def same_measurement(vectors: Mapping[str, np.ndarray], ax: Axes) -> Axes:
    """Weights, neuron by neuron, of several layers that give one measurement.

    `vectors`: name → (n_neurons,).
    """
    _grouped_bars(vectors, ax)
    ax.axhline(0, color="0.3", lw=0.8)
    ax.set(xlabel="neuron", ylabel="weight")
    ax.legend(fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(vectors))
    return ax


def _grouped_bars(series: Mapping[str, Sequence[float] | np.ndarray], ax: Axes) -> None:
    """Bars of every series beside each other, a group a place."""
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = np.arange(len(values)) + (number - (len(series) - 1) / 2) * width
        ax.bar(places, values, width=0.9 * width, color=COLOURS[number], label=name)
    ax.grid(visible=False, axis="x")


def objective_of_one_entry(entries: np.ndarray, objectives: Mapping[float, np.ndarray], ax: Axes) -> Axes:
    """Objective of a code as one of its entries varies, a curve a penalty, a dot where it is lowest.

    Parameters
    ----------
    entries : (n,) values of the entry.
    objectives : λ → (n,).
    """
    for number, (penalty, values) in enumerate(objectives.items()):
        lowest = values.argmin()
        ax.plot(entries, values, color=COLOURS[number], label=f"λ = {penalty:g}")
        ax.plot(entries[lowest], values[lowest], _MARKERS[number], ms=9, color=COLOURS[number])
    ax.axvline(0, color="0.3", lw=0.8)
    ax.set(xlabel="entry 1 of the code s", ylabel="(s − 4)² + λ|s|")
    ax.legend(fontsize="small")
    return ax


def found_by_measurements(shares: Mapping[str, Sequence[float]], ax: Axes) -> Axes:
    """Share of random matrices from which the weights come back, against the number of measurements (from 1 on).

    `shares`: name of the weights → share for 1, 2, … measurements.
    """
    for number, (name, values) in enumerate(shares.items()):
        ax.plot(range(1, len(values) + 1), values, _MARKERS[number], ls="-", color=COLOURS[number], label=name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    in_percent(ax.yaxis)
    ax.set(xlabel="measurements m", ylabel="matrices from which w is found [%]", ylim=(-0.03, 1.03))
    ax.legend(fontsize="small", loc="upper left")
    return ax


def cut_in_orders(cut: Mapping[str, Sequence[int]], columns: Sequence[int], ax: Axes) -> Axes:
    """Neurons that are cut, a row an order of the same neurons, a column a neuron.

    Parameters
    ----------
    cut : name of the order → numbers of the neurons that go.
    columns : all neurons, in the order in which they are drawn.
    """
    for row, (name, neurons) in enumerate(cut.items()):
        colour = COLOURS[0] if name.startswith("DTC") else "0.3"
        places = [place for place, neuron in enumerate(columns) if neuron in set(neurons)]
        ax.axhline(row, color="0.85", lw=0.8, zorder=1)
        ax.scatter(places, [row] * len(places), marker="s", s=32, color=colour)
    ax.set_yticks(range(len(cut)), list(cut), fontsize="small")
    ax.set(xlim=(-1, len(columns)), xlabel="neuron (smallest |a + b| on the left)")
    ax.invert_yaxis()
    ax.grid(visible=False)
    return ax


def shares_in_common(shares: Mapping[str, Mapping[str, float]], ax: Axes, *, chance: float) -> Axes:
    """Shares of the cut in common with other cuts, a group of bars a way to cut, and what two random cuts share.

    `shares`: way to cut → the other cut → share.
    """
    names = next(iter(shares.values()))
    _grouped_bars({name: [others[name] for others in shares.values()] for name in names}, ax)
    ax.axhline(chance, color="0.2", ls="--", label="by chance")
    ax.set_xticks(range(len(shares)), list(shares))
    in_percent(ax.yaxis)
    ax.set_ylabel("share of the cut in common [%]")
    ax.legend(fontsize="small")
    return ax


def cut_matrices(
    incoming: np.ndarray, outgoing: np.ndarray, axes: Sequence[Axes], *, gone: Sequence[int]
) -> Sequence[Axes]:
    """Both weight matrices of a perceptron, with the rows and the columns of the neurons that go struck out.

    Parameters
    ----------
    incoming, outgoing : (n_neurons, n_inputs) and (n_classes, n_neurons).
    gone : neurons.
    """
    for weights, ax in zip((incoming, outgoing), axes, strict=True):
        reach = np.abs(weights).max()
        ax.imshow(weights, aspect="auto", cmap="PuOr", vmin=-reach, vmax=reach, interpolation="nearest")
        ax.grid(visible=False)
    for neuron in gone:
        strike = {"facecolor": "white", "edgecolor": COLOURS[3], "hatch": "////", "alpha": 0.85}
        axes[0].axhspan(neuron - 0.5, neuron + 0.5, **strike)
        axes[1].axvspan(neuron - 0.5, neuron + 0.5, **strike)
    axes[0].set(xlabel="pixel", ylabel="neuron", yticks=range(len(incoming)))
    axes[1].set(xlabel="neuron", ylabel="class", xticks=range(len(incoming)), yticks=range(len(outgoing)))
    axes[0].set_title("first matrix: a row is a neuron", fontsize="medium")
    axes[1].set_title("second matrix: a column is a neuron", fontsize="medium")
    return axes


def accuracy_after_cut(tables: Mapping[str, pd.DataFrame], ax: Axes, *, before: float) -> Axes:
    """Test accuracy while training goes on after a cut, a line a way to go on.

    Parameters
    ----------
    tables : way → columns batch, accuracy.
    before : accuracy before the cut.
    """
    ax.axhline(before, color="0.4", ls="--", lw=1, label="before the cut")
    _after_cut(tables, "accuracy", ax)
    in_percent(ax.yaxis)
    ax.set_ylabel("test accuracy [%]")
    ax.legend(fontsize="small")
    return ax


def steps_after_cut(tables: Mapping[str, pd.DataFrame], ax: Axes) -> Axes:
    """Step of a weight in a batch, on average over all weights, a line a way to go on; columns batch, step."""
    _after_cut(tables, "step", ax)
    ax.set(ylabel="mean step of a weight [learning rates]", ylim=(0, None))
    ax.legend(fontsize="small")
    return ax


def _after_cut(tables: Mapping[str, pd.DataFrame], column: str, ax: Axes) -> None:
    for number, (name, table) in enumerate(tables.items()):
        look = {"color": COLOURS[number], "marker": _MARKERS[number], "markevery": 5}
        ax.plot(table.batch, table[column], ms=5, lw=1.5, label=name, **look)
    ax.set_xlabel("batches after the cut")
