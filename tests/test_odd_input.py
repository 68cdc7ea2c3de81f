"""Odd input to public functions: what the docstring promises, or an error in words; never a wrong answer in silence."""

import importlib.metadata
import io
import math
from typing import Any

import numpy as np
import pytest
import torch
from made_results import results_of

from dtc_helpers import statistics
from dtc_helpers.gibbs import entropy_series, gibbs_entropy, occurrence_probabilities
from dtc_helpers.images.datasets import Dataset, Split, load_dataset
from dtc_helpers.images.idx_files import read_idx_files
from dtc_helpers.networks import ReplicatedMLP
from dtc_helpers.paths import in_project, whole_file, writable_folder
from dtc_helpers.readings import READINGS, Plan
from dtc_helpers.recovery import recover
from dtc_helpers.runs import entropy_tables
from dtc_helpers.runs.methods import run_methods
from dtc_helpers.runs.parameters import usable_device
from dtc_helpers.runs.provenance import provenance
from dtc_helpers.runs.results import read_results, write_results
from dtc_helpers.runs.tables import alive_by_cycle
from dtc_helpers.scoring import hidden_layer
from dtc_helpers.sensing import measure
from dtc_helpers.surgery import highest, lowest
from dtc_helpers.sweeps.grid import read_grid
from dtc_helpers.sweeps.table import collect, read_sweep


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("edges", [[], [1.0], [2.0, 1.0], [0.0, math.nan, 2.0], [[0.0, 1.0]]])
def test_edges_that_make_no_bins_are_refused_alike(edges):
    for entropy in (lambda y: gibbs_entropy(y, bin_edges=edges), lambda y: entropy_series([y], bins=edges)):
        with pytest.raises(ValueError, match=r"edges of shape .*: expected at least two numbers, none below"):
            entropy(np.array([0.5, 1.5]))


