"""Sweeps with real processes: papermill, kernels, workers and callers that are killed."""

import errno
import io
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from dask.system import CPU_COUNT
from sweep_notebooks import executed, write_grid

from dtc_helpers import __main__ as command_line
from dtc_helpers.images.idx_folders import DatasetNotFoundError
from dtc_helpers.runs.reproduce import NOTEBOOKS
from dtc_helpers.sweeps import folder as sweep_folder
from dtc_helpers.sweeps import point as sweep_point
from dtc_helpers.sweeps import sweep as sweep_module
from dtc_helpers.sweeps.cluster import Settings, connect
from dtc_helpers.sweeps.engine import LostSchedulerError, Point, PointOutcome, execute
from dtc_helpers.sweeps.folder import SweepFolder
from dtc_helpers.sweeps.grid import read_grid
from dtc_helpers.sweeps.sweep import dataset_fingerprint, seconds_left, sweep
from dtc_helpers.sweeps.table import collect

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


def run(folder, *, out=None, settings=None) -> dict[int, Any]:
    """Outcomes of the grid in a folder, by x."""
    outcomes = sweep(read_grid(folder / "grid.yaml"), out=out or folder / "runs", settings=settings)
    return {outcome.parameters["x"]: outcome for outcome in outcomes}


def statuses(outcomes):
    return {x: outcome.status for x, outcome in outcomes.items()}


def last_error(folder, key):
    record: Any = SweepFolder(folder / "runs").failure(key)
    return record["error"]


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s in vain for {what}"
        time.sleep(0.05)
    return found


def processes_of(folder):
    """Processes that work in a folder or below: papermill and kernels of points, when TMPDIR is there."""
    found = []
    for process in psutil.process_iter():
        try:
            found += [process] if Path(process.cwd()).is_relative_to(folder) else []
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue
    return found


def is_alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@contextmanager
def started(*command, folder, **environment):
    """Process of its own, killed at the end; its words go to a file in the folder."""
    folder.mkdir(exist_ok=True)
    with (folder / f"{len(list(folder.iterdir()))}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


# ------------------------------------------------------------------------------------------ on this machine


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Folder of a sweep of three points of which the last always fails, and its outcomes."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "temporary").mkdir()
    write_grid(folder, zip={"x": [1, 2, 3], "action": ["work", "work", "fail"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder / "temporary"))
        return folder, run(folder, settings=Settings(workers=2, threads=3))


def test_points_that_work_are_done_and_a_point_that_always_fails_is_named(finished):
    folder, outcomes = finished
    assert statuses(outcomes) == {1: "done", 2: "done", 3: "failed"}
    assert outcomes[3].error == "papermill exited with 1: RuntimeError: no result for 3"
    assert sorted(executed(folder)) == [1, 2, 3]


def test_folder_of_a_point_holds_notebook_results_log_and_record(finished):
    folder, outcomes = finished
    point = folder / "runs" / outcomes[1].key
    assert {path.name for path in point.iterdir()} == {"notebook.ipynb", "results", "figures", "log.txt", "result.json"}
    assert json.loads((point / "results" / "run.json").read_text()) == {"x": 1, "threads": "3", "socket_file": True}
    assert (point / "figures" / "figure.txt").read_text() == "drawn"
    record = json.loads((point / "result.json").read_text())
    assert (record["error"], record["exit_code"], record["threads"]) == (None, 0, 3)
    assert 0 < record["seconds"] < PATIENCE_SECONDS
    own = {"x": 1, "share": 0.5, "action": "work", "names": ["a"], "diary": str(folder / "diary.txt")}
    assert record["parameters"] == own  # the places belong to the sweep
    assert "dtc-point-" not in (point / "notebook.ipynb").read_text()


def test_what_failed_is_kept_apart_from_what_is_done(finished):
    folder, outcomes = finished
    key = outcomes[3].key
    assert not (folder / "runs" / key).exists()
    assert "no result for 3" in (folder / "runs" / "failed" / key / "log.txt").read_text()
    assert last_error(folder, key) == outcomes[3].error


def test_sweep_leaves_no_lock_no_staging_no_process_and_no_folder_behind_also_of_what_failed(finished):
    folder, _ = finished
    assert not list((folder / "runs").rglob(".incoming-*"))
    assert [path.name for path in (folder / "temporary").iterdir()] in ([], ["dask-scratch-space"])
    assert not processes_of(folder)
    assert_all_locks_are_free(folder)


def assert_all_locks_are_free(folder):
    names = [path.name for path in (folder / "runs").glob(".locks/*")]
    assert names
    for name in names:
        lock = SweepFolder(folder / "runs").try_lock(name)
        assert lock is not None
        lock.release()


def test_stopped_sweep_ends_its_kernels_and_lets_go_of_its_locks(tmp_path, monkeypatch):
    def stop(steps, **_):
        next(steps)
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep_module, "progress", stop)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    write_grid(tmp_path, zip={"x": [1, 2], "action": ["fail", "hang"]})
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, settings=Settings(workers=2))
    wait_until(lambda: not processes_of(tmp_path / "temporary"), "the end of papermill and its kernel")
    wait_until(lambda: not list((tmp_path / "temporary").glob("dtc-point-*")), "the end of the folder of point 2")
    assert_all_locks_are_free(tmp_path)


