"""An optimiser through the cut: whatever it holds for a weight is cut like the weight."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dtc_helpers.any_network.transcript import Transcript, taken

REFUSED = {
    "Adafactor": "its second moments are sums over rows and columns, which a cut changes",
    "LBFGS": "its history is of whole directions, which a cut changes",
}


def check_optimizer(optimizer: Optimizer, network: nn.Module) -> None:
    """Refuse an optimiser whose state cannot go through a cut, or that does not train all of the network.

    ValueError names the optimiser or the parameters, and says what to do.
    """
    for kind in type(optimizer).__mro__:
        if reason := REFUSED.get(kind.__name__):
            raise ValueError(f"{kind.__name__} cannot be carried through a cut: {reason}. Use Adam or SGD, for example")
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    idle = [name for name, each in network.named_parameters() if each.requires_grad and id(each) not in held]
    if idle:
        raise ValueError(
            f"the optimiser does not hold {', '.join(idle)}: make it of network.parameters(), or freeze what is not to "
            "be trained with requires_grad_(False)"
        )
    for name, parameter in network.named_parameters():
        _check_state(name, parameter, optimizer)


def carry(optimizer: Optimizer, network: nn.Module, script: Transcript) -> None:
    """Cut the state of a checked optimiser like the weights it belongs to, in place, before the network is cut.

    Parameters stay the same objects (`transcript.make`), so groups, their order and schedulers go on as they were.
    """
    for name, parameter in network.named_parameters():
        state = optimizer.state.get(parameter, {}) if name in script.places else {}
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[key] = taken(value, script.places[name])


def _check_state(name: str, parameter: nn.Parameter, optimizer: Optimizer) -> None:
    for key, value in optimizer.state.get(parameter, {}).items():
        if isinstance(value, Tensor) and value.numel() != 1 and value.shape != parameter.shape:
            raise ValueError(
                f"the optimiser's {key} of {name} has the shape {tuple(value.shape)}, the weights have "
                f"{tuple(parameter.shape)}: it cannot be cut like them"
            )
        if isinstance(value, Iterable) and not isinstance(value, (Tensor, str)):
            raise ValueError(f"the optimiser's {key} of {name} is a {type(value).__name__}: only tensors can be cut")
    if parameter.grad is not None and parameter.grad.layout != torch.strided:
        raise ValueError(f"the gradient of {name} is sparse: it cannot be cut like the weights")
