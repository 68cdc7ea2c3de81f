"""Setting of a study: what all arms of one point have in common, and the training of their networks."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import torch

from dtc_helpers.cycle import CycleRecord, compress_train, cycle_batches, start_networks, test_accuracy
from dtc_helpers.images.datasets import Dataset, load_dataset
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import Plan, Reading
from dtc_helpers.runs.memory import check_memory
from dtc_helpers.runs.parameters import usable_device
from dtc_helpers.scoring import Score
from dtc_helpers.surgery import schedules
from dtc_helpers.training import Accuracy, adam, train


@dataclass(frozen=True)
class Setting:
    """Setting that all arms of one point of a study have in common.

    Raises ValueError where nothing is cut, and for a size at which networks should be trained, but to which the cuts
    do not lead.
    """

    name: str  # of the dataset, which is not loaded before something is trained
    reading: Reading
    seeds: Sequence[int]  # one a replicate
    plan: Plan = field(default_factory=Plan)
    hidden_widths: Sequence[int] = (512,)  # before any cut
    neurons: Sequence[int] = ()  # hidden neurons left at which networks are trained from scratch, and tickets drawn
    total_batches: int | None = None  # a cut network is trained on, after its last cut, until it has had so many
    columns: Mapping[str, float | str] = field(default_factory=dict)  # what tells this point from others in a table
    choosing: bool = False  # whether the images to test on are validation images

    def __post_init__(self) -> None:
        sizes = [sum(widths) for widths in self.schedule]
        if not sizes:
            raise ValueError(
                f"layers of {list(self.hidden_widths)} neurons, stop_at = {self.plan.stop_at}: expected more than "
                f"{max(self.plan.stop_at, 1)} neurons in every layer, or nothing is cut"
            )
        if missing := [size for size in self.neurons if size not in sizes]:
            raise ValueError(f"the cuts do not lead to {missing} hidden neurons: expected some of {sizes}")

    @property
    def dataset(self) -> Dataset:
        """Images to train and test on, on the device to use."""
        return images(self.name, self.choosing)

    @property
    def device(self) -> torch.device:
        """Device of the images."""
        return self.dataset.test.images.device

    @property
    def schedule(self) -> list[tuple[int, ...]]:
        """Hidden widths after each cut."""
        return schedules(self.hidden_widths, keep_fraction=self.plan.keep_fraction, stop_at=self.plan.stop_at)

    @property
    def dense_cycles(self) -> int:
        """Cycles of the dense control: up to the smallest of the chosen sizes, or all."""
        return sum(sum(widths) >= min(self.neurons, default=0) for widths in self.schedule)

    def start(self, hidden_widths: Sequence[int] | None = None) -> ReplicatedMLP:
        """Untrained networks of these hidden widths, of those before any cut unless given."""
        widths = hidden_widths or self.hidden_widths
        return start_networks(self.dataset, widths, reading=self.reading, seeds=self.seeds, device=self.device)

    def cut(self, method: str | Score) -> Iterator[CycleRecord]:
        """Compress-train of untrained networks; MemoryError before it for networks that do not fit."""
        check_memory(self.dataset, self.hidden_widths, methods=[method], n_replicates=len(self.seeds), plan=self.plan)
        arguments = {"reading": self.reading, "seeds": self.seeds, "plan": self.plan}
        return compress_train(self.start(), self.dataset, method=method, **arguments)

    def never_cut(self, network: ReplicatedMLP) -> Iterator[Accuracy]:
        """Train in place as `cut` does, with the same batches, and cut nothing: test accuracy after every cycle."""
        optimizer = adam(network)
        for cycle in range(1, self.dense_cycles + 1):
            if self.reading.optimizer == "new":
                optimizer = adam(network)
            shown = cycle_batches(self.dataset, cycle, reading=self.reading, seeds=self.seeds, plan=self.plan)
            train(network, shown, optimizer=optimizer, loss_axis=self.reading.loss_axis)
            yield test_accuracy(network, self.dataset, reading=self.reading)

    def trained_to(self, network: ReplicatedMLP, stops: Sequence[int]) -> Iterator[Accuracy]:
        """Train in place without a break, by one Adam, from the reading's first batch: test accuracy at every stop.

        In the published reading too, whose compress-train begins at image 0 and with a new Adam in every cycle.

        Parameters
        ----------
        stops : batches so far at which to measure, ascending.
        """
        optimizer = adam(network)
        shown = cycle_batches(self.dataset, 1, reading=self.reading, seeds=self.seeds, plan=Plan(stops[-1]))
        for done, stop in itertools.pairwise([0, *stops]):
            train(network, itertools.islice(shown, stop - done), optimizer=optimizer, loss_axis=self.reading.loss_axis)
            yield test_accuracy(network, self.dataset, reading=self.reading)


@cache
def images(dataset: str, choosing: bool) -> Dataset:
    """Dataset on the device to use; with validation images in place of the test images for choosing."""
    found = load_dataset(dataset).to(usable_device("auto"))
    return found.for_choosing() if choosing else found
