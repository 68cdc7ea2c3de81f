import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from matplotlib import pyplot as plt

from dtc_helpers.figures import comparisons as study_plots
from dtc_helpers.statistics import area_under_curve, compare, corrected, t_interval
from dtc_helpers.studies.arms import ARMS, SCRATCH_BUDGETS
from dtc_helpers.studies.network_runs import NETWORK_ARMS
from dtc_helpers.studies.tables import (
    any_difference,
    areas,
    carried_forward,
    compared,
    final_outcomes,
    moves,
    paired,
    share_of_groups,
    summary,
    verdicts,
    with_accuracy,
    with_dense_placed,
)

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


def test_tables_of_several_datasets_keep_them_apart(table):
    both = pd.concat([table, table.assign(dataset="other", accuracy=0.25)])
    means, areas_of_all = summary(both), areas(both)
    assert set(means.query("dataset == 'other'")["mean"]) == {0.25}
    assert len(means) == 2 * len(summary(table))
    assert areas_of_all.query("dataset == 'other'").accuracy.to_numpy() == pytest.approx(0.25)


def test_area_is_one_number_a_run_and_point(table):
    found = areas(table)
    assert len(found) == 2 * 2 * 6
    one = "reading == 'described' and arm == 'dtc' and seed == 3"
    run = table.query(one)
    assert found.query(one).accuracy.to_list() == pytest.approx([area_under_curve(run.removed_fraction, run.accuracy)])
    points = pd.concat([table.assign(point=0), table.assign(point=1, accuracy=0.5)])
    assert areas(points, by=["point"]).query("point == 0").accuracy.tolist() == areas(table).accuracy.tolist()


def test_paired_differences_share_their_seeds_whatever_the_order_of_rows(table):
    one = table.query("reading == 'described'")
    shuffled = one.sample(frac=1, random_state=1)
    by_width = paired(one, arm="dtc", other="random").set_index("neurons")
    again = paired(shuffled, arm="dtc", other="random").set_index("neurons")
    at_51 = one[one.neurons == 51].pivot(index="seed", columns="arm", values="accuracy")
    assert by_width.difference[51] == pytest.approx(compare(at_51["dtc"], at_51["random"]).difference.mean)
    pd.testing.assert_frame_equal(by_width, again.loc[list(WIDTHS)])


def test_row_of_a_comparison_says_what_the_comparison_found(table):
    at_51 = table.query("reading == 'described' and neurons == 51")
    (row,) = paired(at_51, arm="dtc", other="random").to_dict("records")
    values = at_51.pivot(index="seed", columns="arm", values="accuracy")
    found = compare(values["dtc"], values["random"])
    assert row == {
        "neurons": 51,
        "difference": found.difference.mean,
        "low": found.difference.low,
        "high": found.difference.high,
        "n": 6,
        "n_other": 6,
        "improvement": found.probability_of_improvement,
        "p_difference": found.p_difference,
        "p_equivalence": found.p_equivalence,
    }


def test_seeds_that_one_arm_lacks_are_not_left_out(table):
    """All replicates of both are compared, and the table says how many of each."""
    at_51 = table.query("reading == 'described' and neurons == 51")
    fewer = at_51[(at_51.arm == "dtc") | at_51.seed.isin([1, 4, 5])]
    (row,) = paired(fewer, arm="dtc", other="random").to_dict("records")
    values, others = (fewer[fewer.arm == arm].accuracy for arm in ("dtc", "random"))
    found = compare(values, others)
    assert (row["difference"], row["low"], row["high"]) == tuple(vars(found.difference).values())[:3]
    assert (row["n"], row["n_other"]) == (len(values), 3)
    assert row["p_difference"] == found.p_difference


def test_as_many_seeds_but_others_are_refused(table):
    at_51 = table.query("reading == 'described' and neurons == 51").reset_index(drop=True)
    shifted = at_51.assign(seed=at_51.seed.where(at_51.arm == "dtc", at_51.seed + 1))
    with pytest.raises(ValueError, match="dtc and random have as many seeds, but not the same"):
        paired(shifted, arm="dtc", other="random")


def test_points_are_compared_one_by_one(table):
    by_point = paired(table, arm="dtc", other="random", by=["reading", "neurons"])
    assert by_point[["reading", "neurons"]].to_numpy().tolist() == [
        [reading, n] for reading in ("published", "described") for n in WIDTHS
    ]
    one = paired(table.query("reading == 'described'"), arm="dtc", other="random")
    assert by_point.query("reading == 'described'").difference.tolist() == one.difference.tolist()


