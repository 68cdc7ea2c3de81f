import shutil
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_results import results_of

from dtc_helpers.figures.style import save_figure
from dtc_helpers.runs.results import Results, read_results, write_results

FILES = ["cycles.csv", "ledger.csv", "measurements.npz", "neuron_sums.npz", "run.json"]


def assert_same(found, expected):
    pd.testing.assert_frame_equal(found.cycles, expected.cycles, check_exact=True)
    pd.testing.assert_frame_equal(found.ledger, expected.ledger, check_exact=True)
    for vectors in ("measurements", "neuron_sums"):
        there, wanted = getattr(found, vectors), getattr(expected, vectors)
        assert there.keys() == wanted.keys()
        assert all(np.array_equal(there[key], vector) for key, vector in wanted.items())
    assert found.run == expected.run


@pytest.mark.parametrize("seed", range(5))
def test_what_is_written_is_read_back(tmp_path, seed):
    write_results(results_of(seed), tmp_path / "new" / "folder")
    assert_same(read_results(tmp_path / "new" / "folder"), results_of(seed))
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == FILES


def test_new_results_replace_old_ones_and_leave_other_files_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    write_results(results_of(1), tmp_path)
    write_results(results_of(2, methods=("random",)), tmp_path)
    assert_same(read_results(tmp_path), results_of(2, methods=("random",)))
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("exists", [True, False])
def test_missing_results_name_the_notebook_that_writes_them(tmp_path, exists):
    folder = tmp_path if exists else tmp_path / "nowhere"
    with pytest.raises(FileNotFoundError, match=r"no results in .*: run notebook 1_dtc_prune_train first"):
        read_results(folder)
    assert folder.exists() == exists


# ----------------------------------------------------------------------------------- a writer killed

# Writes into one folder after the other, each in a process of its own: a copy of one that has imported all. The copy
# counts every call that changes the disk, and dies without any clean-up before call number STAGE, or amid a write.
KILLED_WRITERS = """
import os, pathlib, shutil, signal, sys
import numpy as np, pandas as pd
sys.path[:0] = {paths!r}
from made_results import results_of
from dtc_helpers.runs.results import write_results

calls = 0
def dying(owner, name, half_file=None):
    original = getattr(owner, name)
    def call(*arguments, **options):
        global calls
        if calls == stage:
            if half_file is not None and amid:
                pathlib.Path(half_file(*arguments)).write_bytes(b"half a fi")
            os.kill(os.getpid(), signal.SIGKILL)
        calls += 1
        return original(*arguments, **options)
    setattr(owner, name, call)

def write(folder):
    dying(pathlib.Path, "mkdir")
    dying(pathlib.Path, "rename")
    dying(pathlib.Path, "replace")
    dying(pathlib.Path, "rmdir")
    dying(pathlib.Path, "write_text", lambda path, *_: path)
    dying(shutil, "rmtree")
    dying(np, "savez_compressed", lambda path, *_: path)
    dying(pd.DataFrame, "to_csv", lambda _, path: path)
    write_results(results_of(2), pathlib.Path(folder))

for (stage, amid), folder in {folders!r}.items():
    if writer := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]), flush=True)
        continue
    write(folder)
    os._exit(0)
"""
N_STAGES = 20  # mkdir 6, to_csv 2, savez 2, write_text 1, rmtree 1, rename 1, rmtree 1, replace 5, rmdir 1
WRITES = (6, 7, 8, 9, 10)


@pytest.fixture(scope="module")
def wrecks(tmp_path_factory):
    """Folders that held old results when a writer of new ones was killed, at every stage, and how each writer ended."""
    places = [*((stage, False) for stage in range(N_STAGES + 1)), *((stage, True) for stage in WRITES)]
    folders = {place: tmp_path_factory.mktemp("wreck") for place in places}
    for folder in folders.values():
        write_results(results_of(1), folder)
    names = {place: str(folder) for place, folder in folders.items()}
    code = KILLED_WRITERS.format(paths=[str(Path(__file__).parents[1]), str(Path(__file__).parents[2])], folders=names)
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    ends = [int(line) for line in ran.stdout.splitlines()]
    return {place: (folders[place], end, ran.stderr) for place, end in zip(places, ends, strict=True)}


