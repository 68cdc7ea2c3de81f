"""Whatever becomes of files that were written, what reads them works, or says in a sentence which file is at fault."""

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_results import results_of

from dtc_helpers.explorer.state import replay_state
from dtc_helpers.gibbs import PUBLISHED_BIN_EDGES
from dtc_helpers.paths import write_json
from dtc_helpers.proposition.evidence import processes_of_evidence, read_evidence
from dtc_helpers.runs import entropy_tables
from dtc_helpers.runs import methods as loop
from dtc_helpers.runs.damage import DamagedError
from dtc_helpers.runs.methods import run_methods
from dtc_helpers.runs.results import FILES, read_results, write_results
from dtc_helpers.runs.resuming import kept
from dtc_helpers.studies import study
from dtc_helpers.studies.promote import promote
from dtc_helpers.studies.runs import ARM_COLUMNS, read_made, run_arms
from dtc_helpers.sweeps.table import collect, read_sweep

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "notebooks" / "studies" / "data"


GONE = ("delete", "empty")  # damages after which nothing is left to be read


def refusal(work, *others):
    """What the work is refused with, if it is: one or two sentences that name a file, or begin as others do."""
    try:
        work()
    except (ValueError, FileNotFoundError) as refused:
        error = refused
    else:
        return ""
    said = str(error)
    is_ours = isinstance(error, DamagedError | FileNotFoundError) or said.startswith(others)
    assert is_ours, repr(error)
    assert len(said) < 600, said
    assert "\n" not in said
    return said


def other_separator(text):
    return text.replace(",", ";")


def with_word(text):
    """The second line with a number edited as text."""
    head, line, *others = text.split("\n")
    return "\n".join([head, line.rsplit(",", 4)[0] + ",abc,abc,abc,abc", *others])


@st.composite
def damages(draw):
    """Name of a damage, and a function of the content of a file that may give None: the file is deleted."""
    kind = draw(st.sampled_from(["delete", "empty", "cut", "flip", "flip", "insert", "column", "text", "separator"]))
    place, value = draw(st.integers(0, 10**6)), draw(st.integers(0, 255))

    def text(change):
        return lambda content: change(content.decode("utf-8", "replace")).encode()

    def without_column(text):
        rows = [line.split(",") for line in text.split("\n")]
        return "\n".join(",".join(row[: place % 9] + row[place % 9 + 1 :]) for row in rows)

    changes = {
        "delete": lambda _: None,
        "empty": lambda _: b"",
        "cut": lambda content: content[: place % len(content)],
        "flip": lambda c: c[: (i := place % len(c))] + bytes([c[i] ^ (1 << value % 8)]) + c[i + 1 :],
        "insert": lambda c: c[: (i := place % len(c))] + bytes([value]) * 3 + c[i:],
        "column": text(without_column),
        "text": text(with_word),
        "separator": text(other_separator),
    }
    return kind, changes[kind]


@contextlib.contextmanager
def damaged(path, damage):
    """The file while it is damaged."""
    whole = path.read_bytes()
    try:
        put(path, damage[1](whole))
        yield
    finally:
        path.write_bytes(whole)


def put(path, content):
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)


# ------------------------------------------------------------------------------------ results of a run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    write_results(results_of(1), folder)
    return folder


def read_as_notebook_2_does(folder):
    found = read_results(folder).select(dataset="digits", reading="published", methods=["magnitude", "dtc"])
    table = entropy_tables.entropies(
        found, bin_edges=PUBLISHED_BIN_EDGES, bases={"incoming": "nats", "outgoing": "nats"}
    )
    entropy_tables.correlations(table)
    entropy_tables.across(table.query("side == 'outgoing'"))
    return found


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(FILES), damages())
def test_damaged_results_work_or_are_refused_in_a_sentence(results, name, damage):
    path = results / name
    with damaged(path, damage):
        for read in (read_as_notebook_2_does, lambda folder: replay_state(read_results(folder))):
            said = refusal(lambda read=read: read(results), "these results have no ")  # a name became another one
            assert not said or str(results) in said or said.startswith("these results")
            assert said or damage[0] not in ("delete", "empty", "cut", "column", "text") or name == "run.json"


