"""Figures of networks of any kind that are cut: groups of channels, widths, and accuracy against what it cost."""

import pandas as pd
from matplotlib.axes import Axes

from dtc_helpers.figures.comparisons import ARM_LABELS, ARM_STYLES
from dtc_helpers.figures.style import COLOURS, in_percent, log_axis


def channel_groups(table: pd.DataFrame, ax: Axes) -> Axes:
    """Layers that make and layers that read the channels of every group: these are cut together.

    `table` has the columns group, layer and role ("makes" or "reads"), both in the order of the network.
    """
    groups, layers = list(dict.fromkeys(table.group)), list(dict.fromkeys(table.layer))
    for (role, rows), (colour, marker) in zip(table.groupby("role"), ((0, "s"), (1, "o")), strict=False):
        places = rows.group.map(groups.index), rows.layer.map(layers.index)
        ax.scatter(*places, s=160, color=COLOURS[colour], marker=marker, label=f"{role} the channels")
    ax.set_xticks(range(len(groups)), [f"group {i + 1}" for i in range(len(groups))])
    ax.set_yticks(range(len(layers)), layers)
    ax.invert_yaxis()
    ax.margins(0.2)
    ax.set_ylabel("layer")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def widths(table: pd.DataFrame, ax: Axes) -> Axes:
    """Channels that are left of every layer after every cut.

    `table` has the columns cut, layer, channels; cut 0 is before any.
    """
    for (layer, rows), colour in zip(table.groupby("layer", sort=False), COLOURS, strict=False):
        ax.semilogy(rows.cut, rows.channels, "o-", ms=4.5, color=colour, label=layer)
    ax.set(xlabel="cut", ylabel="channels left")
    ax.legend(title="layer")
    return ax


def accuracy_by_cost(table: pd.DataFrame, ax: Axes, *, cost: str = "training_multiply_adds") -> Axes:
    """Accuracy against multiply-adds; bars are 95 % intervals where there are several replicates.

    A line is one network on its way; networks from scratch are points, each one a network of its own. `table` has the
    columns arm, mean, low, high and the one that `cost` names. Random pruning is dashed: another line may lie below it.
    """
    of, unit, name = {
        "training_multiply_adds": ("the training so far", 1e9, "10⁹"),
        "multiply_adds": ("an image", 1e3, "1,000"),
    }[cost]
    for arm, rows in table.groupby("arm", sort=False):
        spread = [rows["mean"] - rows.low, rows.high - rows["mean"]] if rows.low.notna().any() else None
        line = "none" if str(arm).startswith("scratch") else "--" if arm == "random" else "-"
        ax.errorbar(rows[cost] / unit, rows["mean"], yerr=spread, ms=5, capsize=2, ls=line, label=ARM_LABELS[str(arm)],
                    **ARM_STYLES[str(arm)])  # fmt: skip
    log_axis(ax)
    ax.set_xlabel(f"multiply-adds of {of} [{name}]")
    in_percent(ax.yaxis)
    ax.set_ylabel("test accuracy [%]")
    ax.legend(fontsize="small")
    return ax
