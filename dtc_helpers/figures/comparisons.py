"""Figures of replicated studies: each draws on the Axes it is given and computes nothing."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from dtc_helpers.figures.style import (
    COLOURS,
    METHOD_COLOURS,
    METHOD_LABELS,
    METHOD_MARKERS,
    in_percent,
    neurons_axis,
    spelled,
)

_DIFFERENCE = "0.25"  # belongs to no method
ARM_STYLES = {
    **{m: {"color": METHOD_COLOURS[m], "marker": METHOD_MARKERS[m]} for m in METHOD_LABELS},
    "dense": {"color": "0.3", "marker": "x"},
    "dense, batches": {"color": "0.3", "marker": "x"},
    "dense, multiply_adds": {"color": "0.6", "marker": "+"},
    "taylor": {"color": COLOURS[9], "marker": "<"},
    "scratch, batches": {"color": COLOURS[4], "marker": "v"},
    "scratch, multiply_adds": {"color": COLOURS[5], "marker": "P"},
    "scratch, longer": {"color": COLOURS[6], "marker": "*"},
    "ticket, dtc": {"color": COLOURS[2], "marker": "p"},
    "ticket, norms": {"color": COLOURS[9], "marker": "h"},
    "ticket, random": {"color": COLOURS[1], "marker": "<"},
    "dtc renumbered": {"color": COLOURS[4], "marker": "X"},
    "dtc sorted": {"color": COLOURS[3], "marker": "d"},
    "dtc random basis": {"color": COLOURS[7], "marker": ">"},
}
ARM_LABELS = {
    **{arm: arm.replace("_", "-") for arm in ARM_STYLES},
    **METHOD_LABELS,
    "taylor": "Taylor",
    **{arm: arm.replace("dtc", "DTC,") for arm in ARM_STYLES if arm.startswith("dtc ")},
    **{f"ticket, {method}": f"ticket, {label}" for method, label in METHOD_LABELS.items()},
}


def accuracy_with_intervals(panels: Mapping[str, pd.DataFrame], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Mean accuracy of every arm over the neurons left, with 95 % intervals over replicates; a panel a title.

    `panels`: title → columns arm, neurons, mean, low, high.
    """
    for (title, table), ax in zip(panels.items(), axes, strict=True):
        for arm, run in table.groupby("arm", sort=False):
            style = ARM_STYLES[str(arm)]
            ax.plot(run.neurons, run["mean"], ms=4, label=ARM_LABELS[str(arm)], **style)
            ax.fill_between(run.neurons, run.low, run.high, color=style["color"], alpha=0.25, lw=0)
        neurons_axis(ax)
        in_percent(ax.yaxis, decimals=1)
        ax.set_title(spelled(title), fontsize="medium")
        if ax is axes[0] or set(table.arm) - set(next(iter(panels.values())).arm):
            ax.legend(fontsize="small", loc="lower left")
    axes[0].set_ylabel("test accuracy [%],\nmean and 95 % interval")
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
        ax.errorbar(table.neurons, table.difference, yerr=errors, fmt="o", ms=4, color=_DIFFERENCE, lw=1.2)
        neurons_axis(ax)
        in_percent(ax.yaxis, decimals=1)
        ax.set_title(spelled(title), fontsize="medium")
    axes[0].set_ylabel(f"{names[0]} minus {names[1]} [points of accuracy]")
    return axes


