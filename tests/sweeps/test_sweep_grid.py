import io
import re
import sys
import time
import zipfile

import nbformat
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell
from sweep_notebooks import write_notebook

from dtc_helpers import __main__ as command_line
from dtc_helpers.runs.parameters import Parameters
from dtc_helpers.sweeps import grid as sweep_grid
from dtc_helpers.sweeps.folder import SweepFolder
from dtc_helpers.sweeps.grid import read_grid
from dtc_helpers.sweeps.grid_reader import GridError
from dtc_helpers.sweeps.notebook import read_notebook
from dtc_helpers.sweeps.sweep import planned

ROOT = sweep_grid.project_root()
EXAMPLES = sorted([*ROOT.glob("examples/*.yaml"), *ROOT.glob("notebooks/**/*.yaml")])
MAIN = "notebooks/1_dtc_prune_train.ipynb"
NOTEBOOKS = sorted(
    [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("notebooks/lessons/*.ipynb"), *ROOT.glob("notebooks/studies/*.ipynb")]
)
PLACES = ("results_dir", "figures_dir")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    write_notebook(folder)
    return folder


@pytest.fixture
def grid(tmp_path):
    """Writes a grid file and reads it."""
    write_notebook(tmp_path)

    def read(text):
        path = tmp_path / "grid.yaml"
        path.write_text(text)
        return read_grid(path)

    return read


def test_crossed_lists_give_every_combination_and_zipped_ones_go_side_by_side(grid):
    found = grid(
        "notebook: toy.ipynb\nfixed: {action: work}\ncross: {x: [1, 2]}\nzip: {share: [0.1, 1], names: [[a], [b, c]]}"
    )
    rows = [(point["x"], point["share"], point["names"]) for point in found.points]
    assert rows == [(1, 0.1, ["a"]), (1, 1, ["b", "c"]), (2, 0.1, ["a"]), (2, 1, ["b", "c"])]
    assert all(point["action"] == "work" for point in found.points)
    assert found.varied == ["x", "share", "names"]


def test_grid_without_lists_is_one_point(grid):
    assert grid("notebook: toy.ipynb").points == [{}]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("notebook: toy.ipynb\ncross:\n  x: [1]\n  y: [2]", 4, "unknown parameter y: expected one of x, share"),
        ("notebook: toy.ipynb\ncross:\n  share:\n  - 0.1\n  - 1e-4", 5, "YAML reads 1e-4 as text: write 1.0e-4"),
        ("notebook: toy.ipynb\ncross:\n  x:\n  - 1\n  - two\n  - 3", 5, "x = 'two': expected int, got str"),
        ("notebook: toy.ipynb\nfixed: {action: no}", 2, "action = False: expected str, got bool"),
        ("notebook: toy.ipynb\nfixed: {x: true}", 2, "x = True: expected int, got bool"),
        ("notebook: toy.ipynb\ncross:\n\n  x: []", 4, "x = an empty list: cross takes a list of at least one value"),
        ("notebook: toy.ipynb\ncross: {x: 1}", 2, "x = 1: cross takes a list of at least one value"),
        ("notebook: toy.ipynb\nfixed:\n  names: []", 3, "names = []: expected list"),
        (
            "notebook: toy.ipynb\ncross:\n  names: [a, b]",
            3,
            "one value of names is a list: under cross and zip write [[…], […]]",
        ),
        ("notebook: toy.ipynb\ncross:\n  x: [1]\nzip:\n  x: [1]", 5, "x stands in two of fixed, cross, zip"),
        ("notebook: toy.ipynb\nzip:\n  x: [1, 2]\n  share: [0.1]", 2, "zip takes lists of one length"),
        ("notebook: toy.ipynb\nfixed:\n  x: 1\n  x: 2", 4, "x is given twice"),
        ("notebook: toy.ipynb\nfixed: {results_dir: here}", 2, "results_dir belongs to the sweep"),
        ("notebook: toy.ipynb\ncros: {x: [1]}", 2, "unknown entry cros: expected notebook, result_file, fixed"),
        ("notebook: toy.ipynb\nfixed: [x]", 2, "fixed: expected `name: value` entries"),
        ("\nnotebook: other.ipynb", 2, "other.ipynb is neither in the project nor beside the grid file"),
        ("cross: {x: [1]}", 1, "no notebook is named"),
        ("", 1, "the file is empty"),
        ("notebook: toy.ipynb\ncross: {x: [1}", 2, "this is not YAML"),
        (
            "notebook: toy.ipynb\ncross:\n  x: [1, 1:30]",
            3,
            "YAML reads 1:30 as 90: write the number, or text",
        ),
        ("notebook: toy.ipynb\nfixed:\n  share: 1:30.5", 3, "YAML reads 1:30.5 as 90.5"),
        ("notebook: toy.ipynb\nfixed:\n  x: 010", 3, "YAML reads 010 as 8"),
        ("notebook: toy.ipynb\nfixed:\n  x: 2020-99-99", 3, "a value cannot be read: month must be in 1..12"),
        ("notebook: toy.ipynb\nfixed:\n  x: 1" + 5000 * "0", 3, "a value cannot be read: Exceeds the limit"),
        ("notebook: toy.ipynb\nfixed: &a\n  x: [*a]", 3, "*a refers to itself"),
        ("notebook: toy.ipynb\n\nfixed: {action: 'a\0b'}", 3, r"the character '\x00' may not stand in YAML"),
        ("notebook: toy.ipynb\nfixed:\n  x: " + 5000 * "[", 3, "this is too nested for a grid"),
        ("notebook: toy.ipynb\n? [a, b]\n: 1", 2, "the grid file: expected a name before the colon"),
        ("notebook: " + 5000 * "x", 1, "is neither in the project nor beside the grid file"),
        ("notebook: grid.yaml", 1, "Notebook does not appear to be JSON"),
        *(
            (f"notebook: toy.ipynb\nresult_file: {value}", 2, "expected the name of a file in results_dir")
            for value in ("/etc/hostname", "../run.json", "a/../../b", "[run.json]", "null", "''", ".", "3")
        ),
    ],
)
def test_grid_at_fault_is_refused_with_its_line(grid, text, line, message):
    with pytest.raises(GridError, match=re.escape(message)) as refusal:
        grid(text)
    assert f"grid.yaml, line {line}: " in str(refusal.value)


