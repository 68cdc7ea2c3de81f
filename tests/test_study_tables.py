import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from dtc_helpers import study_plots
from dtc_helpers.arms import ARMS, SCRATCH_BUDGETS
from dtc_helpers.statistics import compare, t_interval
from dtc_helpers.study_tables import areas, paired, summary, verdicts, with_accuracy

WIDTHS = (460, 51, 9)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    keys = itertools.product(("published", "described"), ("dtc", "random"), range(6), WIDTHS)
    rows = [
        {
            "dataset": "toy",
            "reading": reading,
            "arm": arm,
            "seed": seed,
            "neurons": n,
            "removed_fraction": 1 - n / 512,
            "test_accuracy": rng.normal(0.9 + 0.02 * (arm == "dtc"), 0.001),
            "mean_batch_accuracy": rng.normal(0.8, 0.001),
        }
        for reading, arm, seed, n in keys
    ]
    return with_accuracy(pd.DataFrame(rows))


def test_every_reading_is_judged_by_the_accuracy_it_speaks_of(table):
    published = table.reading == "published"
    assert (table.accuracy[published] == table.mean_batch_accuracy[published]).all()
    assert (table.accuracy[~published] == table.test_accuracy[~published]).all()


def test_summary_is_the_interval_of_every_group(table):
    means = summary(table).set_index(["reading", "arm", "neurons"])
    assert len(means) == 2 * 2 * 3
    group = table.query("reading == 'described' and arm == 'dtc' and neurons == 51").accuracy
    assert dict(means.loc["described", "dtc", 51])["low"] == t_interval(group).low
    assert means.n.eq(6).all()


def test_area_is_one_number_a_run(table):
    found = areas(table)
    assert len(found) == 2 * 2 * 6
    assert found.accuracy.between(0.79, 0.93).all()


def test_paired_differences_share_their_seeds_whatever_the_order_of_rows(table):
    one = table.query("reading == 'described'")
    shuffled = one.sample(frac=1, random_state=1)
    by_width = paired(one, arm="dtc", other="random").set_index("neurons")
    again = paired(shuffled, arm="dtc", other="random").set_index("neurons")
    at_51 = one[one.neurons == 51].pivot(index="seed", columns="arm", values="accuracy")
    assert by_width.difference[51] == pytest.approx(compare(at_51["dtc"], at_51["random"]).difference.mean)
    pd.testing.assert_frame_equal(by_width, again.loc[list(WIDTHS)])


def test_correction_for_the_number_of_widths_only_raises_p(table):
    one = table.query("reading == 'described'")
    together = paired(one, arm="dtc", other="random").set_index("neurons").p_difference
    for width in WIDTHS:
        alone = paired(one[one.neurons == width], arm="dtc", other="random").p_difference.item()
        assert alone <= together[width]


def test_verdicts_say_what_is_true_of_the_toy(table):
    for reading, said in (("described", "dtc is better than random"), ("published", "dtc is equivalent to random")):
        at_51 = table[(table.reading == reading) & (table.neurons == 51)]
        (words,) = verdicts(at_51, [("dtc", "random")])
        assert words.startswith(said)


def test_arm_that_is_not_there_is_named(table):
    with pytest.raises(ValueError, match="no common seeds of dtc and dense: the table has dtc, random"):
        verdicts(table.query("reading == 'described' and neurons == 51"), [("dtc", "dense")])


def test_figures_draw_every_arm_and_every_width(table):
    means = summary(table)
    figure, axes = plt.subplots(1, 2)
    panels = {str(name): group for name, group in means.groupby("reading")}
    study_plots.accuracy_with_intervals(panels, axes)
    assert [len(ax.lines) for ax in axes] == [2, 2]
    differences = {"described": paired(table.query("reading == 'described'"), arm="dtc", other="random")}
    (ax,) = study_plots.paired_differences(differences, axes[:1], margin=0.005, names=("DTC", "random"))
    assert ax.get_ylabel() == "DTC minus random [points of accuracy]"
    assert ax.xaxis_inverted()
    plt.close(figure)


def test_every_arm_has_a_style():
    budgets = {f"scratch, {budget}" for budget in SCRATCH_BUDGETS}
    assert set(study_plots.ARM_STYLES) == set(ARMS) - {"scratch"} | budgets
