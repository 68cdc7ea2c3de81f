"""Questions to a `torch.nn.Module` for which torch has no function."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

Network = TypeVar("Network", bound=nn.Module)


def all_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers of a network, by name."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def copied(network: Network) -> Network:
    """Deep copy of a network.

    Raises ValueError for modules that remember a tensor with its history, which torch does not copy.
    """
    try:
        return copy.deepcopy(network)
    except RuntimeError as error:
        held = [
            f"{name}.{attribute}".lstrip(".")
            for name, module in network.named_modules()
            for attribute, value in {**vars(module), **module._buffers}.items()
            if any(not tensor.is_leaf for tensor in tree_leaves(value) if isinstance(tensor, Tensor))
        ]
        if not held:
            raise
        advice = "Store it detached, x.detach(), or set it to None before the cut"
        raise ValueError(
            f"the network cannot be copied: {', '.join(held)} hold what was computed with gradients. {advice}"
        ) from error


def with_gradients(network: Network) -> Network:
    """Network whose parameters all require gradients, in place; whole numbers, which cannot, become buffers."""
    for module in network.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None and not (parameter.is_floating_point() or parameter.is_complex()):
                del module._parameters[name]
                module.register_buffer(name, parameter.detach())
    return network.requires_grad_(True)


def n_parameters(network: nn.Module) -> int:
    """Numbers in all parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def cuda_devices(network: nn.Module) -> list[torch.device]:
    """CUDA devices that hold parameters of a network, each once."""
    devices = (parameter.device for parameter in network.parameters())
    return list(dict.fromkeys(device for device in devices if device.type == "cuda"))


def attention_parts(network: nn.Module) -> set[nn.Module]:
    """Layers inside a MultiheadAttention, which calls its own function and none of them."""
    attentions = (each for each in network.modules() if isinstance(each, nn.MultiheadAttention))
    return {part for attention in attentions for part in attention.children()}


@contextmanager
def in_eval(*networks: nn.Module) -> Iterator[None]:
    """Networks in `eval()`; afterwards every module has the mode that it had."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
