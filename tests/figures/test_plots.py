import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from dtc_helpers.figures import compression as plots
from dtc_helpers.figures import entropies as proposition_plots
from dtc_helpers.figures import style
from dtc_helpers.figures.style import METHOD_COLOURS, METHOD_LABELS, METHOD_MARKERS
from dtc_helpers.scoring import SCORES

METHODS = list(METHOD_COLOURS)
REMOVED = np.linspace(0.1, 0.9, 5)


@pytest.fixture
def panels():
    figure, axes = plt.subplots(1, 4)
    yield axes
    plt.close(figure)


@pytest.fixture
def cycles():
    """Two replicates of every method; each column has values of its own."""
    columns = ("accuracy", "lowess", "mean_batch_accuracy", "single_image_accuracy", "weight_ray_mean")
    parts = []
    for method in METHODS:
        for replicate in (0, 1):
            values = {column: 0.8 + 0.01 * i + replicate * 0.1 * REMOVED for i, column in enumerate(columns)}
            names = {"method": method, "replicate": replicate, "removed_fraction": REMOVED}
            gaps = {"duality_gap": [0, 1e-12, 1e-9, 1e-3, 0.5]}
            parts.append(pd.DataFrame({**names, **values, **gaps, "entropy": np.log(1 + REMOVED)}))
    return pd.concat(parts, ignore_index=True)


def colours(ax):
    return [to_rgba(line.get_color()) for line in ax.lines]


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_every_method_has_a_colour_a_marker_and_a_label_of_its_own():
    for styles in (METHOD_COLOURS, METHOD_MARKERS, METHOD_LABELS):
        assert set(styles) == set(SCORES)
        assert len(set(styles.values())) == len(SCORES)


@pytest.mark.parametrize(
    ("draw", "lines_a_run"),
    [
        (plots.accuracy, 2),
        (plots.accuracy_close_up, 2),
        (plots.batch_dependence, 2),
        (lambda cycles, ax: proposition_plots.entropy_against_accuracy(cycles, ax, unit="nats"), 1),
    ],
    ids=["accuracy", "accuracy_close_up", "batch_dependence", "entropy_against_accuracy"],
)
def test_runs_of_a_method_are_drawn_in_its_colour_on_the_given_axes_with_units(cycles, panels, draw, lines_a_run):
    ax, *others = panels
    assert draw(cycles, ax) is ax
    assert len(ax.lines) == len(METHODS) * 2 * lines_a_run
    expected = [to_rgba(METHOD_COLOURS[method]) for method in METHODS for _ in range(2 * lines_a_run)]
    assert colours(ax) == expected
    assert ax.get_xlabel().endswith(("[%]", "[nats]"))
    assert ax.get_ylabel().endswith("[%]")
    assert not any(other.lines for other in others)


def test_accuracy_draws_points_and_the_lowess_line_and_names_each_method_once(cycles, panels):
    ax = plots.accuracy(cycles, panels[0])
    points, line = ax.lines[:2]
    run = cycles[(cycles.method == METHODS[0]) & (cycles.replicate == 0)]
    np.testing.assert_array_equal(points.get_ydata(), run.accuracy)
    np.testing.assert_array_equal(line.get_ydata(), run.lowess)
    assert (points.get_linestyle(), line.get_marker()) == ("None", "None")
    assert legend_of(ax) == list(METHOD_LABELS.values())


def test_close_up_begins_at_its_floor(cycles, panels):
    assert plots.accuracy_close_up(cycles, panels[0], floor=0.85).get_ylim()[0] == 0.85
    assert plots.accuracy_close_up(cycles, panels[1]).get_ylim()[1] <= 1


def test_every_reading_has_a_panel(cycles, panels):
    both = pd.concat([cycles.assign(reading="published"), cycles.assign(reading="described", accuracy=0.5)])
    one, other, *_ = plots.accuracy_by_reading(both, panels[:2])
    assert [ax.get_title() for ax in (one, other)] == ["published reading", "described reading"]
    assert len(one.lines) == len(other.lines)
    np.testing.assert_array_equal(other.lines[0].get_ydata(), 0.5)


def test_batch_dependence_draws_both_accuracies(cycles, panels):
    ax = plots.batch_dependence(cycles, panels[0])
    run = cycles[(cycles.method == METHODS[0]) & (cycles.replicate == 0)]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), run.mean_batch_accuracy)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), run.single_image_accuracy)
    assert len(legend_of(ax)) == 2 * len(METHODS)


