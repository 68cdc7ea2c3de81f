"""Figures of entropies along a run: each draws on the Axes it is given and computes nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dtc_helpers.figures.style import (
    AFTER_THE_CUT,
    COLOURS,
    METHOD_COLOURS,
    METHOD_MARKERS,
    in_percent,
    neurons_axis,
    runs,
)

SIDE_LABELS = {"incoming": "previous layer (incoming sums)", "outgoing": "next layer (outgoing sums)"}


def occurrence_probabilities(steps: Mapping[str, pd.DataFrame], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Occurrence probabilities of the measurements of both layers (the paper's Figure 4), sizes one below the other.

    `steps`: "incoming" and "outgoing" → columns value (middle of the bin), probability, n_measurements.
    """
    for (side, occurrences), ax in zip(steps.items(), axes, strict=True):
        by_size = list(occurrences.groupby("n_measurements", sort=False))
        for row, (_, step) in enumerate(by_size):
            highest, filled = step.probability.max(), step.probability > 0
            ax.axhline(-row, color="0.8", lw=0.8)
            ax.vlines(step.value[filled], -row, 0.8 * step.probability[filled] / highest - row, color="0.3", lw=2)
        labels = [f"m = {m}, up to {step.probability.max():.2f}" for m, step in by_size]
        ax.set_yticks([-row for row in range(len(by_size))], labels, fontsize="small")
        seen = occurrences.value[occurrences.probability > 0]
        if len(seen):
            ax.set_xlim(seen.min() - 1, seen.max() + 1)
        ax.set_title(SIDE_LABELS[side], fontsize="medium")
        ax.set_xlabel("measurement y [weight units]")
    axes[0].set_ylabel("occurrence probability per bin [1]")
    return axes


def gibbs_entropies(entropies: pd.DataFrame, axes: Sequence[Axes], *, unit: str) -> Sequence[Axes]:
    """Gibbs entropy of the measurements along the compression (the paper's Figure 5), one panel a layer.

    Parameters
    ----------
    entropies : columns side, method, replicate, neurons, n_measurements, entropy.
    unit : of the entropy, nats: the ceiling ln m is drawn.
    """
    for side, ax in zip(entropies.side.unique(), axes, strict=True):
        of_side = entropies.query("side == @side")
        ceiling = of_side.drop_duplicates("neurons")
        heights = np.log(ceiling.n_measurements)
        ax.plot(ceiling.neurons, heights, color="0.2", lw=1, ls="--", zorder=3, label="ceiling ln m")
        for method, run, label in runs(of_side):
            style = {"color": METHOD_COLOURS[method], "marker": METHOD_MARKERS[method]}
            ax.plot(run.neurons, run.entropy, ms=4, label=label, **style)
        ax.set_title(SIDE_LABELS[side], fontsize="medium")
        neurons_axis(ax)
        ax.set_xlabel(AFTER_THE_CUT)
    axes[0].set_ylabel(f"Gibbs entropy [{unit}]")
    axes[-1].legend(fontsize="small")
    return axes


def entropy_against_accuracy(points: pd.DataFrame, ax: Axes, *, unit: str) -> Axes:
    """Accuracy over Gibbs entropy, one point a cycle: what the proposition says is a line.

    Parameters
    ----------
    points : columns method, replicate, entropy, accuracy.
    unit : of the entropy.
    """
    for method, run, label in runs(points):
        marker = METHOD_MARKERS[method]
        ax.plot(run.entropy, run.accuracy, marker, ms=5, color=METHOD_COLOURS[method], label=label)
    ax.set(xlabel=f"Gibbs entropy of the next layer's measurement [{unit}]", ylabel="accuracy (LOWESS) [%]")
    in_percent(ax.yaxis)
    ax.legend()
    return ax


def ceiling(table: pd.DataFrame, ax: Axes) -> Axes:
    """Entropy of random vectors against their length, under the line ln m that none can pass.

    `table`: columns n_measurements, entropy.
    """
    lengths = np.linspace(1, table.n_measurements.max(), 500)
    ax.plot(lengths, np.log(lengths), color="0.2", lw=2, label="ceiling: ln m")
    ax.plot(table.n_measurements, table.entropy, "o", ms=5, alpha=0.5, color=COLOURS[0], label="random vectors")
    ax.set(xlabel="number of measurements m", ylabel="Gibbs entropy [nats]")
    ax.legend(loc="lower right")
    return ax
