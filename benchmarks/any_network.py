"""What cutting costs beside training, on MNIST's sizes: DTC beside Torch-Pruning's magnitude.

    python -m benchmarks.any_network                 # LeNet-5 and ResNet-18, 3 cuts each, random images
    python -m benchmarks.any_network --networks lenet5 --cuts 20

Seconds are those of the processor, all threads together, so that a busy neighbour does not count, and medians over the
cuts. "cutting" is all that `compress_train_module` does between two trainings: tracing, scoring, trying on copies,
cutting. The goal is 5 % of the training between two cuts of LeNet-5; "steps" says how many batches of training a cut
costs, however many there are between two. The peak of memory is that of the process so far. The last lines are the
network with half the channels beside the dense one: how many times fewer multiply-adds, and how many times faster (not
told where the clock is too noisy).
"""

import argparse
import resource
import statistics
from typing import Any

import torch
import torch_pruning as tp
from torch import nn
from torchvision.models import resnet18

from dtc_helpers.any_network import lenet
from dtc_helpers.any_network.compress_train import compress_train_module
from dtc_helpers.any_network.cost import multiply_adds
from dtc_helpers.any_network.importance import DTCImportance, RandomImportance
from dtc_helpers.any_network.latency import latency
from dtc_helpers.any_network.plan import CutPlan
from dtc_helpers.images.datasets import Dataset, Split

BATCHES = {"lenet5": 60, "resnet18": 2}  # of 128 images, before every cut
IMPORTANCES: dict[str, Any] = {
    "DTC": DTCImportance(seed=1),
    "random": RandomImportance(1),
    "magnitude (Torch-Pruning)": tp.importance.GroupMagnitudeImportance(),
}


def random_images(n_images: int = 2000) -> Dataset:
    """Images of MNIST's size: what they show costs nothing."""
    images = torch.randn(n_images, 784, generator=torch.Generator().manual_seed(1))
    split = Split(images, torch.arange(n_images) % 10)
    return Dataset("random", "random images", split, split, n_validation=0, image_shape=(28, 28))


def untrained(name: str, data: Dataset) -> nn.Module:
    """LeNet-5, or torchvision's ResNet-18 for grey images."""
    if name == "lenet5":
        return lenet.lenet5(data, seed=1)
    network = resnet18(num_classes=10)
    network.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    return lenet.with_drawn_weights(network, seed=1)


def print_halved(name: str, data: Dataset) -> None:
    """Print what half the channels save."""
    examples = data.train.images[:16].view(-1, 1, 28, 28)
    dense, half = untrained(name, data), untrained(name, data)
    optimizer, plan = torch.optim.SGD(half.parameters()), CutPlan(RandomImportance(1), 1, 0, 0.5)
    list(compress_train_module(half, lambda *_: None, example_inputs=examples, optimizer=optimizer, plan=plan))
    fewer = multiply_adds(dense, examples).forward / multiply_adds(half, examples).forward
    print(f"half the channels: {fewer:.2f} × fewer multiply-adds")
    for batch_size in (1, 128):
        print(f"  {latency(dense, half, examples, batch_size=batch_size)}")


def print_costs(name: str, data: Dataset, cuts: int) -> None:
    """Print a line for each importance."""
    train = lenet.trainer(data.train, data.image_shape, seed=1)
    print(f"{name}, {BATCHES[name]} batches a cut, {torch.get_num_threads()} threads")
    print(f"{'':28} training   cutting   share  steps  peak memory")
    for kind, importance in IMPORTANCES.items():
        network = untrained(name, data)
        records = list(
            compress_train_module(
                network,
                train,
                example_inputs=data.train.images[:16].view(-1, 1, 28, 28),
                optimizer=torch.optim.Adam(network.parameters()),
                plan=CutPlan(importance, cuts=cuts, batches_per_cut=BATCHES[name], keep_fraction=0.85),
            )
        )
        training, cutting = (
            statistics.median(getattr(record, part).processor for record in records)
            for part in ("training", "compression")
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        line = f"{kind:28} {training:6.2f} s  {1e3 * cutting:5.0f} ms  {cutting / training:6.2%}"
        print(f"{line} {cutting / training * BATCHES[name]:6.2f}  {peak:.2f} GiB")


def main() -> None:
    """Print what a cut costs, and what half the channels save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=list(BATCHES), default=list(BATCHES))
    parser.add_argument("--cuts", type=int, default=3)
    arguments, data = parser.parse_args(), random_images()
    for name in arguments.networks:
        print_costs(name, data, arguments.cuts)
        print_halved(name, data)


if __name__ == "__main__":
    main()