def arm_means(panels: Mapping[str, pd.DataFrame], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Mean accuracy of every arm at one place, a row each, with its 95 % interval over replicates; a panel a title.

    `panels`: title → columns arm, mean, low, high; the same arms in all panels, the first on top.
    """
    for (title, table), ax in zip(panels.items(), axes, strict=True):
        for place, row in enumerate(table.to_dict("records")):
            style = ARM_STYLES[row["arm"]]
            ax.hlines(place, row["low"], row["high"], color=style["color"], lw=2.5)
            ax.plot(row["mean"], place, ms=7, **style)
        labels = [ARM_LABELS[arm] for arm in table.arm]
        ax.set_yticks(range(len(labels)), labels if ax is axes[0] else [""] * len(labels))
        ax.set_ylim(len(table) - 0.5, -0.5)  # the first is on top
        in_percent(ax.xaxis, decimals=1)
        ax.set_xlabel("test accuracy [%]")
        ax.set_title(spelled(title), fontsize="medium")
    return axes


def differences_by_point(panels: Mapping[str, pd.DataFrame], axes: Sequence[Axes], *, margin: float) -> Sequence[Axes]:
    """Difference of two arms on common seeds at every point, a row each; grey is too small to matter.

    Parameters
    ----------
    panels : title → columns point (its name), difference, low, high; the first is on top. The title names the arms.
    margin : of equivalence, as a fraction.
    """
    tables = pd.concat([*panels.values()])[["difference", "low", "high"]]  # no interval where nothing varies
    low, high = tables.min(axis=None), tables.max(axis=None)  # all panels have one range
    for (title, table), ax in zip(panels.items(), axes, strict=True):
        ax.set_xlim(min(low, -margin) - 0.05 * (high - low), max(high, margin) + 0.05 * (high - low))
        ax.axvspan(-margin, margin, color="0.85")
        ax.axvline(0, color="0.4", lw=0.8)
        places = range(len(table))
        ax.hlines(places, table.low, table.high, color=_DIFFERENCE, lw=2)
        ax.plot(table.difference, places, "o", ms=5, color=_DIFFERENCE)
        is_alike = ax is not axes[0] and list(table.point) == list(next(iter(panels.values())).point)
        ax.set_yticks(places, [""] * len(table) if is_alike else table.point.map(spelled), fontsize="small")
        ax.set_ylim(len(table) - 0.5, -0.5)  # the first is on top
        in_percent(ax.xaxis, decimals=1)
        ax.set_xlabel("difference\n[points of accuracy]")
        ax.set_title(spelled(title), fontsize="medium")
    return axes


def walk(steps: Sequence[str], table: pd.DataFrame, ax: Axes) -> Axes:
    """Mean accuracy of every method at every step from one reading to the other, with 95 % intervals.

    Parameters
    ----------
    steps : from left to right; each is the one before with one switch changed.
    table : columns reading (the step), arm, mean, low, high.
    """
    for shift, (arm, run) in enumerate(table.groupby("arm", sort=False)):
        run = run.set_index("reading").loc[list(steps)]
        places = [place + 0.12 * (shift - 1) for place in range(len(steps))]
        ax.errorbar(
            places, run["mean"], yerr=[run["mean"] - run.low, run.high - run["mean"]], ms=6, lw=1.2, elinewidth=2,
            label=METHOD_LABELS[str(arm)], **ARM_STYLES[str(arm)],
        )  # fmt: skip
    ax.set_xticks(range(len(steps)), [steps[0], *(f"+ {step}" for step in steps[1:])], rotation=25, ha="right")
    in_percent(ax.yaxis, decimals=1)
    ax.set_ylabel("test accuracy [%],\nmean and 95 % interval")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    return ax


def shares_by_width(choices: pd.DataFrame, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Share of the cut in common with magnitude (left) and with the same neurons in another order (right).

    `choices`: of `studies.numbering.choices`, one ray domain: columns arm, neurons, with_magnitude, with_other_order,
    by_chance; means over replicates are drawn, and what chance gives is dashed.
    """
    titles = {"with_magnitude": "in common with magnitude", "with_other_order": "in common with itself, renumbered"}
    for (column, title), ax in zip(titles.items(), axes, strict=True):
        shares = choices.pivot_table(index="neurons", columns="arm", values=column, sort=False)
        for arm in shares:
            ax.plot(shares.index, shares[arm], ms=4, label=ARM_LABELS[str(arm)], **ARM_STYLES[str(arm)])
        chance = choices.drop_duplicates("neurons").set_index("neurons").by_chance
        ax.plot(chance.index, chance, color="0.3", ls="--", lw=1.2, label="chance")
        neurons_axis(ax)
        in_percent(ax.yaxis, decimals=0)
        ax.set_title(spelled(title), fontsize="medium")
    axes[0].set_ylabel("share of the neurons that are cut [%]")
    axes[0].legend(fontsize="small")
    return axes
