"""Pictures of the explorer's views, for where nothing moves: they draw on the Axes given, and compute nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dtc_helpers.figures.style import COLOURS

CUT = COLOURS[3]
PLAYERS = {"you": ("o-", COLOURS[0]), "DTC": ("s--", COLOURS[2]), "magnitude": ("^:", "0.35")}
LOOKS = ({"color": COLOURS[0], "marker": "o", "ls": "-"}, {"color": COLOURS[1], "marker": "s", "ls": "--"})


def weights_and_recovered(
    weights: np.ndarray, recovered: np.ndarray, cut: Sequence[int], ax: Axes, *, title: str, reach: float
) -> Axes:
    """Weights as bars, what comes back as a line, crosses over those that are cut; `reach` is the largest |value|."""
    places = np.arange(weights.size)
    bars = ax.bar(places, weights, width=0.75, color="#9cc4de", label="w")
    for neuron in cut:
        bars[neuron].set(facecolor="#fbe3df", edgecolor=CUT)
    ax.plot(places, recovered, ".-", color=COLOURS[1], lw=1, ms=4, label="Ψs")
    ax.plot(cut, np.full(len(cut), 1.1 * reach), "x", color=CUT, label="cut")
    ax.set(ylim=(-1.2 * reach, 1.2 * reach), xlabel="neurons, in their order")
    ax.set_title(title, fontsize="small")
    return ax


def process_and_null(own: np.ndarray, null: np.ndarray, ceiling: np.ndarray, fitness: np.ndarray, ax: Axes) -> Axes:
    """Entropy against fitness of a process and of one draw of a null model; ln m as a line."""
    ax.plot(ceiling, fitness, "--", color="0.4", label="ln m")
    ax.plot(null, fitness, "s", mfc="none", color=COLOURS[1], ms=5, label="one draw of the exact null")
    ax.plot(own, fitness, "o", color=COLOURS[0], ms=4, label="process")
    ax.set(xlabel="Gibbs entropy S [nats]", ylabel="fitness")
    ax.legend(fontsize="small")
    return ax


def null_distribution(found: np.ndarray, tested: float, by_length: float, ax: Axes) -> Axes:
    """Correlations of the draws of a null model, with those of the process and of ln m."""
    ax.hist(found[np.isfinite(found)], bins=15, color="#f3d9b5", edgecolor=COLOURS[1], label="draws of the exact null")
    ax.axvline(tested, ymax=0.66, color=COLOURS[0], lw=3, label="process")
    ax.axvline(by_length, ymax=0.66, color="0.4", ls="--", lw=2, label="ln m alone")
    ax.set(xlabel="Pearson correlation with the fitness", ylabel="draws", ylim=(0, 1.5 * ax.get_ylim()[1]))
    ax.legend(fontsize="small", loc="upper left")
    return ax


def two_series(
    series: Mapping[str, Sequence[float] | np.ndarray], ax: Axes, *, label: str, ceiling: Sequence[float] | None = None
) -> Axes:
    """A number of two runs in every cycle; with a ceiling as a line."""
    cycles = np.arange(1, len(next(iter(series.values()))) + 1)
    if ceiling is not None:
        ax.plot(cycles, ceiling, ":", color="0.4", label="ln m")
    for (name, values), look in zip(series.items(), LOOKS, strict=False):
        ax.plot(cycles, values, ms=4, label=name, **look)
    ax.set(xlabel="cycle", ylabel=label)
    ax.legend(fontsize="small")
    return ax


def game(history: Mapping[str, Sequence], ax: Axes) -> Axes:
    """Accuracy of each player after every cut, those who draw lots as a band.

    `history`: player → accuracies; of "random" one list a cut.
    """
    cuts = np.arange(1, len(history["random"]) + 1)
    if cuts.size:
        draws = np.array(history["random"])
        ax.fill_between(cuts, draws.min(1), draws.max(1), color="#f3d9b5", label="drawing lots, worst to best")
    players = [name for name in history if name != "random"]
    for name in players:
        look, colour = PLAYERS[name]
        ax.plot(cuts, history[name], look, color=colour, ms=5, label=name)
    ax.set(xlabel="cut", ylabel="test accuracy", xlim=(0.5, max(cuts.size, 4) + 0.5))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if cuts.size:
        ax.legend(fontsize="small")
    else:
        ax.set_yticks([])
        words = f"after the first cut: {', '.join(players)},\nand ten who draw lots"
        ax.text(0.5, 0.5, words, ha="center", va="center", transform=ax.transAxes)
    return ax
