import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch
from notebook_cells import run_cells

from dtc_helpers.readings import Plan
from dtc_helpers.runs import memory
from dtc_helpers.runs.memory import available_bytes, check_memory, needed_bytes
from dtc_helpers.runs.methods import run_methods
from dtc_helpers.scoring import dtc_scores
from dtc_helpers.studies.numbering import numbered_scores

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
MEASURE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import torch
from dtc_helpers.images.datasets import Dataset, Split
from dtc_helpers.readings import Plan
from dtc_helpers.runs.memory import needed_bytes
from dtc_helpers.runs.methods import run_methods
from dtc_helpers.scoring import dtc_scores
from dtc_helpers.studies.numbering import numbered_scores

def kilobytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

def measure(method, n_replicates, fraction, n_inputs, widths):
    images = torch.randn(600, n_inputs, generator=torch.Generator().manual_seed(0))
    split = Split(images, torch.arange(600) % 10)
    data = Dataset("made", "made", split, split[:100], 0, (n_inputs,))
    plan = Plan(batches_per_cycle=1, stop_at=int(0.9 * min(widths)), measurement_fraction=fraction)
    before = kilobytes("VmRSS")
    shape = {"hidden_widths": widths, "seeds": range(n_replicates), "plan": plan}
    run_methods(data, methods=[method], readings=["described"], **shape)
    needed = needed_bytes([n_inputs, *widths, 10], n_replicates=n_replicates, plan=plan, solves=method == "dtc")
    print("measured", needed, 1024 * (kilobytes("VmHWM") - before), flush=True)

torch.set_num_threads(1)
measure("dtc", 1, 0.1, 8, [20])  # what is imported late
for case in (
    ("random", 4, 0.01, 784, [3000]),  # weights
    ("random", 4, 0.5, 64, [2000]),  # the measurement matrix
    ("random", 60, 0.1, 8, [300, 300]),  # activities
    ("dtc", 8, 0.1, 64, [1800]),  # solves
):
    if child := os.fork():  # a process that has used no memory for another case
        os.waitpid(child, 0)
        continue
    measure(*case)
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process its peak")
def test_estimate_is_never_above_the_measured_peak_and_not_far_below():
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(ROOT)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = [tuple(map(int, line.split()[1:])) for line in ran.stdout.splitlines() if line.startswith("measured")]
    assert len(found) == 5
    for needed, peak in found[1:]:  # the first is for what is imported late
        assert needed > 1e8
        assert needed <= peak <= 3 * needed, found


@pytest.fixture
def untrained(monkeypatch):
    """Whatever would be trained or allocated fails the test."""
    for place in ("dtc_helpers.runs.methods.start_networks", "dtc_helpers.runs.first_cycle.start_networks"):
        monkeypatch.setattr(place, lambda *_, **__: pytest.fail("it allocates"))


