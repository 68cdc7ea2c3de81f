"""Memory that a run needs at its peak, beside what there is: asked before it trains."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import torch

from dtc_helpers.images.datasets import Dataset
from dtc_helpers.readings import Plan
from dtc_helpers.scoring import SCORES, Score, magnitude_scores, norm_scores, random_scores
from dtc_helpers.training import BATCH_SIZE

_FLOAT, _DOUBLE = 4, 8  # bytes
_SOLVE_NOTHING = (magnitude_scores, norm_scores, random_scores)  # any other score may
_CGROUPS, _OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_V1, _V2 = ("memory.limit_in_bytes", "memory.usage_in_bytes"), ("memory.max", "memory.current")


def needed_bytes(layer_widths: Sequence[int], *, n_replicates: int, plan: Plan, solves: bool) -> int:
    """Memory that a compress-train run takes at the least, beside what this process has.

    The layers are inputs, hidden ones and classes; `solves` is whether a method of the run solves for weight rays.

    Weights, gradients and both moments of Adam; with them, in training, the activities of a batch and the gradient of
    the widest layer's, or at the first cut a copy, the smaller network, and Φ of all replicates, twice while it is
    drawn, four times with Θ for both solves. The measured peak of 0.1 GB or more is between 1 and 3 times this (of
    the published solver, SCS, more).
    """
    hidden = layer_widths[1:-1]
    weights = sum(n * m for n, m in itertools.pairwise(layer_widths))
    matrices = [n * max(1, int(n * plan.measurement_fraction)) for n in hidden]
    training = _FLOAT * (4 * weights + BATCH_SIZE * (sum(hidden) + max(hidden)))
    drawn = sum(matrices) + (3 if solves else 1) * max(matrices)
    cut = _FLOAT * (5 + plan.keep_fraction) * weights + _DOUBLE * drawn
    return int(n_replicates * max(training, cut))


def available_bytes(device: torch.device) -> int:
    """Memory that this process may still take: on the device, or of the machine and within its control groups."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    swap = psutil.swap_memory().free
    return min([psutil.virtual_memory().available, *_left_in_cgroups()]) + swap


def _left_in_cgroups() -> Iterator[int]:
    """Bytes that every control group of this process, of either version, leaves it."""
    own = _OWN_CGROUP.read_text().splitlines() if _OWN_CGROUP.is_file() else []
    for _, controllers, place in (line.split(":", 2) for line in own):
        if controllers not in ("", "memory"):
            continue
        group = _CGROUPS / controllers / place.strip("/")
        for folder in (group, *group.parents):
            with suppress(OSError, ValueError, KeyError):  # no such limit
                limit, used = (int((folder / name).read_text()) for name in (_V1 if controllers else _V2))
                yield limit - used + _cached(folder)


def _cached(folder: Path) -> int:
    """Bytes of files that the kernel keeps, and gives up when memory is wanted."""
    values = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    return int(values.get("total_inactive_file", values["inactive_file"]))


def check_memory(
    dataset: Dataset, hidden_widths: Sequence[int], *, methods: Sequence[str | Score], n_replicates: int, plan: Plan
) -> None:
    """Raise MemoryError for a run that cannot fit; a score of one's own is taken for one that solves, as DTC does."""
    widths, device = [dataset.n_inputs, *hidden_widths, dataset.n_classes], dataset.train.images.device
    scores = [SCORES[method] if isinstance(method, str) else method for method in methods]
    solves = any(score not in _SOLVE_NOTHING for score in scores)
    needed = needed_bytes(widths, n_replicates=n_replicates, plan=plan, solves=solves)
    there = available_bytes(device)
    if needed > there:
        raise MemoryError(
            f"{n_replicates} networks of {' → '.join(map(str, widths))} neurons need at least {needed / 1e9:,.1f} GB, "
            f"and {max(there, 0) / 1e9:,.1f} GB are there: take fewer replicates, hidden neurons or measurements"
        )
