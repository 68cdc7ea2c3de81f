"""Runs of networks of any kind: cut while they train, never cut, or small from the start; measured on their way."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import torch_pruning as tp
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from dtc_helpers.any_network.choosing import Importance
from dtc_helpers.any_network.compress_train import compress_train_module
from dtc_helpers.any_network.cost import multiply_adds
from dtc_helpers.any_network.graph import Limits
from dtc_helpers.any_network.importance import DTCImportance, RandomImportance, ScoreImportance
from dtc_helpers.any_network.lenet import BATCH_SIZE, accuracy, trainer, with_drawn_weights
from dtc_helpers.any_network.modules import n_parameters
from dtc_helpers.any_network.plan import CutPlan
from dtc_helpers.images.datasets import Dataset, load_dataset
from dtc_helpers.readings import READINGS
from dtc_helpers.studies.example_networks import EXAMPLES, HEADS
from dtc_helpers.studies.numbering import numbered_scores


@dataclass(frozen=True)
class NetworkSetting:
    """Common ground of all runs of one network: n cuts, training before each of them and after the last."""

    network: str  # of EXAMPLES
    cuts: int
    batches_per_cut: int
    keep_fraction: float  # of the channels of every layer
    narrowest: int = 1  # layers with so few channels are spared
    at_cuts: tuple[int, ...] = ()  # at whose sizes networks are trained from scratch, and the dense one is measured

    @property
    def data(self) -> Dataset:
        """Images to train and test on."""
        return load_dataset(EXAMPLES[self.network][0])

    @property
    def examples(self) -> Tensor:
        """A few of the images, (16, 1, *image_shape): on them masked and cut network must agree."""
        return self.data.train.images[:16].view(-1, 1, *self.data.image_shape)

    def plan(self, importance: Importance) -> CutPlan:
        """Plan of a run; whole heads of attention may go too."""
        limits = Limits(narrowest=self.narrowest, heads=HEADS.get(self.network))
        return CutPlan(importance, self.cuts, self.batches_per_cut, self.keep_fraction, limits)

    def start(self, seed: int, cut: int = 0) -> nn.Module:
        """Untrained network of the widths after a cut, with PyTorch's own distribution of weights at these widths."""
        return with_drawn_weights(copy.deepcopy(_shapes(self)[cut]), seed=seed)

    def batches(self, cut: int) -> int:
        """Batches of a run until just before the cut after this one."""
        return (cut + 1) * self.batches_per_cut

    def batches_of_equal_cost(self, cut: int, network: nn.Module) -> int:
        """Batches that a network can train at the multiply-adds that a run has spent on as many as `batches(cut)`."""
        spent = sum(multiply_adds(each, self.examples).training for each in _shapes(self)[: cut + 1])
        return round(spent * self.batches_per_cut / multiply_adds(network, self.examples).training)


@cache
def _shapes(setting: NetworkSetting) -> list[nn.Module]:
    """Network before any cut and after each: every way to choose leaves the same widths. Weights do not matter."""
    network = EXAMPLES[setting.network][1](setting.data)
    shapes = [copy.deepcopy(network)]
    untrained = setting.plan(RandomImportance(0))
    arguments = {"example_inputs": setting.examples, "optimizer": Adam(network.parameters()), "plan": untrained}
    for _ in compress_train_module(network, lambda *_: None, **arguments):
        shapes.append(copy.deepcopy(network))
    return shapes


@dataclass
class _Way:
    """A network on its way: trained and measured, with what it has cost so far."""

    setting: NetworkSetting
    seed: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    cut: int = 0
    duality_gap: float = np.nan
    spent: int = 0  # multiply-adds of the training
    training: float = 0.0  # processor seconds
    compression: float = 0.0

    def train(self, network: nn.Module, optimizer: Optimizer, batch_numbers: range) -> None:
        """As `plan.Train`; measures afterwards."""
        data, started = self.setting.data, time.process_time()
        trainer(data.train, data.image_shape, seed=self.seed)(network, optimizer, batch_numbers)
        self.training += time.process_time() - started
        self.measure(network, "trained", batch_numbers.stop, n_images=_images_shown(len(data.train), batch_numbers))

    def measure(self, network: nn.Module, moment: str, batches: int, *, n_images: int = 0) -> None:
        """Add a row; `n_images` are those that it was trained on since the last row."""
        data, costs = self.setting.data, multiply_adds(network, self.setting.examples)
        self.spent += n_images * costs.training
        self.rows.append(
            {
                "seed": self.seed,
                "cut": self.cut,
                "moment": moment,
                "batches": batches,
                "accuracy": round(accuracy(network, data.test, data.image_shape), 6),
                "training_multiply_adds": self.spent,
                "multiply_adds": costs.forward,
                "parameters": n_parameters(network),
                "duality_gap": float(f"{self.duality_gap:.3g}"),
                "training_seconds": round(self.training, 2),
                "compression_seconds": round(self.compression, 2),
            }
        )


