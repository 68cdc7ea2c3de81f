"""Compress-train on MNIST, ours against the published way of feeding data, measured in one run.

The published way decodes images one by one through a torchvision `DataLoader` and evaluates on the test images three
times a cycle; two cycles of it are measured, against the same two cycles of ours. Usage: python -m benchmarks.training
"""

import time
from dataclasses import replace
from itertools import islice

import pandas as pd
import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.images.idx_folders import find_or_download
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.paper import PUBLISHED_SEED
from dtc_helpers.readings import READINGS, Plan, Reading
from dtc_helpers.runs.provenance import peak_memory_gb
from dtc_helpers.surgery import keep_neurons, schedule
from dtc_helpers.training import BATCH_SIZE, adam, cross_entropy, outputs

CYCLES_OF_PUBLISHED = 2
EVALUATIONS_A_CYCLE = 3
READING = READINGS["published"]
PLAN = Plan()


def run_of_ours(method: str, reading: Reading) -> pd.DataFrame:
    """Seconds of every cycle: in all (training, scoring, cutting, evaluation), and of scoring and cutting alone."""
    dataset = load_dataset("mnist")
    network = start_networks(dataset, [512], reading=reading, seeds=[PUBLISHED_SEED], device=torch.device("cpu"))
    cycles = compress_train(network, dataset, method=method, reading=reading, seeds=[PUBLISHED_SEED], plan=PLAN)
    rows, started = [], time.perf_counter()
    for record in cycles:
        rows.append({"all": time.perf_counter() - started, "score": record.score_seconds})
        started = time.perf_counter()
    return pd.DataFrame(rows)


def seconds_of_published() -> list[float]:
    """Seconds of the first cycles when every image is decoded when it is needed (random survivors, no solve)."""
    decode = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    root = str(find_or_download("MNIST").parents[1])  # torchvision's layout
    train, test = (
        DataLoader(datasets.MNIST(root, train=is_train, transform=decode), batch_size=BATCH_SIZE)
        for is_train in (True, False)
    )
    network = start_networks(
        load_dataset("mnist"), [512], reading=READING, seeds=[PUBLISHED_SEED], device=torch.device("cpu")
    )
    seconds = []
    for n_kept in schedule(512, keep_fraction=PLAN.keep_fraction, stop_at=PLAN.stop_at)[:CYCLES_OF_PUBLISHED]:
        started = time.perf_counter()
        train_decoding(network, train)
        for _ in range(EVALUATIONS_A_CYCLE - 1):
            evaluate_decoding(network, test)
        network = keep_neurons(network, list(range(n_kept)))
        evaluate_decoding(network, test)
        seconds.append(time.perf_counter() - started)
    return seconds


def train_decoding(network: ReplicatedMLP, loader: DataLoader) -> None:
    """200 batches, passing over the loader as often as needed."""
    optimizer, done = adam(network), 0
    while done < PLAN.batches_per_cycle:
        for images, labels in islice(loader, PLAN.batches_per_cycle - done):
            optimizer.zero_grad()
            cross_entropy(network(images.flatten(1)), labels, axis=READING.loss_axis).backward()
            optimizer.step()
            done += 1


@torch.no_grad()
def evaluate_decoding(network: ReplicatedMLP, loader: DataLoader) -> float:
    """Mean of the batch accuracies."""
    right = [
        (outputs(network(images.flatten(1)), axis=READING.loss_axis).argmax(-1) == labels).double().mean()
        for images, labels in loader
    ]
    return float(torch.stack(right).mean())


def main() -> None:
    """Measure and print."""
    print(f"threads {torch.get_num_threads()}, torch {torch.__version__}")
    exact = replace(READING, solver="exact")
    load_dataset("mnist")  # read once, before the clock runs
    ours = {method: run_of_ours(method, READING) for method in ("magnitude", "random", "dtc")}
    together = sum(run["all"].sum() for run in ours.values())
    for title, run in {**ours, "dtc, exact solve": run_of_ours("dtc", exact)}.items():
        share = run.score.sum() / run["all"].sum()
        print(f"ours, {title:17}: {run['all'].sum():6.1f} s for {len(run)} cycles, {share:5.1%} of it scoring")
    print(f"ours, the first three  : {together:6.1f} s, peak memory {peak_memory_gb()} GB")
    published = seconds_of_published()
    same = ours["random"]["all"][:CYCLES_OF_PUBLISHED].sum()
    print(f"first {CYCLES_OF_PUBLISHED} cycles, random : decoded one by one {sum(published):.1f} s, ours {same:.2f} s")
    print(f"ratio                  : {sum(published) / same:6.1f}")


if __name__ == "__main__":
    main()
