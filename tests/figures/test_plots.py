import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from dtc_helpers.figures import beside_nulls, style
from dtc_helpers.figures import compression as plots
from dtc_helpers.figures import entropies as proposition_plots
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
    columns = ("accuracy", "lowess", "mean_batch_accuracy", "single_image_accuracy", "calibrated_accuracy")
    parts = []
    for method in METHODS:
        for replicate in (0, 1):
            values = {column: 0.8 + 0.01 * i + replicate * 0.1 * REMOVED for i, column in enumerate(columns)}
            names = {"method": method, "replicate": replicate, "neurons": [400, 200, 100, 50, 10]}
            others = {"weight_ray_mean": REMOVED, "entropy": np.log(1 + REMOVED), "n_measurements": [40, 20, 10, 5, 1]}
            parts.append(pd.DataFrame({**names, **values, **others}))
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
        (lambda cycles, ax: proposition_plots.entropy_against_accuracy(cycles, ax, unit="nats"), 1),
    ],
    ids=["accuracy", "entropy_against_accuracy"],
)
def test_runs_of_a_method_are_drawn_in_its_colour_on_the_given_axes_with_units(cycles, panels, draw, lines_a_run):
    ax, *others = panels
    assert draw(cycles, ax) is ax
    assert len(ax.lines) == len(METHODS) * 2 * lines_a_run
    expected = [to_rgba(METHOD_COLOURS[method]) for method in METHODS for _ in range(2 * lines_a_run)]
    assert colours(ax) == expected
    assert ax.get_xlabel().endswith(("neurons left", "[nats]"))
    assert ax.get_ylabel().endswith("[%]")
    assert not any(other.lines for other in others)


def test_accuracy_draws_raw_values_as_lines_and_the_curve_dotted_and_names_each_method_once(cycles, panels):
    ax = plots.accuracy(cycles, panels[0])
    raw, curve = ax.lines[:2]
    run = cycles[(cycles.method == METHODS[0]) & (cycles.replicate == 0)]
    np.testing.assert_array_equal(raw.get_xdata(), run.neurons)
    np.testing.assert_array_equal(raw.get_ydata(), run.accuracy)
    np.testing.assert_array_equal(curve.get_ydata(), run.lowess)
    assert (raw.get_linestyle(), curve.get_linestyle(), curve.get_marker()) == ("-", ":", "None")
    assert legend_of(ax) == list(METHOD_LABELS.values())
    assert (ax.get_xscale(), ax.xaxis_inverted()) == ("log", True)


def test_numbers_of_the_paper_are_open_circles_in_the_published_reading_alone(cycles, panels):
    both = pd.concat([cycles.assign(reading="published"), cycles.assign(reading="described", accuracy=0.5)])
    paper = pd.DataFrame({"neurons": [460, 45], "method": "dtc", "accuracy": [0.96, 0.94]})
    one, other = plots.accuracy_by_reading(both, panels[:2], paper=paper)
    assert [ax.get_title() for ax in (one, other)] == ["published reading", "described reading"]
    assert len(one.lines) == len(other.lines) + 1
    np.testing.assert_array_equal(other.lines[0].get_ydata(), 0.5)
    circles = one.lines[-1]
    assert np.asarray(circles.get_xydata()).tolist() == [[460, 0.96], [45, 0.94]]
    assert (circles.get_markerfacecolor(), to_rgba(circles.get_color())) == ("none", to_rgba(METHOD_COLOURS["dtc"]))


def test_batch_dependence_has_a_panel_a_method_and_three_accuracies(cycles, panels):
    plots.batch_dependence(cycles[cycles.method.isin(METHODS[:2])], panels[:2])
    for ax, method in zip(panels, METHODS[:2], strict=False):
        run = cycles[(cycles.method == method) & (cycles.replicate == 0)]
        columns = ("mean_batch_accuracy", "calibrated_accuracy", "single_image_accuracy")
        for line, column in zip(ax.lines[:3], columns, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), run[column])
        assert len(ax.lines) == 6
        assert ax.get_title() == METHOD_LABELS[method]
    assert panels[0].get_legend() is None  # it would cover the curves: it is the figure's
    words = [text.get_text() for text in panels[0].figure.legends[0].get_texts()]
    assert words == ["in batches", "one by one, with ten constants", "one by one"]


