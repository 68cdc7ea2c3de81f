import numpy as np
import pytest
import torch

from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES, gibbs_entropy
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.runs.recorder import layer_name, recorded
from dtc_helpers.runs.results import COLUMNS, LEDGER_COLUMNS, joined

CPU = torch.device("cpu")
SEEDS = [3, 4]
METHODS = ("magnitude", "random", "dtc")
PLAN = Plan(batches_per_cycle=1, keep_fraction=0.6, stop_at=4, measurement_fraction=0.5)


@pytest.fixture(params=[[12], [12, 10]], ids=["one layer", "two layers"])
def collected(request, tiny_dataset):
    """Results of a run of every method, and the records that they were made of."""
    parts, records = [], []
    reading = READINGS["published"]
    for method in METHODS:
        network = start_networks(tiny_dataset, request.param, reading=reading, seeds=SEEDS, device=CPU)
        made = list(compress_train(network, tiny_dataset, method=method, reading=reading, seeds=SEEDS, plan=PLAN))
        parts.append(recorded(made, dataset="tiny", reading="published", method=method, seeds=SEEDS, run={}))
        records += [(method, record) for record in made]
    return joined(parts, {}), records


def test_columns_are_those_of_the_design():
    in_design = (
        "dataset, reading, method, replicate, seed, cycle, neurons, removed_fraction, test_accuracy, "
        "mean_batch_accuracy, weight_ray_mean, entropy_incoming, entropy_outgoing, train_seconds, score_seconds, "
        "duality_gap"
    )
    assert (*in_design.split(", "), "single_image_accuracy", "calibrated_accuracy") == COLUMNS


def test_cycles_have_one_row_a_method_replicate_and_cycle(collected):
    gathered, records = collected
    cycles = gathered.cycles
    assert tuple(cycles.columns) == COLUMNS
    expected = [(method, replicate, record.cycle) for method, record in records for replicate in range(2)]
    assert list(cycles[["method", "replicate", "cycle"]].itertuples(index=False, name=None)) == expected
    assert (cycles.seed == cycles.replicate.map({0: 3, 1: 4})).all()
    assert (cycles.dataset == "tiny").all()
    assert (cycles.reading == "published").all()


def test_rows_hold_what_the_records_say(collected):
    gathered, records = collected
    cycles = gathered.cycles.set_index(["method", "cycle", "replicate"])
    for method, record in records:
        for replicate in range(2):
            row = cycles.loc[(method, record.cycle, replicate)]
            assert row.neurons == record.neurons
            assert row.removed_fraction == record.removed_fraction
            assert row.test_accuracy == record.accuracy.overall[replicate].item()
            assert row.mean_batch_accuracy == record.accuracy.batch_mean[replicate].item()
            assert row.single_image_accuracy == record.accuracy.single_image[replicate].item()
            assert row.calibrated_accuracy == record.accuracy.calibrated[replicate].item()
            assert (row.train_seconds, row.score_seconds) == (record.train_seconds, record.score_seconds)
            entropies = [
                [gibbs_entropy(y.numpy(), bin_edges=PUBLISHED_BIN_EDGES).value for y in cut.measurements[:, replicate]]
                for cut in record.layers
            ]
            assert [row.entropy_incoming, row.entropy_outgoing] == pytest.approx(np.mean(entropies, 0).tolist())


def test_weight_rays_and_gaps_are_dtcs_alone(collected):
    gathered, records = collected
    cycles = gathered.cycles
    is_dtc = cycles.method == "dtc"
    for column in ("weight_ray_mean", "duality_gap"):
        assert (cycles[column].notna() == is_dtc).all()
    first = next(record for method, record in records if method == "dtc")
    everything = torch.cat([cut.scores[1] for cut in first.layers])
    row = cycles[is_dtc & (cycles.replicate == 1)].iloc[0]
    assert row.weight_ray_mean == pytest.approx(everything.mean().item())
    assert row.duality_gap == max(cut.duality_gap[1].item() for cut in first.layers)


def test_measurements_are_keyed_by_reading_method_replicate_cycle_and_layer(collected):
    gathered, records = collected
    expected = {
        f"published/{method}/{replicate}/{record.cycle}/{layer_name(side, i)}": cut.measurements[s, replicate].numpy()
        for method, record in records
        for i, cut in enumerate(record.layers)
        for s, side in enumerate(("incoming", "outgoing"))
        for replicate in range(2)
    }
    assert gathered.measurements.keys() == expected.keys()
    assert all(np.array_equal(gathered.measurements[key], vector) for key, vector in expected.items())
    assert gathered.neuron_sums.keys() == expected.keys()
    for method, record in records:
        for i, cut in enumerate(record.layers):
            for s, side in enumerate(("incoming", "outgoing")):
                for r in range(2):
                    place = f"published/{method}/{r}/{record.cycle}/{layer_name(side, i)}"
                    assert np.array_equal(gathered.neuron_sums[place], cut.neuron_sums[s, r].numpy())


@pytest.mark.parametrize(("layer", "name"), [(0, "incoming"), (1, "incoming_2"), (2, "incoming_3")])
def test_layers_are_counted_from_1(layer, name):
    assert layer_name("incoming", layer) == name


def test_ledger_has_one_row_a_cut_neuron(collected):
    gathered, records = collected
    ledger = gathered.ledger
    assert tuple(ledger.columns) == LEDGER_COLUMNS
    assert not ledger.duplicated(["method", "replicate", "layer", "neuron"]).any()
    indexed = ledger.set_index(["method", "replicate", "layer", "cycle"]).sort_index()
    for method, record in records:
        for i, cut in enumerate(record.layers):
            rows = indexed.loc[[(method, 1, i + 1, record.cycle)]]
            assert rows.neuron.tolist() == cut.removed[1].tolist()
            assert rows.score.tolist() == cut.removed_scores[1].tolist()
