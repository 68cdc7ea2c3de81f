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
        (lambda t: t.assign(method=3), "holds other values than text in the column method"),
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


def test_damaged_part_of_an_interrupted_run_is_set_aside_and_made_again(tiny_dataset, tmp_path, monkeypatch, capsys):
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
    cut = (part / "cycles.csv").read_bytes()[:100]
    (part / "cycles.csv").write_bytes(cut)
    monkeypatch.setattr(loop, "_run_method", train)
    found = run_methods(tiny_dataset, plan=small, **arguments)
    assert found.cycles.test_accuracy.tolist() == whole.cycles.test_accuracy.tolist()
    aside = tmp_path / f"damaged 1 {part.name}"
    assert (aside / "cycles.csv").read_bytes() == cut
    assert f"; it is kept as {aside}, and made again" in capsys.readouterr().out


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


# ------------------------------------------------------------------------------- studies, trials and sweeps


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
    parameters = study.StudyParameters(["dense"], 2, 1, False, "results", "figures")
    with pytest.raises(FileNotFoundError, match=r"there is no table .*: run the study with recompute = True"):
        study.study_table("table", [(setting, "dense")], parameters)
    (tmp_path / "table.csv").write_text("seed,arm\n1,dense\n")
    (tmp_path / "table.json").write_text("{}")
    with pytest.raises(DamagedError, match=r"table.csv has no column dataset, .*: run the study with recompute = True"):
        study.study_table("table", [(setting, "dense")], parameters)
    with pytest.raises(DamagedError, match=r"table.json is damaged \('settings'\): run the study"):
        study.other_table("table", pd.DataFrame, settings={}, keys=["seed"], new_in=None)


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return shutil.copytree(STORED / "10_proposition" / "photographs", tmp_path_factory.mktemp("trial") / "photographs")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["steps.csv", "comparisons.csv", "measurements.npy", "run.json"]), damages())
def test_damaged_trial_works_or_is_refused_in_a_sentence(trial, name, damage):
    with damaged(trial / name, damage):
        told = refusal(lambda: processes_of_evidence(read_evidence(trial), "JPEG"), "process = 'JPEG' is not one of")
    assert told or damage[0] not in GONE


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["results/cycles.csv", "result.json"]), damages())
def test_damaged_point_of_a_sweep_is_collected_or_named(point, name, damage):
    (point.parent / "cycles.csv").unlink(missing_ok=True)
    with damaged(point / name, damage):
        if not refusal(lambda: collect(point.parent), f"{point / 'result.json'} is damaged or no record"):
            refusal(lambda: read_sweep(point.parent / "cycles.csv", ["l1_penalty"]), "varied = ", "l1_penalty")


@pytest.fixture(scope="module")
def point(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "a1b2"
    (folder / "results").mkdir(parents=True)
    results_of(1).cycles.to_csv(folder / "results" / "cycles.csv", index=False)
    write_json({"error": None, "key": "a1b2", "code": "c", "parameters": {"l1_penalty": 0.3}}, folder / "result.json")
    return folder
