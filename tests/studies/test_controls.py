from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from dtc_helpers.cycle import compress_train, cycle_batches, start_networks
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.studies.arms import multiply_adds, random_ids, rewound
from dtc_helpers.training import accuracy, adam, train

CPU = torch.device("cpu")
PLAN = Plan(batches_per_cycle=3, keep_fraction=0.7, stop_at=4)
every_reading = pytest.mark.parametrize("reading", READINGS.values(), ids=list(READINGS))


def start(dataset, reading, *, widths=(16,), seeds=(1, 2)):
    return start_networks(dataset, widths, reading=reading, seeds=seeds, device=CPU)


@every_reading
def test_dense_control_is_the_compress_train_run_without_its_cuts(setting, tiny_dataset, reading):
    setting, network = replace(setting, reading=reading, plan=PLAN, neurons=(7,)), start(tiny_dataset, reading)
    measured = list(setting.never_cut(network))
    arguments = {"reading": reading, "seeds": (1, 2), "plan": PLAN}
    oracle, test = start(tiny_dataset, reading), tiny_dataset.test
    optimizer, expected = adam(oracle), []
    for cycle in (1, 2):
        optimizer = adam(oracle) if reading.optimizer == "new" else optimizer
        shown = cycle_batches(tiny_dataset, cycle, **arguments)
        train(oracle, shown, optimizer=optimizer, loss_axis=reading.loss_axis)
        expected.append(accuracy(oracle, test.images, test.labels, loss_axis=reading.loss_axis))
    for found, wanted in zip(measured, expected, strict=True):
        assert torch.equal(found.overall, wanted.overall)
        assert torch.equal(found.batch_mean, wanted.batch_mean)
    assert all(torch.equal(*weights) for weights in zip(network.weights, oracle.weights, strict=True))


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


def test_training_without_a_break_is_measured_at_every_stop(setting):
    setting = replace(setting, plan=PLAN, neurons=(7,))
    at_stops, by_cycle = setting.trained_to(setting.start(), [3, 6]), setting.never_cut(setting.start())
    for stop, cycle in zip(at_stops, by_cycle, strict=True):
        torch.testing.assert_close(stop.overall, cycle.overall)


def test_multiply_adds_by_hand():
    # 784·51 forward and for the weights; 51·10 forward, for the weights and for the activities
    assert multiply_adds([784, 51, 10]) == 2 * 784 * 51 + 3 * 51 * 10
