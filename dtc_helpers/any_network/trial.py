"""The trial of a cut on copies, before it is made: masked and cut network must agree, and the cut one must run."""

import copy
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from dtc_helpers.any_network.graph import UNREACHED, Limits, Prunable, prunable
from dtc_helpers.any_network.modules import cuda_devices
from dtc_helpers.any_network.tracing import Examples, called, tensors
from dtc_helpers.any_network.transcript import Gone, Transcript, make, transcript
from dtc_helpers.any_network.troubles import CutRefusedError

TOLERANCE = 1e-5  # between the masked and the cut network, relative to the largest answer


def check_on_copies(network: nn.Module, script: Transcript, example_inputs: Examples) -> float:
    """Largest difference, on the examples, between the network with zeros for all that goes and the one that is cut.

    It is relative to the largest answer of the masked or the uncut network; infinite where an answer is not finite or
    has another shape. Where zeros change no answer they are compared with random numbers added, to the weights and to
    the examples: NaN if the zeros change nothing even so.
    """
    first, change = _compared(network, script, example_inputs)
    if max(first, change) > TOLERANCE:
        return first
    for twin, inputs in _shaken(network, example_inputs):
        try:
            difference, change = _compared(twin, script, inputs)
        except Exception:  # whatever a network says to numbers it was not made for
            continue
        if max(difference, change) > TOLERANCE and difference < math.inf:
            return difference if difference > TOLERANCE else first
    return math.nan


def _shaken(network: nn.Module, example_inputs: Examples) -> Iterator[tuple[nn.Module, Examples]]:
    """Copies with ever larger random numbers added to all weights, in turn with the examples as they are and random."""
    rng = torch.Generator().manual_seed(0)

    def noisy(values: Any, scale: float = 1.0) -> Any:
        is_number = isinstance(values, Tensor) and values.is_floating_point()
        return values + scale * torch.randn(values.shape, generator=rng).to(values) if is_number else values

    for size in range(1, 17):  # a channel whose bias is far below zero stays dead at first
        twin = copy.deepcopy(network)
        for parameter in twin.parameters():
            scale = float(parameter.detach().abs().mean(dtype=torch.double))
            parameter.data = noisy(parameter.data, size * (scale if scale > 1e-6 else 0.1))
        yield twin, example_inputs if size % 2 else tree_map(noisy, example_inputs)


def _compared(network: nn.Module, script: Transcript, example_inputs: Examples) -> tuple[float, float]:
    """Differences between the masked network and the cut one, and between the masked and the uncut one."""
    masked, cut = copy.deepcopy(network).eval(), copy.deepcopy(network).eval()
    uncut = _answers(masked, example_inputs)
    for name, parameter in masked.named_parameters():
        if name in script.places:
            stays = torch.zeros(parameter.numel(), dtype=torch.bool, device=parameter.device)
            stays[script.places[name].to(parameter.device).flatten()] = True
            parameter.data = parameter.data * stays.view(parameter.shape)
    make(cut, script)
    answers, others = (_answers(each, example_inputs) for each in (masked, cut))
    if [a.shape for a in answers] != [b.shape for b in others] or not answers:
        return math.inf, math.inf
    triples = list(zip(answers, others, uncut, strict=True))
    return max(_difference(*each) for each in triples), max(_difference(a, c, c) for a, _, c in triples)


def _difference(masked: Tensor, cut: Tensor, uncut: Tensor) -> float:
    """Largest difference, relative to the largest answer, however small that is; of nothing but zeros it is 0.

    Infinities that all three share, as of a mask, do not differ.
    """
    same = uncut.isinf() & (masked == uncut) & (cut == uncut)
    masked, cut, uncut = (each.masked_fill(same, 0) for each in (masked, cut, uncut))
    if not uncut.isfinite().all():
        return math.inf
    largest = torch.maximum(masked.abs().max(), uncut.abs().max())
    difference, scale = (masked - cut).abs().max(), largest.clamp(min=torch.finfo(largest.dtype).tiny)
    return float(torch.nan_to_num(difference / scale, nan=math.inf, posinf=math.inf))