def test_other_encoding_is_named(tmp_path):
    path = tmp_path / "grid.yaml"
    for encoding in ("latin-1", "utf-16"):
        path.write_bytes("notebook: toy.ipynb\nfixed: {action: é}".encode(encoding))
        line = 2 if encoding == "latin-1" else 1
        with pytest.raises(GridError, match=rf"grid.yaml, line {line}: this is not UTF-8: save the file in that"):
            read_grid(path)


def test_bomb_of_aliases_is_refused_at_once_and_briefly(grid):
    layers = [f"  a{i}: &a{i} [{', '.join(10 * [f'*a{i - 1}'])}]" for i in range(1, 9)]
    began = time.monotonic()
    with pytest.raises(GridError, match=r"line 10: this is too long for a grid") as refusal:
        grid("\n".join(["notebook: toy.ipynb", "fixed:", "  a0: &a0 [1]", *layers]))
    assert time.monotonic() - began < 5
    assert len(str(refusal.value)) < 600
    assert len(grid("notebook: toy.ipynb\nfixed: {action: &a work}\ncross: {names: [[*a], [*a, *a]]}").points) == 2


def test_long_value_at_fault_is_not_repeated_in_full(grid):
    with pytest.raises(GridError) as refusal:
        grid(f"notebook: toy.ipynb\nfixed: {{x: {list(range(10_000))}}}")
    assert len(str(refusal.value)) < 600
    assert str(refusal.value).endswith("9998, 9999]: expected int, got list of int")


