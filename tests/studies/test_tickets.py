import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.studies.arms import random_ids, rewound

CPU = torch.device("cpu")
PLAN = Plan(batches_per_cycle=3, keep_fraction=0.7, stop_at=4)
every_reading = pytest.mark.parametrize("reading", READINGS.values(), ids=list(READINGS))


def start(dataset, reading, *, widths=(16,), seeds=(1, 2)):
    return start_networks(dataset, widths, reading=reading, seeds=seeds, device=CPU)


@every_reading
@pytest.mark.parametrize("widths", [(16,), (16, 12)], ids=str)
def test_rewound_ticket_has_the_first_weights_of_the_survivors(tiny_dataset, reading, widths):
    arguments = {"reading": reading, "seeds": (1, 2), "plan": PLAN}
    *_, last = compress_train(start(tiny_dataset, reading, widths=widths), tiny_dataset, method="norms", **arguments)
    untrained = start(tiny_dataset, reading, widths=widths)
    ticket = rewound(untrained, last.network.neuron_ids)
    assert ticket.hidden_widths == last.network.hidden_widths
    for replicate in range(2):
        first, survivors = untrained.weights[0][replicate], last.network.neuron_ids[0][replicate]
        assert torch.equal(ticket.weights[0][replicate], first[survivors])
        second = untrained.weights[1][replicate][:, survivors]
        if len(widths) == 2:
            second = second[last.network.neuron_ids[1][replicate]]
        assert torch.equal(ticket.weights[1][replicate], second)


def test_rewound_neurons_stand_in_the_order_of_their_names(tiny_dataset):
    untrained = start(tiny_dataset, READINGS["described"])
    names = torch.tensor([[9, 2, 5], [0, 15, 1]])
    ticket = rewound(untrained, [names])
    for replicate in range(2):
        assert torch.equal(ticket.weights[0][replicate], untrained.weights[0][replicate][names[replicate]])


@every_reading
def test_random_control_has_the_widths_of_every_method_in_every_layer_and_cycle(tiny_dataset, reading):
    arguments = {"reading": reading, "seeds": (1, 2), "plan": PLAN}
    widths = {
        method: [
            record.network.hidden_widths
            for record in compress_train(
                start(tiny_dataset, reading, widths=(16, 12)), tiny_dataset, method=method, **arguments
            )
        ]
        for method in ("random", "magnitude", "norms", "dtc")
    }
    assert widths["random"] == widths["magnitude"] == widths["norms"] == widths["dtc"]


def test_random_tickets_are_drawn_uniformly(tiny_dataset):
    reading, seeds = READINGS["described"], range(2000)
    network = start(tiny_dataset, reading, seeds=[0])
    (drawn,) = random_ids(network, [4], seeds=seeds)
    assert drawn.shape == (2000, 4)
    assert (drawn.sort(1).values.diff(dim=1) > 0).all()
    assert chisquare(np.bincount(drawn.flatten(), minlength=16)).pvalue > 1e-3


def test_random_tickets_are_drawn_anew_in_every_layer_and_for_every_seed(tiny_dataset):
    network = start(tiny_dataset, READINGS["described"], widths=(16, 16), seeds=[0])
    one, other = random_ids(network, [4, 4], seeds=range(9))
    assert not torch.equal(one, other)
    assert len({tuple(drawn) for drawn in one.tolist()}) > 1


def test_random_tickets_are_neither_what_random_pruning_keeps_nor_what_it_cuts(tiny_dataset):
    shared = {"reading": READINGS["described"], "seeds": range(5)}
    network = start_networks(tiny_dataset, [16], device=CPU, **shared)
    first = next(iter(compress_train(network, tiny_dataset, method="random", plan=PLAN, **shared)))
    for names in (first.network.neuron_ids[0], first.layers[0].removed):
        (drawn,) = random_ids(network, [names.shape[1]], seeds=range(5))
        assert not torch.equal(drawn.sort(1).values, names.cpu().sort(1).values)
