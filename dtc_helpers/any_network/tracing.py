"""Torch-Pruning's trace of a network, and the groups it finds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch_pruning as tp
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.rnn import PackedSequence
from torch_pruning.ops import DummyPruner

from dtc_helpers.any_network.group_sums import PRODUCER, Group, role
from dtc_helpers.any_network.modules import copied
from dtc_helpers.any_network.troubles import CutRefusedError

RECURRENT = (nn.RNN, nn.LSTM, nn.GRU)
Examples = Tensor | Sequence[Any] | Mapping[str, Any]  # as the network takes them: one, several, or by name


class _Uncut(DummyPruner):
    """Recurrent layers in the graph: by a function of their own for inputs, these do not go with the outputs."""

    def prune_in_channels(self, layer: nn.Module, idxs: list[int]) -> nn.Module:
        raise NotImplementedError(f"{type(layer).__name__} cannot be cut")


class _OneStep(torch.autograd.Function):
    """Outputs that come from an input, in one step of the trace."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, *outputs: Tensor) -> tuple[Tensor, ...]:  # noqa: ARG004
        return tuple(output.clone() for output in outputs)


def called(network: nn.Module, example_inputs: Examples) -> Any:
    """Answer of the network to the examples."""
    if isinstance(example_inputs, Mapping):
        return network(**example_inputs)
    return network(example_inputs) if isinstance(example_inputs, Tensor) else network(*example_inputs)


def tensors(values: Any) -> list[Tensor]:
    """All tensors in a structure, in their order."""
    if isinstance(values, Tensor):
        return [values]
    parts = values.values() if isinstance(values, Mapping) else values if isinstance(values, (list, tuple)) else ()
    return [tensor for part in parts for tensor in tensors(part)]


def _copied(network: nn.Module) -> nn.Module:
    """Copy with the gradients, all of whose parameters require some: the trace of Torch-Pruning follows gradients."""
    twin = copied(network)
    for parameter, own in zip(twin.parameters(), network.parameters(), strict=True):
        parameter.requires_grad_(parameter.is_floating_point())
        parameter.grad = None if own.grad is None else own.grad.detach().clone()
    return twin


def traced(network: nn.Module, example_inputs: Examples) -> Any:
    """Dependency graph of a copy of a network: its `model`, which has the network's gradients.

    Raises CutRefusedError for a network that Torch-Pruning cannot follow; its own errors come as they are.
    """
    twin, answered = _copied(network), []

    def forward(network: nn.Module, inputs: Examples) -> Any:
        answered.append(tensors(called(network, inputs)))
        return answered[0]

    for layer in twin.modules():
        if isinstance(layer, RECURRENT):  # the gates would look like layers of the network
            layer.forward = _in_one_step(layer.forward)
    settings: dict[str, Any] = {"customized_pruners": {kind: _Uncut() for kind in RECURRENT}, "verbose": False}
    try:
        with torch.enable_grad():  # a trace is one of gradients
            return tp.DependencyGraph().build_dependency(twin, example_inputs, forward_fn=forward, **settings)  # pyright: ignore[reportArgumentType]
    except Exception as error:
        if not answered:
            raise
        reason = f"Torch-Pruning cannot trace this network ({type(error).__name__}: {error}){_where(error)}"
        advice = "Channel shuffles in a row, for example, cannot be traced: give a network, or a part of one, without"
        raise CutRefusedError({type(network).__name__: f"{reason}. {advice}"}, can_protect=False) from error


def _where(error: Exception) -> str:
    """Words on the operation that Torch-Pruning looked at when it failed, and the last layer before it."""
    trace, node = error.__traceback__, None
    while trace is not None:
        node, trace = trace.tb_frame.f_locals.get("node", node), trace.tb_next
    if node is None:
        return ""
    before = [node]
    for each in before:  # it grows
        if not type(each.module).__module__.startswith("torch_pruning."):
            return f" at {node.name}, after the layer {each.name.split(' ')[0]}"
        before += [other for other in each.inputs if other not in before]
    return f" at {node.name}"


def all_groups(graph: Any, left: dict[str, str]) -> Iterator[Group]:
    """Groups of all linear and convolutional layers, every layer in one; what fails goes to `left`, with a reason."""
    seen: set[nn.Module] = set()
    for layer in list(graph.module2node):
        if not isinstance(layer, (nn.Linear, _ConvNd)) or layer in seen:
            continue
        pruner = graph.get_pruner_of_module(layer)
        channels = list(range(pruner.get_out_channels(layer)))
        try:
            group = graph.get_pruning_group(layer, pruner.prune_out_channels, channels)
        except Exception as error:  # what Torch-Pruning says to an operation that it cannot follow
            left[graph._module2name[layer]] = f"Torch-Pruning cannot follow its channels ({error})"
            continue
        seen |= {layer, *(item.dep.layer for item in group if role(item, group) == PRODUCER)}
        yield group


def _in_one_step(own: Callable[..., Any]) -> Callable[..., Any]:
    """Forward of a recurrent layer whose outputs hang on its input, and on nothing else, in the trace."""

    def forward(inputs: Any, *others: Any, **named: Any) -> Any:
        with torch.no_grad():
            output, state = own(inputs, *others, **named)
        is_packed, has_cell = isinstance(inputs, PackedSequence), isinstance(state, tuple)
        parts = (output.data if is_packed else output, *(state if has_cell else (state,)))
        first, *rest = _OneStep.apply(inputs.data if is_packed else inputs, *parts)  # pyright: ignore[reportGeneralTypeIssues]
        return output._replace(data=first) if is_packed else first, tuple(rest) if has_cell else rest[0]

    return forward
