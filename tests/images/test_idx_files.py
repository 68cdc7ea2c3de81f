import gzip
import hashlib
import math
import os
import sys
import time

import numpy as np
import pytest

from dtc_helpers.images import idx_files, idx_folders
from dtc_helpers.images.idx_files import idx_paths, read_idx_files
from dtc_helpers.images.idx_folders import DatasetNotFoundError, find_folder, find_or_download

SHAPES = dict(zip(idx_files.IDX_SHAPES, [(6, 2, 3), (6,), (4, 2, 3), (4,)], strict=True))
ARRAYS = {name: np.arange(math.prod(shape), dtype=np.uint8).reshape(shape) for name, shape in SHAPES.items()}
CONTENT = {
    name: np.array([0x800 + array.ndim, *array.shape], ">i4").tobytes() + array.tobytes()
    for name, array in ARRAYS.items()
}
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
every_file = pytest.mark.parametrize("name", CONTENT)


def write_set(root, *names, place="MNIST/raw", spelt=str, packed=False):
    raw = root / place
    raw.mkdir(parents=True, exist_ok=True)
    for name in names or CONTENT:
        content = CONTENT[name]
        (raw / spelt(name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)
    return raw


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(idx_files, "IDX_SHAPES", SHAPES)


@pytest.fixture
def project(monkeypatch, tmp_path):
    """Empty project folder, and DTC_DATA_DIR on an empty folder beside it."""
    project, given = tmp_path / "project", tmp_path / "given"
    (project / "data").mkdir(parents=True)
    given.mkdir()
    monkeypatch.setattr(idx_folders, "project_root", lambda: project)
    monkeypatch.setenv("DTC_DATA_DIR", str(given))
    return project


# --------------------------------------------------------------------------------------------- files


def dotted(name):
    return name.replace("-idx", ".idx")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("spelt", [str, dotted])
def test_whole_set_is_read_compressed_or_not_with_a_dash_or_a_dot(tmp_path, packed, spelt):
    raw = write_set(tmp_path, packed=packed, spelt=spelt)
    for sha256 in (SHA256, {}):
        found = read_idx_files(raw, sha256)
        assert list(found) == list(ARRAYS)
        assert all((found[name] == array).all() for name, array in ARRAYS.items())


def test_file_is_what_it_holds_whatever_its_name_says_and_the_uncompressed_one_comes_first(tmp_path):
    raw = write_set(tmp_path)
    for path in list(raw.iterdir()):
        path.rename(f"{path}.gz")
    assert read_idx_files(raw, SHA256)
    packed = write_set(tmp_path, packed=True)
    for path in list(packed.iterdir()):
        path.rename(path.with_suffix(""))
    assert read_idx_files(packed, SHA256)
    write_set(tmp_path)
    assert [path.suffix for path in idx_paths(raw).values()] == [""] * 4


DAMAGES = {
    "truncated": (lambda content: content[:-1], r"has \d+ bytes instead of \d+ bytes"),
    "cut in its header": (lambda content: content[:5], "begins with"),
    "empty": (lambda _: b"", "begins with"),
    "too long": (lambda content: content + b"x", r"has more than \d+ bytes"),
    "another magic number": (lambda content: b"\0\0\x0d" + content[3:], "begins with"),
    "no IDX file": (lambda _: b"<html>404 not found, but a long page</html>", "begins with"),
    "another byte": (lambda content: content[:-1] + b"\x08", r"is damaged or of another set \(its SHA-256 is not"),
}


@every_file
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_file_that_is_not_whole_is_named_with_the_remedy(tmp_path, name, damage, packed):
    raw = write_set(tmp_path, packed=packed)
    (path,) = raw.glob(f"{name}*")
    change, message = DAMAGES[damage]
    path.write_bytes(gzip.compress(change(CONTENT[name])) if packed else change(CONTENT[name]))
    with pytest.raises(ValueError, match=rf"^{path} ({message}).*: copy it from a whole set, or delete") as refusal:
        read_idx_files(raw, SHA256)
    assert len(str(refusal.value)) < 400 + len(str(path))


@every_file
@pytest.mark.parametrize("cut", [3, 15, -4])
def test_gzip_file_that_is_cut_or_damaged_is_named(tmp_path, name, cut):
    raw = write_set(tmp_path, packed=True)
    path, packed = raw / f"{name}.gz", gzip.compress(CONTENT[name])
    for content in (packed[:cut], packed[:-6] + b"12" + packed[-4:], packed[:12] + b"\xff\xff" + packed[14:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"^{path} (cannot be read \(|begins with|has \d+ bytes)"):
            read_idx_files(raw, SHA256)


@every_file
def test_missing_file_is_named_with_those_that_are_there(tmp_path, name):
    raw = write_set(tmp_path)
    (raw / name).unlink()
    others = ", ".join(other for other in CONTENT if other != name)
    with pytest.raises(ValueError, match=rf"{raw / name} is missing, .* are there \({others}\): copy it from a whole"):
        read_idx_files(raw, SHA256)


@pytest.mark.parametrize("other", [1, 2, 3])
@pytest.mark.parametrize("sha256", [SHA256, {}])
def test_files_that_changed_places_are_told_which_they_are(tmp_path, other, sha256):
    raw, names = write_set(tmp_path), list(CONTENT)
    one, other = names[0], names[other]
    for name, content in ((one, CONTENT[other]), (other, CONTENT[one])):
        (raw / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{one} begins with .*, expected .*, as {other} does: are files mixed up\?"):
        read_idx_files(raw, sha256)


def test_without_a_checksum_header_length_and_labels_count(tmp_path):
    raw = write_set(tmp_path)
    images, labels = raw / "t10k-images-idx3-ubyte", raw / "t10k-labels-idx1-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"?")
    assert read_idx_files(raw, {})[images.name][-1, -1, -1] == ord("?")
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x0a")
    with pytest.raises(ValueError, match=rf"{labels} has the label 10: labels go from 0 to 9"):
        read_idx_files(raw, {})


def test_files_of_mnist_are_not_taken_for_its_siblings(tmp_path, monkeypatch):
    raw = write_set(tmp_path)
    monkeypatch.setattr(idx_files, "MNIST_SHA256", SHA256)
    with pytest.raises(ValueError, match="train-images-idx3-ubyte is the file of MNIST, not of this set"):
        read_idx_files(raw, {})


def test_the_real_files_are_read_compressed_as_they_are_uncompressed(mnist, tmp_path, monkeypatch):
    monkeypatch.undo()
    folder = find_folder("MNIST")
    assert folder is not None
    plain = read_idx_files(folder, idx_files.MNIST_SHA256)
    for name, path in idx_paths(folder).items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes(), compresslevel=1))
    packed = read_idx_files(tmp_path, idx_files.MNIST_SHA256)
    assert all((packed[name] == values).all() for name, values in plain.items())
    assert (mnist.test.labels.numpy() == plain["t10k-labels-idx1-ubyte"]).all()


# ------------------------------------------------------------------------------------------- folders


def test_folder_of_the_environment_comes_first(project, tmp_path):
    write_set(project / "data")
    write_set(tmp_path / "given")
    assert find_or_download("MNIST") == tmp_path / "given" / "MNIST" / "raw"


def test_project_folder_is_used_when_that_of_the_environment_lacks_the_set(project):
    write_set(project / "data")
    assert find_or_download("MNIST") == project / "data" / "MNIST" / "raw"


@pytest.mark.parametrize("value", [None, ""])
def test_project_folder_is_used_without_the_environment_variable(project, monkeypatch, value):
    monkeypatch.delenv("DTC_DATA_DIR") if value is None else monkeypatch.setenv("DTC_DATA_DIR", value)
    write_set(project / "data")
    assert find_or_download("MNIST") == project / "data" / "MNIST" / "raw"


@every_file
def test_any_file_makes_a_set_so_that_a_partial_one_is_reported_and_not_passed_over(project, tmp_path, name):
    write_set(tmp_path / "given", name)
    write_set(project / "data")
    assert find_or_download("MNIST") == tmp_path / "given" / "MNIST" / "raw"
    with pytest.raises(ValueError, match="is missing, though other files"):
        read_idx_files(find_or_download("MNIST"), SHA256)


@pytest.mark.parametrize("place", ["MNIST/raw", "MNIST", "mnist/raw", "mnist", "Mnist", "raw", "."])
@pytest.mark.parametrize("packed", [False, True])
def test_every_usual_layout_is_found_in_either_folder(project, tmp_path, place, packed):
    for root in (project / "data", tmp_path / "given"):
        expected = write_set(root, place=place, packed=packed)
        assert find_folder("MNIST") == expected
        assert read_idx_files(find_or_download("MNIST"), SHA256)


def test_folder_of_the_files_themselves_may_be_named(project, tmp_path, monkeypatch):
    for family, place in (("MNIST", "MNIST/raw"), ("FashionMNIST", "fashion-mnist/raw"), ("KMNIST", "kmnist")):
        raw = write_set(tmp_path / "elsewhere", place=place)
        for given in (raw, raw.parent):
            monkeypatch.setenv("DTC_DATA_DIR", str(given))
            assert find_folder(family) == raw


@pytest.mark.parametrize("place", ["raw", ".", "MNIST/raw"])
def test_files_without_the_name_of_a_set_are_taken_for_mnist_only(project, tmp_path, place):
    write_set(tmp_path / "given", place=place)
    assert find_folder("FashionMNIST") is None
    raw = write_set(tmp_path / "given", place="fashion_mnist")
    assert find_folder("FashionMNIST") == raw


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
        monkeypatch.setattr(idx_folders.sys, "executable", str(script))

    return replace


def test_download_that_stalls_is_given_up_and_its_process_ended(project, child, monkeypatch, tmp_path):
    monkeypatch.setattr(idx_folders, "DOWNLOAD_PATIENCE_SECONDS", 0.5)
    child(f"import os\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\ntime.sleep(60)")
    started = time.monotonic()
    with pytest.raises(DatasetNotFoundError):
        find_or_download("MNIST")
    assert time.monotonic() - started < 10
    if (tmp_path / "pid").exists():  # else it was ended before its first line
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


def test_slow_download_that_grows_is_waited_for(project, child, monkeypatch):
    monkeypatch.setattr(idx_folders, "DOWNLOAD_PATIENCE_SECONDS", 1.0)
    child(f"for name, content in {CONTENT!r}.items():\n    time.sleep(0.5)\n    (raw / name).write_bytes(content)")
    assert find_or_download("MNIST") == project / "data" / "MNIST" / "raw"
    assert read_idx_files(project / "data" / "MNIST" / "raw", SHA256)
    assert [path.name for path in (project / "data").iterdir()] == ["MNIST"]  # nothing is left of the download


@pytest.mark.parametrize("others", [[], ["notes.txt"]])
def test_download_brings_the_four_files_and_leaves_what_is_there(project, child, others):
    raw = project / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in others:
        (raw / name).touch()
    files = f"for name, content in {CONTENT!r}.items():\n    (raw / name).write_bytes(content)"
    child(f"(raw / 'archive.gz').touch()\n{files}")
    assert find_or_download("MNIST") == raw
    assert {path.name for path in raw.iterdir()} == {*CONTENT, *others}
    assert [path.name for path in (project / "data").iterdir()] == ["MNIST"]


def test_files_of_a_download_that_fails_at_its_end_are_not_taken(project, child):
    child(f"for name, content in {CONTENT!r}.items():\n    (raw / name).write_bytes(content)\nraise SystemExit(1)")
    with pytest.raises(DatasetNotFoundError):
        find_or_download("MNIST")
    assert not list((project / "data").iterdir())


@pytest.mark.parametrize("lines", ["raise SystemExit(1)", "pass"], ids=["fails", "succeeds without files"])
def test_failed_download_names_the_places_with_what_is_there_and_the_way_out(project, child, tmp_path, lines):
    child(lines)
    for name in "abcdefgh":
        (tmp_path / "given" / name).touch()
    with pytest.raises(DatasetNotFoundError) as caught:
        find_or_download("KMNIST")
    assert str(caught.value) == (
        f"KMNIST is neither in DTC_DATA_DIR ({tmp_path / 'given'}, which holds a, b, c, d, e, f and 2 more) nor in "
        f"{project / 'data'}, which is empty, and the download failed: put its four IDX files "
        f"(train-images-idx3-ubyte, …, also as .gz) into {project / 'data' / 'KMNIST' / 'raw'}, "
        "or use dataset='digits', which needs no network"
    )


def test_download_to_a_place_that_cannot_be_written_is_not_begun(project, child, monkeypatch):
    child("(raw / 'x').touch()")
    (project / "data").rmdir()
    (project / "data").write_text("in the way")
    with pytest.raises(DatasetNotFoundError, match=r"data, which is no folder, and cannot be downloaded there \("):
        find_or_download("MNIST")


def test_download_is_torchvisions_own_and_lands_in_the_project(project, child, tmp_path):
    child(f"pathlib.Path({str(tmp_path / 'code')!r}).write_text(sys.argv[2])\nraise SystemExit(1)")
    with pytest.raises(DatasetNotFoundError):
        find_or_download("KMNIST")
    code = (tmp_path / "code").read_text()
    assert code.startswith(f"import torchvision; torchvision.datasets.KMNIST('{project / 'data'}")


@pytest.mark.parametrize("ending", ["time.sleep(60)", "raise SystemExit(1)"], ids=["stalled", "failed"])
def test_what_a_broken_download_leaves_is_not_taken_for_a_dataset(project, child, monkeypatch, ending):
    monkeypatch.setattr(idx_folders, "DOWNLOAD_PATIENCE_SECONDS", 0.5)
    child(f"name = 'train-images-idx3-ubyte'\n(raw / name).write_bytes({CONTENT!r}[name])\n{ending}")
    for _ in range(2):
        with pytest.raises(DatasetNotFoundError):
            find_or_download("MNIST")