def _answers(network: nn.Module, example_inputs: Examples) -> list[Tensor]:
    """All tensors of the answer, by the same random numbers for everyone."""
    with torch.no_grad(), torch.random.fork_rng(devices=cuda_devices(network)):
        answer = called(network, example_inputs)
    return [tensor.double() for tensor in tensors(answer)]


@dataclass(frozen=True)
class Attempt:
    """A cut as it went on copies."""

    transcript: Transcript | None  # None where the cut failed
    difference: float  # between masked and cut network; infinite where the cut failed
    complaint: str = ""  # why the cut must not be made


def attempt(network: nn.Module, example_inputs: Examples, gone: Gone, limits: Limits) -> Attempt:
    """Cut copies of a network and compare; nothing is done to the network itself."""
    found = prunable(network, example_inputs, limits)
    try:
        script = transcript(found, gone)
        difference = check_on_copies(network, script, example_inputs) if gone else 0.0
    except Exception as error:  # whatever a network says to widths it was not made for
        return Attempt(None, math.inf, f"the cut network does not work ({type(error).__name__}: {error})")
    if error := _fault_in_training(network, script, example_inputs):
        names = ", ".join(each.layer for each in found.left_alone if each.reason == UNREACHED)
        unseen = (
            f". The trace does not reach {names}: if they run in training only, drop them, or protect the layer before"
        )
        return Attempt(None, math.inf, f"in train() the cut network does not work ({error}){unseen if names else ''}")
    return Attempt(script, difference, _complaint(difference))


def _fault_in_training(network: nn.Module, script: Transcript, example_inputs: Examples) -> str:
    """Error of the cut network in `train()`, where the uncut one has none."""
    cut = copy.deepcopy(network).train()
    make(cut, script)
    try:
        _answers(cut, example_inputs)
    except Exception as error:  # whatever a network says to widths it was not made for
        with suppress(Exception):  # as of batch norm, to a single value
            _answers(copy.deepcopy(network).train(), example_inputs)
            return f"{type(error).__name__}: {error}"
    return ""


def _complaint(difference: float) -> str:
    if math.isnan(difference):
        return "zeroing what goes changes no answer on these examples: give real ones"
    differ = f"the cut network and the masked one differ by {difference:.2g} on your examples"
    return differ if difference > TOLERANCE else ""


def tried(network: nn.Module, example_inputs: Examples, found: Prunable, gone: Gone, limits: Limits) -> Attempt:
    """Attempt that may be made.

    Channels that go through a norm (`Limits.cut_norm_coupled`) cannot agree: of them is only tried that the cut network
    runs, and all others are tried without them first. CutRefusedError names the layers that are to blame.
    """
    coupled = {made.name for made in found.groups if made.norm_coupled}
    exact = {name: channels for name, channels in gone.items() if name not in coupled}
    made = attempt(network, example_inputs, exact, limits)
    if made.complaint:
        uncut = _answers(copy.deepcopy(network).eval(), example_inputs)
        if made.transcript and made.difference == math.inf and not all(each.isfinite().all() for each in uncut):
            reason = f"{made.complaint}: already the answers of the uncut network are not finite"
            raise CutRefusedError({type(network).__name__: reason}, can_protect=False)
        blamed = _blame(network, example_inputs, exact, limits)
        raise CutRefusedError(blamed or {"together": made.complaint}, can_protect=bool(blamed))
    if coupled:
        made = attempt(network, example_inputs, gone, limits)
        if made.difference == math.inf:
            raise CutRefusedError(dict.fromkeys(sorted(coupled), made.complaint))
    return made


def _blame(network: nn.Module, example_inputs: Examples, gone: Gone, limits: Limits) -> dict[str, str]:
    """Groups that cannot even be cut alone, and why."""
    alone = {name: attempt(network, example_inputs, {name: gone[name]}, limits).complaint for name in gone}
    return {name: complaint for name, complaint in alone.items() if complaint}