GRIDS = (
    "notebook: toy.ipynb\nresult_file: run.json\nfixed: {action: work}\ncross: {x: [1, 2], share: [0.1, 1]}",
    "notebook: toy.ipynb\nfixed:\n  action: &word work\nzip:\n  x: [1, 2]\n  names: [[a], [*word]]",
)
PIECES = st.sampled_from([
    b"\0", b"\xff", b"[", b"]", b"{", b"}", b": ", b"- ", b"&a ", b"*a", b"!!int ", b"!!binary ", b"? ", b"'", b'"',
    b"1:30", b"1e-4", b".nan", b".inf", b"null", b"~", b"2020-99-99", b"\n", b"\t", b"# ", b"---\n", b"<<: ",
    b"%YAML 9.9\n", b"../", b"9" * 5000, "λ".encode(), b"x: ", b"cross: ", b"fixed: ", b"notebook: ", b"|", b">", b"@",
])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(GRIDS), st.lists(st.tuples(st.integers(0, 120), st.integers(0, 9), PIECES), max_size=4))
def test_damaged_grid_works_or_is_refused_in_a_sentence(damaged, text, changes):
    content = text.encode()
    for place, n_lost, piece in changes:
        content = content[:place] + piece + content[place + n_lost :]
    (damaged / "grid.yaml").write_bytes(content)
    refusal = None
    try:
        assert read_grid(damaged / "grid.yaml").points
    except GridError as error:
        refusal = str(error)
    assert refusal is None or (re.match(r"\S*grid.yaml, line \d+: ", refusal) and len(refusal) < 600)


def test_more_than_a_million_points_are_refused_before_they_are_made(grid):
    lists = "".join(f"\n  {name}: {list(range(1001))}" for name in ("x", "share"))
    with pytest.raises(GridError, match=r"line 2: 1,002,001 points: more than 1,000,000 are refused"):
        grid(f"notebook: toy.ipynb\ncross:{lists}")


def test_a_million_points_are_not_too_many(grid, monkeypatch):
    monkeypatch.setattr(sweep_grid, "MOST_POINTS", 6)
    assert len(grid("notebook: toy.ipynb\ncross: {x: [1, 2], share: [0.1, 0.2, 0.3]}").points) == 6


@pytest.mark.parametrize(
    ("entries", "line", "message"),
    [
        ("methods: [[dtc], [dct]]", 3, "methods = dct does not exist: expected magnitude, norms, random, dtc"),
        ("seed:\n  - 1\n  - -1", 5, "seed = -1 is outside"),
        ("hidden_neurons: [128, 8]", 3, "stop_at = 10 is outside 1 … 7"),
        ("hidden_neurons: [128]\n  stop_at:\n    - 10\n    - 200", 6, "stop_at = 200 is outside 1 … 127"),
        ("hidden_neurons: [[300, 100], many]", 3, "hidden_neurons = 'many'"),
    ],
)
def test_the_notebooks_own_class_refuses_names_ranges_and_combinations(grid, entries, line, message):
    with pytest.raises(GridError, match=rf"line {line}: {message}"):
        grid(f"notebook: {MAIN}\ncross:\n  {entries}")


def test_notebook_takes_whatever_its_class_takes(grid):
    assert len(grid(f"notebook: {MAIN}\ncross: {{hidden_neurons: [64, [300, 100]], l1_penalty: [1, 0.3]}}").points) == 4


@pytest.fixture
def dry_run(tmp_path, monkeypatch):
    """Gives the exit status of a dry run of a grid file."""

    def run(text):
        path = tmp_path / "grid.yaml"
        path.write_text(text)
        monkeypatch.setattr(sys, "argv", ["dtc_helpers", "sweep", str(path), "--out", str(tmp_path), "--dry-run"])
        with pytest.raises(SystemExit) as stop:
            command_line.main()
        return stop.value.code

    return run


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 12


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_refuses_what_it_does_not_take_in_a_dry_run_and_takes_its_defaults(path, dry_run):
    defaults = {name: value for name, value in read_notebook(path).defaults.items() if name not in PLACES}
    correct = yaml.safe_dump({"notebook": str(path), "fixed": defaults}, allow_unicode=True)
    assert dry_run(correct) == 0
    name = next(name for name in ("replicates", "seed", "neurons") if name in defaults)
    for wrong, message in ((f"{name}: [-3]", f"{name} = -3"), ("replicate: [1]", "unknown parameter replicate: ")):
        refusal = dry_run(f"notebook: {path}\ncross:\n  {wrong}")
        assert f"grid.yaml, line 3: {message}" in str(refusal)


