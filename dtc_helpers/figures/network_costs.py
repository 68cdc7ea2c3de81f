"""Figures of networks of any kind that are cut: groups of channels, widths, and accuracy against what it cost."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from dtc_helpers.figures.style import COLOURS, METHOD_COLOURS, METHOD_LABELS, METHOD_MARKERS


def channel_groups(table: pd.DataFrame, ax: Axes) -> Axes:
    """Which layers make and which read the channels of every group: these are cut together.

    Parameters
    ----------
    table : with the columns group, layer and role ("makes" or "reads"), both in the order of the network.
    """
    groups, layers = list(dict.fromkeys(table.group)), list(dict.fromkeys(table.layer))
    for (role, rows), (colour, marker) in zip(table.groupby("role"), ((0, "s"), (1, "o")), strict=False):
        x, y = (
            [names.index(name) for name in column] for names, column in ((groups, rows.group), (layers, rows.layer))
        )
        ax.scatter(x, y, s=160, color=COLOURS[colour], marker=marker, label=f"{role} the channels")
    ax.set_xticks(range(len(groups)), [f"group {i + 1}" for i in range(len(groups))])
    ax.set_yticks(range(len(layers)), layers)
    ax.invert_yaxis()
    ax.margins(0.2)
    ax.set_ylabel("layer")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def widths(table: pd.DataFrame, ax: Axes) -> Axes:
    """Channels that are left of every layer after every cut.

    Parameters
    ----------
    table : with the columns cut, layer, channels; cut 0 is before any.
    """
    for (layer, rows), colour in zip(table.groupby("layer", sort=False), COLOURS, strict=False):
        ax.semilogy(rows.cut, rows.channels, "o-", ms=4.5, color=colour, label=layer)
    ax.set_xlabel("cut")
    ax.set_ylabel("channels left")
    ax.legend(title="layer")
    return ax


def accuracy_by_cost(table: pd.DataFrame, ax: Axes, *, cost: str = "training_multiply_adds") -> Axes:
    """Accuracy against multiply-adds, one line an arm; bars are 95 % intervals where there are several replicates.

    Parameters
    ----------
    table : with the columns arm, mean, low, high and the one that `cost` names.
    """
    for (arm, rows), (colour, marker) in zip(table.groupby("arm", sort=False), _looks(table.arm), strict=True):
        spread = [rows["mean"] - rows.low, rows.high - rows["mean"]]
        label = METHOD_LABELS.get(str(arm), arm)
        ax.errorbar(rows[cost], rows["mean"], yerr=spread, marker=marker, ms=5, capsize=2, color=colour, label=label)
    ax.set_xscale("log")
    ax.set_xlabel(
        "multiply-adds of an image [1]" if cost == "multiply_adds" else "multiply-adds of the training so far [1]"
    )
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=None))
    ax.set_ylabel("accuracy [%]")
    ax.legend(fontsize="small")
    return ax


def _looks(arms: pd.Series) -> Iterator[tuple[object, str]]:
    """Colour and marker of every arm: those of the methods, and what is left for the others."""
    others = iter([(COLOURS[i], marker) for i, marker in zip((4, 7, 3, 5, 8), "vP*X<", strict=True)])
    for arm in dict.fromkeys(arms):
        yield (METHOD_COLOURS[arm], METHOD_MARKERS[arm]) if arm in METHOD_COLOURS else next(others)
