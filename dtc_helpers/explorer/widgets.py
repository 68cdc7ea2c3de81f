"""The views as widgets of a notebook: move a slider, and Python has the answer; set a trait, and the slider moves."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from dtc_helpers.explorer.answers import ORDERS, LabAnswer, LabSettings, lab_answer
from dtc_helpers.explorer.game import Match
from dtc_helpers.explorer.page import WEB, WIDGET, joined, stored
from dtc_helpers.explorer.pictures import game_picture, lab_picture, proposition_picture, replay_picture
from dtc_helpers.explorer.state import lab_state, process_of_state, proposition_state, replay_state
from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.proposition.relation import Process
from dtc_helpers.readings import RAY_DOMAINS
from dtc_helpers.runs.results import Results, read_results
from dtc_helpers.sensing import DCT_TYPES
from dtc_helpers.surgery import CHOICES

SETTINGS = [field.name for field in fields(LabSettings)]


class View(anywidget.AnyWidget):
    """Common ground of all views: the script, the hidden controls, and what is seen where no script runs.

    The `repr` of a view is one line that it says, the same in every run.
    """

    _esm = joined(WIDGET)
    _css = (WEB / "style.css").read_text(encoding="utf-8")
    _view = traitlets.Unicode().tag(sync=True)
    _data = traitlets.Dict().tag(sync=True)
    hide = traitlets.List(traitlets.Unicode()).tag(sync=True)  # names of controls that are not shown

    def picture(self) -> bytes:
        """PNG of the view as it stands, drawn by the package."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget, and beside it a picture and a sentence for GitHub, nbviewer, print and tests."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        picture = base64.b64encode(self.picture()).decode()
        return {**data, "text/plain": repr(self), "image/png": picture}, metadata


class Lab(View):
    """Inverse compressed sensing of one vector of weights by hand.

    Parameters
    ----------
    weights : 2 to 64 numbers, e.g. the incoming sums of some neurons; without them a trained layer's.
    settings : of `LabSettings`, by name, e.g. order="sorted".

    Every setting is a trait; `sparse_code`, `recovered_weights`, `cut` and `gap` are what `recover` makes of them, and
    follow whenever a slider is moved. `cut` names places in the order that is shown.
    """

    weights = traitlets.List(traitlets.Float()).tag(sync=True)
    n_measurements = traitlets.Int(LabSettings.n_measurements).tag(sync=True)
    l1_penalty_fraction = traitlets.Float(LabSettings.l1_penalty_fraction).tag(sync=True)
    seed = traitlets.Int(LabSettings.seed).tag(sync=True)
    dct_type = traitlets.Enum(DCT_TYPES, LabSettings.dct_type).tag(sync=True)
    ray_domain = traitlets.Enum(RAY_DOMAINS, LabSettings.ray_domain).tag(sync=True)
    cut_scores = traitlets.Enum([*CHOICES], LabSettings.cut_scores).tag(sync=True)
    order = traitlets.Enum([*ORDERS], LabSettings.order).tag(sync=True)
    shuffle = traitlets.Int(LabSettings.shuffle).tag(sync=True)
    # Answers are no traits that the front end may set.
    sparse_code = traitlets.List(traitlets.Float(), read_only=True)
    recovered_weights = traitlets.List(traitlets.Float(), read_only=True)
    cut = traitlets.List(traitlets.Int(), read_only=True)
    gap = traitlets.Float(read_only=True)

    def __init__(self, weights: Sequence[float] | np.ndarray | None = None, **settings: Any) -> None:
        data = stored("lab") if weights is None else lab_state(weights, name="given")
        (own,) = data["presets"].values()
        measured = {"n_measurements": max(1, round(len(own) / 4)), **settings}
        super().__init__(_view="lab", _data=data, weights=own, **measured)
        self._solve()

    @property
    def answer(self) -> LabAnswer:
        """All that the package makes of the weights and settings as they stand."""
        return lab_answer(np.array(self.weights), self.settings)

    @property
    def settings(self) -> LabSettings:
        """Settings as they stand."""
        return LabSettings(**{name: getattr(self, name) for name in SETTINGS})

    @traitlets.observe("weights", *SETTINGS)
    def _solve(self, _change: Any = None) -> None:
        if len(self.weights) < 2:  # while the widget is being made
            return
        found = self.answer
        self.set_trait("sparse_code", found.sparse_code.tolist())
        self.set_trait("recovered_weights", found.recovered_weights.tolist())
        self.set_trait("cut", found.cut)
        self.set_trait("gap", found.duality_gap)

    @traitlets.validate("weights")
    def _few_and_finite(self, proposal: Any) -> list[float]:
        return next(iter(lab_state(proposal["value"])["presets"].values()))

    def picture(self) -> bytes:
        """The three orders."""
        return lab_picture(np.array(self.weights), self.settings)

    def __repr__(self) -> str:
        found, settings = self.answer, self.settings
        words = f"m = {settings.n_measurements}, λ = {settings.l1_penalty_fraction:g} λ_max, {settings.order}"
        return f"Lab({len(self.weights)} weights, {words}): error {found.error:.2f}, cut {found.cut}"


