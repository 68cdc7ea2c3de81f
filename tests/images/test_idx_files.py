import hashlib
import os
import sys
import time

import pytest

from dtc_helpers.images import idx_files
from dtc_helpers.images.idx_files import DatasetNotFoundError, check_idx_files, find_or_download

CONTENT = {name: bytes([i]) * (10 + i) for i, name in enumerate(idx_files.IDX_BYTES)}
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
every_file = pytest.mark.parametrize("name", CONTENT)


def write_set(root, *names):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in names or CONTENT:
        (raw / name).write_bytes(CONTENT[name])
    return raw


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(idx_files, "IDX_BYTES", {name: len(content) for name, content in CONTENT.items()})


@pytest.fixture
def project(monkeypatch, tmp_path):
    """Empty project folder, and DTC_DATA_DIR on an empty folder beside it."""
    project, given = tmp_path / "project", tmp_path / "given"
    (project / "data").mkdir(parents=True)
    given.mkdir()
    monkeypatch.setattr(idx_files, "project_root", lambda: project)
    monkeypatch.setenv("DTC_DATA_DIR", str(given))
    return project


# --------------------------------------------------------------------------------------------- files


def test_whole_set_passes(tmp_path):
    raw = write_set(tmp_path)
    assert check_idx_files(raw, SHA256) is None
    assert sorted(path.name for path in raw.iterdir()) == sorted(CONTENT)


@every_file
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "is missing, though other files of the set are there"),
        (lambda path: path.write_bytes(path.read_bytes()[:-3]), r"has 1?\d bytes, expected 1\d"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), r"has 1\d bytes, expected 1\d"),
        (lambda path: path.write_bytes(b"?" + path.read_bytes()[1:]), "is damaged"),
    ],
    ids=["missing", "truncated", "too long", "damaged"],
)
def test_file_that_is_not_whole_is_named_with_the_remedy(tmp_path, name, damage, message):
    raw = write_set(tmp_path)
    damage(raw / name)
    with pytest.raises(ValueError, match=f"{name} {message}.*: delete .*raw to have it downloaded anew, or copy"):
        check_idx_files(raw, SHA256)


@every_file
def test_without_a_checksum_only_the_size_counts(tmp_path, name):
    raw = write_set(tmp_path)
    (raw / name).write_bytes(b"?" * len(CONTENT[name]))
    check_idx_files(raw, {})
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        check_idx_files(raw, SHA256)


# ------------------------------------------------------------------------------------------- folders


def test_folder_of_the_environment_comes_first(project, tmp_path):
    write_set(project / "data")
    write_set(tmp_path / "given")
    assert find_or_download("MNIST") == tmp_path / "given"


def test_project_folder_is_used_when_that_of_the_environment_lacks_the_set(project):
    write_set(project / "data")
    assert find_or_download("MNIST") == project / "data"


@pytest.mark.parametrize("value", [None, ""])
def test_project_folder_is_used_without_the_environment_variable(project, monkeypatch, value):
    monkeypatch.delenv("DTC_DATA_DIR") if value is None else monkeypatch.setenv("DTC_DATA_DIR", value)
    write_set(project / "data")
    assert find_or_download("MNIST") == project / "data"


@every_file
def test_any_file_makes_a_set_so_that_a_partial_one_is_reported_and_not_passed_over(project, tmp_path, name):
    write_set(tmp_path / "given", name)
    write_set(project / "data")
    assert find_or_download("MNIST") == tmp_path / "given"
    with pytest.raises(ValueError, match="is missing, though other files"):
        check_idx_files(tmp_path / "given" / "MNIST" / "raw", SHA256)


# ------------------------------------------------------------------------------------------ download


CHILD = """#!{executable}
import pathlib, re, sys, time
[(family, root)] = re.findall(r"datasets[.](\\w+)[(]'(.*)', download=True", sys.argv[2])
raw = pathlib.Path(root) / family / "raw"
raw.mkdir(parents=True, exist_ok=True)
{lines}
"""


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Download process that runs the given lines of Python where torchvision would put its files (`raw`)."""

    def replace(lines):
        script = tmp_path / "python"
        script.write_text(CHILD.format(executable=sys.executable, lines=lines))
        script.chmod(0o755)
        monkeypatch.setattr(idx_files.sys, "executable", str(script))

    return replace


def test_download_that_stalls_is_given_up_and_its_process_ended(project, child, monkeypatch, tmp_path):
    monkeypatch.setattr(idx_files, "DOWNLOAD_PATIENCE_SECONDS", 0.5)
    child(f"import os\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\ntime.sleep(60)")
    started = time.monotonic()
    with pytest.raises(DatasetNotFoundError):
        find_or_download("MNIST")
    assert time.monotonic() - started < 10
    if (tmp_path / "pid").exists():  # else it was ended before its first line
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


def test_slow_download_that_grows_is_waited_for(project, child, monkeypatch):
    monkeypatch.setattr(idx_files, "DOWNLOAD_PATIENCE_SECONDS", 1.0)
    child(f"for name, content in {CONTENT!r}.items():\n    time.sleep(0.5)\n    (raw / name).write_bytes(content)")
    assert find_or_download("MNIST") == project / "data"
    check_idx_files(project / "data" / "MNIST" / "raw", SHA256)
    assert [path.name for path in (project / "data").iterdir()] == ["MNIST"]  # nothing is left of the download


def test_files_of_a_download_that_fails_at_its_end_are_not_taken(project, child):
    child(f"for name, content in {CONTENT!r}.items():\n    (raw / name).write_bytes(content)\nraise SystemExit(1)")
    with pytest.raises(DatasetNotFoundError):
        find_or_download("MNIST")
    assert not list((project / "data").iterdir())


@pytest.mark.parametrize(
    "lines",
    ["raise SystemExit(1)", "pass"],
    ids=["fails", "succeeds without files"],
)
def test_failed_download_names_the_places_and_the_way_out(project, child, tmp_path, lines):
    child(lines)
    with pytest.raises(DatasetNotFoundError) as caught:
        find_or_download("MNIST")
    message = str(caught.value)
    for part in ("MNIST is neither in DTC_DATA_DIR", tmp_path / "given", project / "data" / "MNIST" / "raw"):
        assert str(part) in message
    assert "dataset='digits', which needs no network" in message


def test_download_is_torchvisions_own_and_lands_in_the_project(project, child, tmp_path):
    child(f"pathlib.Path({str(tmp_path / 'code')!r}).write_text(sys.argv[2])\nraise SystemExit(1)")
    with pytest.raises(DatasetNotFoundError):
        find_or_download("KMNIST")
    code = (tmp_path / "code").read_text()
    assert code.startswith(f"import torchvision; torchvision.datasets.KMNIST('{project / 'data'}")


@pytest.mark.parametrize("ending", ["time.sleep(60)", "raise SystemExit(1)"], ids=["stalled", "failed"])
def test_what_a_broken_download_leaves_is_not_taken_for_a_dataset(project, child, monkeypatch, ending):
    monkeypatch.setattr(idx_files, "DOWNLOAD_PATIENCE_SECONDS", 0.5)
    child(f"name = 'train-images-idx3-ubyte'\n(raw / name).write_bytes({CONTENT!r}[name])\n{ending}")
    for _ in range(2):
        with pytest.raises(DatasetNotFoundError):
            find_or_download("MNIST")