def test_rays_of_dtc_are_in_its_colour_with_units(cycles, panels):
    run = cycles[(cycles.method == "dtc") & (cycles.replicate == 0)]
    ax = plots.weight_rays(run, panels[1])
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), run.weight_ray_mean)
    assert to_rgba(line.get_color()) == to_rgba(METHOD_COLOURS["dtc"])
    assert ax.get_ylabel().endswith("[weight units]")
    assert ax.get_xlabel() == "hidden neurons left after the cut"  # the rays are those before it


def test_idea_names_both_sums_and_cuts_one_neuron(panels):
    ax = plots.idea(panels[0])
    words = [text.get_text() for text in ax.texts]
    assert {"incoming sums  a", "outgoing sums  b", "y = Φa", "y = Φb", "ray"} <= set(words)
    hidden = ax.collections[1]
    assert len({tuple(colour) for colour in np.asarray(hidden.get_facecolor())}) == 2
    for place, n_weights in ((0, 3), (1, 2)):  # of one neuron, in the colour of the box that holds their sum
        box = next(text for text in ax.texts if text.get_text().endswith(f"sums  {'ab'[place]}")).get_bbox_patch()
        assert box is not None
        summed = [line for line in ax.lines if to_rgba(line.get_color()) == to_rgba(box.get_edgecolor())]
        assert len(summed) == n_weights


def test_cosines_are_the_columns_of_the_basis_one_below_the_other(panels):
    basis = np.array([[1.0, 2.0], [3.0, 4.0]])
    ax = plots.cosines(basis, panels[0])
    first, second = (line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.asarray(first.get_ydata(), float), [1, 3])
    np.testing.assert_allclose(np.asarray(second.get_ydata(), float) + 1.3, [2, 4])


def test_ledger_has_a_panel_a_method(panels):
    alive = {method: np.array([[True, True], [True, False]]) for method in METHODS}
    plots.neuron_ledger(alive, panels)
    for method, ax in zip(METHODS, panels, strict=True):
        (image,) = ax.images
        assert image.get_array().shape == (2, 2)
        assert ax.get_title() == METHOD_LABELS[method]
        assert ax.get_xlabel() == "neuron (DTC's order)"


def test_inverse_sensing_shows_sums_with_what_is_recovered_and_says_how_well(panels):
    rng = np.random.default_rng(0)
    weights, recovered, code = rng.normal(size=(3, 70))
    code[5:] = 0
    of_neurons, of_code = plots.inverse_sensing(weights, recovered, code, panels[:2])
    np.testing.assert_array_equal(of_neurons.lines[0].get_ydata(), recovered[:64])
    correlation = np.corrcoef(weights, recovered)[0, 1]
    error = np.linalg.norm(recovered - weights) / np.linalg.norm(weights)
    assert of_neurons.get_title() == f"correlation {correlation:.2f}, relative error {error:.2f}"
    assert of_code.get_title() == "sparse code: 5 of 70 are not 0"
    assert of_neurons.get_ylabel().endswith("[weight units]")


def test_occurrence_probabilities_have_a_panel_a_side_and_a_row_a_size(panels):
    values = np.arange(4.0)
    step = pd.concat(pd.DataFrame({"value": values, "probability": 1 / m, "n_measurements": m}) for m in (51, 45, 9))
    proposition_plots.occurrence_probabilities({"incoming": step, "outgoing": step}, panels[:2])
    for ax in panels[:2]:
        labels = [label.get_text() for label in ax.get_yticklabels()]
        assert labels == ["m = 51, up to 0.02", "m = 45, up to 0.02", "m = 9, up to 0.11"]
        assert len(ax.collections) == 3
        tops = [np.asarray(path.vertices)[:, 1].max() for path in ax.collections[1].get_paths()]
        assert tops == pytest.approx([0.8 - 1] * 4)
        assert ax.get_xlabel() == "measurement y [weight units]"
    assert panels[0].get_ylabel() == "occurrence probability per bin [1]"


def test_entropies_have_a_panel_a_side_below_the_ceiling(cycles, panels):
    table = pd.concat([cycles.assign(side="incoming"), cycles.assign(side="outgoing")])
    proposition_plots.gibbs_entropies(table, panels[:2], unit="nats")
    for ax in panels[:2]:
        ceiling, *lines = ax.lines
        np.testing.assert_allclose(np.asarray(ceiling.get_ydata(), float), np.log([40, 20, 10, 5, 1]))
        found = [to_rgba(line.get_color()) for line in lines]
        assert found == [to_rgba(METHOD_COLOURS[method]) for method in METHODS for _ in (0, 1)]
    assert panels[0].get_ylabel() == "Gibbs entropy [nats]"
    assert legend_of(panels[1]) == ["ceiling ln m", *METHOD_LABELS.values()]


