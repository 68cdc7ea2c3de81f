"""Compress-train of any module: your training, our cut, and again."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from dtc_helpers.any_network.checkpoints import Checkpoints, check_kept, put_back, put_back_others, shapes_of
from dtc_helpers.any_network.choosing import channels_to_cut, check_importance
from dtc_helpers.any_network.graph import Prunable, prunable
from dtc_helpers.any_network.modules import cuda_devices, n_parameters
from dtc_helpers.any_network.optimizer_state import carry, check_optimizer
from dtc_helpers.any_network.plan import CutPlan, CutRecord, Ledger, Seconds, Train, plain
from dtc_helpers.any_network.tracing import Examples
from dtc_helpers.any_network.transcript import make
from dtc_helpers.any_network.trial import Attempt, tried
from dtc_helpers.any_network.troubles import CutRefusedError, check_network
from dtc_helpers.runs.progress import progress


def compress_train_module(
    network: nn.Module,
    train: Train,
    *,
    example_inputs: Examples,
    optimizer: Optimizer,
    plan: CutPlan,
    checkpoints: Checkpoints | None = None,
) -> Iterator[CutRecord]:
    """Compress-train of any network, in place: trains, cuts channels, carries the optimiser, yields a record a cut.

    Parameters
    ----------
    network : its parameters stay the same objects, so hooks, gradients, frozen flags, the optimiser's groups and
        schedulers stay as they are; `train` and `eval` modes too.
    train : `train(network, optimizer, batch_numbers)` makes one step for each number of the range; numbers go on from
        cut to cut, so that data chosen by them is the same after an interruption. After the last cut train on as you
        like.
    example_inputs : a few real inputs, on the device of the network: a tensor, a tuple of arguments, or a dictionary.
        On them the masked and the cut network must agree to 1e-5 of the largest answer, before a cut is made.
    optimizer : of `torch.optim` or like one; all but Adafactor and LBFGS.
    plan : its importance is called once before the training, to see what it gives.

    Yields
    ------
    CutRecord after every cut; it ends early when nothing is left to cut. Records of cuts before a resumed run are in
    its checkpoints (`read_checkpoint(path)["record"]`).

    Raises
    ------
    CutRefusedError (a ValueError) for layers that would be cut wrongly; ValueError for a wrapped or reparametrised
    network, an optimiser that cannot be carried, or checkpoints of another run; RuntimeError for an importance that
    gives other than one number a channel, TypeError for a score that gives no `Scores`, and what the importance itself
    raises, if nothing is missing that training may give: all before training.
    While it runs, FloatingPointError for weights that are NaN or infinite, CutRefusedError for a cut that its trial
    finds wrong, and RuntimeError for a solve without a proof.

    Source: arXiv:2505.23869, section IV, for layers of any kind.

    Examples
    --------
    >>> from dtc_helpers import CutPlan, DTCImportance, compress_train_module
    >>> network = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 2))
    >>> def train(network, optimizer, batch_numbers):
    ...     for number in batch_numbers:
    ...         optimizer.zero_grad()
    ...         network(torch.ones(3, 4)).square().sum().backward()
    ...         optimizer.step()
    >>> records = compress_train_module(
    ...     network,
    ...     train,
    ...     example_inputs=torch.ones(3, 4),
    ...     optimizer=torch.optim.Adam(network.parameters()),
    ...     plan=CutPlan(DTCImportance(seed=1), cuts=2, batches_per_cut=3),
    ... )
    >>> [record.widths for record in records]  # doctest: +ELLIPSIS
    cuts: 2/2, ...
    [{'0': 9}, {'0': 8}]
    """
    check_network(network)
    check_optimizer(optimizer, network)
    settings = plain(plan, optimizer)
    done = _gone_on_from(checkpoints, settings, network, optimizer, plan) if checkpoints else None
    if done is not None:
        put_back(network, done)
        optimizer.load_state_dict(done["optimizer"])
    else:
        _rehearse(network, example_inputs, plan)
        done = {"cut": 0, "shapes": shapes_of(network), "widths": {}, "record": {"ledger": {}}}
    run = _Run(network, optimizer, example_inputs, plan, done["widths"], done["record"]["ledger"])
    cuts, total = _cuts(run, train, {**done, "plan": settings}, checkpoints), plan.cuts - done["cut"]
    return progress(cuts, total=total, title="cuts", describe=lambda record: f"{record.n_parameters:,} parameters")


def _gone_on_from(
    checkpoints: Checkpoints, settings: dict[str, Any], network: nn.Module, optimizer: Optimizer, plan: CutPlan
) -> dict[str, Any] | None:
    """Last checkpoint, held against this run; None where the run begins."""
    done = checkpoints.check(settings)
    check_kept(optimizer, network, done)
    if done is not None and done["cut"] > plan.cuts:
        raise ValueError(f"cuts = {plan.cuts}: {done['cut']} are done already. Expected as many or more")
    return done


@dataclass
class _Run:
    """State of a run: its network and optimiser, and the cuts so far."""

    network: nn.Module
    optimizer: Optimizer
    example_inputs: Examples
    plan: CutPlan
    widths: dict[str, dict[str, Any]]  # that modules remember, as the cuts have changed them
    ledger: Ledger


def _cuts(run: _Run, train: Train, done: Mapping[str, Any], checkpoints: Checkpoints | None) -> Iterator[CutRecord]:
    """Records of the cuts after those that are `done`."""
    if checkpoints is not None and done["cut"]:  # now, whatever was drawn since
        put_back_others(checkpoints.also, done)
    for cut in range(done["cut"] + 1, run.plan.cuts + 1):
        last, started = cut * run.plan.batches_per_cut, _now(run.network)
        train(run.network, run.optimizer, range(last - run.plan.batches_per_cut, last))
        trained = _now(run.network)
        _check_weights(run.network, cut)
        found = prunable(run.network, run.example_inputs, run.plan.limits)
        if not found.groups:
            return
        made = _cut(run, cut, found)
        record = _record(run, cut, found, made, (started, trained, _now(run.network)))
        if checkpoints is not None:
            about = {"plan": done["plan"], "shapes": done.get("shapes")}  # older files have no shapes
            about |= {"widths": run.widths, "record": asdict(record)}
            checkpoints.write(cut, run.network, run.optimizer, about)
        yield record


def _check_weights(network: nn.Module, cut: int) -> None:
    if bad := [name for name, parameter in network.named_parameters() if not parameter.isfinite().all()]:
        raise FloatingPointError(
            f"before cut {cut}: {', '.join(bad)} are NaN or infinite after training: look for inputs that are not "
            "finite, or for a loss that diverges"
        )


def _cut(run: _Run, cut: int, found: Prunable) -> Attempt:
    """Score all groups, try the cut on copies, make it."""
    check_optimizer(run.optimizer, run.network)
    if hasattr(run.plan.importance, "cut"):
        run.plan.importance.cut = cut  # pyright: ignore[reportFunctionMemberAccess]
    gone = channels_to_cut(found, importance=run.plan.importance, keep_fraction=run.plan.keep_fraction)
    made = tried(run.network, run.example_inputs, found, gone, run.plan.limits)
    assert made.transcript is not None  # else `tried` has raised
    carry(run.optimizer, run.network, made.transcript)
    make(run.network, made.transcript)
    check_optimizer(run.optimizer, run.network)
    for module, values in made.transcript.attributes.items():
        run.widths.setdefault(module, {}).update(values)
    for layer, kept in made.transcript.kept.items():
        before = run.ledger.get(layer)
        run.ledger[layer] = tuple(kept) if before is None else tuple(before[channel] for channel in kept)
    return made


def _record(run: _Run, cut: int, found: Prunable, made: Attempt, times: tuple[Seconds, Seconds, Seconds]) -> CutRecord:
    started, trained, ended = times
    gaps = getattr(run.plan.importance, "gaps", {})
    return CutRecord(
        cut,
        widths={layer: len(channels) for layer, channels in run.ledger.items()},
        ledger=dict(run.ledger),
        left_alone=found.left_alone,
        difference=made.difference,
        duality_gap=max((gaps[group.name] for group in found.groups if group.name in gaps), default=None),
        n_parameters=n_parameters(run.network),
        training=_between(started, trained),
        compression=_between(trained, ended),
    )


def _rehearse(network: nn.Module, example_inputs: Examples, plan: CutPlan) -> None:
    """Try a cut of the last channels of every group, and the importance, before any training is lost."""
    plan.limits.check(network)
    found = prunable(network, example_inputs, plan.limits)
    if not found.groups:
        raise CutRefusedError({each.layer: each.reason for each in found.left_alone}, can_protect=False)
    gone = channels_to_cut(
        found, importance=lambda group: -torch.arange(len(group[0].idxs)), keep_fraction=plan.keep_fraction
    )
    tried(network, example_inputs, found, gone, plan.limits)
    check_importance(found, plan.importance)


def _now(network: nn.Module) -> Seconds:
    """Clocks, once the devices of the network have done what they were told."""
    for device in cuda_devices(network):
        torch.cuda.synchronize(device)
    return Seconds(time.perf_counter(), time.process_time())


def _between(start: Seconds, end: Seconds) -> Seconds:
    return Seconds(end.wall - start.wall, end.processor - start.processor)
