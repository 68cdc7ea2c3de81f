import io
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dtc_helpers.figures import sweep_maps as sweep_plots
from dtc_helpers.runs.damage import DamagedError
from dtc_helpers.sweeps import table as sweep_table
from dtc_helpers.sweeps.folder import SweepFolder

NEURONS = [50, 40, 30]


def table_of(**values):
    """Cycles of a sweep: two replicates of two methods at every combination of the values."""
    points = pd.MultiIndex.from_product(list(values.values()), names=list(values)).to_frame(index=False)
    rows = [
        {
            **point,
            "key": f"{i}",
            "code": "c",
            "dataset": "digits",
            "reading": "published",
            "method": method,
            "replicate": replicate,
            "seed": 7 + replicate,
            "neurons": neurons,
            "removed_fraction": 1 - neurons / 60,
            "mean_batch_accuracy": 0.5 + 0.01 * i + 0.1 * replicate,
            "hidden_neurons": 60,
        }
        for i, point in enumerate(points.to_dict("records"))
        for method in ("random", "dtc")
        for replicate in (0, 1)
        for neurons in NEURONS
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def read(tmp_path):
    def write_and_read(table, varied):
        table.to_csv(tmp_path / "cycles.csv", index=False)
        return sweep_table.read_sweep(tmp_path / "cycles.csv", varied)

    return write_and_read


@pytest.fixture
def panels():
    figure, axes = plt.subplots(1, 2)
    yield axes
    plt.close(figure)


def test_accuracy_is_the_one_that_the_reading_speaks_of(read):
    table = read(table_of(x=[1, 2]), ["x"])
    assert (table.accuracy == table.mean_batch_accuracy).all()


def test_row_without_an_accuracy_is_refused(read):
    table = table_of(x=[1, 2])
    table.loc[3, "mean_batch_accuracy"] = np.nan
    with pytest.raises(DamagedError, match=r"cycles.csv is damaged \(a row has no accuracy\): collect the sweep again"):
        read(table, ["x"])


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ([], "expected one or two of x, y"),
        (["z"], "expected one or two of x, y"),
        (["x", "x"], "expected one or two of x, y"),
        (["x"], r"cycles.csv: y varies too \(y = 4 in the point 1, for example\)"),
        (["x", "y", "hidden_neurons"], "expected one or two of x, y"),
    ],
)
def test_report_refuses_parameters_that_do_not_explain_the_table(read, varied, message):
    with pytest.raises(ValueError, match=message):
        read(table_of(x=[1, 2], y=[3, 4]), varied)


def test_table_that_is_not_there_names_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no table .*cycles.csv: collect the sweep again"):
        sweep_table.read_sweep(tmp_path / "cycles.csv", ["x"])


def test_points_of_other_code_are_not_mixed(read):
    table = table_of(x=[1, 2])
    table.loc[table.x == 2, "code"] = "another"
    with pytest.raises(ValueError, match=r"code varies too \(code = another in the point 1, for example\)"):
        read(table, ["x"])


def packed(cycles):
    """Archive of a point that left this table."""
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("results/cycles.csv", cycles.to_csv(index=False))
        return buffer.getvalue()


@pytest.fixture
def done(tmp_path):
    """Folder of a sweep of two points that are done."""
    for key, cycles in (("a", [1, 2]), ("b", [1])):
        parameters = {"x": key, "seed": 99, "methods": ["dtc"]}
        record = {"key": key, "code": f"code of {key}", "error": None, "parameters": parameters}
        SweepFolder(tmp_path).write(key, record, packed(pd.DataFrame({"seed": 7, "cycle": cycles})))
    return tmp_path


def test_collected_cycles_have_their_key_code_parameters_and_the_seed_of_the_replicate(done):
    table = pd.read_csv(sweep_table.collect(done))
    assert table.columns.tolist() == ["key", "code", "seed", "cycle", "x", "methods"]
    assert table.to_numpy().tolist() == [
        [key, f"code of {key}", 7, cycle, key, '["dtc"]'] for key, cycle in (("a", 1), ("a", 2), ("b", 1))
    ]


