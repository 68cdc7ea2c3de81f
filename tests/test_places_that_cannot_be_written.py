"""A place that takes no files is named before long work begins; a disk that fills up meanwhile loses nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_cells import run_cells

from dtc_helpers.any_network.checkpoints import Checkpoints
from dtc_helpers.paths import CannotWriteError, whole_file, whole_folder, writable_folder
from dtc_helpers.runs import methods as loop
from dtc_helpers.runs.methods import run_methods
from dtc_helpers.studies.setting import Setting
from dtc_helpers.studies.study import StudyParameters, other_table, study_table

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
REFUSED = r"nothing can be written into {} \(.*\): choose another {}, or make room$"


@pytest.fixture(params=["file", "below a file", "/proc", "too long"])
def bad(request, tmp_path):
    """Place that no folder can be made at, whoever asks."""
    (tmp_path / "file").write_text("in the way")
    places = {"file": tmp_path / "file", "below a file": tmp_path / "file" / "results", "/proc": Path("/proc/results")}
    return places.get(request.param, tmp_path / ("x" * 300))


def said(place, change):
    """What a place that takes no files is refused with."""
    return REFUSED.format(place, change)


def test_folder_is_made_and_nothing_is_left_in_it(tmp_path):
    assert writable_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert not list((tmp_path / "a" / "b").iterdir())


def test_file_in_the_way_is_named_and_left_alone(bad, tmp_path):
    for write in (whole_file, whole_folder):
        with pytest.raises(CannotWriteError, match=said(bad, "folder")), write(bad / "part"):
            pytest.fail("it works")
    with pytest.raises(CannotWriteError, match=said(bad, "--out")):
        writable_folder(bad, change="--out")
    assert (tmp_path / "file").read_text() == "in the way"


def test_run_is_refused_before_it_trains(bad, tiny_dataset, monkeypatch):
    monkeypatch.setattr(loop, "_run_method", lambda *_, **__: pytest.fail("it trains"))
    with pytest.raises(CannotWriteError, match=said(bad, "results_dir")):
        run_methods(tiny_dataset, hidden_widths=[24], results_dir=bad)


def test_notebooks_refuse_before_they_work(bad, monkeypatch, tmp_path):
    monkeypatch.setattr("dtc_helpers.training.train", lambda *_, **__: pytest.fail("it trains"))
    for name in ("1_dtc_prune_train", "2_gibbs_entropy", "3_any_network", "lessons/3_entropy_by_hand"):
        with pytest.raises(CannotWriteError, match=said(bad, "figures_dir")):
            run_cells(NOTEBOOKS / f"{name}.ipynb", figures_dir=str(bad))
    with pytest.raises(CannotWriteError, match=said(bad, "results_dir")):
        run_cells(NOTEBOOKS / "1_dtc_prune_train.ipynb", results_dir=str(bad), figures_dir=str(tmp_path))
    monkeypatch.setattr("dtc_helpers.studies.runs.run_arm", lambda *_: pytest.fail("it trains"))
    for name, change in (("3_uncertainty", "results_dir"), ("9_binning", "results_dir"),
                         ("10_proposition_on_trial", "data_dir"), ("13_numbering", "results_dir")):  # fmt: skip
        places = {change: str(bad), "figures_dir": str(tmp_path)}
        with pytest.raises(CannotWriteError, match=said(bad, change)):
            run_cells(NOTEBOOKS / "studies" / f"{name}.ipynb", recompute=True, **places)


def test_results_that_are_only_read_may_lie_where_nothing_can_be_written(bad, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no results in .*: run notebook 1_dtc_prune_train (first|again)"):
        run_cells(NOTEBOOKS / "2_gibbs_entropy.ipynb", results_dir=str(bad), figures_dir=str(tmp_path))


def test_study_is_refused_before_it_computes(bad, setting: Setting, monkeypatch):
    monkeypatch.setattr("dtc_helpers.studies.runs.run_arm", lambda *_: pytest.fail("it trains"))
    parameters = StudyParameters(
        arms=["dtc"], replicates=2, seed=1, recompute=True, results_dir=str(bad), figures_dir="figures"
    )
    with pytest.raises(CannotWriteError, match=said(bad, "results_dir")):
        study_table("3_uncertainty", [(setting, "dtc")], parameters)
    with pytest.raises(CannotWriteError, match=said(bad, "results_dir")):
        other_table("9_binning", lambda: pytest.fail("it draws"), parameters, settings={}, keys=[])


def test_checkpoints_are_refused_before_a_network_is_trained(bad):
    with pytest.raises(CannotWriteError, match=said(bad, "folder of checkpoints")):
        Checkpoints(bad).check({})


# ------------------------------------------------------------------- file systems that are full or read-only


def mounted(mounts, code, *arguments):
    """Lines that the code prints in a process of its own, with mounts that nobody else sees."""
    path = [str(ROOT), str(ROOT / "tests")]
    script = f"import sys\nsys.path[:0] = {path!r}\nfrom pathlib import Path\n{code}"
    command = f'{mounts} && exec "$0" "$@"'
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.fixture(scope="module")
def mounts():
    if not shutil.which("unshare"):
        pytest.skip("no unshare on this machine")
    tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("this process may not mount anything: run as root")


COMMANDS = """
import json
import dtc_helpers.__main__ as line
project = Path(sys.argv[1])
line.project_root = lambda: project
for module in ("dtc_helpers.runs.reproduce", "dtc_helpers.studies.study", "dtc_helpers.paths"):
    __import__(module)
    sys.modules[module].project_root = lambda: project
