"""Arms of a study: every way to a small network, replicated."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from dtc_helpers.cycle import CycleRecord
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import IndependentStreams
from dtc_helpers.scoring import SCORES, Score
from dtc_helpers.studies.numbering import NUMBERINGS, numbered_scores
from dtc_helpers.studies.setting import Setting
from dtc_helpers.surgery import keep_neurons
from dtc_helpers.training import Accuracy


class Outcome(NamedTuple):
    """Accuracy of all replicates of an arm at one place."""

    neurons: int
    batches: int  # of training so far
    accuracy: Accuracy
    arm: str = ""  # in tables, where one run gives several arms
    duality_gap: Tensor | None = None  # the largest of all solves of the run so far, (n_replicates,); None without any


def cut_arm(setting: Setting, *, method: str | Score) -> Iterator[Outcome]:
    """Compress-train: an outcome after every cut, and a last one when the setting's total of batches is used up."""
    gap = None
    for record in setting.cut(method):
        batches, gap = record.cycle * setting.plan.batches_per_cycle, _larger_gap(gap, record)
        yield Outcome(record.neurons, batches, record.accuracy, duality_gap=gap)
    if setting.total_batches is not None and setting.total_batches > batches:
        (measured,) = setting.trained_to(record.network, [setting.total_batches - batches])
        yield Outcome(record.neurons, setting.total_batches, measured, duality_gap=gap)


def _larger_gap(gap: Tensor | None, record: CycleRecord) -> Tensor | None:
    """Of the largest gap so far and those of this cycle."""
    gaps = [g for g in (gap, *(cut.duality_gap for cut in record.layers)) if g is not None]
    return torch.stack(gaps).amax(0) if gaps else None


def dense_arm(setting: Setting) -> Iterator[Outcome]:
    """Never cut, same batches: an outcome after every cycle, up to the one of the smallest chosen size."""
    for cycle, accuracy in enumerate(setting.never_cut(setting.start()), start=1):
        yield Outcome(sum(setting.hidden_widths), cycle * setting.plan.batches_per_cycle, accuracy)


SCRATCH_BUDGETS: tuple[str, ...] = ("batches", "multiply_adds", "longer")


def scratch_arm(setting: Setting, *, budgets: Sequence[str] = SCRATCH_BUDGETS) -> Iterator[Outcome]:
    """Small networks trained from scratch: at each of the chosen sizes one training, measured at several budgets.

    The budgets are "batches", as many as the compress-train run has had at this size; "multiply_adds", as many of
    these; and "longer", twice as many batches as "multiply_adds" (what the small network can reach at all). Each is an
    arm of its own in tables: "scratch, batches", ….
    """
    for n_cycles, widths in enumerate(setting.schedule, start=1):
        if sum(widths) in setting.neurons:
            batches = n_cycles * setting.plan.batches_per_cycle
            equal_cost = _equal_cost(setting, widths, n_cycles)
            lengths = dict(zip(SCRATCH_BUDGETS, (batches, equal_cost, 2 * equal_cost), strict=True))
            network = setting.start(widths)
            measured = setting.trained_to(network, [lengths[budget] for budget in budgets])
            for budget, accuracy in zip(budgets, measured, strict=True):
                yield Outcome(network.n_neurons, lengths[budget], accuracy, f"scratch, {budget}")


def ticket_arm(setting: Setting, *, method: str) -> Iterator[Outcome]:
    """Lottery tickets: the survivors of a method, rewound to their initial weights.

    They are trained for as many batches as the compress-train run has had at this size.
    """
    gap = None
    for record in setting.cut(method):
        gap = _larger_gap(gap, record)
        if record.neurons in setting.neurons:
            yield _ticket(setting, record.network.neuron_ids, record.cycle)._replace(duality_gap=gap)
        if record.neurons <= min(setting.neurons):
            return


