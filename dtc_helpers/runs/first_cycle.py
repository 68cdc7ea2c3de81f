"""Network after one cycle of training, before any cut: for looking at one layer."""

from dtc_helpers.cycle import cycle_batches, start_networks
from dtc_helpers.images.datasets import Dataset
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.readings import Reading
from dtc_helpers.runs.memory import check_memory
from dtc_helpers.runs.parameters import Parameters
from dtc_helpers.scoring import HiddenLayer, hidden_layer
from dtc_helpers.training import adam, train


def trained_for_one_cycle(
    dataset: Dataset, parameters: Parameters, reading: Reading
) -> tuple[ReplicatedMLP, HiddenLayer]:
    """First replicate as a run has it at its first cut: the network, and its first hidden layer with that Φ.

    Raises MemoryError before training if the whole run does not fit.
    """
    whole = {"methods": parameters.methods, "n_replicates": parameters.replicates, "plan": parameters.plan}
    check_memory(dataset, parameters.hidden_widths, **whole)
    shared = {"reading": reading, "seeds": parameters.seeds[:1]}
    network = start_networks(dataset, parameters.hidden_widths, device=parameters.torch_device, **shared)
    shown = cycle_batches(dataset, 1, plan=parameters.plan, **shared)
    train(network, shown, optimizer=adam(network), loss_axis=reading.loss_axis)
    return network, hidden_layer(network, 0, cycle=1, plan=parameters.plan, **shared)