@pytest.mark.parametrize(("stage", "amid"), [*((s, False) for s in range(N_STAGES)), *((s, True) for s in WRITES)])
def test_killed_writer_leaves_all_old_or_all_new_results_and_a_rerun_succeeds(wrecks, tmp_path, stage, amid):
    folder, end, errors = wrecks[stage, amid]
    assert end == -signal.SIGKILL, errors
    expected = results_of(1) if stage <= 12 else results_of(2)  # stage 12 is the one renaming that counts
    never_read = shutil.copytree(folder, tmp_path / "never read")
    assert_same(read_results(folder), expected)
    for rerun in (folder, never_read):
        write_results(results_of(3), rerun)
        assert_same(read_results(rerun), results_of(3))
        assert sorted(path.name for path in rerun.iterdir()) == FILES


def test_writer_is_killed_at_every_stage_there_is(wrecks):
    folder, end, errors = wrecks[N_STAGES, False]
    assert end == 0, errors
    assert_same(read_results(folder), results_of(2))


# ---------------------------------------------------------------------------------------- selecting


def test_selection_holds_one_reading_and_the_methods_asked_for():
    selected = results_of(1).select(dataset="digits", reading="published", methods=["dtc"])
    assert selected.cycles.method.tolist() == ["dtc", "dtc"]
    assert selected.cycles.index.tolist() == [0, 1]
    places = [f"published/dtc/0/{cycle}/{side}" for side in ("incoming", "outgoing") for cycle in (1, 2)]
    assert list(selected.measurements) == places
    assert set(selected.ledger.method) == {"dtc"}
    assert list(selected.neuron_sums) == list(selected.measurements)
    assert all(selected.neuron_sums[key] is not selected.measurements[key] for key in selected.neuron_sums)
    assert [vector.size for vector in selected.neuron_sums.values()] == [30] * 4
    assert selected.run == results_of(1).run


def test_selection_leaves_the_other_reading_out():
    one, other = results_of(1), results_of(2, reading="described")
    frames = [pd.concat([getattr(one, name), getattr(other, name)]) for name in ("cycles", "ledger")]
    vectors = [{**getattr(one, name), **getattr(other, name)} for name in ("measurements", "neuron_sums")]
    both = Results(frames[0], vectors[0], frames[1], one.run, vectors[1])
    selected = both.select(dataset="digits", reading="described", methods=["dtc"])
    assert set(selected.cycles.reading) == set(selected.ledger.reading) == {"described"}
    assert {key.split("/")[0] for key in [*selected.measurements, *selected.neuron_sums]} == {"described"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"dataset": "mnist"}, "no dataset mnist, only digits"),
        ({"reading": "described"}, "no reading described, only published"),
        ({"methods": ["dtc", "random"]}, "no method random, only magnitude, dtc"),
    ],
)
def test_selection_of_what_is_not_there_is_refused(asked, message):
    choice = {"dataset": "digits", "reading": "published", "methods": ["dtc"], **asked}
    with pytest.raises(ValueError, match=f"these results have {message}: run notebook 1 with it"):
        results_of(1).select(**choice)


def test_method_that_only_another_reading_has_is_refused():
    one, other = results_of(1), results_of(2, methods=("random",), reading="described")
    both = Results(
        pd.concat([one.cycles, other.cycles]), {**one.measurements, **other.measurements}, one.ledger, one.run
    )
    with pytest.raises(ValueError, match="no method random"):
        both.select(dataset="digits", reading="published", methods=["random"])


# ------------------------------------------------------------------------------------------ figures


def test_same_figure_is_the_same_file(tmp_path):
    for name in ("one", "other"):
        figure, ax = plt.subplots()
        ax.plot([1, 3, 2], label="λ")
        ax.legend()
        save_figure(figure, "accuracy", tmp_path / name / "digits")
        plt.close(figure)
    for suffix in ("png", "pdf"):
        one, other = ((tmp_path / name / "digits" / f"accuracy.{suffix}").read_bytes() for name in ("one", "other"))
        assert len(one) > 1000
        assert one == other
    assert sorted(path.name for path in (tmp_path / "one" / "digits").iterdir()) == ["accuracy.pdf", "accuracy.png"]