@pytest.mark.parametrize(
    ("draw", "column", "unit"),
    [(plots.weight_rays, "weight_ray_mean", "[weight units]"), (plots.duality_gaps, "duality_gap", "[1]")],
    ids=["weight_rays", "duality_gaps"],
)
def test_curve_of_dtc_is_in_its_colour_with_units(cycles, panels, draw, column, unit):
    run = cycles[(cycles.method == "dtc") & (cycles.replicate == 0)]
    ax = draw(run, panels[1])
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_ydata(), np.maximum(run[column], 1e-16))
    assert to_rgba(line.get_color()) == to_rgba(METHOD_COLOURS["dtc"])
    assert ax.get_ylabel().endswith(unit)
    assert ax.get_xlabel() == "removed neurons [%]"


def test_gaps_are_drawn_on_a_logarithmic_axis(cycles, panels):
    assert plots.duality_gaps(cycles, panels[0]).get_yscale() == "log"


def test_ledger_has_a_panel_a_method(panels):
    alive = {method: np.array([[True, True], [True, False]]) for method in METHODS}
    plots.neuron_ledger(alive, panels)
    for method, ax in zip(METHODS, panels, strict=True):
        (image,) = ax.images
        assert image.get_array().shape == (2, 2)
        assert ax.get_title() == METHOD_LABELS[method]
        assert ax.get_xlabel() == "neuron (DTC's order)"


def test_inverse_sensing_has_a_panel_a_vector(panels):
    vectors = {f"vector {n}": np.arange(n) for n in (3, 4, 20, 6)}
    plots.inverse_sensing(vectors, panels)
    for (title, values), ax in zip(vectors.items(), panels, strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), values)
        assert ax.get_title() == title
    assert [ax.get_xlabel() for ax in panels] == ["neuron", "measurement", "frequency", "neuron"]
    assert panels[0].get_ylabel() == "value [weight units]"


def test_rays_of_two_solvers_have_a_line_above_which_each_cuts(panels):
    exact, published = np.array([1.0, 5, 3, 4]), np.array([30.0, 10, 20, 50])
    ax = plots.rays_compared(exact, published, panels[0], n_cut=3)
    _, points, upright, level = ax.lines
    np.testing.assert_array_equal(points.get_xydata(), np.stack([exact, published], axis=1))
    assert np.asarray(upright.get_xdata()).tolist() == [3, 3]
    assert np.asarray(level.get_ydata()).tolist() == [20, 20]


def test_occurrence_probabilities_have_a_panel_a_side_and_a_line_a_step(panels):
    values = np.arange(4.0)
    step = pd.concat(pd.DataFrame({"value": values, "probability": 1 / m, "n_measurements": m}) for m in (51, 45, 9))
    proposition_plots.occurrence_probabilities({"incoming": step, "outgoing": step}, panels[:2])
    for ax in panels[:2]:
        assert [line.get_ydata()[0] for line in ax.lines] == [1 / 51, 1 / 45, 1 / 9]
        assert len(set(colours(ax))) == 3
        assert ax.get_xlabel() == "measurement y [weight units]"
    assert legend_of(panels[1]) == ["51", "45", "9"]
    assert panels[0].get_ylabel() == "occurrence probability per bin [1]"


def test_entropies_have_a_panel_a_side_with_its_unit(cycles, panels):
    table = pd.concat([cycles.assign(side="incoming"), cycles.assign(side="outgoing")])
    proposition_plots.gibbs_entropies(table, panels[:2], units={"incoming": "bits", "outgoing": "nats"})
    for ax, unit in zip(panels, ("bits", "nats"), strict=False):
        assert ax.get_ylabel() == f"Gibbs entropy [{unit}]"
        assert colours(ax) == [to_rgba(METHOD_COLOURS[method]) for method in METHODS for _ in (0, 1)]
    assert legend_of(panels[1]) == list(METHOD_LABELS.values())


def test_null_has_bars_of_the_draws_and_a_line_at_the_measured_correlation(panels):
    draws = np.random.default_rng(0).random(100)
    proposition_plots.null_correlations({"random": draws, "dtc": draws}, {"random": 0.4, "dtc": 0.9}, panels[:2])
    for ax, (method, measured) in zip(panels, [("random", 0.4), ("dtc", 0.9)], strict=False):
        (line,) = ax.lines
        assert list(line.get_xdata()) == [measured, measured]
        assert to_rgba(line.get_color()) == to_rgba(METHOD_COLOURS[method])
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1)
        assert f"measured: {measured:.3f}" in legend_of(ax)
        assert ax.get_xlabel().endswith("[1]")


