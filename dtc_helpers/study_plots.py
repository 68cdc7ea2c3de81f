"""Figures of replicated studies: each draws on the Axes it is given and computes nothing."""

from collections.abc import Mapping, Sequence

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter, ScalarFormatter

from dtc_helpers.plots import METHOD_COLOURS, METHOD_LABELS, METHOD_MARKERS

_COLOURS = sns.color_palette("colorblind")
ARM_STYLES = {
    **{m: {"color": METHOD_COLOURS[m], "marker": METHOD_MARKERS[m]} for m in METHOD_LABELS},
    "dense": {"color": "0.3", "marker": "x"},
    "scratch, batches": {"color": _COLOURS[4], "marker": "v"},
    "scratch, multiply_adds": {"color": _COLOURS[5], "marker": "P"},
    "scratch, longer": {"color": _COLOURS[6], "marker": "*"},
    "ticket, dtc": {"color": _COLOURS[2], "marker": "p"},
    "ticket, norms": {"color": _COLOURS[9], "marker": "h"},
    "ticket, random": {"color": _COLOURS[1], "marker": "<"},
}


def accuracy_with_intervals(panels: Mapping[str, pd.DataFrame], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Mean accuracy of every arm over the neurons left, with 95 % intervals over replicates; a panel a title.

    Parameters
    ----------
    panels : title → columns arm, neurons, mean, low, high.
    """
    for (title, table), ax in zip(panels.items(), axes, strict=True):
        for arm, run in table.groupby("arm", sort=False):
            style = ARM_STYLES[str(arm)]
            ax.plot(run.neurons, run["mean"], ms=4, label=METHOD_LABELS.get(str(arm), str(arm)), **style)
            ax.fill_between(run.neurons, run.low, run.high, color=style["color"], alpha=0.25, lw=0)
        _neurons_axis(ax)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=None))
        ax.set_title(title, fontsize="medium")
    axes[0].set_ylabel("test accuracy [%], mean and 95 % interval")
    axes[0].legend(fontsize="small", loc="lower left")
    return axes


def paired_differences(
    panels: Mapping[str, pd.DataFrame], axes: Sequence[Axes], *, margin: float, names: tuple[str, str]
) -> Sequence[Axes]:
    """Difference of two arms on common seeds at every width, with 95 % intervals; grey is too small to matter.

    Parameters
    ----------
    panels : title → columns neurons, difference, low, high.
    margin : of equivalence, as a fraction.
    names : of the first and of the second arm.
    """
    for (title, table), ax in zip(panels.items(), axes, strict=True):
        ax.axhspan(-margin, margin, color="0.85")
        ax.axhline(0, color="0.4", lw=0.8)
        errors = [table.difference - table.low, table.high - table.difference]
        ax.errorbar(table.neurons, table.difference, yerr=errors, fmt="o", ms=4, color=_COLOURS[2], lw=1.2)
        _neurons_axis(ax)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=None))
        ax.set_title(title, fontsize="medium")
    axes[0].set_ylabel(f"{names[0]} minus {names[1]} [points of accuracy]")
    return axes


def _neurons_axis(ax: Axes) -> None:
    ax.set_xscale("log")
    ax.set_xticks([10, 20, 51, 100, 200, 460])
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.minorticks_off()
    ax.xaxis.set_inverted(True)
    ax.set_xlabel("hidden neurons left")