def test_second_sweep_runs_only_what_is_not_done(finished, tmp_path):
    folder, _ = finished
    shutil.copytree(folder / "runs", tmp_path / "runs")
    diary = str(folder / "diary.txt")
    write_grid(tmp_path, fixed={"diary": diary}, zip={"x": [3, 2, 1], "action": ["fail", "work", "work"]})
    again = run(tmp_path)
    assert statuses(again) == {1: "skipped", 2: "skipped", 3: "failed"}
    assert list(again) == [3, 2, 1]  # in the order of the grid, not of the work
    assert executed(folder).count(3) == 2  # the diary stands where the parameters say
    assert executed(folder).count(1) == 1


def command(monkeypatch, capsys, *arguments) -> tuple[Any, str]:
    """Exit status and output of the command line."""
    monkeypatch.setattr(sys, "argv", ["dtc_helpers", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    return stop.value.code, capsys.readouterr().out


def test_dry_run_prints_points_keys_last_errors_and_the_time_left(finished, monkeypatch, capsys):
    folder, outcomes = finished
    n_executed = len(executed(folder))
    status, out = command(
        monkeypatch, capsys, "sweep", folder / "grid.yaml", "--out", folder / "runs", "--dry-run", "--workers", 3
    )
    lines = out.splitlines()
    assert status == 0
    assert lines[1].split()[:4] == [outcomes[1].key, "work", "1", "done"]
    assert lines[3].split()[:5] == [outcomes[3].key, "fail", "3", "to", "do"]
    assert lines[3].endswith("RuntimeError: no result for 3")
    seconds = (outcomes[1].seconds + outcomes[2].seconds) / 2 / 3
    assert lines[4] == f"2 done, 1 to do, about {seconds:.0f} s left with 3 at once"
    assert len(executed(folder)) == n_executed


def test_dry_run_of_what_was_never_run_has_no_estimate_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    write_grid(tmp_path, cross={"x": [1, 2]})
    arguments = ("sweep", tmp_path / "grid.yaml", "--out", tmp_path / "runs", "--dry-run", "--workers", 2)
    status, out = command(monkeypatch, capsys, *arguments)
    assert status == 0
    assert out.splitlines()[-1] == "2 to do, no estimate before one is done with 2 at once"
    assert not (tmp_path / "runs").exists()


def test_time_left_is_the_mean_of_what_is_done_times_what_is_left_shared_by_the_kernels():
    done = [PointOutcome("a", {}, "done", 10.0), PointOutcome("b", {}, "done", 20.0)]
    left = [PointOutcome(key, {}, "to do", error="it failed once" if key == "c" else None) for key in "cde"]
    assert seconds_left([*done, *left], 2) == 15 * 3 / 2
    assert seconds_left([*left, *done], 1) == 15 * 3
    assert seconds_left(done, 4) == 0
    assert seconds_left(left, 2) is None


def test_time_left_of_a_running_sweep_goes_by_what_has_ended(monkeypatch):
    clock = iter([100.0, 104.0, 106.0, 112.0])  # the start, and the end of each of three points
    monkeypatch.setattr(sweep_module.time, "monotonic", lambda: next(clock))
    steps = sweep_module._with_seconds_left(iter([PointOutcome(key, {}, "done") for key in "abc"]), 3)
    assert [seconds for _, seconds in steps] == [4 * 2, 3 * 1, 0]


def test_options_of_the_command_line_are_the_settings_of_the_sweep(tmp_path, monkeypatch, capsys):
    write_grid(tmp_path, fixed={"x": 1})
    given = []
    monkeypatch.setattr(sweep_module, "sweep", lambda _, **options: given.append(options) or [])
    options = ("--workers", 2, "--threads", 3, "--scheduler", "tcp://host:1", "--time-out", 4.5)
    command(monkeypatch, capsys, "sweep", tmp_path / "grid.yaml", "--out", tmp_path, *options)
    assert given == [{"out": tmp_path, "settings": Settings(3, 2, "tcp://host:1", 4.5)}]


def test_reproduction_is_of_mnist_and_goes_where_the_command_line_says(tmp_path, monkeypatch, capsys):
    given, described = [], []
    monkeypatch.setattr("dtc_helpers.runs.reproduce.reproduce", lambda **options: given.append(options))
    monkeypatch.setattr("dtc_helpers.figures.descriptions.describe_file", described.append)
    places = {"results_dir": tmp_path / "r", "figures_dir": tmp_path / "f"}
    command(monkeypatch, capsys, "reproduce", "--results-dir", tmp_path / "r", "--figures-dir", tmp_path / "f")
    assert given == [{"dataset": "mnist", **places}]
    assert described == [tmp_path / "r" / name for name in NOTEBOOKS]


@pytest.mark.parametrize(
    ("given", "n_kernels"), [({"workers": 5}, 5), ({"threads": 10**6}, 1), ({"threads": 1}, CPU_COUNT)]
)
def test_as_many_kernels_run_at_once_as_the_cores_can_feed_unless_given(given, n_kernels):
    assert Settings(**given).n_kernels == n_kernels


@pytest.mark.parametrize("name", ["threads", "workers", "time_out"])
@pytest.mark.parametrize("value", [0, -1])
def test_setting_of_nothing_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} = {value} is outside "):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("time_out", float("nan"), "is outside 0.001 "),
        ("threads", 1.5, "expected int, got float"),
        ("threads", None, "expected int, got NoneType"),
        ("workers", True, r"expected int \| None, got bool"),
        ("workers", "2", r"expected int \| None, got str"),
    ],
)
def test_setting_that_is_no_number_is_refused(name, value, expected):
    with pytest.raises((TypeError, ValueError), match=f"{name} = {value!r}:? {expected}"):
        Settings(**{name: value})


