"""Beat the compressor: a person cuts a small network by hand, beside DTC, magnitude and ten who draw lots."""

from collections.abc import Iterator, Sequence

import torch

from dtc_helpers.cycle import CycleRecord, compress_train, cycle_batches, start_networks, test_accuracy
from dtc_helpers.images.datasets import Dataset
from dtc_helpers.networks import ReplicatedMLP, incoming_sums, outgoing_sums
from dtc_helpers.readings import READINGS, Plan, Reading
from dtc_helpers.surgery import carry_adam, keep_neurons, n_keep
from dtc_helpers.training import adam, train

N_RANDOM = 10
READING = READINGS["described"]
RIVALS = {"DTC": "dtc", "magnitude": "magnitude"}


class Match:
    """One game: all players start with the same network and see the same images in the same order.

    Parameters
    ----------
    dataset : small enough that a cycle takes well under a second, e.g. `load_dataset("digits")`.
    neurons : hidden neurons at the start.
    seed : of weights, images and draws.
    plan : of the cycles.
    reading : of the paper; the described one unless given.
    start : an untrained network of one replicate, in place of the neurons that the reading draws.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        neurons: int = 64,
        seed: int = 0,
        plan: Plan | None = None,
        reading: Reading = READING,
        start: ReplicatedMLP | None = None,
    ) -> None:
        self.dataset, self.seed, self.reading = dataset, seed, reading
        self.plan = plan or Plan(batches_per_cycle=50, stop_at=10)
        device = dataset.train.images.device
        self._start = start or start_networks(dataset, [neurons], reading=reading, seeds=[seed], device=device)
        self.network = self._untrained(1)
        self._optimizer = adam(self.network)
        self._rivals = {name: self._rival(method, [seed]) for name, method in RIVALS.items()}
        self._random = self._rival("random", [seed + r for r in range(N_RANDOM)])
        self.cycle = 0
        self.history: dict[str, list] = {"you": [], **{name: [] for name in RIVALS}, "random": []}
        self._train()

    def _untrained(self, n_replicates: int) -> ReplicatedMLP:
        return ReplicatedMLP([weight.repeat(n_replicates, 1, 1) for weight in self._start.weights])

    def _rival(self, method: str, seeds: Sequence[int]) -> Iterator[CycleRecord]:
        start = self._untrained(len(seeds))
        return compress_train(start, self.dataset, method=method, reading=self.reading, seeds=seeds, plan=self.plan)

    def _train(self) -> None:
        self.cycle += 1
        images = cycle_batches(self.dataset, self.cycle, reading=self.reading, seeds=[self.seed], plan=self.plan)
        train(self.network, images, optimizer=self._optimizer, loss_axis=self.reading.loss_axis)

    @property
    def alive(self) -> list[int]:
        """Neurons that are left, by their names at the start."""
        return self.network.neuron_ids[0][0].tolist()

    @property
    def sizes(self) -> list[float]:
        """|a_i + b_i| of the neurons that are left: what magnitude pruning looks at."""
        return (incoming_sums(self.network) + outgoing_sums(self.network)).abs()[0].tolist()

    @property
    def n_cut(self) -> int:
        """Number of neurons that must go now; 0 when the game is over."""
        n_left = self.network.n_neurons
        return 0 if n_left <= self.plan.stop_at else n_left - n_keep(n_left, self.plan.keep_fraction)

    def cut(self, names: Sequence[int]) -> None:
        """Cut these neurons, let the others play, and train the next cycle.

        Raises
        ------
        ValueError unless as many neurons as must go are named, all of them alive.
        """
        if len(set(names)) != self.n_cut or not set(names) <= set(self.alive) or self.n_cut == 0:
            raise ValueError(f"{len(set(names))} neurons to cut, {sorted(names)}: expected {self.n_cut} that are alive")
        kept = torch.tensor([[place for place, name in enumerate(self.alive) if name not in set(names)]])
        before, self.network = self.network, keep_neurons(self.network, kept)
        self._optimizer = carry_adam(self._optimizer, before, self.network, kept=[kept])
        self.history["you"].append(float(test_accuracy(self.network, self.dataset, reading=self.reading).overall[0]))
        for name, rival in self._rivals.items():
            self.history[name].append(float(next(rival).accuracy.overall[0]))
        self.history["random"].append(next(self._random).accuracy.overall.tolist())
        if self.n_cut:
            self._train()