from dtc_helpers.studies import promote
promote.STORED = project / "stored"
for arguments in json.loads(sys.argv[2]):
    sys.argv[1:] = arguments
    try:
        line.main()
    except SystemExit as end:
        print(end.code)
"""


@pytest.mark.usefixtures("mounts")
def test_every_command_names_a_place_that_is_read_only(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(NOTEBOOKS, project / "notebooks", ignore=shutil.ignore_patterns("data", "mnist"))
    point = project / "runs" / "a_point"
    (point / "results").mkdir(parents=True)
    (point / "results" / "cycles.csv").write_text("dataset,cycle\ndigits,1\n")
    record = {"error": None, "key": "a_point", "code": "c", "parameters": {}}
    (point / "result.json").write_text(json.dumps(record))
    (project / "grid.yaml").write_text("notebook: notebooks/1_dtc_prune_train.ipynb")
    stored = ROOT / "notebooks" / "studies" / "data"
    for ending in ("csv", "json"):
        shutil.copy(stored / f"9_binning.{ending}", tmp_path / f"9_binning.{ending}")
    commands = {
        "--results-dir": ["reproduce", "--dataset", "digits", "--results-dir", f"{project}/results"],
        "--figures-dir": ["reproduce", "--results-dir", f"{tmp_path}/r", "--figures-dir", f"{project}/figures"],
        "--out": ["sweep", f"{project}/grid.yaml", "--out", f"{project}/runs"],
        "folder": ["collect", f"{project}/runs"],
        "folder, ": ["explorer", "--out", f"{project}/index.html"],
        "folder,": ["promote", "9_binning", "--results-dir", str(tmp_path)],
    }
    read_only = f"mount --bind {project} {project} && mount -o remount,ro,bind {project}"
    said = mounted(read_only, COMMANDS, project, json.dumps(list(commands.values())))
    assert len(said) == len(commands)
    for line, change in zip(said, commands, strict=True):
        assert line.startswith(f"nothing can be written into {project}")
        assert f"(Read-only file system): choose another {change.strip()}" in line
    assert not list(tmp_path.glob("r/*"))


FILLS = """
import torch
from dtc_helpers.any_network.checkpoints import Checkpoints
from dtc_helpers.images.datasets import Dataset
from dtc_helpers.readings import Plan
from dtc_helpers.runs import methods
from dtc_helpers.runs.results import read_results
import numpy as np
disk = Path(sys.argv[1])
data = Dataset.from_arrays(np.random.RandomState(0).rand(60, 9), np.arange(60) % 3)
plan = Plan(batches_per_cycle=1, stop_at=20)
arguments = {"methods": ["random", "magnitude"], "hidden_widths": [30], "plan": plan, "results_dir": disk / "results"}
methods.run_methods(data, **{**arguments, "seeds": [7]})
train, n_left = methods._run_method, [0]


def filling(data, reading, method, **setting):
    found = train(data, reading, method, **setting)
    if method == "magnitude":
        with (disk / "other").open("wb", buffering=0) as other:
            try:
                while other.write(bytes(512)):
                    pass
            except OSError:
                pass
    return found


methods._run_method = filling
try:
    methods.run_methods(data, **arguments)
except OSError as error:
    print(type(error).__name__, error)
print(read_results(disk / "results").run["parameters"]["seeds"])
try:
    methods.run_methods(data, **arguments)
except OSError as error:
    print(type(error).__name__, error)
(disk / "other").unlink()
methods._run_method = train
methods.run_methods(data, **arguments)
print(read_results(disk / "results").run["parameters"]["seeds"])
print(sorted(path.name for path in (disk / "results").iterdir()))
network = torch.nn.Linear(1000, 200)
try:
    Checkpoints(disk).write(1, network, torch.optim.Adam(network.parameters()), {})
except OSError as error:
    print(type(error).__name__, error)
print(sorted(path.name for path in disk.iterdir()))
"""


@pytest.mark.usefixtures("mounts")
def test_disk_that_fills_up_during_a_run_loses_neither_the_old_results_nor_what_was_finished(tmp_path):
    said = mounted(f"mount -t tmpfs -o size=600k none {tmp_path}", FILLS, tmp_path)
    lines = [line for line in said if "neurons" not in line]
    place = f"CannotWriteError nothing can be written into {tmp_path / 'results'}"
    assert lines[0].startswith(f"{place}/.unfinished (No space left on device): choose another folder, or make room")
    assert lines[1] == "[7]"
    assert lines[2].startswith(f"{place} (No space left on device): choose another results_dir, or make room")
    assert lines[3] == "published, random: taken over from the interrupted run"
    assert lines[4] == "[42424242]"
    assert lines[5] == str(["cycles.csv", "ledger.csv", "measurements.npz", "neuron_sums.npz", "run.json"])
    checkpoint = f"CannotWriteError nothing can be written into {tmp_path} (No space left on device)"
    assert lines[6].startswith(checkpoint)
    assert lines[7] == "['results']"
