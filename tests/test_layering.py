import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "dtc_helpers"
MODULES = {path.stem: path for path in sorted(PACKAGE.glob("*.py"))}
NOTHING = frozenset[str]()
BELOW_CYCLE = frozenset(
    {"datasets", "idx_files", "networks", "readings", "scoring", "sensing", "recovery", "surgery", "training"}
)
MAY_IMPORT = {
    **dict.fromkeys(
        ("__init__", "idx_files", "networks", "training", "sensing", "gibbs", "statistics", "plots", "readings"),
        NOTHING,
    ),
    "progress": NOTHING,
    "records": NOTHING,
    "datasets": frozenset({"idx_files"}),
    "recovery": frozenset({"solvers"}),
    "surgery": frozenset({"networks"}),
    "scoring": frozenset({"networks", "sensing", "recovery"}),
    "cycle": BELOW_CYCLE,
    "controls": BELOW_CYCLE | {"cycle"},
    "arms": BELOW_CYCLE | {"cycle", "controls"},
    "arm_runs": BELOW_CYCLE | {"arms", "collector", "progress"},
    "study_tables": frozenset({"readings", "scoring", "statistics"}),
    "study_plots": frozenset({"plots"}),
    "guarded_papermill": NOTHING,
    "sweep_point": NOTHING,  # travels to workers that have no other module of the package
    "sweep_folder": NOTHING,
    "sweep_notebook": frozenset({"parameters", "sweep_point"}),
    "sweep_grid": frozenset({"idx_files", "sweep_notebook"}),
    "sweep_engine": frozenset({"sweep_point", "sweep_folder"}),
    "sweep": frozenset(
        {"collector", "datasets", "idx_files", "progress", "sweep_engine", "sweep_folder", "sweep_grid"}
        | {"sweep_notebook"}
    ),
    "sweep_table": frozenset({"readings", "records", "sweep_folder"}),
    "sweep_plots": frozenset({"plots"}),
    "proposition": frozenset({"gibbs"}),
    "null_models": frozenset({"gibbs", "proposition"}),
    "processes": BELOW_CYCLE | {"cycle", "proposition"},
    "image_processes": frozenset({"processes", "proposition"}),
    "trial": frozenset({"collector", "cycle", "datasets", "gibbs", "image_processes", "null_models", "processes"})
    | {"proposition"},
    "stored_processes": frozenset({"gibbs", "networks", "null_models", "proposition", "records", "tables", "trial"}),
    "binning": frozenset({"gibbs", "null_models", "proposition"}),
    "teaching": NOTHING,
    "proposition_plots": frozenset({"plots"}),
}
every_module = pytest.mark.parametrize("name", MODULES)


def tree(name):
    return ast.parse(MODULES[name].read_text())


def imports(source):
    """Modules of the package that a source imports, wherever the import stands and however it is written."""
    found = set()
    for node in ast.walk(source):
        if isinstance(node, ast.ImportFrom):
            path = ["dtc_helpers"] * bool(node.level) + (node.module or "").split(".")
            path = [part for part in path if part]
            if path[:1] == ["dtc_helpers"]:
                found |= {path[1]} if len(path) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            paths = [alias.name.split(".") for alias in node.names]
            found |= {path[1] if len(path) > 1 else "the package" for path in paths if path[0] == "dtc_helpers"}
    return found


def calls(source):
    return [ast.unparse(node.func) for node in ast.walk(source) if isinstance(node, ast.Call)]


@pytest.mark.parametrize(
    "line",
    [
        "from dtc_helpers.cycle import Planfrom dtc_helpers import cycleimport dtc_helpers.cycle",
        "from .cycle import Plan",
        "from . import cycle as c",
        "def f():\n    from dtc_helpers.cycle import Plan",
    ],
)
def test_no_way_to_import_escapes_this_test(line):
    assert imports(ast.parse(line)) == {"cycle"}


@pytest.mark.parametrize("name", [name for name in MODULES if name in MAY_IMPORT])
def test_module_imports_only_what_lies_below_it(name):
    assert imports(tree(name)) <= MAY_IMPORT[name]


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_module_of_the_layering_exists(name):
    assert name in MODULES


@every_module
def test_only_the_command_line_imports_reproduce(name):
    assert name == "__main__" or "reproduce" not in imports(tree(name))


def test_imports_run_in_no_circle():
    left = {name: imports(tree(name)) for name in MODULES}
    while left:
        ready = [name for name, wanted in left.items() if not wanted & set(left)]
        assert ready, f"these import each other: {', '.join(left)}"
        left = {name: wanted for name, wanted in left.items() if name not in ready}


@every_module
def test_no_module_seeds_or_draws_globally(name):
    source = tree(name)
    forbidden_imports = [
        ast.unparse(node)
        for node in ast.walk(source)
        if (isinstance(node, ast.Import) and any(alias.name in ("random", "numpy.random") for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module in ("random", "numpy.random", "torch.random"))
    ]
    allowed = {"RandomState", "Generator", "default_rng", "SeedSequence", "get_state", "set_state"}
    called = [call.split(".") for call in calls(source)]
    global_numpy = [call for call in called if call[:2] in (["np", "random"], ["numpy", "random"])]
    global_seeds = [call for call in called if call[-1] in ("manual_seed_all", "seed_everything")]
    # torch.Generator().manual_seed(…) is an argument's seed; torch.manual_seed(…) is everybody's.
    global_seeds += [
        call for call in called if call in (["torch", "manual_seed"], ["torch", "seed"], ["random", "seed"])
    ]
    assert forbidden_imports == []
    assert [call for call in global_numpy if call[2] not in allowed] == []
    assert global_seeds == []


@every_module
def test_no_module_pickles(name):
    assert not {"pickle.dump", "pickle.dumps", "torch.save", "torch.load", "joblib.dump"} & set(calls(tree(name)))


@pytest.mark.parametrize("name", [name for name in MODULES if name.endswith("plots")])
def test_plots_save_nothing(name):
    assert not [call for call in calls(tree(name)) if call.split(".")[-1] in ("savefig", "show")]
    assert name == "plots" or not [call for call in calls(tree(name)) if call.startswith("plt.")]


def test_plots_set_up_a_figure_only_in_canvas():
    source = tree("plots")
    canvas = next(node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == "canvas")
    others = [node for node in source.body if node is not canvas]
    assert not [call for node in others for call in calls(node) if call.startswith("plt.")]
