"""Choosing the channels that go, by an importance."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dtc_helpers.any_network.graph import ChannelGroup, Prunable
from dtc_helpers.any_network.group_sums import Group
from dtc_helpers.any_network.modules import cuda_devices
from dtc_helpers.scoring import NoScoresError
from dtc_helpers.surgery import highest, n_keep

MAYBE_LATER = (LookupError, AttributeError, TypeError, AssertionError)  # of an importance before any training
Importance = Callable[[Group], Tensor | None]


def channels_to_cut(found: Prunable, *, importance: Importance, keep_fraction: float) -> dict[str, Tensor]:
    """Channels that go from every group: all are scored before any is cut, and ⌈keep_fraction · (n − 1)⌉ units stay.

    Raises RuntimeError for an importance that gives other than one number a channel, or one that is NaN.
    """
    gone = {}
    for made in found.groups:
        scores = _one_each(importance(made.group), made)
        units = scores.detach().double().cpu()[made.units].mean(1)
        stay = highest(units.unsqueeze(0), n_keep(len(units), keep_fraction))[0]
        is_gone = torch.ones(len(units), dtype=torch.bool).index_fill(0, stay, False)
        gone[made.name] = made.units[is_gone].flatten().sort().values
    return gone


def check_importance(found: Prunable, importance: Importance) -> None:
    """Try an importance on the narrowest group of a copy, whose gradients are 1 where there are none yet.

    It is a copy of the importance that is called, and torch's and NumPy's generators stay as they are. What it raises
    comes as it is; only where something is missing (a key, an attribute) it is let pass, for it may be there after
    training. Raises RuntimeError as `channels_to_cut`, and NoScoresError for a score that gives no `Scores`.
    """
    for parameter in found.graph.model.parameters():
        if parameter.grad is None and parameter.is_floating_point():
            parameter.grad = torch.ones_like(parameter)  # of zeros Taylor's scores are NaN
    narrowest, drawn = min(found.groups, key=lambda made: made.n_channels), np.random.get_state()
    try:
        own = copy.deepcopy(importance)
    except Exception:  # whatever it holds: it cannot be tried
        return
    try:
        with torch.random.fork_rng(devices=cuda_devices(found.graph.model)):
            scores = own(narrowest.group)
    except NoScoresError:
        raise
    except MAYBE_LATER as error:
        if isinstance(error, TypeError) and error.__traceback__ and error.__traceback__.tb_next is None:
            raise  # the call itself, for its arguments
        return
    finally:
        np.random.set_state(drawn)
    _one_each(scores, narrowest)


def _one_each(scores: Any, made: ChannelGroup) -> Tensor:
    if not isinstance(scores, Tensor) or scores.shape != (made.n_channels,):
        came = f"a tensor of shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else type(scores).__name__
        raise RuntimeError(
            f"{made.name}: the importance gave no number for each of {made.n_channels} channels, but {came}: expected "
            f"a tensor of shape ({made.n_channels},)"
        )
    if scores.is_complex() or scores.isnan().any():
        came = "complex numbers" if scores.is_complex() else "NaN"
        raise RuntimeError(f"{made.name}: the importance gave {came}: expected numbers that can be put in an order")
    return scores
