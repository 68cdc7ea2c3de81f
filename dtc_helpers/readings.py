"""Two readings of the paper, as data, and the numbers that it prints.

The paper's text and the notebooks published with it differ; what one of them does is a *reading*.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch


@dataclass(frozen=True)
class PublishedStreams:
    """One seed used anew for every purpose and every cycle, as the published notebooks do."""

    seed: int

    def weights(self) -> torch.Generator:
        """Draws the initial weights."""
        return torch.Generator().manual_seed(self.seed)

    def measurement_matrix(self, cycle: int, layer: int) -> np.random.RandomState:  # noqa: ARG002
        """Draws Φ: the same numbers in every cycle and layer, cut to another shape."""
        return np.random.RandomState(self.seed)

    def choice(self, cycle: int, layer: int) -> np.random.RandomState:  # noqa: ARG002
        """Draws the survivors of random pruning."""
        return np.random.RandomState(self.seed)

    def data_order(self, n_pass: int) -> np.random.RandomState:  # noqa: ARG002
        """Draws the order of the images, the same for every pass, where they are shuffled (published: they are not)."""
        return np.random.RandomState(self.seed)


@dataclass(frozen=True)
class IndependentStreams:
    """One stream of random numbers for every purpose, cycle and layer, independent of each other, from one seed.

    None of them depends on how much was drawn elsewhere, so methods that share a seed share all they have in common.
    """

    seed: int

    def weights(self) -> torch.Generator:
        """Draws the initial weights."""
        (state,) = self._sequence(0).generate_state(1, np.uint64).tolist()
        return torch.Generator().manual_seed(state >> 1)  # torch takes 63 bits

    def measurement_matrix(self, cycle: int, layer: int) -> np.random.Generator:
        """Draws Φ, a new one in every cycle and layer."""
        return np.random.default_rng(self._sequence(1, cycle, layer))

    def choice(self, cycle: int, layer: int) -> np.random.Generator:
        """Draws the survivors of random pruning."""
        return np.random.default_rng(self._sequence(2, cycle, layer))

    def data_order(self, n_pass: int) -> np.random.Generator:
        """Draws the order of the images in the pass with this number."""
        return np.random.default_rng(self._sequence(3, n_pass))

    def _sequence(self, purpose: int, *place: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.seed, spawn_key=(purpose, *place))


Streams = PublishedStreams | IndependentStreams


@dataclass(frozen=True)
class Reading:
    """One way to read the paper; every field is a switch that the other reading sets otherwise."""

    name: str
    kept_scores: str  # "lowest" or "highest": which scores STAY
    kept_as_ranked: frozenset[str]  # methods whose survivors stay in the order of their scores
    ray_domain: str  # a ray is "sparse_code" (s) or "recovered_weights" (Ψs)
    loss_axis: str  # "batch" or "class", of the log-softmax
    measurement_rounding: str  # "truncated" or "rounded": how m follows from N
    solver: str  # of the L1 solve
    accuracy_column: str  # of cycles.csv: the accuracy this reading speaks of
    optimizer: str  # "new" in every cycle, or "carried" through the cut
    data_order: str  # "restarted" at the first image in every cycle, or "shuffled": each pass as the streams draw it
    streams: Callable[[int], Streams]  # seed → streams


READINGS = {
    "published": Reading(
        name="published",
        kept_scores="lowest",  # the kept set is `score < 0.9-quantile`: the strongest tenth is cut
        kept_as_ranked=frozenset({"random"}),  # RandomState.choice, kept in drawn order
        ray_domain="sparse_code",
        loss_axis="batch",
        measurement_rounding="truncated",
        solver="scs",
        accuracy_column="mean_batch_accuracy",
        optimizer="new",
        data_order="restarted",
        streams=PublishedStreams,
    ),
    "described": Reading(
        name="described",
        kept_scores="highest",
        kept_as_ranked=frozenset(),
        ray_domain="recovered_weights",
        loss_axis="class",
        measurement_rounding="rounded",
        solver="exact",
        accuracy_column="test_accuracy",
        optimizer="carried",
        data_order="shuffled",
        streams=IndependentStreams,
    ),
}

# From the published reading to the described one, one switch at a time.
SWITCHES: dict[str, dict[str, object]] = {
    "class softmax": {"loss_axis": "class"},
    "all images count": {"accuracy_column": "test_accuracy"},
    "Adam carried": {"optimizer": "carried"},
    "shuffled": {"data_order": "shuffled"},
    "independent streams": {"streams": IndependentStreams, "kept_as_ranked": frozenset[str]()},
    "lowest cut": {"kept_scores": "highest"},
    "rays of neurons": {"ray_domain": "recovered_weights"},
    "m rounded": {"measurement_rounding": "rounded"},
    "exact solve": {"solver": "exact"},
}
_DTC_FIELDS = ("ray_domain", "measurement_rounding", "solver")


def _walk() -> dict[str, Reading]:
    steps = {"published": READINGS["published"]}
    for step, switches in SWITCHES.items():
        steps[step] = replace(list(steps.values())[-1], name=step, **switches)
    return steps


def differs_for(method: str, reading: Reading, other: Reading) -> bool:
    """Whether a method computes something else in one reading than in the other; only DTC uses ray, m and solver."""
    ignored = () if method == "dtc" else _DTC_FIELDS
    return any(value != vars(other)[name] for name, value in vars(reading).items() if name not in ("name", *ignored))


WALK = _walk()  # each differs from the one before by one switch; the last is the described reading
ANY_READING = READINGS | WALK

PUBLISHED_SEED = 42424242

# Table 1 of arXiv:2505.23869: removed fraction, then the LOWESS-smoothed accuracy of ONE run of each method.
TABLE_1_METHODS = ("magnitude", "random", "dtc")
TABLE_1 = (
    (0.1016, 0.9638, 0.9637, 0.9663),
    (0.1914, 0.9675, 0.9669, 0.9687),
    (0.3477, 0.9735, 0.9723, 0.9728),
    (0.4141, 0.9745, 0.9736, 0.9735),
    (0.5254, 0.9740, 0.9747, 0.9732),
    (0.6172, 0.9730, 0.9748, 0.9732),
    (0.7520, 0.9718, 0.9719, 0.9705),
    (0.8594, 0.9560, 0.9588, 0.9609),
    (0.9121, 0.9324, 0.9399, 0.9463),
    (0.9219, 0.9234, 0.9341, 0.9423),
    (0.9297, 0.9144, 0.9292, 0.9371),
    (0.9512, 0.8703, 0.9157, 0.9153),
    (0.9707, 0.8293, 0.8834, 0.8717),
    (0.9785, 0.8138, 0.8673, 0.8500),
    (0.9824, 0.8060, 0.8589, 0.8391),
)

# Section VI: Pearson correlation of Gibbs entropy and performance.
PAPER_CORRELATIONS = {"dtc": 0.9174, "random": 0.9412}

# What the published notebooks give on MNIST with their seed: after one batch, and after the first cut.
ONE_BATCH_ACCURACY = 0.5114487591911765
FIRST_CUT_ACCURACY = {"magnitude": 0.9587, "random": 0.9600, "dtc": 0.9618}
