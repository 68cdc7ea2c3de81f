"""The plan of a compress-train run of any network, and the record of every cut."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from torch import nn
from torch.optim import Optimizer

from dtc_helpers.any_network.choosing import Importance
from dtc_helpers.any_network.graph import LeftAlone, Limits
from dtc_helpers.checks.fields import Batches, Between, CutShare, check_fields

Train = Callable[[nn.Module, Optimizer, range], object]  # network, optimiser, numbers of the batches
Ledger = dict[str, tuple[int, ...]]  # name of a layer → its channels, as they were numbered before any cut


@dataclass(frozen=True)
class CutPlan:
    """When, how much and by what channels are cut; TypeError or ValueError for fields that cannot be."""

    importance: Importance  # of a Torch-Pruning group: one number a channel, the lowest go
    cuts: Batches = 10
    batches_per_cut: Annotated[int, Between(0, 10**9)] = 200  # of training before every cut
    keep_fraction: CutShare = 0.9  # of the channels of every group: ⌈keep_fraction · (n − 1)⌉ stay
    limits: Limits = field(default_factory=Limits)  # what may be cut

    def __post_init__(self) -> None:
        check_fields(self)
        if isinstance(self.importance, type):
            raise TypeError(f"importance = {self.importance.__name__}: expected one that is made, with (…) after it")


@dataclass(frozen=True)
class Seconds:
    """Time that something took."""

    wall: float
    processor: float  # of all threads of this process


@dataclass(frozen=True)
class CutRecord:
    """One cut; all is as it was after it, unless it says otherwise."""

    cut: int  # 1 is the first
    widths: dict[str, int]  # name of a layer that was cut → channels that are left
    ledger: Ledger  # which channels of the uncut network are left of every layer that was ever cut
    left_alone: tuple[LeftAlone, ...]  # layers that were not cut, and why
    difference: float  # between masked and cut network, on the examples
    duality_gap: float | None  # the largest of all solves; None where nothing is solved
    n_parameters: int
    training: Seconds  # before this cut
    compression: Seconds  # tracing, scoring, trying and cutting


def plain(plan: CutPlan, optimizer: Optimizer) -> dict[str, Any]:
    """Settings in which a run that goes on must be the one that began; the number of cuts may grow."""
    limits = asdict(plan.limits)
    return {
        "importance": getattr(plan.importance, "settings", type(plan.importance).__name__),
        "batches_per_cut": plan.batches_per_cut,
        "keep_fraction": plan.keep_fraction,
        **limits,
        "protect": list(limits["protect"]),
        "heads": dict(limits["heads"] or {}),
        "head_widths": dict(limits["head_widths"] or {}),
        "optimizer": type(optimizer).__name__,
    }