def _images_shown(n_images: int, batch_numbers: range) -> int:
    """Images in these batches; the last one of a pass holds what is left."""
    starts = range(0, n_images, BATCH_SIZE)
    return sum(min(BATCH_SIZE, n_images - starts[number % len(starts)]) for number in batch_numbers)


def cut_rows(setting: NetworkSetting, seed: int, *, importance: Callable[[int], Importance]) -> list[dict[str, Any]]:
    """Compress-train: a row before every cut, one after it, and one after a last training."""
    way, network = _Way(setting, seed), setting.start(seed)
    optimizer = Adam(network.parameters())
    plan = setting.plan(importance(seed))
    arguments = {"example_inputs": setting.examples, "optimizer": optimizer, "plan": plan}
    for record in compress_train_module(network, way.train, **arguments):
        way.cut, way.compression = record.cut, way.compression + record.compression.processor
        if record.duality_gap is not None:
            way.duality_gap = np.fmax(way.duality_gap, record.duality_gap)
        way.measure(network, "cut", setting.batches(record.cut - 1))
    way.train(network, optimizer, range(setting.batches(setting.cuts - 1), setting.batches(setting.cuts)))
    return way.rows


def dense_rows(setting: NetworkSetting, seed: int) -> list[dict[str, Any]]:
    """Never cut: a row at as many batches, and at as many multiply-adds, as a run has had at each of the sizes."""
    network = setting.start(seed)
    stops = [(setting.batches(cut), cut, "dense, batches") for cut in setting.at_cuts]
    stops += [(setting.batches_of_equal_cost(cut, network), cut, "dense, multiply_adds") for cut in setting.at_cuts]
    return _trained_to(setting, network, seed, stops)


def scratch_rows(setting: NetworkSetting, seed: int, *, budgets: Sequence[str]) -> list[dict[str, Any]]:
    """Small networks from the start: at each of the sizes a row at as many batches, or multiply-adds, as a run has had.

    The budgets are "batches", "multiply_adds" or both.
    """
    rows = []
    for cut in setting.at_cuts:
        network = setting.start(seed, cut)
        lengths = {"batches": setting.batches(cut), "multiply_adds": setting.batches_of_equal_cost(cut, network)}
        stops = [(lengths[budget], cut, f"scratch, {budget}") for budget in budgets]
        rows += _trained_to(setting, network, seed, stops)
    return rows


def _trained_to(
    setting: NetworkSetting, network: nn.Module, seed: int, stops: Sequence[tuple[int, int, str]]
) -> list[dict[str, Any]]:
    """Train without a break; a row at every stop, which is (batches, cut at whose size the stop is, its arm)."""
    way, optimizer, done = _Way(setting, seed), Adam(network.parameters()), 0
    for batches, cut, arm in sorted(stops):
        way.cut = cut
        way.train(network, optimizer, range(done, batches))
        way.rows[-1]["arm"], done = arm, batches
    return way.rows


IMPORTANCES: dict[str, Callable[[int], Importance]] = {  # of a seed
    "dtc": lambda seed: DTCImportance(seed=seed),
    "dtc sorted": lambda seed: ScoreImportance(
        partial(numbered_scores, name="dtc sorted"), reading=READINGS["described"], seed=seed
    ),
    "random": RandomImportance,
    "magnitude": lambda _: tp.importance.GroupMagnitudeImportance(),
    "taylor": lambda _: tp.importance.GroupTaylorImportance(),  # by the gradients of the last batch
}
NETWORK_ARMS: dict[str, Callable[[NetworkSetting, int], list[dict[str, Any]]]] = {
    **{name: partial(cut_rows, importance=importance) for name, importance in IMPORTANCES.items()},
    "dense": dense_rows,
    "scratch": partial(scratch_rows, budgets=("batches", "multiply_adds")),
    "scratch, batches": partial(scratch_rows, budgets=("batches",)),
}
