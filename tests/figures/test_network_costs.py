# pyright: reportAttributeAccessIssue=false
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dtc_helpers.figures import network_costs
from dtc_helpers.figures.style import METHOD_COLOURS


def axes():
    return Figure().subplots()


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_every_group_has_a_place_and_every_layer_a_row():
    rows = [("a", "a", "makes"), ("a", "b", "reads"), ("b", "b", "makes"), ("b", "c", "reads")]
    ax = network_costs.channel_groups(pd.DataFrame(rows, columns=["group", "layer", "role"]), axes())
    assert [label.get_text() for label in ax.get_xticklabels()] == ["group 1", "group 2"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    made, read = (np.asarray(points.get_offsets()).tolist() for points in ax.collections)
    assert (made, read) == ([[0, 0], [1, 1]], [[0, 1], [1, 2]])
    assert legend_of(ax) == ["makes the channels", "reads the channels"]


def test_widths_have_a_line_a_layer():
    table = pd.DataFrame({"cut": [0, 1, 0, 1], "layer": ["a", "a", "b", "b"], "channels": [8, 7, 4, 3]})
    ax = network_costs.widths(table, axes())
    assert [np.asarray(line.get_ydata()).tolist() for line in ax.lines] == [[8, 7], [4, 3]]
    assert (legend_of(ax), ax.get_ylabel()) == (["a", "b"], "channels left")


def test_accuracy_has_a_line_a_network_over_the_cost_in_the_colours_of_the_methods():
    values = {"mean": [0.9, 0.8, 0.7], "low": [0.8, 0.7, 0.6], "high": [1.0, 0.9, 0.8]}
    arms = ["dtc", "dtc", "scratch, multiply_adds"]
    table = pd.DataFrame({"arm": arms, "training_multiply_adds": [1e9, 2e9, 3e9], **values})
    ax = network_costs.accuracy_by_cost(table, axes())
    assert legend_of(ax) == ["DTC", "scratch, multiply-adds"]
    of_dtc, of_scratch = (container.lines[0] for container in ax.containers)
    assert np.asarray(of_dtc.get_xdata()).tolist() == [1, 2]
    assert (of_dtc.get_color(), of_dtc.get_linestyle()) == (METHOD_COLOURS["dtc"], "-")
    assert (np.asarray(of_scratch.get_xdata()).tolist(), of_scratch.get_linestyle()) == ([3], "None")
    assert ax.get_xlabel() == "multiply-adds of the training so far [10⁹]"
    table = table.rename(columns={"training_multiply_adds": "multiply_adds"})
    ax = network_costs.accuracy_by_cost(table, axes(), cost="multiply_adds")
    assert ax.get_xlabel() == "multiply-adds of an image [1,000]"