def test_images_that_the_code_does_not_vouch_for_are_known_by_their_files(tmp_path, monkeypatch):
    monkeypatch.setenv("DTC_DATA_DIR", str(tmp_path))
    assert [dataset_fingerprint(name) for name in ("digits", "mnist", None)] == ["digits", "mnist", "None"]
    assert dataset_fingerprint("kmnist") == "kmnist not here"
    file = tmp_path / "KMNIST" / "raw" / "train-labels-idx1-ubyte"
    file.parent.mkdir(parents=True)
    found = []
    for content in (b"one", b"other", b"one"):
        file.write_bytes(content)
        found.append(dataset_fingerprint("kmnist"))
    assert found[0] == found[2] != found[1]


def test_images_that_are_nowhere_end_a_sweep_before_it_begins(tmp_path, monkeypatch):
    def missing(torchvision_class):
        raise DatasetNotFoundError(f"{torchvision_class} is nowhere")

    monkeypatch.setattr(sweep_module, "find_or_download", missing)
    grid = tmp_path / "grid.yaml"
    grid.write_text("notebook: notebooks/1_dtc_prune_train.ipynb\nfixed: {dataset: kmnist}")
    with pytest.raises(DatasetNotFoundError, match="KMNIST is nowhere"):
        sweep(read_grid(grid), out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_command_line_says_by_its_exit_status_whether_all_is_done(finished, tmp_path, monkeypatch, capsys):
    folder, outcomes = finished
    for x, expected in ((1, 0), (3, 1)):
        action = outcomes[x].parameters["action"]
        write_grid(tmp_path, fixed={"x": x, "action": action, "diary": str(folder / "diary.txt")})
        status, out = command(monkeypatch, capsys, "sweep", tmp_path / "grid.yaml", "--out", folder / "runs")
        assert status == expected
        assert out.splitlines()[-1] == ("1 skipped" if x == 1 else "1 failed")


def test_command_line_refuses_a_grid_at_fault_and_starts_nothing(tmp_path, monkeypatch, capsys):
    write_grid(tmp_path, fixed={"y": 1})
    status, _ = command(monkeypatch, capsys, "sweep", tmp_path / "grid.yaml", "--out", tmp_path / "runs")
    assert "grid.yaml, line 3: unknown parameter y" in status
    assert not (tmp_path / "runs").exists()


def test_collect_joins_the_cycles_with_the_parameters_as_columns(finished, monkeypatch, capsys):
    folder, _ = finished
    assert command(monkeypatch, capsys, "collect", folder / "runs")[0] == 0
    lines = (folder / "runs" / "cycles.csv").read_text().splitlines()
    assert lines[0] == "key,code,dataset,cycle,neurons,x,share,action,diary,names"
    assert [line.split(",")[2:7] for line in sorted(lines[1:], key=lambda line: line.split(",")[4])] == [
        ["digits", cycle, x, x, "0.5"] for x in "12" for cycle in "12"
    ]


def test_collect_of_a_folder_without_points_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="run the sweep first"):
        collect(tmp_path)


