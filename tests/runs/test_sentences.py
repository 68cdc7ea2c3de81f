import numpy as np
import pandas as pd
import pytest

from dtc_helpers.cycle import compress_train, start_networks
from dtc_helpers.images.datasets import load_dataset
from dtc_helpers.paper import PAPER_CORRELATIONS, TABLE_1
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.runs.first_cycle import trained_for_one_cycle
from dtc_helpers.runs.parameters import Parameters
from dtc_helpers.runs.sentences import of_correlations, of_run

WIDTHS = [460, 127, 51, 45, 9]


def cycles(reading="published", dataset="mnist"):
    """Two methods whose curves are the paper's plus 0.001, and 0.02 at the two smallest sizes."""
    printed = {round(512 * (1 - row[0])): row for row in TABLE_1}
    rows = []
    for column, method in ((2, "random"), (3, "dtc")):
        for cycle, neurons in enumerate(WIDTHS, start=1):
            curve = printed[neurons][column] + (0.02 if neurons <= 45 else 0.001) if neurons in printed else 0.94
            numbers = {"accuracy": 0.9 - 0.01 * cycle, "lowess": curve, "single_image_accuracy": 0.5 + 0.01 * cycle}
            rows.append({"dataset": dataset, "reading": reading, "method": method, "replicate": 0, "neurons": neurons,
                         "removed_fraction": 1 - neurons / 512, "calibrated_accuracy": 0.8,
                         "duality_gap": 10.0**-cycle if method == "dtc" else np.nan, **numbers})  # fmt: skip
    return pd.DataFrame(rows)


def test_sentences_of_a_run_hold_its_numbers():
    assert of_run(cycles()) == [
        "After the first cut (460 neurons left): random 0.8900, DTC 0.8900.",
        "After the cut that is nearest to a tenth (51 neurons left): random 0.8700, DTC 0.8700.",
        "After the last cut (9 neurons left): random 0.8500, DTC 0.8500.",
        "LOWESS curves: within 0.0010 of the paper's up to 86 % removed, up to 0.020 away beyond.",
        "At 460 neurons, images shown one by one: random 0.510, DTC 0.510; with ten constants: random 0.800, "
        "DTC 0.800.",
        "Relative duality gap of the solves: median 1e-03, largest 1e-01.",
    ]


@pytest.mark.parametrize(("reading", "dataset", "n"), [("described", "mnist", 4), ("published", "digits", 5)])
def test_the_paper_and_the_batch_are_spoken_of_only_where_they_belong(reading, dataset, n):
    said = of_run(cycles(reading, dataset))
    assert len(said) == n
    assert not any("paper" in words for words in said)
    assert any("one by one" in words for words in said) == (reading == "published")


def test_run_without_dtc_has_no_solves_to_speak_of():
    assert not any("gap" in words for words in of_run(cycles().query("method == 'random'")))


@pytest.mark.parametrize("is_paper", [True, False])
def test_correlations_are_told_with_the_papers_of_the_same_pairs_and_the_exact_null(is_paper):
    across = pd.DataFrame({"random": [0.91, 0.92], "dtc": [0.93, 0.94]}, index=["random", "dtc"])
    index = pd.MultiIndex.from_product(
        [["random", "dtc"], ["exact null", "ln m alone"]], names=["method", "null model"]
    )
    numbers = {
        "expected": [0.9, 0, 0.95, 0],
        "share above": [0.25, 0, 0.125, 0],
        "error of the share": [0.014, 0, 0.01, 0],
    }
    said = of_correlations(across, pd.DataFrame(numbers, index=index), is_paper=is_paper)
    assert said[0] == "DTC's entropy with the accuracy curve of random 0.920, DTC 0.940."
    assert any(str(PAPER_CORRELATIONS["random"]) in words for words in said) == is_paper
    assert said[-3:] == [
        "Each entropy with its own network's curve: random 0.910, DTC 0.940.",
        "The exact null gives on average: random 0.900, DTC 0.950.",
        "So many of its draws do at least as well (± Monte-Carlo error): random 25.0 ± 1.4 %, DTC 12.5 ± 1.0 %.",
    ]


@pytest.mark.parametrize("name", READINGS)
def test_layer_after_one_cycle_is_the_one_that_a_run_cuts_first(name):
    data, reading = load_dataset("digits"), READINGS[name]
    parameters = Parameters(
        dataset="digits", readings=[name], methods=["dtc"], replicates=2, seed=5, hidden_neurons=12,
        batches_per_cycle=2, keep_fraction=0.9, stop_at=10, l1_penalty=0.3, measurement_fraction=0.3, device="cpu",
        results_dir="r", figures_dir="",
    )  # fmt: skip
    _, layer = trained_for_one_cycle(data, parameters, reading)
    network = start_networks(data, [12], reading=reading, seeds=[5], device=parameters.torch_device)
    plan = Plan(batches_per_cycle=2, measurement_fraction=0.3)
    first = next(iter(compress_train(network, data, method="random", reading=reading, seeds=[5], plan=plan)))
    np.testing.assert_array_equal(layer.incoming_sums, first.layers[0].neuron_sums[0])
    np.testing.assert_array_equal(layer.measurements, first.layers[0].measurements)
