"""Two readings of the paper and the plan of a run, as data.

The paper's text and the notebooks published with it differ; what one of them does is a *reading*.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from dtc_helpers.checks.fields import (
    SEEDS,
    Batches,
    CutShare,
    MeasurementShare,
    OneOf,
    Penalty,
    PenaltyShare,
    check_fields,
)
from dtc_helpers.recovery import SOLVERS
from dtc_helpers.sensing import MEASUREMENT_COUNTS
from dtc_helpers.surgery import CHOICES


@dataclass(frozen=True)
class _Seeded:
    """Holds the seed of a replicate to its type and limits."""

    seed: Annotated[int, SEEDS]

    def __post_init__(self) -> None:
        check_fields(self)


class PublishedStreams(_Seeded):
    """One seed used anew for every purpose and every cycle, as the published notebooks do."""

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


class IndependentStreams(_Seeded):
    """One stream of random numbers for every purpose, cycle and layer, independent of each other, from one seed.

    None of them depends on how much was drawn elsewhere, so methods that share a seed share all they have in common.
    """

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
RAY_DOMAINS = ("sparse_code", "recovered_weights")  # s, Ψs


@dataclass(frozen=True)
class Reading:
    """One way to read the paper; every field is a switch that the other reading sets otherwise.

    Raises ValueError for a position that a switch does not have.
    """

    name: str
    kept_scores: Annotated[str, OneOf(CHOICES)]  # which scores STAY
    kept_as_ranked: frozenset[str]  # methods whose survivors stay in the order of their scores
    ray_domain: Annotated[str, OneOf(RAY_DOMAINS)]  # what a ray is
    loss_axis: Annotated[str, OneOf(("batch", "class"))]  # of the log-softmax
    measurement_rounding: Annotated[str, OneOf(MEASUREMENT_COUNTS)]  # how m follows from N
    solver: Annotated[str, OneOf(SOLVERS)]  # of the L1 solve
    accuracy_column: Annotated[str, OneOf(("mean_batch_accuracy", "test_accuracy"))]  # that this reading speaks of
    optimizer: Annotated[str, OneOf(("new", "carried"))]  # in every cycle; through the cut
    data_order: Annotated[str, OneOf(("restarted", "shuffled"))]  # at image 0 in every cycle; each pass anew
    streams: Callable[[int], Streams]  # seed → streams

    def __post_init__(self) -> None:
        check_fields(self)


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


@dataclass(frozen=True)
class Plan:
    """Numbers of a run: how long to train, how much to cut, how to measure; it raises ValueError for what cannot be."""

    batches_per_cycle: Batches = 200
    keep_fraction: CutShare = 0.9
    stop_at: int = 10  # no further cut at this many neurons a hidden layer or fewer
    l1_penalty: Penalty = 0.3  # λ
    measurement_fraction: MeasurementShare = 0.1  # m / N
    l1_penalty_fraction: PenaltyShare | None = None  # λ / λ_max of every solve, in place of λ

    def __post_init__(self) -> None:
        check_fields(self)