def test_kernel_finds_its_threads_package_temporary_folder_and_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DTC_DATA_DIR", raising=False)
    here, gone, job = str(tmp_path / "here"), str(tmp_path / "gone"), {"threads": 2}
    (tmp_path / "here").mkdir()
    found = sweep_point._environment(tmp_path, {**job, "data_dir": None})
    assert (found["PYTHONPATH"], found["TMPDIR"]) == (str(tmp_path), str(tmp_path))
    assert {found[name] for name in sweep_point.THREAD_VARIABLES} == {"2"}
    assert "DTC_DATA_DIR" not in found
    assert sweep_point._environment(tmp_path, {**job, "data_dir": here})["DTC_DATA_DIR"] == here
    monkeypatch.setenv("DTC_DATA_DIR", "own")
    expected = {here: here, gone: str(tmp_path / "own"), None: str(tmp_path / "own")}
    for given, images in expected.items():
        assert sweep_point._environment(tmp_path, {**job, "data_dir": given})["DTC_DATA_DIR"] == images


@pytest.mark.parametrize(
    ("message", "is_shown"),
    [("random: 9/34", True), ("Executing Cell 3---", False), ("<Figure size 9x4>", False), ("  \n", False)],
)
def test_log_of_a_reproduction_shows_what_cells_print(message, is_shown):
    record = logging.LogRecord("papermill", logging.INFO, "file", 1, message, None, None)
    assert command_line._is_worth_showing(record) == is_shown


def test_killed_kernel_and_missing_result_are_failures_with_a_name(tmp_path):
    write_grid(tmp_path, zip={"x": [1, 2, 3], "action": ["die", "forget", "write half"]})
    outcomes = run(tmp_path, settings=Settings(workers=2))
    assert statuses(outcomes) == {1: "failed", 2: "failed", 3: "failed"}
    assert outcomes[3].error.startswith("results/run.json is not JSON: ")
    assert "DeadKernelError: Kernel died" in outcomes[1].error
    assert outcomes[2].error == "papermill exited with 0, but the notebook left no results/run.json"
    assert not list((tmp_path / "runs").glob("*/result.json"))


