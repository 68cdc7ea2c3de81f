"""Figures of correlations beside their null models: each draws on the Axes it is given and computes nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import StrMethodFormatter

from dtc_helpers.figures.style import COLOURS, METHOD_COLOURS, METHOD_LABELS, METHOD_MARKERS, spelled

UNDEFINED = "undefined:\nnothing varies"  # what a correlation is of a series that does not vary
VERDICT_CODES = {"below": -1, "open": 0, "above": 1}
VERDICT_COLOURS = (COLOURS[1], "0.88", COLOURS[9])
VERDICT_LABELS = ("worse than the null", "cannot be told apart", "better than the null")


def null_correlations(
    nulls: Mapping[str, np.ndarray], measured: Mapping[str, float], axes: Sequence[Axes]
) -> Sequence[Axes]:
    """Correlations that vectors without any network give (bars), beside the measured one (line), a panel a method.

    Parameters
    ----------
    nulls : method → (n_draws,) correlations; NaN where a draw has none.
    measured : method → correlation; NaN if there is none.
    """
    for (method, draws), ax in zip(nulls.items(), axes, strict=True):
        defined = draws[np.isfinite(draws)]
        _histogram(defined, ax)
        if np.isfinite(measured[method]):
            label = f"measured: {measured[method]:.3f}"
            ax.axvline(measured[method], ymax=0.76, color=METHOD_COLOURS[method], lw=2.5, label=label)
        else:
            ax.plot([], [], color=METHOD_COLOURS[method], label="measured: undefined")
        ax.set(title=METHOD_LABELS[method], xlabel="Pearson correlation [1]")
        ax.legend(fontsize="small", loc="upper left")
    highest = max((bar.get_height() for ax in axes for bar in ax.patches if isinstance(bar, Rectangle)), default=1)
    for ax in axes:
        ax.set_ylim(top=1.35 * highest)  # room for the legend above the bars
    axes[0].set_ylabel("share of draws [1]")
    return axes


def _histogram(draws: np.ndarray, ax: Axes) -> None:
    """Bars of the draws; without any a word, and one bar where they differ by rounding only (±1 of two cycles)."""
    if len(draws) == 0:
        ax.text(0.5, 0.4, UNDEFINED, transform=ax.transAxes, ha="center")
        return
    bins, span = (1, (draws[0] - 0.02, draws[0] + 0.02)) if np.ptp(draws) < 1e-9 else (30, None)
    sns.histplot(x=draws, ax=ax, stat="probability", bins=bins, binrange=span, color="0.7", label="exact null")


def run_beside_nulls(table: pd.DataFrame, axes: Sequence[Axes], *, close: tuple[float, float]) -> Sequence[Axes]:
    """Correlation that is tested (marker) beside the middle 95 % of what each null model gives (bar); then close up.

    Parameters
    ----------
    table : index method, null model; columns tested, expected, low, high; NaN where they are not defined.
    close : range of the second axis.
    """
    names = list(table.index.get_level_values("null model").unique())
    methods = list(table.index.get_level_values("method").unique())
    for ax in axes:
        for i, method in enumerate(methods):
            rows, places = table.loc[method].loc[names], np.arange(len(names)) + 0.26 * (i - (len(methods) - 1) / 2)
            ax.hlines(places, rows.low, rows.high, color="0.7", lw=6, label="" if i else "null model, middle 95 %")
            ax.plot(rows.expected, places, "|", ms=9, color="0.35", label="" if i else "null model, mean")
            style = {"color": METHOD_COLOURS[str(method)], "label": f"{METHOD_LABELS[str(method)]}, measured"}
            ax.plot(rows.tested, places, METHOD_MARKERS[str(method)], ms=5, ls="none", mec="white", mew=0.5, **style)
            for place in places[rows.low.isna()]:
                ax.text(
                    0.5, place, UNDEFINED.replace("\n", " "), transform=ax.get_yaxis_transform(), fontsize="x-small"
                )
        ax.set(ylim=(len(names) - 0.5, -0.5), xlabel="Pearson correlation [1]")
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_xlim(-1.02, 1.02)
    axes[0].axvline(0, color="0.3", lw=0.8, zorder=1)
    axes[-1].set_yticks(range(len(names)), [""] * len(names))
    axes[-1].set_xlim(*close)
    axes[-1].set_title("close up", fontsize="medium")
    axes[0].legend(fontsize="x-small", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return axes


def verdicts(table: pd.DataFrame, ax: Axes) -> Axes:
    """Every process (row) against every null model (column): the excess of correlation, coloured by its interval.

    `table`: one statistic of `evidence.excesses`, columns dataset, process, null_model, excess, verdict, n.
    """
    n = table.groupby(["dataset", "process"]).n.transform("max")  # fewer where a replicate has no such correlation
    rows = (table.process + " · " + table.dataset.map(spelled) + ", n = " + n.astype(str)).rename("row")
    cells = table.assign(row=rows, code=table.verdict.map(VERDICT_CODES), excess=table.excess.round(3) + 0.0)
    shown = cells.pivot(index="row", columns="null_model", values=["code", "excess"])
    order = {"index": rows.unique(), "columns": table.null_model.unique()}
    codes, excess = (shown[name].reindex(**order) for name in ("code", "excess"))
    told = excess.map(lambda value: "–" if np.isnan(value) else f"{value:+.3f}".replace("-", "−"))
    sns.heatmap(codes, ax=ax, cmap=list(VERDICT_COLOURS), vmin=-1, vmax=1, cbar=False, linewidths=1.5,
                annot=told, fmt="", annot_kws={"fontsize": "small", "color": "black"})  # fmt: skip
    ax.set(xlabel="null model", ylabel="")
    ax.tick_params(axis="x", rotation=20)
    for label in ax.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    handles = [Patch(color=colour, label=label) for colour, label in zip(VERDICT_COLOURS, VERDICT_LABELS, strict=True)]
    ax.legend(handles=handles[::-1], loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3, fontsize="small")
    return ax


def bin_widths(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Correlation against bin width, for the measurements and for the exact null.

    `table`: columns panel, width, and value, low, high of "tested" and of "null" (tested_value, …, null_high).
    """
    styles = {"tested": (COLOURS[2], "o", "measured"), "null": ("0.45", "s", "exact null")}
    for (panel, rows), ax in zip(table.groupby("panel", sort=False), axes, strict=True):
        for which, (colour, marker, label) in styles.items():
            ax.fill_between(rows.width, rows[f"{which}_low"], rows[f"{which}_high"], color=colour, alpha=0.25)
            ax.plot(rows.width, rows[f"{which}_value"], marker, ls="-", ms=4, color=colour, label=label)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.set_title(_two_lines(panel), fontsize="medium")
        ax.set_xlabel("bin width [units of y]", fontsize="small")
    axes[0].set_ylabel("Pearson correlation [1]")
    axes[0].legend(fontsize="x-small", loc="lower left")
    return axes


