"""Two processes in one folder: neither spoils what the other writes or reads."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_results import results_of

from dtc_helpers.paths import FolderInUseError, only_writer, whole_folder
from dtc_helpers.readings import Plan
from dtc_helpers.runs.methods import run_methods
from dtc_helpers.runs.results import read_results, write_results

ROOT = Path(__file__).resolve().parents[2]


def python(code, *arguments):
    """A process of its own that runs the code; `folder` is its first argument."""
    before = f"import sys, time\nfrom pathlib import Path\nsys.path[:0] = {[str(ROOT), str(ROOT / 'tests')]!r}\n"
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}folder = Path(sys.argv[1])\n{code}", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def two_of(imports, code, *arguments):
    """A process that becomes two when it has imported what both need; `name` is the last argument but one, or the last.

    It ends well if both do.
    """
    fork = "import os\nother = os.fork()\nname = sys.argv[-2 if other else -1]"
    join = "if other:\n    sys.exit(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]))"
    return python(f"{imports}\n{fork}\n{code}\n{join}", *arguments)


def wait_for(path):
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.01)


WRITER_IMPORTS = """
from made_results import results_of
from dtc_helpers.runs.results import write_results
"""
WRITER = """
(folder / name).touch()
for round in range(60):
    write_results(results_of(int(name) + round % 2), folder / "results")
"""


def test_readers_never_see_a_mixture_of_two_writers_and_neither_writer_fails(tmp_path):
    write_results(results_of(10), tmp_path / "results")
    with two_of(WRITER_IMPORTS, WRITER, tmp_path, 10, 20) as both:
        wait_for(tmp_path / "10")
        wait_for(tmp_path / "20")
        seen, reads = set(), 0
        while both.poll() is None:
            found = read_results(tmp_path / "results")
            seeds = {found.run["seed"], *found.cycles.seed}
            assert len(seeds) == 1, f"read {reads} is a mixture of {seeds}"
            expected = results_of(seeds.pop())
            for vectors in ("measurements", "neuron_sums"):
                there, wanted = getattr(found, vectors), getattr(expected, vectors)
                assert all((there[key] == vector).all() for key, vector in wanted.items())
            assert found.ledger.score.tolist() == expected.ledger.score.tolist()
            seen.add(found.run["seed"])
            reads += 1
        errors = both.communicate()[1]
        assert both.returncode == 0, errors
    assert reads > 20
    assert len(seen) > 1
    assert [path.name for path in (tmp_path / "results").iterdir() if path.name.startswith(".")] == []


SAVER_IMPORTS = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from dtc_helpers.figures.style import save_figure
"""
SAVER = """
figure, ax = plt.subplots(figsize=(1, 1))
(folder / name).touch()
while len(list(folder.glob("?"))) < 2:
    time.sleep(0.01)
for _ in range(8):
    save_figure(figure, "accuracy", folder / "figures")
"""


def test_two_processes_save_the_same_figure_over_and_over(tmp_path):
    with two_of(SAVER_IMPORTS, SAVER, tmp_path, 1, 2) as both:
        errors = both.communicate()[1]
    assert both.returncode == 0, errors
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["accuracy.pdf", "accuracy.png"]


FOLDERS = """
(folder / name).touch()
while len(list(folder.glob("?"))) < 2:
    time.sleep(0.01)
for _ in range(150):
    with whole_folder(folder / "part") as part:
        (part / name).touch()
"""


def test_folder_that_two_processes_write_is_that_of_one_of_them(tmp_path):
    with two_of("from dtc_helpers.paths import whole_folder", FOLDERS, tmp_path, 1, 2) as both:
        errors = both.communicate()[1]
    assert both.returncode == 0, errors
    assert [path.name for path in (tmp_path / "part").iterdir()] in (["1"], ["2"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "part"]


HOLDER = """
from dtc_helpers.paths import only_writer
with only_writer(folder / "results"):
    (folder / "held").touch()
    time.sleep(600)
"""


def test_second_run_into_a_folder_is_told_before_it_trains_and_may_go_on_when_the_first_is_gone(
    tmp_path, tiny_dataset, monkeypatch
):
    plan = Plan(batches_per_cycle=1, stop_at=3)
    places = {"results_dir": tmp_path / "results", "hidden_widths": (4,), "methods": ("random",), "plan": plan}
    with python(HOLDER, tmp_path) as first:
        wait_for(tmp_path / "held")
        with monkeypatch.context() as patch:
            patch.setattr("dtc_helpers.runs.methods._run_method", lambda *_, **__: pytest.fail("it trains"))
            with pytest.raises(FolderInUseError, match=r"another run writes into .*results: wait until it ends, or"):
                run_methods(tiny_dataset, **places)
        first.kill()
    run_methods(tiny_dataset, **places)
    assert read_results(tmp_path / "results").cycles.neurons.tolist() == [3]


def test_holder_of_a_folder_writes_into_it_and_gives_it_free_at_the_end(tmp_path):
    with only_writer(tmp_path), whole_folder(tmp_path / "part") as part:
        write_results(results_of(1), tmp_path)
        assert (tmp_path / ".writing.lock").exists()
        (part / "file").touch()
    with only_writer(tmp_path):
        assert read_results(tmp_path).run["seed"] == 1
    assert not list(tmp_path.glob(".*"))


def test_place_that_cannot_be_written_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"^nothing can be written into .*file.*: choose another results_dir"):
        write_results(results_of(1), tmp_path / "file")