def timeless(text):
    """Content of a notebook file without its times and the random names of its cells."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "now", text)
    return re.sub(r'"(duration|id)": ("[0-9a-f-]+"|[0-9.e-]+)', r'"\1": null', text)


def executed_by(module, folder, action):
    """Exit code, notebook and words in the log of the toy notebook above a folder, when a module executes it there."""
    folder.mkdir()
    arguments = ("../toy.ipynb", "out.ipynb", "-p", "action", action, "-p", "diary", str(folder / "diary.txt"))
    command = [sys.executable, "-m", module, *arguments, "--no-progress-bar", "--log-output"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
        ) as process,
    ):
        exit_code = process.wait(PATIENCE_SECONDS)
    notebook = (folder / "out.ipynb").read_text().replace(str(folder), "")
    log = (folder / "log").read_text().splitlines()
    said = ("Notebook: ", " Cell ", "RuntimeError: ")  # but not where in papermill, nor how the kernel was interrupted
    return exit_code, timeless(notebook), [line for line in log if any(words in line for words in said)]


@pytest.mark.parametrize("action", ["work", "fail"])
def test_guarded_papermill_does_what_papermill_does(tmp_path, action):
    write_grid(tmp_path)
    expected = executed_by("papermill", tmp_path / "plain", action)
    assert executed_by("dtc_helpers.sweeps.guarded_papermill", tmp_path / "guarded", action) == expected
    assert expected[0] == (action == "fail")


@pytest.fixture
def kernel_of(tmp_path, monkeypatch):
    """Makes the toy notebook's kernel one that a shell command starts."""

    def install(command):
        folder = tmp_path / "jupyter" / "kernels" / "python3"
        folder.mkdir(parents=True)
        spec = {"argv": ["sh", "-c", command], "display_name": "own", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    return install


def test_kernel_that_does_not_start_is_named(tmp_path, kernel_of):
    kernel_of("exit 3")
    write_grid(tmp_path, fixed={"x": 1})
    outcomes = run(tmp_path, settings=Settings(time_out=PATIENCE_SECONDS))
    assert outcomes[1].error == "papermill exited with 1: RuntimeError: Kernel died before replying to kernel_info"


def test_kernel_that_is_slow_to_start_is_waited_for(tmp_path, kernel_of):
    kernel_of(f"sleep 1.2; exec {sys.executable} -m ipykernel_launcher -f {{connection_file}}")
    write_grid(tmp_path, fixed={"x": 1})
    outcomes = run(tmp_path, settings=Settings(time_out=PATIENCE_SECONDS))
    assert statuses(outcomes) == {1: "done"}
    assert outcomes[1].seconds > 1.2


def listening(process):
    """Addresses at which a process and all below it can be called from a network."""
    found = [process, *process.children(recursive=True)]
    sockets = [socket for one in found for socket in one.net_connections("inet")]
    return {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN or not socket.raddr}


@pytest.fixture(scope="module")
def killed_caller(tmp_path_factory):
    """Folder of a sweep whose caller was killed while point 2 of 3 hung, and where it and its children listened."""
    folder = tmp_path_factory.mktemp("killed")
    grid = write_grid(folder, zip={"x": [1, 2, 3], "action": ["work", "hang once", "work"]})
    temporary = folder / "temporary"
    temporary.mkdir()
    arguments = ("-m", "dtc_helpers", "sweep", str(grid), "--out", str(folder / "runs"), "--workers", "1")
    with started(*arguments, folder=folder / "caller", PYTHONPATH=str(ROOT), TMPDIR=str(temporary)) as caller:
        wait_until(lambda: executed(folder) == [1, 2] and list((folder / "runs").glob("*/result.json")), "point 1")
        assert len(processes_of(temporary)) >= 2
        return folder, listening(psutil.Process(caller.pid))


def test_nothing_of_a_sweep_listens_beyond_this_machine(killed_caller):
    _, addresses = killed_caller
    assert addresses
    assert addresses <= {"127.0.0.1", "::1"}


def test_papermill_does_not_listen_beyond_this_machine(tmp_path):
    write_grid(tmp_path)
    parameters = ("-p", "action", "hang", "-p", "diary", str(tmp_path / "diary.txt"))
    with started("-m", "papermill", "toy.ipynb", "out.ipynb", *parameters, folder=tmp_path) as process:
        wait_until(lambda: executed(tmp_path), "a kernel at work")
        tree = psutil.Process(process.pid)
        children = tree.children(recursive=True)
        addresses = listening(tree)
        process.kill()  # not SIGINT, which a process started in the background of a shell does not hear
        process.wait(PATIENCE_SECONDS)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
    assert len(children) >= 1
    assert addresses
    assert addresses <= {"127.0.0.1", "::1"}


def test_time_out_kills_the_kernel_and_is_named(tmp_path, monkeypatch):
    write_grid(tmp_path, fixed={"action": "hang", "x": 1})
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + (3600 if executed(tmp_path) else 0))
    monkeypatch.setattr(sweep_point, "time", clock)  # an hour passes as soon as the kernel is at work
    outcomes = run(tmp_path, settings=Settings(time_out=PATIENCE_SECONDS))
    assert outcomes[1].error == f"time-out: not done after {PATIENCE_SECONDS} s"
    kernels = [int(line.split()[1]) for line in (tmp_path / "diary.txt").read_text().splitlines()]
    assert not any(is_alive(pid) for pid in kernels)