@pytest.mark.parametrize("name", FILES)
def test_each_file_that_is_missing_or_cut_names_the_remedy(results, tmp_path, name):
    folder = shutil.copytree(results, tmp_path / "results")
    content = (folder / name).read_bytes()
    for content_left in (content[: len(content) // 2], b"", None):
        put(folder / name, content_left)
        with pytest.raises(
            (DamagedError, FileNotFoundError), match=r"run notebook 1_dtc_prune_train (again|first), or"
        ):
            read_results(folder)
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda t: t.drop(columns="neurons"), "has no column neurons"),
        (lambda t: t.iloc[:0], "has no rows"),
        (
            lambda t: t.assign(test_accuracy="high"),
            "holds other values than finite numbers in the column test_accuracy",
        ),
        (
            lambda t: t.assign(test_accuracy=np.inf),
            "holds other values than finite numbers in the column test_accuracy",
        ),
        (lambda t: t.assign(cycle=t.cycle + 0.5), "holds other values than whole numbers in the column cycle"),
        (lambda t: t.assign(method=""), "holds other values than text in the column method"),
        (lambda t: t.assign(reading="both"), "there is no reading both"),
        (lambda t: t.assign(replicate=1), "first replicate is not there|is not there"),
        (lambda t: t.iloc[1:], "the cycles of published, magnitude, replicate 0 are not one after the other"),
        (lambda t: t.assign(neurons=9), "the cycles of .* are not one after the other"),
    ],
)
def test_what_is_wrong_with_an_edited_table_is_told(results, tmp_path, edit, said):
    folder = shutil.copytree(results, tmp_path / "results")
    edit(pd.read_csv(folder / "cycles.csv")).to_csv(folder / "cycles.csv", index=False)
    with pytest.raises(DamagedError, match=rf"(cycles.csv|.npz) .*({said}).*: run notebook 1_dtc_prune_train again"):
        read_results(folder)


def test_ledger_with_a_neuron_that_never_was_is_refused(results, tmp_path):
    folder = shutil.copytree(results, tmp_path / "results")
    pd.read_csv(folder / "ledger.csv").assign(neuron=30).to_csv(folder / "ledger.csv", index=False)
    with pytest.raises(DamagedError, match=r"ledger.csv is damaged \(published, dtc cut a neuron that was never"):
        read_results(folder)


# --------------------------------------------------------------------------- parts that are kept for resuming