def test_dense_control_stands_where_random_pruning_is_after_as_many_batches():
    columns = ["arm", "seed", "batches", "neurons", "removed_fraction", "accuracy"]
    rows = [("random", 1, 5, 12, 0.25, 0.5), ("random", 1, 10, 8, 0.5, 0.6), ("dense", 1, 5, 16, 0.0, 0.7)]
    rows += [("dense", 1, 10, 16, 0.0, 0.8)]
    table = pd.DataFrame(rows, columns=columns).assign(dataset="toy", reading="described")
    placed = with_dense_placed(table)
    dense = placed.query("arm == 'dense'")[["neurons", "removed_fraction", "accuracy"]]
    assert dense.to_numpy().tolist() == [[12, 0.25, 0.7], [8, 0.5, 0.8]]
    assert placed.query("arm == 'random'").neurons.tolist() == [12, 8]


def test_dense_control_stands_where_its_own_dataset_and_reading_has_been_pruned_to():
    columns = ["dataset", "reading", "arm", "neurons"]
    places = {("toy", "described"): 12, ("toy", "published"): 11, ("other", "described"): 30}
    rows = [(*place, "random", n) for place, n in places.items()] + [(*place, "dense", 99) for place in places]
    rows += [("toy", "described", "ticket, random", 7)]  # trained at that size, not pruned to it
    table = pd.DataFrame(rows[::-1], columns=columns).assign(batches=5, seed=1, removed_fraction=0.25)
    dense = with_dense_placed(table).query("arm == 'dense'").set_index(["dataset", "reading"])
    assert dense.neurons.to_dict() == places


def test_dense_control_without_anything_pruned_is_refused():
    table = pd.DataFrame({"arm": ["dense"], "dataset": "toy", "reading": "described", "batches": 5, "neurons": 16})
    with pytest.raises(ValueError, match="nothing to place the dense control by: add one of the arms magnitude"):
        with_dense_placed(table.assign(removed_fraction=0.0))


def test_last_outcome_of_every_run_is_the_one_with_most_batches():
    keys = {"dataset": "toy", "reading": "described", "arm": "dtc"}
    rows = [{**keys, "seed": seed, "point": p, "batches": b} for seed in (1, 2) for p in (0, 1) for b in (5, 9, 7)]
    last = final_outcomes(pd.DataFrame(rows), by=["point"])
    assert last[["seed", "point", "batches"]].to_numpy().tolist() == [[s, p, 9] for s in (1, 2) for p in (0, 1)]
    both = pd.concat([pd.DataFrame(rows), pd.DataFrame(rows).assign(reading="published")], ignore_index=True)
    assert final_outcomes(both, by=["point"]).reading.value_counts().to_dict() == {"described": 4, "published": 4}


def test_step_that_an_arm_does_not_use_is_the_step_before_it():
    rows = [("dtc", step, value) for step, value in (("a", 1), ("b", 2), ("c", 3))] + [("random", "a", 7)]
    rows += [("norms", "a", 4), ("norms", "b", 5)]
    walk = carried_forward(pd.DataFrame(rows, columns=["arm", "reading", "accuracy"]), ["a", "b", "c"])
    assert walk.groupby("arm").accuracy.apply(list).to_dict() == {
        "dtc": [1, 2, 3],
        "norms": [4, 5, 5],
        "random": [7, 7, 7],
    }
    assert walk.query("arm == 'random'").reading.tolist() == ["a", "b", "c"]


def test_move_is_a_step_minus_the_one_before_it_on_the_same_seed():
    values = {"a": (0.5, 0.6, 0.7), "b": (0.51, 0.61, 0.73), "c": (0.51, 0.61, 0.73)}
    rows = [("dtc", step, seed, v) for step, runs in values.items() for seed, v in enumerate(runs)]
    moved = moves(pd.DataFrame(rows, columns=["arm", "reading", "seed", "accuracy"]), ["a", "b", "c"])
    assert moved.step.tolist() == ["b", "c"]
    assert moved.difference.tolist() == pytest.approx([0.05 / 3, 0])
    assert np.isnan(moved.p_difference.iloc[1])  # nothing varies, nothing can be tested
    assert moved.p_difference.iloc[0] == pytest.approx(scipy.stats.ttest_1samp([0.01, 0.01, 0.03], 0)[1])


