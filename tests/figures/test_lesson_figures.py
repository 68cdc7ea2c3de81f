# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportIndexIssue=false
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dtc_helpers.figures import lessons
from dtc_helpers.figures.style import COLOURS, canvas


@pytest.fixture
def axes():
    """Two panels of one figure."""
    drawn = canvas("caption", n_panels=2)
    yield drawn
    plt.close(drawn[0].figure)


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_bars_are_the_weights_of_every_vector_beside_each_other(axes):
    vectors = {"one": np.array([1.0, -2]), "two": np.array([3.0, 0.5])}
    ax = lessons.same_measurement(vectors, axes[0])
    assert [bar.get_height() for bar in ax.patches] == [1, -2, 3, 0.5]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    assert middles == pytest.approx([-0.2, 0.8, 0.2, 1.2])
    assert legend_of(ax) == ["one", "two"]


def test_mark_is_where_the_objective_is_lowest(axes):
    entries = np.array([0.0, 1, 2])
    ax = lessons.objective_of_one_entry(entries, {0.5: np.array([3.0, 1, 2]), 2: np.array([0.0, 4, 5])}, axes[0])
    assert [list(line.get_xydata()[0]) for line in ax.lines if len(line.get_xdata()) == 1] == [[1, 1], [0, 0]]
    assert legend_of(ax) == ["λ = 0.5", "λ = 2"]


def test_shares_stand_at_one_two_and_more_measurements(axes):
    ax = lessons.found_by_measurements({"w": [0.1, 0.6, 0.9]}, axes[0])
    assert ax.lines[0].get_xydata().tolist() == [[1, 0.1], [2, 0.6], [3, 0.9]]


def test_cut_neurons_are_marked_in_the_columns_they_are_drawn_in(axes):
    cut = {"smallest": [2, 0], "DTC": [1]}
    ax = lessons.cut_in_orders(cut, [2, 0, 1], axes[0])
    assert [marks.get_offsets().tolist() for marks in ax.collections] == [[[0, 0], [1, 0]], [[2, 1]]]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["smallest", "DTC"]
    assert ax.yaxis_inverted()


def test_bars_are_the_shares_and_the_line_is_chance(axes):
    shares = {"DTC": {"other": 0.1, "itself": 0.2}, "sorted": {"other": 0.3, "itself": 1.0}}
    ax = lessons.shares_in_common(shares, axes[0], chance=0.11)
    assert [bar.get_height() for bar in ax.patches] == [0.1, 0.3, 0.2, 1.0]
    assert set(ax.lines[0].get_ydata()) == {0.11}
    assert legend_of(ax) == ["by chance", "other", "itself"]


def test_rows_of_the_first_and_columns_of_the_second_matrix_are_struck_out(axes):
    first, second = lessons.cut_matrices(np.eye(4, 6), np.ones((3, 4)), axes, gone=[1, 3])
    assert [round(patch.get_y() + 0.5) for patch in first.patches] == [1, 3]
    assert [round(patch.get_x() + 0.5) for patch in second.patches] == [1, 3]
    assert [image.get_array().shape for ax in (first, second) for image in ax.images] == [(4, 6), (3, 4)]


def test_lines_after_a_cut_are_those_of_the_tables(axes):
    tables = {"new": pd.DataFrame({"batch": [1, 2], "accuracy": [0.4, 0.5], "step": [1.0, 0.9]})}
    ax = lessons.accuracy_after_cut(tables, axes[0], before=0.9)
    assert [list(line.get_ydata()) for line in ax.lines] == [[0.9, 0.9], [0.4, 0.5]]
    ax = lessons.steps_after_cut(tables, axes[1])
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0, 0.9]]
    assert ax.lines[0].get_color() == COLOURS[0]