@pytest.fixture
def checked(tmp_path):
    """Writes the toy notebook with a first cell of its own, and reads it."""

    def read(source):
        write_notebook(tmp_path)
        book = nbformat.read(tmp_path / "toy.ipynb", as_version=4)
        book.cells[0].source = "seed: int = 1"
        book.cells.insert(0, new_code_cell(source))
        nbformat.write(book, tmp_path / "toy.ipynb")
        return read_notebook(tmp_path / "toy.ipynb").checked_by

    return read


@pytest.mark.parametrize(
    "source",
    [
        "from dtc_helpers.runs.parameters import Parameters\nnotebook_parameters(globals(), Parameters)",
        "from dtc_helpers.runs.parameters import Parameters as P\np = notebook_parameters(globals(), kind=P)",
        "from dtc_helpers.runs import parameters\nparameters.notebook_parameters(globals(), parameters.Parameters)",
        "import dtc_helpers.runs.parameters as own\nown.notebook_parameters(\n    globals(),\n    own.Parameters,\n)",
        "import dtc_helpers.runs.parameters\n"
        "p = notebook_parameters(globals(), dtc_helpers.runs.parameters.Parameters)",
        "%matplotlib inline\nfrom dtc_helpers.runs.parameters import Parameters\n"
        "if True:\n    !ls\nnotebook_parameters(globals(), Parameters)",
    ],
)
def test_class_is_found_however_it_is_imported(checked, source):
    assert checked(source) is Parameters


@pytest.mark.parametrize("source", ["", "# notebook_parameters(globals(), X)", "%%bash\nls | wc"])
def test_notebook_that_does_not_call_the_check_has_no_class(checked, source):
    assert checked(source) is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("notebook_parameters(globals(), Parameters)", "parameters are checked with Parameters: expected"),
        ("notebook_parameters(globals())", "parameters are checked with nothing: expected"),
        ("from os import path as X\nnotebook_parameters(globals(), X)", "parameters are checked with X: expected"),
        ("class X: pass\nnotebook_parameters(globals(), X)", "parameters are checked with X: expected"),
        (
            "from dtc_helpers.nowhere import X\nnotebook_parameters(globals(), X)",
            "parameters are checked with dtc_helpers.nowhere.X, which cannot be imported",
        ),
        (
            "from dtc_helpers.runs.parameters import Nobody\nnotebook_parameters(globals(), Nobody)",
            "parameters are checked with dtc_helpers.runs.parameters.Nobody, which cannot be imported",
        ),
        (
            "from dtc_helpers.checks.fields import check_type\nnotebook_parameters(globals(), check_type)",
            "which is no dataclass: expected",
        ),
        ("notebook_parameters(globals(), A)\nnotebook_parameters(globals(), B)", "checked with A and B: expected"),
        ("%%time\nnotebook_parameters(globals(), A) or or", "the cell that calls notebook_parameters is not Python"),
    ],
)
def test_notebook_whose_class_cannot_be_found_is_refused_with_a_sentence(checked, source, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        checked(source)


def test_notebook_1_must_leave_run_json_and_others_what_the_grid_says(grid):
    assert grid(f"notebook: {MAIN}").result_file == "run.json"
    assert grid("notebook: toy.ipynb").result_file is None
    assert grid("notebook: toy.ipynb\nresult_file: cycles.csv").result_file == "cycles.csv"


# ------------------------------------------------------------------------------------------------- keys


@pytest.fixture
def toy(tmp_path):
    write_notebook(tmp_path)
    return tmp_path / "toy.ipynb"


def test_key_is_the_same_for_a_default_given_or_not_and_for_3_and_3_0(toy):
    notebook = read_notebook(toy)
    assert notebook.key({}, dataset="d") == notebook.key({"x": 1}, dataset="d")
    assert notebook.key({"share": 3}, dataset="d") == notebook.key({"share": 3.0}, dataset="d")


def test_key_changes_with_a_parameter_and_with_the_dataset(toy):
    notebook = read_notebook(toy)
    keys = {notebook.key({"x": x}, dataset=name) for x in (1, 2) for name in ("digits", "mnist")}
    assert len(keys) == 4


def test_key_changes_with_the_code_of_the_notebook_but_not_with_its_outputs(toy):
    key = read_notebook(toy).key({}, dataset="d")
    text = toy.read_text()
    toy.write_text(
        text.replace('"outputs": []', '"outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}]')
    )
    assert read_notebook(toy).key({}, dataset="d") == key
    toy.write_text(text.replace("time.sleep(600)", "time.sleep(601)"))
    assert read_notebook(toy).key({}, dataset="d") != key


def test_key_of_a_given_value_does_not_change_with_the_default(toy):
    key = read_notebook(toy).key({"x": 5}, dataset="d")
    toy.write_text(toy.read_text().replace("x: int = 1", "x: int = 2"))
    assert read_notebook(toy).key({"x": 5}, dataset="d") == key


def test_package_that_travels_is_the_one_that_is_here(toy):
    with zipfile.ZipFile(io.BytesIO(read_notebook(toy).package)) as package:
        assert package.read("dtc_helpers/__main__.py") == (ROOT / "dtc_helpers" / "__main__.py").read_bytes()


def test_key_changes_with_the_code_of_the_package(toy, tmp_path, monkeypatch):
    key = read_notebook(toy).key({}, dataset="d")
    room = tmp_path / "room"
    room.mkdir()
    (room / "other.py").write_text("changed = True")
    monkeypatch.setattr("dtc_helpers.paths.PACKAGE", tmp_path)
    assert read_notebook(toy).key({}, dataset="d") != key


@pytest.mark.parametrize("cell", ["x: int = len('a')", "import os", "x, y = 1, 2"])
def test_parameters_that_are_not_literals_are_refused(toy, cell):
    toy.write_text(toy.read_text().replace("x: int = 1", cell))
    with pytest.raises(ValueError, match=r"literal|malformed"):
        read_notebook(toy)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("x = {1, 2}", r"x = \{1, 2\}: expected numbers, text, true, false"),
        ("x = b'a'", "x = b'a': expected numbers, text"),
        ("x = {1: 2, 'a': 3}", "x = .* expected numbers, text"),
        ("key: int = 1", "key is a column of a sweep's table: choose another name"),
        ("code: str = 'c'", "code is a column of a sweep's table: choose another name"),
    ],
)
def test_parameters_that_a_sweep_could_not_record_are_refused(toy, cell, message):
    toy.write_text(toy.read_text().replace("x: int = 1", cell))
    with pytest.raises(ValueError, match=message):
        read_notebook(toy)