@pytest.mark.parametrize(("step", "found"), [(0.1, True), (0.0, False)])
def test_places_that_matter_are_told_from_seeds_that_do(step, found):
    rng = np.random.default_rng(1)
    rows = [(seed, p, 0.5 * seed + step * p + rng.normal(0, 0.01)) for seed in range(8) for p in range(4)]
    p_value = any_difference(pd.DataFrame(rows, columns=["seed", "point", "accuracy"]), ["point"])
    assert (p_value < 0.001) == found
    assert found or p_value > 0.05


def test_places_that_a_seed_lacks_are_refused():
    rows = pd.DataFrame({"seed": [1, 1, 1, 2, 2], "point": [0, 1, 2, 0, 1], "accuracy": 0.5})
    with pytest.raises(ValueError, match="not every seed has every place"):
        any_difference(rows, ["point"])


def test_p_values_are_corrected_for_the_number_of_widths(table):
    one = table.query("reading == 'described'")
    together = paired(one, arm="dtc", other="random")
    alone = pd.concat([paired(one[one.neurons == width], arm="dtc", other="random") for width in WIDTHS])
    for p in ("p_difference", "p_equivalence"):
        assert together[p].tolist() == pytest.approx(corrected(alone[p]))
        assert sum(together[p]) > sum(alone[p])


def test_verdicts_are_corrected_for_the_number_of_pairs():
    noise = np.array([-3, -2, -1, 1, 2, 3]) / 300
    rows = [
        (arm, seed, 0.5 + shift + scatter * noise[seed])
        for arm, shift, scatter in (("a", 0, 0), ("b", 0.0095, 1), ("c", 0.0095, -1), ("d", 0.0095, 1))
        for seed in range(6)
    ]
    table = pd.DataFrame(rows, columns=["arm", "seed", "accuracy"])
    (alone,) = verdicts(table, [("b", "a")])
    assert alone.startswith("b is better than a")
    assert verdicts(table, [("b", "a"), ("c", "a"), ("d", "a")])[0].startswith("b cannot be told from a")


def test_verdicts_say_what_is_true_of_the_toy(table):
    for reading, said in (("described", "dtc is better than random"), ("published", "dtc is equivalent to random")):
        at_51 = table[(table.reading == reading) & (table.neurons == 51)]
        (words,) = verdicts(at_51, [("dtc", "random")])
        assert words.startswith(said)


def test_verdict_of_the_other_order_is_the_opposite(table):
    at_51 = table.query("reading == 'described' and neurons == 51")
    (worse,) = verdicts(at_51, [("random", "dtc")])
    assert worse.startswith("random is worse than dtc: -")


def test_equivalence_too_is_corrected_for_the_number_of_pairs():
    noise = np.array([-3, -2, -1, 1, 2, 3]) / 450
    rows = [("a", seed, 0.5) for seed in range(6)]
    rows += [
        (arm, seed, 0.5 + sign * noise[seed]) for arm, sign in zip("bcd", (1, -1, 1), strict=True) for seed in range(6)
    ]
    table = pd.DataFrame(rows, columns=["arm", "seed", "accuracy"])
    pairs = [("b", "a"), ("c", "a"), ("d", "a")]
    (alone,), together = verdicts(table, pairs[:1]), verdicts(table, pairs)
    assert alone.startswith("b is equivalent to a")
    assert all("cannot be told from" in words for words in together)


def test_arm_that_is_not_there_is_named(table):
    with pytest.raises(ValueError, match="no runs of dense: the table has dtc, random"):
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


def test_shares_of_a_cut_are_means_over_replicates_beside_chance():
    rows = [("dtc", 100, 0.1, 0.2), ("dtc", 100, 0.3, 0.4), ("dtc", 50, 0.0, 0.1), ("dtc sorted", 100, 0.5, 1.0)]
    rows += [("dtc sorted", 50, 0.4, 1.0)]
    choices = pd.DataFrame(rows, columns=["arm", "neurons", "with_magnitude", "with_other_order"])
    figure, axes = plt.subplots(1, 2)
    with_magnitude, with_itself = study_plots.shares_by_width(choices.assign(by_chance=0.1), axes)
    assert [np.asarray(line.get_ydata()).tolist() for line in with_magnitude.lines] == [
        [0.2, 0.0],
        [0.5, 0.4],
        [0.1, 0.1],
    ]
    np.testing.assert_allclose(np.asarray(with_itself.lines[0].get_ydata(), float), [0.3, 0.1])
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["DTC", "DTC, sorted", "chance"]
    plt.close(figure)