@pytest.mark.parametrize("n_panels", [1, 3])
def test_canvas_has_its_panels_in_a_row_over_the_caption(n_panels):
    with mpl.rc_context():
        axes = style.canvas("digits, seed 1", n_panels=n_panels, height=3)
        figure = axes[0].figure
        assert axes.shape == (n_panels,)
        assert figure.get_supxlabel() == "digits, seed 1"
        assert figure.get_size_inches().tolist() == [9, 3]
        plt.close(figure)


@pytest.fixture
def null_table():
    index = pd.MultiIndex.from_product([["random", "dtc"], ["Gaussian vectors", "ln m alone"]])
    index.names = ["method", "null model"]
    return pd.DataFrame(
        {"tested": [0.9, 0.8, 0.7, 0.6], "low": 0.5, "high": [0.6, 0.5, 0.6, 0.5], "share above": [0.085, 0, 0.085, 0]},
        index=index,
    )


def test_run_has_a_panel_a_method_with_a_bar_and_a_point_a_null(null_table, panels):
    proposition_plots.run_beside_nulls(null_table, panels[:2])
    for ax, tested in zip(panels, ([0.9, 0.8], [0.7, 0.6]), strict=False):
        assert list(ax.lines[0].get_xdata()) == tested
        first, line = ax.patches
        assert (first.get_x(), first.get_width()) == pytest.approx((0.5, 0.1))
        assert line.get_x() + line.get_width() / 2 == pytest.approx(0.5)
        assert [text.get_text() for text in ax.texts] == ["8.5 %", "0.0 %"]
        assert ax.get_xlabel().endswith("[1]")
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ["Gaussian vectors", "ln m alone"]


def test_verdicts_are_coloured_by_their_interval_and_say_the_excess(panels):
    table = pd.DataFrame({"dataset": "digits", "process": ["DTC", "DTC", "JPEG", "JPEG"], "n": 3})
    table = table.assign(null_model=["a", "b"] * 2, excess=[0.25, -0.1, 0, 0.5])
    ax = proposition_plots.verdicts(table.assign(verdict=["above", "below", "open", "above"]), panels[0])
    assert np.asarray(ax.collections[0].get_array()).ravel().tolist() == [1, -1, 0, 1]
    assert [text.get_text() for text in ax.texts] == ["+0.25", "-0.10", "+0.00", "+0.50"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["DTC · digits, n = 3", "JPEG · digits, n = 3"]


@pytest.fixture
def binnings():
    numbers = {f"{which}_{what}": 0.5 for which in ("tested", "null", "excess") for what in ("value", "low", "high")}
    return pd.DataFrame(
        [{"panel": p, "binning": b, "width": w, **numbers} for p in "xy" for b, w in (("fd", 1), ("s", 2))]
    )


def test_binnings_have_a_panel_a_process_with_units(binnings, panels):
    for draw in (proposition_plots.bin_widths, proposition_plots.binning_excess):
        for ax in panels:
            ax.clear()
        draw(binnings, panels[:2])
        assert [ax.get_title() for ax in panels[:2]] == ["x", "y"]
        assert all(ax.get_xlabel().endswith("]") for ax in panels[:2])


def test_excess_is_coloured_by_the_side_of_0_on_which_its_interval_lies(panels):
    table = pd.DataFrame({"panel": "DTC · mnist", "binning": ["a", "b", "c"], "excess_value": [2, 0.5, -2]})
    table = table.assign(excess_low=table.excess_value - 1, excess_high=table.excess_value + 1)
    (ax,) = proposition_plots.binning_excess(table, panels[:1])
    points = ax.collections[-1]
    assert np.asarray(points.get_offsets())[:, 0].tolist() == [2, 0.5, -2]
    assert len({tuple(colour) for colour in np.asarray(points.get_facecolor())}) == 3
    assert ax.get_title() == "DTC\nmnist"
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b", "c"]


def test_ceiling_is_the_logarithm_of_the_length(panels):
    ax = proposition_plots.ceiling(pd.DataFrame({"n_measurements": [1, 5], "entropy": [0, 1]}), panels[0])
    lengths, heights = (np.asarray(values, dtype=float) for values in ax.lines[0].get_data())
    assert lengths[[0, -1]].tolist() == [1, 5]
    np.testing.assert_allclose(heights, np.log(lengths))
    assert ax.get_ylabel() == "Gibbs entropy [nats]"


def test_accuracies_have_the_ticks_that_they_say(cycles, panels):
    ax = plots.accuracy(cycles, panels[0])
    ax.set_ylim(0.77, 0.98)
    ax.set_yticks([0.775, 0.8, 0.975])
    ax.figure.canvas.draw()
    assert [float(label.get_text()) for label in ax.get_yticklabels()] == [77.5, 80, 97.5]