@pytest.mark.parametrize("damage", ["cut short", "gone"])
@pytest.mark.parametrize("name", FILES)
def test_damaged_part_of_an_interrupted_run_is_set_aside_and_made_again(
    tiny_dataset, tmp_path, monkeypatch, capsys, name, damage
):
    arguments = {"methods": ["random", "magnitude"], "hidden_widths": [6], "results_dir": tmp_path}
    small = loop.Plan(batches_per_cycle=1, stop_at=4)
    whole = run_methods(tiny_dataset, plan=small, **{**arguments, "results_dir": None})
    train = loop._run_method

    def stopping(*place, **setting):
        if place[-1] == "magnitude":
            raise KeyboardInterrupt
        return train(*place, **setting)

    monkeypatch.setattr(loop, "_run_method", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_methods(tiny_dataset, plan=small, **arguments)
    (part,) = (tmp_path / ".unfinished").iterdir()
    if damage == "gone":
        (part / name).unlink()
    else:
        (part / name).write_bytes((part / name).read_bytes()[:100])
    monkeypatch.setattr(loop, "_run_method", train)
    found = run_methods(tiny_dataset, plan=small, **arguments)
    assert found.cycles.test_accuracy.tolist() == whole.cycles.test_accuracy.tolist()
    aside = tmp_path / f"damaged 1 {part.name}"
    assert (aside / name).exists() == (damage == "cut short")
    assert f": it is kept as {aside}, and made again" in capsys.readouterr().out


def test_part_that_another_process_sets_aside_meanwhile_is_made_again(tmp_path):
    part = tmp_path / "parts" / "a run.csv"
    part.parent.mkdir()
    part.write_text("damaged")

    def read(path):
        if path.read_text() == "damaged":
            path.unlink()
            raise DamagedError("damaged: make it again")
        return path.read_text()

    def write(text, path):
        path.write_text(text)

    assert kept(part, make=lambda: "whole", write=write, read=read) == "whole"


@pytest.mark.parametrize("ending", [".csv", ".json"])
def test_damaged_part_of_a_study_is_set_aside_and_made_again(setting, tmp_path, ending, capsys):
    whole, _ = run_arms([(setting, "dense")], parts=tmp_path / "parts")
    for number in (1, 2):
        (part,) = (tmp_path / "parts").glob("*.csv")
        part.with_suffix(ending).write_text(f"damaged {number}")
        found, _ = run_arms([(setting, "dense")], parts=tmp_path / "parts")
        pd.testing.assert_frame_equal(found, whole)
        aside = tmp_path / f"damaged {number} {part.name}"
        assert aside.with_suffix(ending).read_text() == f"damaged {number}"
        assert f"it is kept as {aside}, and made again" in capsys.readouterr().out
        assert sorted(path.suffix for path in tmp_path.glob(f"damaged {number}*")) == [".csv", ".json"]


def test_part_whose_own_column_has_another_name_is_made_again(setting, tmp_path, capsys):
    whole, _ = run_arms([(setting, "dense")], parts=tmp_path / "parts")
    (part,) = (tmp_path / "parts").glob("*.csv")
    part.write_text(part.read_text().replace("point", "poinu", 1))
    found, _ = run_arms([(setting, "dense")], parts=tmp_path / "parts")
    pd.testing.assert_frame_equal(found, whole)
    assert f"has no column point: it is kept as {tmp_path}" in capsys.readouterr().out


# ------------------------------------------------------------------------------------ studies and trials


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["csv", "json"]), damages())
def test_damaged_table_of_a_study_works_or_is_refused_in_a_sentence(tables, ending, damage):
    with damaged(tables / f"table.{ending}", damage):
        told = [
            refusal(lambda: read_made(tables / "table.csv", ARM_COLUMNS)),
            refusal(lambda: promote("table", tables), f"{tables / 'table.csv'} is not promoted: "),
        ]
    assert all(told) or damage[0] not in GONE


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Some rows of a stored table of arms with its record; what is promoted goes nowhere near the project."""
    folder = tmp_path_factory.mktemp("tables")
    pd.read_csv(STORED / "13_numbering.csv", nrows=12).to_csv(folder / "table.csv", index=False)
    write_json({"runs": [{"run": "a run", "git_commit": "c"}]}, folder / "table.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dtc_helpers.studies.promote.STORED", folder / "stored")
        yield folder


def test_stored_table_that_is_damaged_names_the_remedy(tables, setting, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "STORED", tmp_path)
    parameters = study.StudyParameters(
        arms=["dense"], replicates=2, seed=1, recompute=False, results_dir="results", figures_dir="figures"
    )
    with pytest.raises(FileNotFoundError, match=r"there is no table .*: run the study with recompute = True"):
        study.study_table("table", [(setting, "dense")], parameters)
    (tmp_path / "table.csv").write_text("seed,arm\n1,dense\n")
    (tmp_path / "table.json").write_text("{}")
    pd.read_csv(STORED / "13_numbering.csv", nrows=3).to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(DamagedError, match=r"other.csv has no column point: run the study with recompute = True"):
        study.study_table("other", [(setting, "dense")], parameters)
    with pytest.raises(DamagedError, match=r"table.csv has no column dataset, .*: run the study with recompute = True"):
        study.study_table("table", [(setting, "dense")], parameters)
    with pytest.raises(DamagedError, match=r"table.json is damaged \('settings'\): run the study"):
        study.other_table("table", pd.DataFrame, parameters, settings={}, keys=["seed"])


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return shutil.copytree(STORED / "10_proposition" / "photographs", tmp_path_factory.mktemp("trial") / "photographs")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["steps.csv", "comparisons.csv", "measurements.npy", "run.json"]), damages())
def test_damaged_trial_works_or_is_refused_in_a_sentence(trial, name, damage):
    with damaged(trial / name, damage):
        told = refusal(lambda: processes_of_evidence(read_evidence(trial), "JPEG"), "process = 'JPEG' is not one of")
    assert told or damage[0] not in GONE


# ------------------------------------------------------------------------------------------- sweeps


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """Folder of a sweep of three points; each has all files of a run."""
    folder = tmp_path_factory.mktemp("runs")
    for key, penalty in (("a1", 0.3), ("b2", 3.0), ("c3", 30.0)):
        record = {"error": None, "key": key, "code": "c", "parameters": {"l1_penalty": penalty, "stop_at": 5}}
        write_results(results_of(1), folder / key / "results")
        write_json(record, folder / key / "result.json")
    return folder


def told_of_sweep(folder, damaged_one):
    """What a damaged file of a point is refused with, if it is, by `collect` or by the report of the sweep."""
    (folder / "cycles.csv").unlink(missing_ok=True)
    told = refusal(lambda: collect(folder), f"{damaged_one} is damaged or no record")
    return told or refusal(lambda: read_sweep(folder / "cycles.csv", ["l1_penalty"]), f"{folder / 'cycles.csv'}: ")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["results/cycles.csv", "result.json"]), damages())
def test_damaged_point_of_a_sweep_is_collected_or_named(points, name, damage):
    with damaged(path := points / "b2" / name, damage):
        told = told_of_sweep(points, path)
    assert not told or str(path) in told or told.startswith(str(points / "cycles.csv"))


def flipped(content, place, bit):
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def header_flips():
    """Flips of a bit in the first line of a file: place, as a share of the line, and bit."""
    return st.floats(0, 1, exclude_max=True), st.integers(0, 7)


def in_header(share, bit):
    return "header", lambda content: flipped(content, int(share * (content.index(b"\n") + 1)), bit)


@settings(max_examples=150, deadline=None)
@given(*header_flips())
def test_bit_that_flips_in_a_header_of_a_point_is_refused_with_its_name(points, share, bit):
    with damaged(path := points / "b2" / "results" / "cycles.csv", in_header(share, bit)):
        assert told_of_sweep(points, path).startswith(f"{path} ")


@settings(max_examples=150, deadline=None)
@given(*header_flips())
def test_bit_that_flips_in_the_header_of_a_collected_table_is_refused_with_its_name(points, share, bit):
    collect(points)
    with damaged(path := points / "cycles.csv", in_header(share, bit)):
        said = refusal(lambda: read_sweep(path, ["l1_penalty"]), f"{path}: ")
        assert said.startswith(str(path)) or b"stop_at" not in path.read_bytes()  # another name of what does not vary


def test_points_of_a_notebook_of_ones_own_may_have_columns_of_their_own(tmp_path):
    for key, columns in (("a1", "cycle,loss"), ("b2", "cycle,loss"), ("c3", "cycle,words")):
        (tmp_path / key / "results").mkdir(parents=True)
        (tmp_path / key / "results" / "cycles.csv").write_text(f"{columns}\n1,0.5\n")
        write_json({"error": None, "key": key, "code": "c", "parameters": {"x": key}}, tmp_path / key / "result.json")
    table = pd.read_csv(collect(tmp_path))
    assert table[["loss", "words"]].notna().to_numpy().tolist() == [[True, False], [True, False], [False, True]]
    path = tmp_path / "c3" / "results" / "cycles.csv"
    with damaged(path, ("header", lambda content: flipped(content, 0, 1))):
        assert refusal(lambda: collect(tmp_path)).startswith(f"{path} ")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 7))
def test_bit_that_flips_in_the_name_of_a_parameter_is_refused(points, place, bit):
    path = points / "b2" / "result.json"
    content = path.read_bytes()
    first, last = content.index(b"l1_penalty"), content.index(b'": 3.0')
    with damaged(path, ("name", lambda content: flipped(content, first + place % (last - first), bit))):
        assert str(path) in told_of_sweep(points, path)


def test_record_of_another_point_is_refused(points):
    path = points / "b2" / "result.json"
    with (
        damaged(path, ("key", lambda content: content.replace(b'"b2"', b'"a1"'))),
        pytest.raises(DamagedError, match=r"b2/result.json is damaged \(it is the record of the point a1\)"),
    ):
        collect(points)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace("cycle,", "dataset,", 1), "a column has no name, or that of another one"),
        (lambda text: text.replace("cycle,", ",", 1), "a column has no name, or that of another one"),
        (lambda text: text.replace("cycle,", "cycle,,", 1), "a column has no name"),
        (lambda text: text.replace("cycle,", "", 1), "line 2 has 18 values, and there are 17 columns"),
        (lambda text: text.replace("cycle,", "cycle,more,", 1), "line 2 has 18 values, and there are 19 columns"),
        (lambda text: text[: text.rindex(",")] + "\n", "line 5 has 17 values, and there are 18 columns"),
    ],
)
def test_table_with_other_columns_than_values_is_refused(points, edit, said):
    path = points / "b2" / "results" / "cycles.csv"
    with (
        damaged(path, ("table", lambda content: edit(content.decode()).encode())),
        pytest.raises(DamagedError, match=rf"{path} is damaged \({said}.*\): delete its folder, and start"),
    ):
        collect(points)