def test_figures_of_points_have_a_row_a_point_and_the_first_is_on_top(table):
    figure, axes = plt.subplots(1, 2)
    at_51 = summary(table.query("neurons == 51 and reading == 'described'"))
    study_plots.arm_means({"described": at_51}, axes[:1])
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["DTC", "random"]
    drawn = [line.get_xdata()[0] for line in axes[0].lines]
    assert drawn == pytest.approx(at_51["mean"].tolist())
    points = paired(table.query("reading == 'described'"), arm="dtc", other="random")
    points = points.assign(point=points.neurons.astype(str))
    study_plots.differences_by_point({"described": points}, axes[1:], margin=0.005)
    assert [label.get_text() for label in axes[1].get_yticklabels()] == ["460", "51", "9"]
    assert all(ax.yaxis_inverted() for ax in axes)
    plt.close(figure)


def test_intervals_are_drawn_from_their_low_to_their_high_end():
    """Lopsided intervals, so that the ends cannot be taken for each other."""
    row = {"arm": "dtc", "reading": "r", "neurons": 51, "mean": 0.5, "low": 0.4, "high": 0.8}
    means, (figure, axes) = pd.DataFrame([row, {**row, "neurons": 9}]), plt.subplots(1, 4)
    study_plots.accuracy_with_intervals({"": means}, axes[:1])
    ends = axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert {*np.round(ends, 9)} == {0.4, 0.8}
    differences = pd.DataFrame([{"neurons": 51, "difference": 0.5, "low": 0.4, "high": 0.8}])
    study_plots.paired_differences({"": differences}, axes[1:2], margin=0.005, names=("a", "b"))
    band = axes[1].patches[0].get_extents().transformed(axes[1].transData.inverted())
    assert (band.y0, band.y1) == pytest.approx((-0.005, 0.005))
    study_plots.arm_means({"": means.iloc[:1]}, axes[2:3])
    study_plots.walk(["r"], means.iloc[:1], axes[3])
    along = {1: 1, 2: 0, 3: 1}  # axis → the coordinate of the interval
    for place, axis in along.items():
        (segment,) = axes[place].collections[0].get_segments()
        assert segment[:, axis].tolist() == pytest.approx([0.4, 0.8])
    plt.close(figure)


def test_walk_shows_every_step_of_every_arm(table):
    figure, ax = plt.subplots()
    study_plots.walk(["published", "described"], summary(table.query("neurons == 51")), ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["published", "+ described"]
    assert len(ax.containers) == 2
    plt.close(figure)


def test_every_arm_has_a_style():
    budgets = {f"scratch, {budget}" for budget in SCRATCH_BUDGETS}
    budgets |= {f"dense, {budget}" for budget in ("batches", "multiply_adds")}
    assert set(study_plots.ARM_STYLES) == (set(ARMS) | set(NETWORK_ARMS)) - {"scratch"} | budgets


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_share_of_groups_is_that_of_simulations_and_its_interval_covers_it(share):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        effects = np.sqrt(share) * np.repeat(rng.normal(size=6), 4)
        accuracy = effects + np.sqrt(1 - share) * rng.normal(size=24)
        found.append(
            share_of_groups(pd.DataFrame({"order": np.repeat(np.arange(6), 4), "accuracy": accuracy}), "order")
        )
    shares, lows, highs = np.array(found).T
    assert np.mean(shares) == pytest.approx(share, abs=0.08)
    assert np.mean((lows <= share) & (share <= highs)) == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("sizes", [[3], [1, 1], [2, 3]])
def test_groups_of_other_sizes_have_no_share(sizes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    with pytest.raises(ValueError, match="expected at least 2 groups of one size"):
        share_of_groups(pd.DataFrame({"order": groups, "accuracy": 0.5}), "order")


def test_groups_that_are_not_there_have_no_share():
    with pytest.raises(ValueError, match="expected at least 2 groups"):
        share_of_groups(pd.DataFrame({"order": [], "accuracy": []}), "order")


def test_runs_that_are_there_twice_do_not_count_as_replicates(table):
    rows = table.query("reading == 'described' and neurons == 51")
    with pytest.raises(ValueError, match="dtc or random has a seed twice"):
        compared(pd.concat([rows, rows]), "dtc", "random")


def test_differences_without_an_interval_are_drawn_as_dots(table):
    figure, axes = plt.subplots(1, 1, squeeze=False)
    points = pd.DataFrame({"point": ["a", "b"], "difference": [0.01, -0.02], "low": np.nan, "high": np.nan})
    study_plots.differences_by_point({"one": points}, axes[0], margin=0.005)
    low, high = axes[0, 0].get_xlim()
    assert low < -0.02
    assert high > 0.01
    plt.close(figure)
