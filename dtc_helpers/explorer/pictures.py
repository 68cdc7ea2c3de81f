"""Pictures of the views where nothing moves: a small PNG of each, for the page without scripts, GitHub and print."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from dtc_helpers.explorer.answers import ORDERS, LabSettings, exact_trial, lab_answer
from dtc_helpers.figures import explorer as plots
from dtc_helpers.figures.style import canvas
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, entropy_series
from dtc_helpers.proposition.relation import Process, column

_COLOURS = 48  # enough for charts, and a third of the bytes
_DPI = 110


def png(figure: Figure) -> bytes:
    """Figure as a PNG of few colours, the same bytes for the same figure, which is closed."""
    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", dpi=_DPI, metadata={"Software": None})
    plt.close(figure)  # a notebook would show it once more
    with Image.open(raw) as image:
        image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def lab_picture(weights: np.ndarray, settings: LabSettings) -> bytes:
    """The same weights in all three orders."""
    caption = (
        f"{len(weights)} weights, m = {min(settings.n_measurements, len(weights))}, "
        f"λ = {settings.l1_penalty_fraction:g} λ_max, Φ number {settings.seed}; line: Ψs, crosses: cut"
    )
    axes = canvas(caption, n_panels=len(ORDERS), height=3.0, share_y=True)
    answers = {order: lab_answer(weights, replace(settings, order=order)) for order in ORDERS}
    reach = max(float(np.abs([a.weights, a.recovered_weights]).max()) for a in answers.values()) or 1.0
    for (order, a), ax in zip(answers.items(), axes, strict=True):
        title = f"{order.replace('_', ' ')}\nerror {a.error:.2f}, {round(100 * a.shared)} % of the cut as by |w|"
        plots.weights_and_recovered(a.weights, a.recovered_weights, a.cut, ax, title=title, reach=reach)
    axes[0].set_ylabel("w and Ψs")
    return png(axes[0].figure)


def proposition_picture(process: Process, *, name: str, bin_width: float = 0.2) -> bytes:
    """A process beside its exact null."""
    axes = canvas(f"{name}; bins of {bin_width:g}; 100 draws of the exact null", n_panels=2, height=3.3)
    trial = exact_trial(process, bin_width=bin_width, rng=np.random.RandomState(0))
    ceiling, fitness = np.log(column(process, "length")), column(process, "fitness")
    plots.process_and_null(trial.own, trial.null, ceiling, fitness, axes[0])
    plots.null_distribution(trial.found, trial.tested, trial.by_length, axes[1])
    return png(axes[0].figure)


def replay_picture(state: dict[str, Any], *, names: Sequence[str]) -> bytes:
    """Accuracies and entropies of the two runs of these names in a `state.replay_state`."""
    axes = canvas(f"{state['dataset']}, one run each", n_panels=2, height=3.3)
    runs = {name: state["runs"][name] for name in names}
    plots.two_series({name: run["accuracy"] for name, run in runs.items()}, axes[0], label="test accuracy")
    measured = {name: [np.array(y) for y in run["outgoing"]] for name, run in runs.items()}
    entropies = {name: entropy_series(vectors, bins=PUBLISHED_BIN_EDGES) for name, vectors in measured.items()}
    ceiling = [float(np.log(y.size)) for y in measured[names[0]]]
    plots.two_series(entropies, axes[1], label="S of the outgoing sums [nats]", ceiling=ceiling)
    return png(axes[0].figure)


def game_picture(history: dict[str, list]) -> bytes:
    """Accuracies of all players after every cut."""
    axes = canvas("64 neurons at the start; band: ten who draw lots", height=3.3)
    plots.game(history, axes[0])
    return png(axes[0].figure)
