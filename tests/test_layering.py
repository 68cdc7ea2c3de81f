"""The floors of the house: every file belongs to a room, every room to a floor, and nothing imports upwards."""

import ast
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "dtc_helpers"
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
CORE = ("sensing", "recovery", "networks", "training", "scoring", "surgery", "readings", "cycle", "gibbs")
FLOORS = (  # from the ground up; a room imports from its own floor and those below it
    {"checks", "paths", "statistics", "paper", "images", "solvers"},
    set(CORE),
    {"figures", "runs", "any_network"},
    {"proposition", "studies", "lessons"},
    {"sweeps", "explorer"},
    {"__main__", "__init__"},
)
ROOM_FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
NOT_IN_THE_CORE = {"pandas", "matplotlib", "seaborn", "papermill", "dask", "distributed", "torch_pruning"}
LINES_OF_THE_CORE = 1300


def tree(name):
    return ast.parse(MODULES[name].read_text())


def imported(source):
    """Dotted names that a source imports, wherever the import stands and however it is written."""
    found = set()
    for node in ast.walk(source):
        if isinstance(node, ast.ImportFrom):
            module = ".".join(part for part in ("dtc_helpers" if node.level else "", node.module or "") if part)
            found |= {f"{module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def rooms(source):
    """Rooms of the package that a source imports from."""
    return {name.split(".")[1] for name in imported(source) if name.startswith("dtc_helpers.")}


def room_of(name):
    return name.split("/")[0]


def calls(source):
    return [ast.unparse(node.func) for node in ast.walk(source) if isinstance(node, ast.Call)]


@pytest.mark.parametrize(
    "line",
    [
        "from dtc_helpers.cycle import Plan",
        "from dtc_helpers import cycle",
        "import dtc_helpers.cycle",
        "from .cycle import Plan",
        "from . import cycle as c",
        "def f():\n    from dtc_helpers.cycle import Plan",
    ],
)
def test_no_way_to_import_escapes_this_test(line):
    assert rooms(ast.parse(line)) == {"cycle"}


def test_every_file_belongs_to_a_room_and_every_room_has_files():
    assert {room_of(name) for name in MODULES} == set(ROOM_FLOOR)
    assert len(FLOORS) <= 7


def test_nothing_imports_upwards():
    upwards = [
        f"{name} imports {room}"
        for name in MODULES
        for room in rooms(tree(name))
        if ROOM_FLOOR.get(room, 99) > ROOM_FLOOR[room_of(name)]
    ]
    assert upwards == []


def test_no_two_classes_have_one_name():
    names = [node.name for name in MODULES for node in tree(name).body if isinstance(node, ast.ClassDef)]
    assert [name for name, n in Counter(names).items() if n > 1 and not name.startswith("_")] == []


def test_figures_and_runs_know_nothing_of_each_other():
    strangers = {"figures": {"runs", "any_network"}, "runs": {"figures", "any_network"}, "any_network": {"figures"}}
    for name in MODULES:
        assert not strangers.get(room_of(name), set()) & rooms(tree(name)), name


def test_imports_run_in_no_circle():
    left = {name: _modules_imported(name) for name in MODULES if name != "__init__"}
    while left:
        ready = [name for name, wanted in left.items() if not wanted & set(left)]
        assert ready, f"these import each other: {', '.join(left)}"
        left = {name: wanted for name, wanted in left.items() if name not in ready}


def _modules_imported(name):
    """Modules of the package, among them the `__init__` of each room on the way."""
    found = set()
    for dotted in imported(tree(name)):
        parts = dotted.split(".")[1:] if dotted.startswith("dtc_helpers.") else []
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            found |= {candidate for candidate in (path, f"{path}/__init__") if candidate in MODULES}
    return found - {name}


def test_core_and_solvers_import_no_tables_figures_or_engines():
    for name in MODULES:
        if room_of(name) in {*CORE, "solvers", "paths", "images"}:
            roots = {dotted.split(".")[0] for dotted in imported(tree(name))}
            assert not roots & NOT_IN_THE_CORE, name
            assert "cvxpy" not in roots or name == "solvers/reference"


def test_core_is_the_paper_and_short():
    assert sum(len(MODULES[name].read_text().splitlines()) for name in CORE) <= LINES_OF_THE_CORE


def test_module_that_travels_to_workers_needs_nothing_of_the_package():
    assert not rooms(tree("sweeps/point"))


def global_state(name):
    """Calls and imports of a module that seed or draw for everybody, or write and read what can run code."""
    source = tree(name)
    called = [call.split(".") for call in calls(source)]
    allowed = {"RandomState", "Generator", "default_rng", "SeedSequence", "get_state", "set_state"}
    # torch.Generator().manual_seed(…) is an argument's seed; torch.manual_seed(…) is everybody's.
    forbidden = [
        *(dotted for dotted in imported(source) if dotted.startswith(("random", "numpy.random", "torch.random"))),
        *(call for call in called if call[:2] in (["np", "random"], ["numpy", "random"]) and call[2] not in allowed),
        *(call for call in called if call[-1] in ("manual_seed_all", "seed_everything")),
        *(call for call in called if call in (["torch", "manual_seed"], ["torch", "seed"], ["random", "seed"])),
        *({"pickle.dump", "pickle.dumps", "torch.save", "torch.load", "joblib.dump"} & set(calls(source))),
    ]
    if name == "any_network/checkpoints":  # reads only what cannot run code: the next test
        return [call for call in forbidden if call not in ("torch.save", "torch.load")]
    return forbidden


def test_no_module_seeds_draws_or_pickles_globally():
    assert {name: found for name in MODULES if (found := global_state(name))} == {}


def test_checkpoints_are_read_without_running_code():
    nodes = [node for node in ast.walk(tree("any_network/checkpoints")) if isinstance(node, ast.Call)]
    loads = [node for node in nodes if ast.unparse(node.func) == "torch.load"]
    assert loads
    for node in loads:
        assert "weights_only=True" in [ast.unparse(keyword) for keyword in node.keywords]


def test_figures_save_and_set_up_nothing_but_in_style():
    names = [name for name in MODULES if room_of(name) == "figures"]
    assert len(names) >= 5
    for name in set(names) - {"figures/style"}:
        called = calls(tree(name))
        assert not [call for call in called if call.split(".")[-1] in ("savefig", "show")], name
        assert not [call for call in called if call.startswith("plt.")], name
    source = tree("figures/style")
    others = [node for node in source.body if getattr(node, "name", "") not in ("canvas", "save_figure")]
    assert not [call for node in others for call in calls(node) if call.startswith("plt.") or call.endswith("savefig")]


# ---------------------------------------------------------------------------------------- nothing idle


def words_outside_the_tests():
    """How often a word stands in the code of package, benchmarks and notebooks, and in pages for readers."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/book/*.py"), *ROOT.glob("benchmarks/*.py")]
    texts = [path.read_text(encoding="utf-8") for path in [*pages, *MODULES.values()]]
    for path in ROOT.glob("notebooks/**/*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts += [cell.source for cell in cells if cell.cell_type == "code"]
    return Counter(word for text in texts for word in re.findall(r"\w+", text))


def public_names(name):
    """Functions, classes and constants of a module."""
    for node in tree(name).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
        names = {getattr(target, "name", getattr(target, "id", "_")) for target in targets}
        yield from (each for each in names if not each.startswith("_"))


def test_nothing_public_is_used_by_its_own_tests_only():
    count = words_outside_the_tests()
    idle = [(name, each) for name in MODULES if name != "paper" for each in public_names(name) if count[each] < 2]
    assert idle == []  # the paper's numbers are there to be checked against