def test_value_that_a_sweep_could_not_record_is_refused_with_its_line(grid, tmp_path):
    toy = tmp_path / "toy.ipynb"
    toy.write_text(toy.read_text().replace("x: int = 1", "x = None"))
    path = tmp_path / "grid.yaml"
    path.write_text("notebook: toy.ipynb\ncross:\n  x: [1, 2020-01-01]")
    with pytest.raises(GridError, match=r"line 3: x = datetime\.date\(2020, 1, 1\): expected numbers, text"):
        read_grid(path)


def test_number_too_large_for_a_float_is_refused_with_its_line(grid):
    with pytest.raises(GridError, match=r"line 2: share = 10+ … 0+: expected a number below 1.8e308"):
        grid(f"notebook: toy.ipynb\nfixed: {{share: 1{'0' * 400}}}")


def test_parameter_that_the_class_of_the_notebook_does_not_know_is_named(tmp_path):
    text = (ROOT / MAIN).read_text().replace('"replicates: int = 1', '"replicas: int = 1')
    (tmp_path / "main.ipynb").write_text(text)
    with pytest.raises(ValueError, match="parameters cell: Parameters, which checks it, does not know replicas"):
        read_notebook(tmp_path / "main.ipynb")


@pytest.mark.parametrize("cell", ["dataset: int = 1", "dataset: list[str] = ['mnist']"])
def test_dataset_of_a_notebook_of_ones_own_may_be_anything(grid, tmp_path, cell):
    toy = tmp_path / "toy.ipynb"
    toy.write_text(toy.read_text().replace("x: int = 1", cell))
    (tmp_path / "grid.yaml").write_text("notebook: toy.ipynb")
    (point,) = planned(read_grid(tmp_path / "grid.yaml"), SweepFolder(tmp_path / "runs"))
    assert point.status == "to do"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_a_grid_without_a_fault(path):
    assert read_grid(path).points