REFUSED = {
    "margin": (lambda: statistics.compare([1, 2], [1, 3], margin=-1), "margin = -1: expected more than 0"),
    "p values": (lambda: statistics.corrected([0.5, 1.5]), "p values from 0.5 to 1.5: expected 0 to 1"),
    "area": (lambda: statistics.area_under_curve([0, math.nan], [1, 2]), "expected as many, rising"),
    "no curve": (lambda: statistics.smooth(np.array([]), np.array([])), "expected .* at least one"),
    "other lengths": (lambda: statistics.smooth(np.arange(3), np.arange(2)), "expected .* of both"),
    "pearson": (lambda: statistics.pearson([1, 2, 3], [1, 2]), "of the same length"),
    "spearman": (lambda: statistics.spearman([[1, 2]], [[1, 2]]), "expected one axis"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_statistics_refuse_what_has_no_answer(name):
    work, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        work()


@pytest.mark.parametrize("correlation", [statistics.pearson, statistics.spearman])
def test_correlation_is_the_same_at_any_scale_and_undefined_where_others_are_not_finite(correlation):
    x, y = np.array([1.0, 3.0, 2.0, 7.0]), np.array([2.0, 2.5, 0.0, 9.0])
    for scale in (1e-200, 1e-300, 1e200, 1e300):
        assert correlation(scale * x, y / scale) == pytest.approx(correlation(x, y), rel=1e-12)
    assert correlation(2.0**600 * x, y) == correlation(x, y)
    assert correlation([1, math.nan, 3, 2], [1, 2, 4, 3]) == pytest.approx(correlation([1, 3, 2], [1, 4, 3]))
    for bad in (math.nan, math.inf):
        assert math.isnan(correlation([1, 2, 3], [1, bad, 4]))


def test_power_is_undefined_without_pairs_and_certain_without_scatter():
    assert math.isnan(statistics.equivalence_power(0.01, 1))
    assert math.isnan(statistics.equivalence_power(math.nan, 5))
    assert statistics.equivalence_power(0.0, 5) == 1.0
    assert math.isnan(statistics.detectable_difference(0.01, 1))


def test_lists_and_whole_numbers_are_smoothed_as_arrays_are():
    assert statistics.smooth([3], [5]).tolist() == [5.0]  # pyright: ignore[reportArgumentType]
    assert statistics.smooth([1, 2, 3], [1, 2, 4]).tolist() == [1.0, 2.0, 4.0]  # pyright: ignore[reportArgumentType]


def test_whole_numbers_measure_real_weights_without_cutting_them_off():
    found = measure(torch.ones(2, 3, dtype=torch.int64), torch.tensor([0.5, 0.25, 0.5]))
    assert (found.dtype, found.tolist()) == (torch.float64, [1.25, 1.25])


@pytest.mark.parametrize("choose", [lowest, highest])
def test_scores_that_give_no_order_and_counts_that_cannot_stay_are_refused(choose):
    scores = torch.tensor([[3.0, 1.0, 2.0]])
    assert choose(scores, 3).tolist() == [[0, 1, 2]]
    for n_kept in (0, -1, 4):
        with pytest.raises(ValueError, match=f"n_kept = {n_kept}: expected 1 to 3"):
            choose(scores, n_kept)
    with pytest.raises(ValueError, match="a score is NaN"):
        choose(torch.tensor([[3.0, math.nan, 2.0]]), 1)


@pytest.mark.parametrize("seeds", [[], [1], [1, 2, 3]])
def test_hidden_layer_wants_one_seed_a_replicate(seeds):
    two_networks = ReplicatedMLP([torch.ones(2, 3, 4), torch.ones(2, 2, 3)])
    with pytest.raises(ValueError, match=f"{len(seeds)} seeds for 2 replicates: expected one a replicate"):
        hidden_layer(two_networks, 0, cycle=1, reading=READINGS["published"], seeds=seeds, plan=Plan())


def test_package_that_is_not_installed_does_not_end_a_run(monkeypatch):
    version = importlib.metadata.version

    def without(package):
        if package == "clarabel":
            raise importlib.metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(importlib.metadata, "version", without)
    assert provenance()["versions"]["clarabel"] is None


# ------------------------------------------------------------------------- images, solvers, runs, paths


PIXELS, LABELS = np.random.default_rng(1).random((20, 4)), np.arange(20) % 2


def own(images: Any = PIXELS, labels: Any = LABELS, **others: Any):
    return Dataset.from_arrays(images, labels, **others)


def split(n_images, *label_shape) -> Any:
    return Split(torch.zeros(n_images, 4), torch.zeros(label_shape, dtype=torch.int64))


IMAGES_REFUSED = {
    "fewer labels": (lambda: split(5, 4), r"images \(5, 4\) and labels \(4,\) of a split do not fit"),
    "one image": (lambda: split(5, 5)[2], r"one image is split\[i : i \+ 1\]"),
    "validation": (lambda: Dataset("o", "o", split(5, 5), split(2, 2), 6, (4,)), "n_validation = 6: expected 0 … 5"),
    "below none": (lambda: Dataset("o", "o", split(5, 5), split(2, 2), -1, (4,)), "n_validation = -1: expected 0 … 5"),
    "ragged": (lambda: own([[1, 2], [3]], [0, 1]), "images cannot be read as an array"),
    "half floats": (lambda: own(torch.zeros(20, 4).bfloat16()), "images cannot be read as an array: .*BFloat16"),
    "masked": (lambda: own(np.ma.masked_array(PIXELS, PIXELS > 0.5)), "images: some are masked"),
    "too small": (lambda: own(PIXELS * 1e-200), "every pixel has the same value"),
    "three parts": (lambda: own(test=(PIXELS, LABELS, LABELS)), "test has 3 parts: expected"),
    "part of a seed": (lambda: own(seed=1.5), "seed = 1.5: expected a whole number from 0"),
    "below all seeds": (lambda: own(seed=-1), "seed = -1: expected a whole number from 0"),
    "name of another": (lambda: own(name="mnist"), "name = 'mnist' is that of another dataset"),
    "no name": (lambda: load_dataset(5), "dataset is of type int: expected a name or the path"),  # pyright: ignore[reportArgumentType]
}
THETA, Y = torch.ones(3, 5), torch.ones(3)
SOLVES_REFUSED = {
    "no axes": (
        lambda: recover(torch.tensor(1.0), torch.tensor(1.0), l1_penalty=1),
        r"sensing_matrix \(\) and .*do not",
    ),
    "other batches": (lambda: recover(torch.ones(2, 3, 5), torch.ones(4, 3), l1_penalty=1), "do not fit: expected"),
    "complex": (lambda: recover(THETA + 0j, Y, l1_penalty=1), "complex64: expected a dense tensor of real numbers"),
    "sparse": (lambda: recover(THETA.to_sparse(), Y, l1_penalty=1), "sparse_coo, .*: expected a dense tensor"),
    "text": (lambda: recover(THETA, Y, l1_penalty="1"), "l1_penalty = '1': expected finite numbers above 0"),  # pyright: ignore[reportArgumentType]
    "true": (lambda: recover(THETA, Y, l1_penalty=True), "l1_penalty = True: expected finite numbers above 0"),
    "penalties": (
        lambda: recover(THETA, Y, l1_penalty=torch.ones(7)),
        r"l1_penalty of shape \(7,\): expected a number",
    ),
    "no gap": (lambda: recover(THETA, Y, l1_penalty=1, tolerance=math.nan), "tolerance = nan: expected a relative"),
    "below all gaps": (lambda: recover(THETA, Y, l1_penalty=1, tolerance=-1), "tolerance = -1: expected a relative"),
}
RUNS_REFUSED = {
    "one method": ({"methods": "dtc"}, r"methods = 'dtc': expected list\[str\], got str"),
    "no reading": ({"readings": []}, r"readings = \[\]: expected list\[str\], got list of nothing"),
    "one seed": ({"seeds": 5}, r"seeds = 5: expected list\[int\], got int"),
    "no seed": ({"seeds": []}, r"seeds = \[\]: expected list\[int\], got list of nothing"),
    "truth for a seed": ({"seeds": [2, True]}, r"seeds = \[2, True\]: expected list\[int\], got list of bool, int"),
    "seeds in seeds": ({"seeds": [1, [2]]}, r"seeds = \[1, \[2\]\]: expected list\[int\], got list of int, list"),
    "part of a seed": ({"seeds": [1.5]}, r"seeds = \[1.5\]: expected list\[int\], got list of float"),
    "seed of another run": ({"seeds": [1, 2, 1]}, "one is given twice, and a run counted twice is no replicate"),
    "seed too large": ({"seeds": [2**40]}, "seeds = 1099511627776 is outside 0 … 4294967295"),
    "one width": ({"hidden_widths": 6}, r"hidden_widths = 6: expected list\[int\], got int"),
    "no width": ({"hidden_widths": []}, r"hidden_widths = \[\]: expected list\[int\]"),
    "true width": ({"hidden_widths": [True]}, r"hidden_widths = \[True\]: expected list\[int\], got list of bool"),
    "empty plan": ({"plan": {}}, "plan = {}: expected Plan, got dict"),
    "images": ({"dataset": PIXELS}, "dataset is of type ndarray: .*see Dataset.from_arrays"),
}
EDGES, RESULTS = np.array([0.0, 1.0]), results_of(1)
LEDGER: Any = RESULTS.ledger
TABLES_REFUSED = {
    "side": (
        lambda: entropy_tables.entropies(RESULTS, bin_edges=EDGES, bases={"in": "bits"}),
        "no measurement .*/in: ",
    ),
    "no bins": (
        lambda: occurrence_probabilities(EDGES, bin_edges=EDGES[:0]),
        "edges of shape .*at least",
    ),
    "no values": (lambda: entropy_tables.covering_bin_edges([]), "0 values, of which 0 are finite"),
    "infinite": (lambda: entropy_tables.covering_bin_edges([np.array([1, np.inf])]), "2 values, of which 1 are finite"),
    "no width": (lambda: entropy_tables.covering_bin_edges([EDGES], width=0), "width = 0 for values from 0.0 to 1.0"),
    "backwards": (lambda: entropy_tables.covering_bin_edges([EDGES], width=-1), "width = -1 for values"),
    "far too many": (lambda: entropy_tables.covering_bin_edges([EDGES], width=1e-9), "expected 1 … 1,000,000 bins"),
    "no cuts": (lambda: alive_by_cycle(LEDGER[:0], n_neurons=30), "0 neurons were cut, of 30"),
    "other layer": (lambda: alive_by_cycle(LEDGER, n_neurons=1), "4 neurons were cut, of 1"),
    "nobody's home": (lambda: in_project("~nobody-of-this-name/a"), "there is no such home folder"),
    "device": (lambda: usable_device("gpu"), "device = 'gpu' cannot be used here"),
    "no device": (lambda: usable_device(None), "device = None cannot be used here"),  # pyright: ignore[reportArgumentType]
}
CALLS_REFUSED = {
    **{("images", name): call for name, call in IMAGES_REFUSED.items()},
    **{("solves", name): call for name, call in SOLVES_REFUSED.items()},
    **{("tables", name): call for name, call in TABLES_REFUSED.items()},
    **{
        ("runs", name): (lambda given=given: run_methods(**{"dataset": own(), **given}), said)
        for name, (given, said) in RUNS_REFUSED.items()
    },
}


@pytest.mark.parametrize("place", CALLS_REFUSED, ids=" ".join)
def test_call_without_an_answer_is_refused_in_words(place):
    work, said = CALLS_REFUSED[place]
    with pytest.raises((ValueError, TypeError), match=said):
        work()


def test_numbers_of_any_real_type_are_solved_as_their_float64():
    expected = recover(THETA.double(), Y.double(), l1_penalty=1).sparse_code
    for kind in (torch.bfloat16, torch.int32, torch.bool):
        torch.testing.assert_close(recover(THETA.to(kind), Y.to(kind), l1_penalty=1).sparse_code, expected)


def test_folder_of_images_without_any_says_what_belongs_there(tmp_path):
    with pytest.raises(ValueError, match=r"holds none of the files train-images-idx3-ubyte, .*: copy them"):
        read_idx_files(tmp_path, {})


def saved(values):
    with io.BytesIO() as file:
        np.save(file, values)
        return file.getvalue()


@pytest.mark.parametrize("content", [b"PK\x03\x04rubbish", b"\x93NUMPY"])
def test_file_of_ones_own_that_is_no_npz_is_refused(tmp_path, content):
    path = tmp_path / "own.npz"
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(ValueError, match=f"{path} cannot be read as an .npz file of numbers"):
            load_dataset(path)
        path.write_bytes(saved(PIXELS))  # an array under the name of an archive


def test_paths_may_be_text(tmp_path):
    text = str(tmp_path / "results")
    write_results(RESULTS, text)
    assert read_results(text).cycles.shape == RESULTS.cycles.shape
    assert writable_folder(text) == tmp_path / "results"
    for read in (collect, lambda path: read_sweep(path, ["x"]), read_grid):
        with pytest.raises(FileNotFoundError, match=str(tmp_path)):
            read(str(tmp_path / "nothing"))


def test_folder_in_the_place_of_a_file_is_named_before_the_work(tmp_path):
    with pytest.raises(OSError, match=rf"written into {tmp_path} \(it is a folder\)"), whole_file(tmp_path):
        pytest.fail("the work was begun")