def test_table_that_cannot_be_written_whole_leaves_the_old_one(done, monkeypatch):
    (done / "cycles.csv").write_text("old")

    def half(_, path, **__):
        Path(path).write_text("1,2,")
        raise OSError("disk is full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(OSError, match="disk is full"):
        sweep_table.collect(done)
    assert (done / "cycles.csv").read_text() == "old"


def test_each_reading_has_its_own_accuracy_and_its_own_runs(read):
    one = table_of(x=[1])
    other = one.assign(reading="described", test_accuracy=0.25)
    table = read(pd.concat([one, other]), ["reading"])
    assert set(table.accuracy[table.reading == "described"]) == {0.25}
    assert sweep_table.at_size(table, 40).groupby("reading").size().to_dict() == {"published": 4, "described": 4}


def test_rows_are_in_the_order_of_the_first_parameter_and_then_of_the_second(read):
    table = read(table_of(x=[2, 1], y=[4, 3]), ["y", "x"])
    assert table[["y", "x"]].drop_duplicates().to_numpy().tolist() == [[3, 1], [3, 2], [4, 1], [4, 2]]


def test_caption_leaves_out_what_varies(read):
    table = read(table_of(keep_fraction=[0.8, 0.9]), ["keep_fraction"])
    assert sweep_table.settings(table) == "hidden_neurons = 60 · seeds 7 … 8"


def test_caption_names_what_all_points_share(read):
    assert sweep_table.settings(read(table_of(x=[1, 2]), ["x"])) == "hidden_neurons = 60 · seeds 7 … 8"


def test_curves_are_means_of_the_runs_of_a_point(read):
    curves = sweep_table.mean_curves(read(table_of(x=[1, 2]), ["x"]), ["x"])
    assert len(curves) == 2 * 2 * len(NEURONS)
    np.testing.assert_allclose(curves[curves.x == 2].accuracy, 0.51 + 0.05)


@pytest.mark.parametrize(("neurons", "nearest"), [(50, 50), (44, 40), (45, 50), (1, 30)])
def test_one_cycle_a_run_is_the_nearest_to_the_size_asked_for(read, neurons, nearest):
    runs = sweep_table.at_size(read(table_of(x=[1, 2]), ["x"]), neurons)
    assert runs.neurons.tolist() == [nearest] * 2 * 2 * 2


def test_grid_of_means_has_a_row_for_every_value_of_the_second_parameter(read):
    runs = sweep_table.at_size(read(table_of(x=[1, 2], y=[3, 4, 5]), ["x", "y"]), 30)
    grid = sweep_table.mean_grids(runs, ["x", "y"])["dtc"]
    assert (list(grid.columns), list(grid.index)) == ([1, 2], [3, 4, 5])
    np.testing.assert_allclose(grid, 0.55 + 0.01 * np.arange(6).reshape(2, 3).T)


@pytest.mark.parametrize("values", [{"x": [0.1, 1.0, 100.0]}, {"x": ["a", "b"], "y": [1, 2, 3]}], ids=["one", "two"])
def test_every_sweep_over_one_or_two_parameters_is_drawn(read, panels, values):
    varied = list(values)
    table = read(table_of(**values), varied)
    n_points = table.key.nunique()
    runs = sweep_table.at_size(table, 30)
    sweep_plots.sweep_curves(sweep_table.mean_curves(table, varied), panels, varied=varied)
    assert [len(ax.lines) for ax in panels] == [n_points] * 2
    for ax in panels:
        ax.clear()
    sweep_plots.sweep_response(runs, panels, varied=varied)
    assert all(len(ax.lines) == 2 * len(values.get("y", [0])) for ax in panels)
    assert panels[0].get_xscale() == ("linear" if "y" in values else "log")
    for ax in panels:
        ax.clear()
    sweep_plots.sweep_map(sweep_table.mean_grids(runs, varied), panels, varied=varied)
    assert [len(ax.texts) for ax in panels] == [n_points] * 2
    assert panels[0].get_xlabel() == "x [1]"