def binning_excess(table: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Excess over the exact null of every binning (a row), with its interval; a panel a process.

    Blue intervals lie above 0, orange ones below, grey ones contain it. `table`: columns panel, binning, excess_value,
    excess_low, excess_high.
    """
    for (panel, rows), ax in zip(table.groupby("panel", sort=False), axes, strict=True):
        places = range(len(rows))
        codes = (rows.excess_low > 0).astype(int) - (rows.excess_high < 0)
        colours = [{-1: VERDICT_COLOURS[0], 0: "0.55", 1: COLOURS[0]}[code] for code in codes]
        ax.axvline(0, color="0.3", lw=1, zorder=1)
        ax.hlines(places, rows.excess_low, rows.excess_high, colors=colours, lw=2.5)
        ax.scatter(rows.excess_value, places, c=colours, s=35, zorder=3)
        ax.set_yticks(places, rows.binning if ax is axes[0] else [""] * len(rows), fontsize="small")
        ax.set_title(_two_lines(panel), fontsize="medium")
        ax.set_xlabel("excess of correlation [1]", fontsize="x-small")
        ax.tick_params(axis="x", labelsize="small")
        ax.invert_yaxis()
    return axes


def _two_lines(panel: object) -> str:
    return spelled(panel).replace(" · ", "\n")
