"""Replicated compress-train: how near the matrix-product peak, and what a replicate costs beside a single run.

    python -m benchmarks.replicates                        # 1 and 8 replicates, the whole published schedule on MNIST
    python -m benchmarks.replicates --replicates 1 8 64 256 --device cuda

"% of peak" counts the multiply-adds of training and evaluation only, over the time of everything (training, scoring,
cutting, evaluation); the peak is the fastest float32 product of several shapes, in this process. "cost" is the time per
replicate over that of the first row's run at the same widths.
"""

import argparse
import time
from collections.abc import Iterable
from itertools import pairwise

import torch

from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.images.datasets import Dataset, load_dataset
from dtc_helpers.paper import PUBLISHED_SEED
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.studies.arms import multiply_adds
from dtc_helpers.training import BATCH_SIZE

SHOWN_WIDTHS = (512, 243, 127, 51, 25, 11)  # while training, each down to the next
SMALL = 51  # ten-fold compression: the cost at this width and below is shown beside that of the whole run


def product_peak(device: torch.device) -> float:
    """Multiply-adds a second of the fastest float32 product."""
    shapes = [(2048, 2048, 2048), (4096, 784, 512), (512, 784, 4096), (8192, 1024, 1024)]
    return max(_products_per_second(*shape, device) for shape in shapes)


def _products_per_second(rows: int, inner: int, columns: int, device: torch.device) -> float:
    a, b = torch.randn(rows, inner, device=device), torch.randn(inner, columns, device=device)
    best = float("inf")
    for _ in range(8):
        started = time.perf_counter()
        product = a @ b
        float(product[0, 0])  # waits for the device
        best = min(best, time.perf_counter() - started)
    return rows * inner * columns / best


def run(dataset: Dataset, *, method: str, reading: str, n_replicates: int, plan: Plan) -> dict[int, float]:
    """Seconds of every cycle, by the width while training; all of the cycle counts."""
    seeds = [PUBLISHED_SEED + r for r in range(n_replicates)]
    device = dataset.test.images.device
    network = start_networks(dataset, [512], reading=READINGS[reading], seeds=seeds, device=device)
    seconds, width, started = {}, 512, time.perf_counter()
    for record in compress_train(network, dataset, method=method, reading=READINGS[reading], seeds=seeds, plan=plan):
        float(record.accuracy.overall[0])  # waits for the device
        now = time.perf_counter()
        seconds[width], width, started = now - started, record.neurons, now
    return seconds


def work(dataset: Dataset, width: int, plan: Plan) -> float:
    """Multiply-adds of one cycle of one replicate: training, and evaluation at about the same width."""
    ends = dataset.n_inputs, dataset.n_classes
    training = plan.batches_per_cycle * BATCH_SIZE * multiply_adds((ends[0], width, ends[1]))
    return training + len(dataset.test) * width * sum(ends)


def _bands(widths: Iterable[int]) -> list[list[int]]:
    """Widths from each of SHOWN_WIDTHS down to the next: one cycle alone is too short to be timed well."""
    return [[w for w in widths if high >= w > low] for high, low in pairwise([*SHOWN_WIDTHS, 0])]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--method", default="random")
    parser.add_argument("--reading", default="described", choices=list(READINGS))
    parser.add_argument("--replicates", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--batches", type=int, default=200, help="a cycle")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    device = torch.device(chosen.device)
    dataset, plan = load_dataset(chosen.dataset).to(device), Plan(batches_per_cycle=chosen.batches)
    peak = product_peak(device)
    print(f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads, peak {2e-9 * peak:.0f} GFLOP/s")
    print(f"{dataset.title}, {chosen.reading} reading, {chosen.method}, {chosen.batches} batches a cycle")
    columns = f"{'R':>4} {'seconds':>8} {'% of peak':>9} {'cost':>6} {f'≤ {SMALL}':>6}"
    print(f"{columns}   cost and % of peak from {SHOWN_WIDTHS} neurons down")
    single: dict[int, float] = {}
    for n_replicates in chosen.replicates:
        seconds = run(dataset, method=chosen.method, reading=chosen.reading, n_replicates=n_replicates, plan=plan)
        each = {width: s / n_replicates for width, s in seconds.items()}
        single = single or each
        (whole_cost, whole_share), (small_cost, _), *bands = (
            (spent / sum(single[w] for w in widths), sum(work(dataset, w, plan) for w in widths) / spent / peak)
            for widths in (list(each), [w for w in each if w <= SMALL], *_bands(each))
            if (spent := sum(each[w] for w in widths))
        )
        by_band = "  ".join(f"{cost:.2f} ({share:.0%})" for cost, share in bands)
        total = sum(seconds.values())
        print(
            f"{n_replicates:>4} {total:>8.1f} {whole_share:>9.0%} {whole_cost:>6.2f} {small_cost:>6.2f}   {by_band}",
            flush=True,
        )


if __name__ == "__main__":
    main()