def test_null_has_bars_of_the_draws_and_a_line_at_the_measured_correlation(panels):
    draws = np.random.default_rng(0).random(100)
    beside_nulls.null_correlations({"random": draws, "dtc": draws}, {"random": 0.4, "dtc": 0.9}, panels[:2])
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
        {"tested": [0.9, 0.8, 0.7, 0.6], "expected": 0.55, "low": 0.5, "high": [0.6, np.nan, 0.6, 0.5]},
        index=index,
    )


def test_run_has_a_row_a_null_with_a_bar_and_a_marker_a_method_and_again_close_up(null_table, panels):
    whole, close = beside_nulls.run_beside_nulls(null_table, panels[:2], close=(0.5, 0.95))
    for ax in (whole, close):
        markers = {to_rgba(line.get_color()): line for line in ax.lines if "measured" in str(line.get_label())}
        for method, tested in (("random", [0.9, 0.8]), ("dtc", [0.7, 0.6])):
            assert np.asarray(markers[to_rgba(METHOD_COLOURS[method])].get_xdata()).tolist() == tested
        first = np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 0]
        assert first.tolist() == [0.5, 0.6]
        assert ax.get_xlabel().endswith("[1]")
    assert close.get_xlim() == (0.5, 0.95)
    assert [text.get_text() for text in whole.get_yticklabels()] == ["Gaussian vectors", "ln m alone"]


def test_verdicts_are_coloured_by_their_interval_and_say_the_excess(panels):
    table = pd.DataFrame({"dataset": "digits", "process": ["DTC", "DTC", "JPEG", "JPEG"], "n": 3})
    table = table.assign(null_model=["a", "b"] * 2, excess=[0.25, -0.1, 0, 0.5])
    ax = beside_nulls.verdicts(table.assign(verdict=["above", "below", "open", "above"]), panels[0])
    assert np.asarray(ax.collections[0].get_array()).ravel().tolist() == [1, -1, 0, 1]
    assert [text.get_text() for text in ax.texts] == ["+0.250", "−0.100", "+0.000", "+0.500"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["DTC · digits, n = 3", "JPEG · digits, n = 3"]


def test_null_model_that_is_undefined_for_a_process_is_shown_as_such(panels):
    table = pd.DataFrame({"dataset": "digits", "process": ["DTC", "DTC", "JPEG", "JPEG"], "n": 3})
    table = table.assign(null_model=["b", "a"] * 2, excess=[0.25, np.nan, -0.0001, np.nan], verdict="open")
    ax = beside_nulls.verdicts(table, panels[0])
    assert [text.get_text() for text in ax.texts] == ["+0.250", "–", "+0.000", "–"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["b", "a"]


@pytest.fixture
def binnings():
    numbers = {f"{which}_{what}": 0.5 for which in ("tested", "null", "excess") for what in ("value", "low", "high")}
    return pd.DataFrame(
        [{"panel": p, "binning": b, "width": w, **numbers} for p in "xy" for b, w in (("fd", 1), ("s", 2))]
    )


def test_binnings_have_a_panel_a_process_with_units(binnings, panels):
    for draw in (beside_nulls.bin_widths, beside_nulls.binning_excess):
        for ax in panels:
            ax.clear()
        draw(binnings, panels[:2])
        assert [ax.get_title() for ax in panels[:2]] == ["x", "y"]
        assert all(ax.get_xlabel().endswith("]") for ax in panels[:2])


def test_excess_is_coloured_by_the_side_of_0_on_which_its_interval_lies(panels):
    table = pd.DataFrame({"panel": "DTC · mnist", "binning": ["a", "b", "c"], "excess_value": [2, 0.5, -2]})
    table = table.assign(excess_low=table.excess_value - 1, excess_high=table.excess_value + 1)
    (ax,) = beside_nulls.binning_excess(table, panels[:1])
    points = ax.collections[-1]
    assert np.asarray(points.get_offsets())[:, 0].tolist() == [2, 0.5, -2]
    assert len({tuple(colour) for colour in np.asarray(points.get_facecolor())}) == 3
    assert ax.get_title() == "DTC\nMNIST"
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