def test_caller_killed_and_started_again_loses_nothing_and_does_nothing_twice(killed_caller):
    folder, _ = killed_caller
    temporary = folder / "temporary"
    wait_until(lambda: not processes_of(temporary), "the end of papermill and its kernel")
    wait_until(
        lambda: not [path for path in temporary.iterdir() if path.name != "dask-scratch-space"],
        "the end of the folder of point 2",
    )
    for key in (path.name for path in (folder / "runs" / ".locks").iterdir()):
        half = folder / "runs" / f".incoming-{key}" / key / "results"  # as a caller leaves it that is killed
        half.mkdir(parents=True)  # while it writes
        (half / "half.csv").write_text("1,2,")
        (folder / "runs" / f".incoming-{key}.lock").touch()
    assert statuses(run(folder)) == {1: "skipped", 2: "done", 3: "done"}
    assert sorted(executed(folder)) == [1, 2, 2, 3]
    assert not list((folder / "runs").rglob("half.csv"))
    assert not list((folder / "runs").glob(".incoming-*"))


def test_two_sweeps_on_one_folder_share_the_points(tmp_path):
    grid = write_grid(tmp_path, cross={"x": [1, 2, 3]})
    arguments = ("-m", "dtc_helpers", "sweep", str(grid), "--out", str(tmp_path / "runs"), "--workers", "1")
    with started(*arguments, folder=tmp_path / "other", PYTHONPATH=str(ROOT)) as other:
        wait_until(lambda: executed(tmp_path), "the first point of the other sweep")
        outcomes = run(tmp_path, settings=Settings(workers=1))
        assert other.wait(PATIENCE_SECONDS) == 0
    assert sorted(executed(tmp_path)) == [1, 2, 3]
    assert set(statuses(outcomes).values()) == {"done", "skipped"}
    assert len(list((tmp_path / "runs").glob("*/result.json"))) == 3