@pytest.mark.parametrize(
    "change",
    [{"hidden_widths": [10**7]}, {"seeds": range(10**6), "hidden_widths": [512]}, {"hidden_widths": [2, 10**6, 10**6]}],
)
def test_run_that_cannot_fit_is_refused_before_it_trains_with_both_numbers(tiny_dataset, untrained, tmp_path, change):
    said = r"networks of 6 → .* → 3 neurons need at least [\d,]+\.\d GB, and [\d,]+\.\d GB are there: take fewer"
    with pytest.raises(MemoryError, match=said):
        run_methods(tiny_dataset, **change, results_dir=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_notebook_refuses_all_replicates_before_it_trains_one(untrained, tmp_path):
    with pytest.raises(MemoryError, match=r"^10000 networks of 64 → 100000 → 10 neurons need at least"):
        run_cells(
            ROOT / "notebooks" / "1_dtc_prune_train.ipynb",
            hidden_neurons=100_000, replicates=10_000, results_dir=str(tmp_path),
        )  # fmt: skip


def test_arm_of_a_study_is_refused_alike(setting, monkeypatch):
    monkeypatch.setattr("dtc_helpers.studies.setting.start_networks", lambda *_, **__: pytest.fail("it allocates"))
    monkeypatch.setattr(memory, "available_bytes", lambda _: 1000)
    with pytest.raises(MemoryError, match=r"^2 networks of 6 → 16 → 3 neurons need at least 0.0 GB, and 0.0 GB"):
        setting.cut("random")


def test_what_just_fits_is_not_refused(tiny_dataset, monkeypatch):
    plan = Plan()
    needed = needed_bytes([6, 50, 3], n_replicates=2, plan=plan, solves=True)
    shape = {"methods": ["dtc"], "n_replicates": 2, "plan": plan}
    monkeypatch.setattr(memory, "available_bytes", lambda _: needed)
    check_memory(tiny_dataset, [50], **shape)
    monkeypatch.setattr(memory, "available_bytes", lambda _: needed - 1)
    with pytest.raises(MemoryError):
        check_memory(tiny_dataset, [50], **shape)


def test_score_of_ones_own_is_taken_for_one_that_solves(tiny_dataset, monkeypatch):
    plan = Plan(measurement_fraction=1)  # the matrices need more than the training
    needed = needed_bytes([6, 500, 3], n_replicates=1, plan=plan, solves=True)
    monkeypatch.setattr(memory, "available_bytes", lambda _: needed - 1)
    check_memory(tiny_dataset, [500], methods=["magnitude", "norms", "random"], n_replicates=1, plan=plan)
    for method in ("dtc", partial(numbered_scores, name="dtc sorted"), lambda layer: dtc_scores(layer)):
        with pytest.raises(MemoryError):
            check_memory(tiny_dataset, [500], methods=["random", method], n_replicates=1, plan=plan)


def test_more_of_anything_needs_more():
    plan, more = Plan(), Plan(measurement_fraction=0.5)
    least = needed_bytes([784, 512, 10], n_replicates=1, plan=plan, solves=False)
    assert 5e6 < least < 2e7  # one network of the paper
    for widths, n_replicates, its, solves in (
        ([1000, 512, 10], 1, plan, False), ([784, 600, 10], 1, plan, False), ([784, 512, 512, 10], 1, plan, False),
        ([784, 512, 10], 2, plan, False), ([784, 512, 10], 1, more, False), ([784, 512, 10], 1, plan, True),
    ):  # fmt: skip
        assert needed_bytes(widths, n_replicates=n_replicates, plan=its, solves=solves) > least


# ------------------------------------------------------------------------------------- control groups


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Folder of control groups, and the file that says which are ours."""
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(psutil, "swap_memory", lambda: type("Swap", (), {"free": 5}))
    return tmp_path / "cgroup"


def test_limit_of_any_group_above_us_counts_and_kept_files_do_not(groups, tmp_path):
    (tmp_path / "own").write_text("0::/user/run\n")
    write(groups / "user" / "run", memory__max="max", memory__current=10, memory__stat="inactive_file 0")
    assert available_bytes(CPU) > 10**7
    write(groups / "user", memory__max=5000, memory__current=4000, memory__stat="anon 7\ninactive_file 300")
    assert available_bytes(CPU) == 1300 + 5
    write(groups, memory__max=900, memory__current=100, memory__stat="inactive_file 0")
    assert available_bytes(CPU) == 800 + 5


def test_limit_of_the_first_version_counts(groups, tmp_path):
    (tmp_path / "own").write_text("5:cpu:/x\n4:memory:/run\n0::/\n")
    files = {"memory__limit_in_bytes": 7000, "memory__usage_in_bytes": 6000}
    write(groups / "memory" / "run", **files, memory__stat="inactive_file 1\ntotal_inactive_file 20")
    assert available_bytes(CPU) == 1020 + 5


def test_without_a_limit_it_is_what_the_machine_has(groups, tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 70}))
    assert available_bytes(CPU) == 75
    (tmp_path / "own").write_text("0::/\n")
    write(groups, memory__max="damaged", memory__current="", memory__stat="")
    assert available_bytes(CPU) == 75