class Proposition(View):
    """Entropy against fitness of processes, beside null models.

    Parameters
    ----------
    processes : name → replicates, each a sequence of `Step`s; without them those of study 10.
    settings : process, replicate (from 1), null_model, measure ("entropy" or "normalised"), bin_width.
    """

    process = traitlets.Unicode().tag(sync=True)
    replicate = traitlets.Int(1).tag(sync=True)
    null_model = traitlets.Unicode("exact").tag(sync=True)
    measure = traitlets.Enum(["entropy", "normalised"], "entropy").tag(sync=True)
    bin_width = traitlets.Float(0.2).tag(sync=True)

    def __init__(self, processes: Mapping[str, Sequence[Process]] | None = None, **settings: Any) -> None:
        data = stored("proposition") if processes is None else proposition_state(processes)
        chosen = {"process": next(iter(data["processes"])), **settings}
        super().__init__(_view="proposition", _data=data, **chosen)

    @property
    def steps(self) -> Process:
        """Process that is shown."""
        replicates = self._data["processes"][self.process]
        return process_of_state(replicates[min(self.replicate, len(replicates)) - 1])

    def picture(self) -> bytes:
        """The process beside its exact null."""
        return proposition_picture(self.steps, name=self.process, bin_width=self.bin_width)

    def __repr__(self) -> str:
        words = f"bins of {self.bin_width:g}, null model: {self.null_model}"
        return f"Proposition({self.process}, replicate {self.replicate}, {len(self.steps)} steps, {words})"


class Replay(View):
    """A run played again, two methods side by side.

    Parameters
    ----------
    results : of notebook 1, or their folder; without them one run on MNIST in both readings.
    settings : left and right ("reading, method"), cycle (from 1), layer ("outgoing" or "incoming").
    """

    left = traitlets.Unicode().tag(sync=True)
    right = traitlets.Unicode().tag(sync=True)
    cycle = traitlets.Int(1).tag(sync=True)
    layer = traitlets.Enum(["outgoing", "incoming"], "outgoing").tag(sync=True)

    def __init__(self, results: Results | Path | str | None = None, **settings: Any) -> None:
        if isinstance(results, Path | str):
            results = read_results(Path(results))
        data = stored("replay") if results is None else replay_state(results)
        names = list(data["runs"])
        left = next((name for name in names if name.endswith("DTC")), names[0])
        right = next((name for name in names if name.endswith("random")), names[-1])
        super().__init__(_view="replay", _data=data, **{"left": left, "right": right, **settings})

    def picture(self) -> bytes:
        """Accuracies and entropies of both."""
        return replay_picture(self._data, names=list(dict.fromkeys([self.left, self.right])))

    def __repr__(self) -> str:
        widths = self._data["widths"]
        return f"Replay({self.left} beside {self.right}, cycle {self.cycle} of {len(widths)})"


class Game(View):
    """Beat the compressor: you click who goes, the kernel trains, and ten who draw lots are the band to be beaten.

    Parameters
    ----------
    match : of your own, e.g. on other images; without it 64 neurons on the digits.

    `chosen` are the names of the neurons that will go. The front end raises `move`; in Python it is `play`.
    """

    chosen = traitlets.List(traitlets.Int()).tag(sync=True)
    move = traitlets.Int(0).tag(sync=True)
    alive = traitlets.List(traitlets.Int()).tag(sync=True)
    sizes = traitlets.List(traitlets.Float()).tag(sync=True)
    n_cut = traitlets.Int(0).tag(sync=True)
    history = traitlets.Dict().tag(sync=True)

    def __init__(self, match: Match | None = None) -> None:
        self.match = match or Match(load_dataset("digits"))
        super().__init__(_view="game")
        self._show()

    def _show(self) -> None:
        with self.hold_sync():  # all that belongs together arrives together
            self.sizes, self.n_cut, self.chosen = self.match.sizes, self.match.n_cut, []
            self.history = {name: list(values) for name, values in self.match.history.items()}
            self.alive = self.match.alive

    @traitlets.observe("move")
    def _moved(self, _change: Any) -> None:
        self.play(self.chosen)

    def play(self, names: Sequence[int]) -> None:
        """Cut these neurons, and train the next cycle; raises as `Match.cut`."""
        self.match.cut(names)
        self._show()

    def picture(self) -> bytes:
        """Accuracies so far."""
        return game_picture(self.match.history)

    def __repr__(self) -> str:
        n_cuts = len(self.match.history["you"])
        return f"Game({len(self.alive)} neurons on {self.match.dataset.name}, after {n_cuts} cuts)"
