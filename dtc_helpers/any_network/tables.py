"""Tables of a network that is cut, for figures and texts."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from torch import nn

from dtc_helpers.any_network import group_sums as sums
from dtc_helpers.any_network.cost import multiply_adds
from dtc_helpers.any_network.graph import LeftAlone, Limits, prunable
from dtc_helpers.any_network.importance import ScoreImportance
from dtc_helpers.any_network.plan import CutRecord
from dtc_helpers.any_network.tracing import Examples
from dtc_helpers.sensing import recovered_weights

SIDES = {sums.PRODUCER: "makes", sums.CONSUMER: "reads"}


def group_table(network: nn.Module, example_inputs: Examples) -> pd.DataFrame:
    """Layers of every group that can be cut, in the order of the network.

    Columns group (name of its first layer), layer, role ("makes" or "reads" the channels), channels.
    """
    layers, rows = [name for name, _ in network.named_modules()], []
    for made in prunable(network, example_inputs, Limits()).groups:
        parts = [(item, sums.role(item, made.group)) for item in made.group]
        sides = [(sums.layer_name(item, made.group), SIDES[part]) for item, part in parts if part in SIDES]
        sides.sort(key=lambda side: layers.index(side[0]))
        rows += [(made.name, *side, made.n_channels) for side in sides]
    return pd.DataFrame(rows, columns=["group", "layer", "role", "channels"])


def left_alone(network: nn.Module, example_inputs: Examples) -> tuple[LeftAlone, ...]:
    """Layers that a cut would leave alone, and why."""
    return prunable(network, example_inputs, Limits()).left_alone


def incoming_rays(
    network: nn.Module, example_inputs: Examples, *, importance: ScoreImportance, layer: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inverse compressed sensing of the incoming sums of the group of a layer: w, Ψs and s, (n_channels,) each.

    Raises ValueError for a group that is not there, or that cannot be scored.
    """
    made = {each.name: each for each in prunable(network, example_inputs, Limits()).groups}.get(layer)
    seen = None if made is None else importance.hidden_layer(made.group)
    scores = None if seen is None else importance.score(seen)
    if seen is None or scores is None or scores.recovery is None:
        raise ValueError(f"{layer} is no group that this importance solves for")
    code = scores.recovery.sparse_code[0, 0]
    return seen.incoming_sums[0].numpy(), recovered_weights(code).numpy(), code.numpy()


def run_table(
    records: Iterable[CutRecord],
    network: nn.Module,
    *,
    example_inputs: Examples,
    images_per_cut: int,
    accuracy: Callable[[nn.Module], float],
    limits: Limits | None = None,
) -> pd.DataFrame:
    """Run a compress-train loop to its end and measure the network after every cut.

    Parameters
    ----------
    records : of `compress_train_module`, not begun; it changes `network`.
    images_per_cut : training images between two cuts, for what the training costs.
    accuracy : of the network, between 0 and 1.
    limits : of the plan.

    Returns
    -------
    One row a cut (0 is before any) and layer that can be cut: cut, layer, channels, accuracy, multiply_adds (of one
    image), training_multiply_adds (of the training so far), parameters, difference, duality_gap, training_seconds and
    compression_seconds (of the processor). What is not there before the first cut is NaN.

    Raises ValueError for limits that are not those of the records.
    """
    start = {made.name: made.n_channels for made in prunable(network, example_inputs, limits or Limits()).groups}
    counted, spent = multiply_adds(network, example_inputs), 0
    rows = [{"cut": 0, "layer": layer, "channels": n, "multiply_adds": counted.forward} for layer, n in start.items()]
    for record in records:
        if missing := start.keys() - record.widths:
            raise ValueError(
                f"{', '.join(sorted(missing))} not cut: expected the limits of the plan, limits=plan.limits"
            )
        spent += images_per_cut * counted.training
        counted = multiply_adds(network, example_inputs)
        values = {
            "accuracy": accuracy(network),
            "multiply_adds": counted.forward,
            "training_multiply_adds": spent,
            "parameters": record.n_parameters,
            "difference": record.difference,
            "duality_gap": np.nan if record.duality_gap is None else record.duality_gap,
            "training_seconds": record.training.processor,
            "compression_seconds": record.compression.processor,
        }
        rows += [{"cut": record.cut, "layer": layer, "channels": record.widths[layer], **values} for layer in start]
    return pd.DataFrame(rows)


def curves(runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Accuracy of single runs as `network_costs.accuracy_by_cost` draws it: columns arm and mean.

    One run has no interval: low and high are NaN. Each arm comes with the table that `run_table` gave.
    """
    parts = [table.groupby("cut", as_index=False).first().assign(arm=arm) for arm, table in runs.items()]
    found: pd.DataFrame = pd.concat(parts).dropna(subset="accuracy")
    return found.assign(mean=found.accuracy, low=np.nan, high=np.nan)
