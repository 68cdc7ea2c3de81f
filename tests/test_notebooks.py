import ast
import json
import math
import re
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import papermill
import pytest
from notebook_cells import run_cells

from dtc_helpers.runs.provenance import PACKAGES
from dtc_helpers.runs.results import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/**/*.ipynb"))
MAIN, ENTROPY = (ROOT / "notebooks" / name for name in ("1_dtc_prune_train.ipynb", "2_gibbs_entropy.ipynb"))
BINNING = ROOT / "notebooks" / "studies" / "9_binning.ipynb"
LESSON = ROOT / "notebooks" / "lessons" / "3_entropy_by_hand.ipynb"
QUICK = {"hidden_neurons": 24, "batches_per_cycle": 3, "stop_at": 12}

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT / "notebooks")))


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def places(folder):
    return {"results_dir": str(folder / "results"), "figures_dir": str(folder / "figures")}


def execute(path, folder, **parameters):
    """Execute a primary notebook in a kernel."""
    parameters = {**places(folder), **parameters}
    papermill.execute_notebook(path, folder / path.name, parameters=parameters, progress_bar=False, cwd=ROOT)


@every_notebook
def test_notebook_is_committed_executed_from_top_to_bottom_without_an_error(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


@every_notebook
def test_notebook_has_short_cells_and_as_many_words_as_code(path):
    cells = [cell for cell in code_cells(path) if "injected-parameters" not in cell.metadata.get("tags", [])]
    lengths = [len(cell.source.splitlines()) for cell in cells]
    assert statistics.median(lengths) <= 6
    assert max(lengths) <= 20
    texts = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert len(texts) >= len(cells)


@every_notebook
def test_notebook_defines_nothing_and_its_parameters_are_literals(path):
    cells = code_cells(path)
    (parameters,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    for statement in ast.parse(parameters.source).body:
        assert isinstance(statement, ast.AnnAssign)
        assert statement.value is not None
        ast.literal_eval(statement.value)
    defined = (ast.FunctionDef, ast.ClassDef)
    assert not [node for cell in cells for node in ast.walk(ast.parse(cell.source)) if isinstance(node, defined)]


@every_notebook
def test_notebook_has_one_figure_a_cell_drawn_by_one_plot_function(path):
    """Every figure is drawn by one function of `dtc_helpers.figures`, on one canvas, and saved under its name."""
    cells, n_figures = code_cells(path), 0
    imports = [node for cell in cells for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.ImportFrom)]
    figures = {a.asname or a.name for i in imports if i.module == "dtc_helpers.figures" for a in i.names} - {"style"}
    for cell in cells:
        calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
        names = [ast.unparse(call.func) for call in calls]
        drawn = [name for name in names if name.partition(".")[0] in figures]
        assert len(drawn) == names.count("style.canvas") == names.count("style.save_figure") <= 1
        n_figures += len(drawn)
    assert n_figures > 0 or "dtc_helpers.explorer" in [node.module for node in imports]  # widgets draw there


@every_notebook
def test_papermill_knows_every_parameter(path):
    """It warns of all others as unknown, and its pattern reads no `float | None`."""
    (cell,) = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    names = re.findall(r"^(\w+):", cell.source, re.MULTILINE)
    assert names == list(papermill.inspect_notebook(str(path)))


@every_notebook
def test_nbval_compares_between_5_and_10_cells(path):
    assert 5 <= sum("NBVAL_CHECK_OUTPUT" in cell.source for cell in code_cells(path)) <= 10


@pytest.mark.parametrize(("path", "n_cells", "n_words"), [(MAIN, 45, 1400), (ENTROPY, 35, 1000)], ids=["1", "2"])
def test_primary_notebook_is_short(path, n_cells, n_words):
    cells = nbformat.read(path, as_version=4).cells
    assert len(cells) <= n_cells
    assert sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown") <= n_words


@pytest.mark.notebook
def test_notebooks_run_on_other_parameters_and_write_what_they_promise(tmp_path):
    chosen = {"methods": ["random", "dtc"], "replicates": 2, "dataset": "digits"}
    execute(MAIN, tmp_path, **QUICK, **chosen)
    execute(ENTROPY, tmp_path, dataset="digits", methods=["random", "dtc"], null_draws=20)
    cycles = pd.read_csv(tmp_path / "results" / "cycles.csv")
    assert tuple(cycles.columns) == COLUMNS
    widths = [21, 18, 16, 14, 12]
    assert cycles.groupby(["method", "replicate"]).neurons.apply(list).tolist() == [widths] * 4
    run = json.loads((tmp_path / "results" / "run.json").read_text())
    assert set(run["versions"]) == set(PACKAGES)
    assert run["parameters"]["methods"] == ["random", "dtc"]
    stems = {path.stem for path in (tmp_path / "figures" / "digits").glob("*.png")}
    assert stems == {path.stem for path in (tmp_path / "figures" / "digits").glob("*.pdf")}
    assert {
        "accuracy",
        "inverse_sensing",
        "weight_rays",
        "neuron_ledger",
        "gibbs_entropies",
        "run_beside_nulls",
    } <= stems


@pytest.mark.notebook
def test_binnings_of_another_process_are_compared(tmp_path, capsys):
    jpeg = {"datasets": ["photographs"], "processes": ["JPEG"], "null_draws": 10}
    run_cells(BINNING, **places(tmp_path), **jpeg, recompute=True)
    words = capsys.readouterr().out
    with pytest.raises(ValueError, match=r"9_binning\.csv was made with"):  # what is stored is another
        run_cells(BINNING, figures_dir=str(tmp_path / "figures"), **jpeg)
    assert "JPEG · photographs: 20 replicates of 20 steps" in words
    assert "of 27; by chance 0.7 above and as many below" in words
    stems = {path.stem for path in (tmp_path / "figures" / "binning").glob("*.png")}
    assert stems == {"bin_widths", "binning_excess"}


@pytest.mark.notebook
def test_lesson_judges_the_answers_that_are_given(tmp_path, capsys):
    run_cells(LESSON, figures_dir=str(tmp_path), answer_ceiling=math.log(8), answer_how_many=20)
    words = capsys.readouterr().out
    assert "six values: not answered yet" in words
    assert "ceiling: right, well done!" in words
    assert "how many: not yet. Nearly" in words


@pytest.mark.parametrize(
    "path",
    [path for path in NOTEBOOKS if "mnist" not in path.parts and "save_figure" in path.read_text(encoding="utf-8")],
    ids=lambda path: path.stem,
)
def test_figures_of_a_dataset_lie_beside_the_results_unless_a_folder_is_named(path):
    parameters, *_ = [cell.source for cell in code_cells(path) if cell.source.startswith("# Parameters")]
    (places,) = {
        line for cell in code_cells(path) for line in cell.source.split("\n") if "in_project(figures_dir" in line
    }
    if not re.search(r'"\)?$', places):  # committed for MNIST: no other run may overwrite them
        assert 'figures_dir: str = ""' in parameters
        names = {"results_dir": "/r", "dataset": "mnist", "name": "mnist", "in_project": Path, "Path": Path}
        names["data"] = SimpleNamespace(name="mnist")
        own = "results/any_network" if path.stem == "3_any_network" else "/r"  # notebook 3 writes no results
        for figures_dir, folder in (("", f"{own}/figures/mnist"), ("/f", "/f/mnist")):
            exec(places, names | {"figures_dir": figures_dir}, found := {})
            assert found["figures"] == Path(folder)
    else:
        assert re.search(r'in_project\(figures_dir\) / "(?!mnist)\w+"', places)


@pytest.mark.notebook
def test_two_hidden_layers_are_cut_side_by_side(tmp_path):
    quick = {**QUICK, "hidden_neurons": [24, 24], "methods": ["dtc"], "dataset": "digits"}
    run_cells(MAIN, **places(tmp_path), **quick)
    assert pd.read_csv(tmp_path / "results" / "cycles.csv").neurons.tolist() == [42, 36, 32, 28, 24]


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"datset": "digits"}, "unknown parameter datset: expected one of dataset, readings"),
        ({"l1_penalty": "1e-4"}, "YAML reads 1e-4 as text"),
        ({"methods": ["dct"]}, "methods = dct does not exist: expected magnitude, norms, random, dtc"),
    ],
)
def test_wrong_parameter_is_refused_before_anything_is_written(tmp_path, wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        run_cells(MAIN, **places(tmp_path), **wrong)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("path", [MAIN, BINNING], ids=lambda path: path.stem)
def test_notebook_opened_alone_says_in_one_sentence_what_to_do(path, tmp_path):
    (setup,) = [cell.source for cell in code_cells(path) if "find_spec" in cell.source]
    alone = subprocess.run([sys.executable, "-c", setup], cwd=tmp_path, capture_output=True, text=True, check=False)
    last = alone.stderr.strip().splitlines()[-1]
    assert last == (
        "ModuleNotFoundError: no dtc_helpers here: open this notebook in its project, or pip install the project"
    )
