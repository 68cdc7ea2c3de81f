"""Figures of sweeps over one or two parameters: each draws on the Axes it is given and computes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from dtc_helpers.figures.style import COLOURS, METHOD_LABELS, in_percent

_BESIDE: dict[str, Any] = {
    "fontsize": "x-small", "title_fontsize": "x-small", "loc": "center left", "bbox_to_anchor": (1, 0.5),
}  # fmt: skip
_MARKERS = "os^Dv<>PX*"
_STYLES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (1, 3)), (0, (8, 2)))


def sweep_curves(curves: pd.DataFrame, axes: Sequence[Axes], *, varied: Sequence[str]) -> Sequence[Axes]:
    """Mean accuracy against removed neurons, one panel a method, one line a point of the sweep.

    Parameters
    ----------
    curves : columns method, removed_fraction, accuracy (mean over runs) and those of `varied`.
    varied : one parameter (colour), or two (colour, line style).
    """
    colours = _colours(curves[varied[0]])
    styles = dict(zip(curves[varied[-1]].unique(), _STYLES * 100, strict=False)) if len(varied) == 2 else {}
    for (method, of_method), ax in zip(curves.groupby("method", sort=False), axes, strict=True):
        points: Any = of_method.groupby(list(varied), sort=False)
        for values, run in points:
            style = {"color": colours[values[0]], "ls": styles.get(values[-1], "-")}
            ax.plot(run.removed_fraction, run.accuracy, lw=1.6, label=", ".join(map(str, values)), **style)
        ax.set_title(METHOD_LABELS.get(str(method), str(method)), fontsize="medium")
        ax.set_xlabel("removed neurons [%]")
        for axis in (ax.xaxis, ax.yaxis):
            in_percent(axis)
    axes[0].set_ylabel("test accuracy, mean of runs [%]")
    axes[-1].legend(title=", ".join(varied), **_BESIDE)
    return axes


def sweep_response(runs: pd.DataFrame, axes: Sequence[Axes], *, varied: Sequence[str]) -> Sequence[Axes]:
    """Accuracy at one size against the first parameter, one panel a method: runs as points, their means as lines.

    Parameters
    ----------
    runs : columns method, accuracy, neurons and those of `varied`; one row a run.
    varied : one parameter (horizontal), or two (horizontal, colour and marker). Numbers that span a factor of five
        or more are shown on a logarithmic axis.
    """
    hue = varied[1] if len(varied) == 2 else None
    groups = list(runs[hue].unique()) if hue else [None]
    colours = _colours(runs[hue]) if hue else {None: COLOURS[0]}
    for (method, of_method), ax in zip(runs.groupby("method", sort=False), axes, strict=True):
        for group, marker in zip(groups, _MARKERS * 100, strict=False):
            chosen = of_method[of_method[hue] == group] if hue else of_method
            position = chosen[varied[0]]
            means = chosen.groupby(varied[0], sort=False).accuracy.mean()
            ax.plot(position, chosen.accuracy, marker, ms=5, alpha=0.5, color=colours[group])
            ax.plot(means.index, means, lw=1.8, color=colours[group], label=None if group is None else str(group))
        ax.set_title(METHOD_LABELS.get(str(method), str(method)), fontsize="medium")
        ax.set_xlabel(_label(varied[0]))
        _scale(ax, runs[varied[0]])
        in_percent(ax.yaxis, decimals=1)
    axes[0].set_ylabel("test accuracy [%]")
    if hue:
        axes[-1].legend(title=hue, **_BESIDE)
    return axes


def sweep_map(
    means: Mapping[str, pd.DataFrame],
    axes: Sequence[Axes],
    *,
    varied: Sequence[str],
    quantity: str = "test accuracy [%]",
) -> Sequence[Axes]:
    """Mean accuracy at one size as numbers on a grid, one panel a method, one colour scale for all.

    Parameters
    ----------
    means : method → table of accuracies, rows by the second parameter (one row without any), columns by the first.
    varied : one parameter or two.
    quantity : what the numbers are, with their unit.
    """
    lowest = min(table.min(axis=None) for table in means.values())
    highest = max(table.max(axis=None) for table in means.values())
    for (method, table), ax in zip(means.items(), axes, strict=True):
        told = (100 * table).map(lambda value: f"{value:.1f}".replace("-", "−"))
        sns.heatmap(
            100 * table, ax=ax, annot=told, fmt="", cmap="cividis", cbar=False, linewidths=1,
            vmin=100 * lowest, vmax=100 * highest, annot_kws={"fontsize": "small"},
        )  # fmt: skip
        ax.grid(visible=False)
        ax.set_title(f"{METHOD_LABELS.get(method, method)}: {quantity}", fontsize="medium")
        ax.set_xlabel(_label(varied[0]))
        ax.set_ylabel(_label(varied[1]) if len(varied) == 2 else "")
    return axes


_UNITS = {
    "batches_per_cycle": "1", "hidden_neurons": "neurons", "stop_at": "neurons", "replicates": "networks",
    "dataset": "name", "readings": "names", "methods": "names", "device": "name",
}  # fmt: skip


_NAMES = {
    "batches_per_cycle": "batches between cuts", "cut_fraction": "share cut", "penalty_fraction": "λ / λ_max",
    "measurement_fraction": "m / N",
}  # fmt: skip


def _label(parameter: str) -> str:
    return f"{_NAMES.get(parameter, parameter)} [{_UNITS.get(parameter, '1')}]"


def _colours(values: Any) -> dict[Any, Any]:
    """Colours that colour-blind readers tell apart; from dark to light where there are many."""
    distinct = list(values.unique())
    name = "colorblind" if len(distinct) <= 8 else "cividis"
    return dict(zip(distinct, sns.color_palette(name, len(distinct)), strict=True))


def _scale(ax: Axes, values: Any) -> None:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return
    ticks = np.sort(values.unique())
    if ticks[0] > 0 and ticks[-1] / ticks[0] >= 5:
        ax.set_xscale("log")
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
