import numpy as np
import pandas as pd
import pytest
import scipy.stats

from dtc_helpers.paper import TABLE_1
from dtc_helpers.runs.entropy_tables import across, correlations, entropies, measurement_of, occurrences
from dtc_helpers.runs.results import COLUMNS, LEDGER_COLUMNS, Results
from dtc_helpers.runs.tables import alive_by_cycle, beside_paper, paper_table_1, with_lowess
from dtc_helpers.statistics import smooth
from dtc_helpers.surgery import schedule

METHODS = ("magnitude", "random", "dtc")
BIN_EDGES = np.arange(-10.0, 11.0)
WIDTHS = schedule(512, keep_fraction=0.9, stop_at=10)


@pytest.fixture(scope="module")
def results():
    """A run from 512 neurons with two replicates and made-up accuracies and measurements."""
    rng = np.random.default_rng(0)
    rows, measurements = [], {}
    for method in METHODS:
        for replicate in (0, 1):
            for cycle, width in enumerate(WIDTHS, start=1):
                key = {"dataset": "digits", "reading": "published", "method": method, "replicate": replicate}
                rows.append({**key, "cycle": cycle, "neurons": width, "removed_fraction": 1 - width / 512})
                for side in ("incoming", "outgoing"):
                    y = rng.normal(0, 4, max(1, width // 10))
                    measurements[f"published/{method}/{replicate}/{cycle}/{side}"] = y
    cycles = pd.DataFrame(rows, columns=list(COLUMNS))
    cycles["mean_batch_accuracy"] = 0.97 - 0.3 * cycles.removed_fraction**4 + rng.normal(0, 0.005, len(cycles))
    cycles["test_accuracy"] = -1.0  # must not be looked at
    return Results(cycles, measurements, pd.DataFrame(columns=list(LEDGER_COLUMNS)), {})


@pytest.fixture(scope="module")
def next_layer(results):
    table = entropies(results, bin_edges=BIN_EDGES, bases={"outgoing": "nats"})
    return table[table.replicate == 0]


def test_every_run_has_its_own_curve_of_the_accuracy_that_its_reading_speaks_of(results):
    shuffled = results.cycles.sample(frac=1, random_state=0)
    table = with_lowess(shuffled)
    assert table.index.equals(shuffled.index)
    assert (table.accuracy == table.mean_batch_accuracy).all()
    for _, run in table.sort_index().groupby(["method", "replicate"]):
        ours = results.cycles.loc[run.index]
        curve = smooth(ours.removed_fraction.to_numpy(), ours.mean_batch_accuracy.to_numpy())
        np.testing.assert_allclose(run.lowess, curve, atol=1e-12)


def test_each_reading_is_judged_by_its_own_accuracy(results):
    both = pd.concat([results.cycles, results.cycles.assign(reading="described", test_accuracy=0.5)], ignore_index=True)
    table = with_lowess(both)
    assert table.accuracy[table.reading == "described"].eq(0.5).all()
    assert table.accuracy[table.reading == "published"].tolist() == results.cycles.mean_batch_accuracy.tolist()


def test_table_1_stands_beside_ours_in_all_15_rows(results):
    cycles = with_lowess(results.cycles[results.cycles.replicate == 0])
    table = beside_paper(cycles)
    assert table.index.tolist() == [row[0] for row in TABLE_1]
    assert list(table.columns.levels[0]) == list(METHODS)  # pyright: ignore[reportAttributeAccessIssue]
    for i, method in enumerate(METHODS, start=1):
        block = table[method]
        assert list(block.columns) == ["paper", "LOWESS", "raw", "difference"]
        assert block.paper.tolist() == [row[i] for row in TABLE_1]
        assert (block.difference == block.LOWESS - block.paper).all()
        ours = cycles[cycles.method == method].set_index("neurons")
        widths = [round(512 * (1 - row[0])) for row in TABLE_1]
        assert block.LOWESS.tolist() == ours.lowess.loc[widths].tolist()
        assert block.raw.tolist() == ours.accuracy.loc[widths].tolist()


def test_table_1_shows_only_the_rows_that_the_run_passes_through(results):
    cycles = with_lowess(results.cycles.query("replicate == 0 and cycle <= 4"))
    assert beside_paper(cycles).index.tolist() == [0.1016, 0.1914, 0.3477]


def test_neurons_are_alive_until_their_cut_in_the_order_of_the_last_method():
    cuts = {"random": [(0, 1), (1, 2)], "dtc": [(2, 1), (0, 2)]}  # method → (neuron, cycle)
    rows = [(method, neuron, cycle) for method, cut in cuts.items() for neuron, cycle in cut]
    alive = alive_by_cycle(pd.DataFrame(rows, columns=["method", "neuron", "cycle"]), n_neurons=4)
    assert list(alive) == ["random", "dtc"]
    # DTC's order is 2, 0, 1, 3: the neurons that stay come last.
    assert alive["dtc"].astype(int).tolist() == [[1, 1, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1]]
    assert alive["random"].astype(int).tolist() == [[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 0, 1]]


@pytest.mark.parametrize(("side", "base"), [("incoming", "nats"), ("outgoing", "bits")])
def test_entropy_table_has_a_row_a_measurement(results, side, base):
    table = entropies(results, bin_edges=BIN_EDGES, bases={side: base})
    assert len(table) == len(results.cycles)
    for row in table.iloc[::13].itertuples():
        y = results.measurements[f"published/{row.method}/{row.replicate}/{row.cycle}/{side}"]
        inside = y[(y >= -10) & (y <= 10)]
        p = np.unique(np.floor(inside), return_counts=True)[1] / len(inside)
        log = np.log if base == "nats" else np.log2
        assert row.entropy == pytest.approx(-(p * log(p)).sum())
        assert (row.side, row.unit, row.n_measurements) == (side, base, len(y))
        assert row.share_outside == pytest.approx(1 - len(inside) / len(y))


def test_occurrences_have_a_probability_a_bin_and_cycle(results):
    chosen = results.cycles.query("method == 'dtc' and replicate == 0 and cycle in (1, 10)")
    table = occurrences(results, side="incoming", cycles=chosen, bin_edges=BIN_EDGES)
    assert table.n_measurements.tolist() == [46] * 20 + [17] * 20
    assert table.value.tolist() == [*np.arange(-9.5, 10)] * 2
    assert table.groupby("n_measurements").probability.sum().tolist() == pytest.approx([1, 1])


def test_measurement_belongs_to_its_row(results):
    row = results.cycles.query("method == 'random' and replicate == 1 and cycle == 3").iloc[0]
    assert measurement_of(results, row, "outgoing") is results.measurements["published/random/1/3/outgoing"]


def test_every_entropy_is_set_against_every_accuracy_curve_by_width(next_layer):
    found = across(next_layer.sample(frac=1, random_state=0).sort_values("cycle", kind="stable"))
    assert (found.index.name, found.columns.name) == ("entropy of", "accuracy of")
    for one in METHODS:
        for other in METHODS:
            entropy, accuracy = (
                next_layer[next_layer.method == name].set_index("cycle")[column].sort_index()
                for name, column in ((one, "entropy"), (other, "lowess"))
            )
            assert found.loc[one, other] == pytest.approx(np.corrcoef(entropy, accuracy)[0, 1])


def test_correlations_are_those_of_every_run(results):
    table = entropies(results, bin_edges=BIN_EDGES, bases={"incoming": "bits", "outgoing": "nats"})
    found = correlations(table)
    assert len(found) == 2 * 3 * 2
    outside = {}
    for row in table.to_dict("records"):
        outside.setdefault((row["side"], row["method"], row["replicate"]), []).append(row["share_outside"])
    runs = table.dropna(subset="entropy").set_index(["side", "method", "replicate"]).sort_index()
    for (side, method, replicate), row in found.to_dict("index").items():  # pyright: ignore[reportGeneralTypeIssues]
        run = runs.loc[(side, method, replicate)]
        assert row["with LOWESS"] == pytest.approx(np.corrcoef(run.entropy, run.lowess)[0, 1])
        assert row["with raw"] == pytest.approx(np.corrcoef(run.entropy, run.accuracy)[0, 1])
        assert row["cycles"] == len(run)
        assert row["outside"] == pytest.approx(np.mean(outside[side, method, replicate]))
        assert row["Spearman"] == pytest.approx(scipy.stats.spearmanr(run.entropy, run.accuracy)[0])


def test_table_1_of_the_paper_has_a_row_a_printed_value():
    table = paper_table_1()
    assert len(table) == 45
    row = table[(table.neurons == 45) & (table.method == "dtc")]
    assert row.accuracy.tolist() == [0.9463]