@pytest.fixture
def small_disk(tmp_path):
    """Folder on a disk of 300 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small tmpfs cannot be mounted here: root is needed")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk_keeps_what_is_done_names_the_rest_and_stops(tmp_path, small_disk):
    write_grid(tmp_path, cross={"x": [1, 2, 3, 4]})
    outcomes = run(tmp_path, out=small_disk, settings=Settings(workers=1))
    assert statuses(outcomes) == {1: "done", 2: "failed", 3: "failed", 4: "failed"}
    assert "No space left on device" in outcomes[2].error
    assert outcomes[4].error == "not started: the disk is full"
    assert [path.parent.name for path in small_disk.glob("**/result.json")] == [outcomes[1].key]
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    write_grid(tmp_path, cross={"x": [1, 2]})
    assert statuses(run(tmp_path, out=small_disk)) == {1: "skipped", 2: "done"}
    assert executed(tmp_path).count(1) == 1


def packed(**files):
    """Archive of a point as a worker sends it."""
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return buffer.getvalue()


def test_point_that_failed_and_is_done_later_is_done_and_nothing_else(tmp_path):
    folder = SweepFolder(tmp_path)
    folder.write("key", {"error": "it broke"}, packed(log="1"))
    assert (folder.record("key"), folder.failure("key")) == (None, {"error": "it broke"})
    assert not list(folder.done())
    folder.write("key", {"error": "again"}, packed(other="2"))
    assert folder.failure("key") == {"error": "again"}
    assert {path.name for path in (tmp_path / "failed" / "key").iterdir()} == {"other", "result.json"}
    folder.write("key", {"error": None}, packed(log="3"))
    assert (folder.record("key"), folder.failure("key")) == ({"error": None}, None)
    assert list(folder.done()) == [(tmp_path / "key", {"error": None})]
    assert not list(tmp_path.rglob(".incoming-*"))


def test_archive_that_cannot_be_unpacked_leaves_nothing(tmp_path):
    folder = SweepFolder(tmp_path)
    for archive in (b"no zip", packed(log="1")[:-30]):
        with pytest.raises(zipfile.BadZipFile):
            folder.write("key", {"error": None}, archive)
        assert (folder.record("key"), folder.failure("key")) == (None, None)
        assert not list(tmp_path.rglob(".incoming-*"))


def test_point_that_another_sweep_has_done_meanwhile_is_skipped_and_its_lock_let_go(tmp_path):
    folder, point = SweepFolder(tmp_path), Point("key", {"x": 1}, {}, {})
    folder.write("key", {"error": None, "seconds": 1.0}, None)
    settings = Settings(workers=1)
    with connect(settings) as client:
        outcomes = list(execute([point], folder=folder, settings=settings, client=client))
    assert outcomes == [PointOutcome("key", {"x": 1}, "skipped")]
    lock = folder.try_lock("key")
    assert lock is not None
    lock.release()


class FullFolder(SweepFolder):
    """Folder on a disk without room."""

    def write(self, *_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk_is_named_and_nothing_more_is_started(tmp_path):
    points, settings = [Point(key, {}, {}, {}) for key in "abcdef"], Settings(workers=1)
    with connect(settings) as client:
        outcomes = list(execute(points, folder=FullFolder(tmp_path), settings=settings, client=client))
    errors = {outcome.key: outcome.error or "" for outcome in outcomes}
    assert sorted(errors) == list("abcdef")
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert errors["a"].startswith("results could not be written: OSError")
    assert errors["f"] == "not started: the disk is full"


def test_this_machine_runs_as_many_points_at_once_as_the_settings_say():
    with connect(Settings(workers=3)) as client:
        threads: Any = client.nthreads()  # typed as if it were awaited
        assert sum(threads.values()) == 3


def test_lock_that_another_holds_costs_no_file_descriptor(tmp_path):
    folder = SweepFolder(tmp_path)
    lock = folder.try_lock("key")
    assert lock is not None
    n_open = psutil.Process().num_fds()
    assert [folder.try_lock("key") for _ in range(5)] == [None] * 5
    assert psutil.Process().num_fds() == n_open
    lock.release()


def point_of(folder, key="a", **record):
    known = {"key": key, "error": None, "seconds": 1.0, "parameters": {}, "code": "c"}
    folder.write(key, {**known, **record}, packed(**{"results/run.json": "{}"}))


def test_point_whose_record_was_deleted_is_to_do_and_its_new_result_is_kept(tmp_path):
    folder = SweepFolder(tmp_path)
    point_of(folder)
    (tmp_path / "a" / "result.json").unlink()
    assert folder.record("a") is None
    point_of(folder, seconds=2.0)
    assert folder.record("a") == {"key": "a", "error": None, "seconds": 2.0, "parameters": {}, "code": "c"}
    assert (tmp_path / "a" / "results" / "run.json").read_text() == "{}"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"other": 1}', "[" * 100_000, "\0"])
def test_damaged_record_is_named_with_what_to_do(tmp_path, content):
    folder = SweepFolder(tmp_path)
    point_of(folder)
    point_of(folder, "b", error="no luck")
    for path in (tmp_path / "a" / "result.json", tmp_path / "failed" / "b" / "result.json"):
        path.write_text(content)
        message = f"{re.escape(str(path))} is damaged or no record of a point: delete it to have the point run anew"
        with pytest.raises(ValueError, match=message):
            (folder.failure if "failed" in path.parts else folder.record)(path.parent.name)
    with pytest.raises(ValueError, match=r"a/result.json is damaged"):
        collect(tmp_path)


def test_damaged_cycles_of_a_point_are_named(tmp_path):
    point_of(SweepFolder(tmp_path))
    (tmp_path / "a" / "results" / "cycles.csv").write_text("")
    with pytest.raises(ValueError, match=r"a/results/cycles.csv is damaged .*: delete its folder, and start the sweep"):
        collect(tmp_path)


def test_what_a_worker_sends_back_is_limited_where_it_is_made_and_where_it_arrives(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "large").write_bytes(bytes(1000))
    os.mkfifo(tmp_path / "results" / "pipe")
    archive = sweep_point._packed(tmp_path)
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["results/", "results/large"]
    monkeypatch.setattr(sweep_point, "MOST_BYTES", 999)
    assert zipfile.ZipFile(io.BytesIO(sweep_point._packed(tmp_path))).namelist() == []
    assert str(sweep_point._too_large(tmp_path)).endswith("bytes, more than the 999 sent back")
    monkeypatch.setattr(sweep_folder, "MOST_BYTES", 999)
    with pytest.raises(OSError, match="what came back has 1,000 bytes, more than 999"):
        SweepFolder(tmp_path / "runs").write("a", {"error": None}, archive)
    assert not [path for path in (tmp_path / "runs").rglob("*") if path.name == "large"]


def test_hidden_folders_are_not_taken_for_points(tmp_path):
    record: dict[str, Any] = {"error": None}
    SweepFolder(tmp_path).write("key", record, None)
    shutil.copytree(tmp_path / "key", tmp_path / ".hidden")
    assert list(SweepFolder(tmp_path).done()) == [(tmp_path / "key", record)]


def test_lock_is_held_by_one_and_never_stale(tmp_path):
    folder = SweepFolder(tmp_path)
    lock = folder.try_lock("key")
    assert lock is not None
    assert folder.try_lock("key") is None
    lock.release()
    code = "import sys, time\nfrom pathlib import Path\nfrom dtc_helpers.sweeps.folder import SweepFolder"
    code += "\nlock = SweepFolder(Path(sys.argv[1])).try_lock('key')\nprint('locked', flush=True)\ntime.sleep(600)"
    log = tmp_path / "holder"
    with started("-c", code, str(tmp_path), folder=log, PYTHONPATH=str(ROOT)) as holder:
        wait_until(lambda: "locked" in (log / "0.log").read_text(), "the lock")
        assert folder.try_lock("key") is None
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        lock = folder.try_lock("key")
        assert lock is not None
        lock.release()


# ------------------------------------------------------------------------------------------- on a cluster


@contextmanager
def scheduler(folder, **environment):
    """Dask scheduler as a process of its own, on loopback, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ("-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    with started(*arguments, folder=folder / "scheduler", PYTHONPATH="", **environment) as process:
        yield process, f"tcp://127.0.0.1:{port}"


@contextmanager
def workers(folder, address, n_workers):
    """Dask workers as processes of their own, in a folder of their own, without this project on their path."""
    arguments = ("-m", "dask", "worker", address, "--nthreads", "1", "--nworkers", str(n_workers), "--no-dashboard")
    with started(*arguments, folder=folder / "workers", PYTHONPATH="") as process:
        nannies = psutil.Process(process.pid)
        yield
        for child in nannies.children(recursive=True):
            child.kill()


def kill_worker_of(folder, x):
    """Kill the worker whose papermill runs the kernel of a point, once that has begun."""
    wait_until(lambda: x in executed(folder), f"point {x}")
    lines = [line.split() for line in (folder / "diary.txt").read_text().splitlines()]
    kernel = psutil.Process(next(int(pid) for found, pid in lines if int(found) == x))
    kernel.parents()[1].kill()
    wait_until(lambda: not is_alive(kernel.pid), "the end of the kernel of the killed worker")


def test_point_of_a_killed_worker_is_done_by_another_that_shares_no_folder(tmp_path):
    write_grid(tmp_path, zip={"x": [1, 2], "action": ["hang once", "work"]})
    with scheduler(tmp_path) as (_, address), workers(tmp_path, address, 2), ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_worker_of, tmp_path, 1)
        outcomes = run(tmp_path, settings=Settings(scheduler=address))
        killing.result()
    assert statuses(outcomes) == {1: "done", 2: "done"}
    assert sorted(executed(tmp_path)) == [1, 1, 2]
    assert (tmp_path / "runs" / outcomes[1].key / "results" / "run.json").is_file()


def test_point_that_kills_every_worker_fails_and_says_so(tmp_path):
    write_grid(tmp_path, fixed={"x": 1, "action": "kill worker"})
    first_death_counts = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with scheduler(tmp_path, **first_death_counts) as (_, address), workers(tmp_path, address, 1):
        outcomes = run(tmp_path, settings=Settings(scheduler=address))
    assert outcomes[1].error.startswith("KilledWorker: ")
    assert last_error(tmp_path, outcomes[1].key) == outcomes[1].error


def test_lost_scheduler_ends_the_sweep_with_a_reason(tmp_path):
    write_grid(tmp_path, cross={"x": [1, 2]})
    with scheduler(tmp_path) as (process, address), ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, tmp_path, settings=Settings(scheduler=address))
        wait_until(lambda: list((tmp_path / "runs").glob(".locks/*")), "points in flight")
        process.kill()
        with pytest.raises(LostSchedulerError, match=f"{address} was lost.*start the sweep again to go on"):
            running.result(PATIENCE_SECONDS)
    assert_all_locks_are_free(tmp_path)
