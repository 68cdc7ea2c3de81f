import subprocess
import sys
from pathlib import Path

import pytest

from dtc_helpers import paths
from dtc_helpers.paths import (
    in_project,
    package_files,
    project_root,
    read_together,
    whole_file,
    whole_files,
    whole_folder,
)
from dtc_helpers.runs.resuming import kept

ROOT = Path(__file__).resolve().parents[1]


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_file_takes_its_place_when_the_block_ends(tmp_path):
    place = tmp_path / "new" / "table.csv"
    with whole_file(place) as temporary:
        temporary.write_text("whole")
        assert not place.exists()
        assert temporary.suffix == ".csv"
    assert place.read_text() == "whole"
    assert names(tmp_path) == ["new", "table.csv"]


@pytest.mark.parametrize("write", [whole_file, whole_folder, whole_files], ids=lambda write: write.__name__)
def test_block_that_fails_leaves_everything_as_it_was(tmp_path, write):
    place = tmp_path / "place"

    def fail():
        with write(place) as temporary:
            (temporary / "half" if temporary.is_dir() else temporary).write_text("half")
            raise OSError("disk is full")

    with pytest.raises(OSError, match="disk is full"):
        fail()
    assert not place.is_file()
    assert not list(tmp_path.rglob("half"))
    assert not list(tmp_path.rglob(".incoming*"))


def test_folder_replaces_an_older_one_and_files_of_a_folder_replace_their_namesakes(tmp_path):
    for write, left in ((whole_folder, {"b"}), (whole_files, {"a", "b"})):
        place = tmp_path / write.__name__
        for name in "ab":
            with write(place) as temporary:
                (temporary / name).write_text(name)
        assert {path.name for path in place.iterdir()} == left


def test_what_a_killed_process_left_is_removed_and_what_another_still_writes_is_not(tmp_path):
    code = "import os, sys, pathlib\nfrom dtc_helpers.paths import whole_file\n"
    code += "with whole_file(pathlib.Path(sys.argv[1])) as file:\n    file.write_text('half')\n    os._exit(1)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "one")], cwd=ROOT, check=False)
    assert [name for name in names(tmp_path) if name == "one"]  # half a file, in a folder nobody reads
    with whole_file(tmp_path / "two") as mine:
        mine.write_text("mine")
        with whole_file(tmp_path / "three") as other:
            other.write_text("other")
        assert mine.read_text() == "mine"
    assert names(tmp_path) == ["three", "two"]


def test_part_is_made_once(tmp_path):
    made = []

    def make():
        made.append(1)
        return "part"

    def write(text, path):
        path.write_text(text)

    for _ in range(2):
        found = kept(tmp_path / "part", make=make, write=write, read=Path.read_text)
        assert found == "part"
    assert made == [1]


def test_relative_paths_start_at_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_root() == ROOT
    assert in_project("results") == ROOT / "results"
    assert in_project(tmp_path / "elsewhere") == tmp_path / "elsewhere"
    assert in_project("~/results") == Path.home() / "results"


def test_package_is_all_its_files_in_every_room(monkeypatch, tmp_path):
    found = dict(package_files())
    assert {"cycle.py", "solvers/exact.py", "runs/methods.py", "__init__.py"} <= set(found)
    assert list(found) == sorted(found, key=Path)
    assert found["cycle.py"] == (ROOT / "dtc_helpers" / "cycle.py").read_bytes()
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "one.py").write_text("1")
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    assert package_files() == [("room/one.py", b"1")]


def test_file_with_the_name_of_complete_results_does_not_hold_readers_up(tmp_path):
    (tmp_path / ".complete").write_text("not ours")
    (tmp_path / "a").write_text("whole")
    assert read_together(tmp_path, ["a"], (tmp_path / "a").read_text) == "whole"