def random_ticket_arm(setting: Setting) -> Iterator[Outcome]:
    """Tickets of random neurons with their initial weights, trained as those of `ticket_arm`."""
    for cycle, widths in enumerate(setting.schedule, start=1):
        if sum(widths) in setting.neurons:
            yield _ticket(setting, random_ids(setting.start(), widths, seeds=setting.seeds), cycle)


def rewound(start: ReplicatedMLP, neuron_ids: Sequence[Tensor]) -> ReplicatedMLP:
    """Lottery ticket: some neurons of the untrained network, with the weights that they had there.

    Parameters
    ----------
    neuron_ids : for each hidden layer (n_replicates, n_kept), names in the untrained network; those of a cut network
        are its `neuron_ids`.
    """
    for layer, kept in enumerate(neuron_ids):
        start = keep_neurons(start, kept, layer=layer)
    return start


def random_ids(start: ReplicatedMLP, widths: Sequence[int], *, seeds: Sequence[int]) -> list[Tensor]:
    """Neurons drawn for a random ticket of these widths: for each hidden layer (n_replicates, width).

    Whatever the reading, the draws are independent of each other and of those of random pruning.
    """
    drawn = []
    for layer, (n_neurons, width) in enumerate(zip(start.hidden_widths, widths, strict=True)):
        # cycle 0 is never scored: these draws are not those of random pruning
        permutations = [IndependentStreams(seed).choice(0, layer).permutation(n_neurons)[:width] for seed in seeds]
        drawn.append(torch.stack([torch.from_numpy(p) for p in permutations]).to(start.device))
    return drawn


def _ticket(setting: Setting, neuron_ids: Sequence[Tensor], cycle: int) -> Outcome:
    ticket, batches = rewound(setting.start(), neuron_ids), cycle * setting.plan.batches_per_cycle
    (measured,) = setting.trained_to(ticket, [batches])
    return Outcome(ticket.n_neurons, batches, measured)


def multiply_adds(widths: Sequence[int]) -> int:
    """Multiply-adds of one image in one training step: forward, gradients of the weights, gradients of activities.

    The widths are inputs, hidden neurons of each layer, classes. The images need no gradient.
    """
    products = [before * after for before, after in itertools.pairwise(widths)]
    return 3 * sum(products) - products[0]


def _equal_cost(setting: Setting, widths: Sequence[int], n_cycles: int) -> int:
    """Batches that a network of these hidden widths can train at the multiply-adds of the first cycles."""

    def cost(hidden: Sequence[int]) -> int:
        return multiply_adds([setting.dataset.n_inputs, *hidden, setting.dataset.n_classes])

    spent = sum(map(cost, [setting.hidden_widths, *setting.schedule][:n_cycles]))
    return round(setting.plan.batches_per_cycle * spent / cost(widths))


ARMS: dict[str, Callable[[Setting], Iterator[Outcome]]] = {
    **{method: partial(cut_arm, method=method) for method in SCORES},
    **{name: partial(cut_arm, method=partial(numbered_scores, name=name)) for name in NUMBERINGS if name != "dtc"},
    "dense": dense_arm,
    "scratch": scratch_arm,
    "scratch, batches": partial(scratch_arm, budgets=("batches",)),
    **{f"ticket, {method}": partial(ticket_arm, method=method) for method in ("dtc", "norms")},
    "ticket, random": random_ticket_arm,
}
SIZED = ("scratch", "ticket")  # how the names of arms begin that train at the chosen sizes


def last_places(setting: Setting, arm: str) -> list[tuple[int, int]]:
    """(neurons, batches) that a finished run of this arm has reached: at each of the chosen sizes, or at its end."""
    sizes, per_cycle = [sum(widths) for widths in setting.schedule], setting.plan.batches_per_cycle
    if arm.startswith(SIZED):
        return [(size, (sizes.index(size) + 1) * per_cycle) for size in setting.neurons]
    if arm == "dense":
        return [(sum(setting.hidden_widths), setting.dense_cycles * per_cycle)]
    return [(sizes[-1], max(len(sizes) * per_cycle, setting.total_batches or 0))]
