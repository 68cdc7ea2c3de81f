import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import dtc_helpers

PACKAGE = Path(dtc_helpers.__file__).parent
SUBMODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__"))
WRITTEN_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]
WITH_EXAMPLES = ("sensing", "recovery", "gibbs", "images.datasets")


def run(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=True).stdout.strip()


def module(name):
    return importlib.import_module(f"dtc_helpers.{name}")


# ------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("name", dtc_helpers.__all__)
def test_public_name_is_that_of_its_module(name):
    source = module(dtc_helpers._MODULE_OF[name])
    assert getattr(dtc_helpers, name) is getattr(source, name)


@pytest.mark.parametrize("name", dtc_helpers.__all__)
def test_public_name_is_mapped_to_where_it_is_defined(name):
    value = getattr(module(dtc_helpers._MODULE_OF[name]), name, None)
    if inspect.isfunction(value) or inspect.isclass(value):
        assert value.__module__ == f"dtc_helpers.{dtc_helpers._MODULE_OF[name]}"


@pytest.mark.parametrize(
    "heavy", ["numpy", "torch", "scipy", "pandas", "matplotlib", "dtc_helpers.sensing", "dtc_helpers.recovery"]
)
def test_import_of_the_package_imports_nothing_heavy(heavy):
    assert run(f"import dtc_helpers, sys; dir(dtc_helpers); print({heavy!r} in sys.modules)") == "False"


def test_a_name_imports_only_what_it_needs():
    wanted = "dtc_helpers.sensing", "dtc_helpers.recovery", "dtc_helpers.cycle"
    found = run(f"import sys; from dtc_helpers import measure; print([name in sys.modules for name in {wanted}])")
    assert found == "[True, False, False]"


def test_only_imports_of_the_standard_library_run_with_the_package():
    body = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body
    imported = [node.module for node in body if isinstance(node, ast.ImportFrom)]
    assert not [node for node in body if isinstance(node, ast.Import)]
    assert {name and name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_type_checkers_see_the_same_names_from_the_same_modules():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = [(alias.asname or alias.name, node.module) for node in block.body for alias in node.names]  # pyright: ignore[reportAttributeAccessIssue]
    assert sorted(seen) == sorted((name, f"dtc_helpers.{home}") for name, home in dtc_helpers._MODULE_OF.items())


def test_dir_lists_the_public_names_and_the_version():
    assert set(dir(dtc_helpers)) >= {*dtc_helpers.__all__, "__version__", "__all__"}


def test_unknown_name_gives_the_usual_error():
    with pytest.raises(AttributeError, match=r"^module 'dtc_helpers' has no attribute 'recuver'$"):
        dtc_helpers.recuver  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'recuver' from 'dtc_helpers'"):
        from dtc_helpers import recuver  # pyright: ignore[reportAttributeAccessIssue]  # noqa: F401


def test_no_public_name_hides_a_module():
    packages = [path.name for path in PACKAGE.iterdir() if path.is_dir()]
    assert not {*SUBMODULES, *packages} & set(dtc_helpers.__all__)


def test_module_can_be_imported_after_its_own_function():
    line = "from dtc_helpers import sensing_matrix, sensing"
    assert run(f"{line}; print(sensing.sensing_matrix is sensing_matrix, sensing.__name__)") == (
        "True dtc_helpers.sensing"
    )


@pytest.mark.parametrize("name", SUBMODULES)
def test_module_can_be_imported_from_the_package(name):
    namespace = {}
    exec(f"from dtc_helpers import {name}", namespace)
    assert inspect.ismodule(namespace[name])


# ---------------------------------------------------------------------------------------- examples


def dotted(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("name", [dotted(path) for path in WRITTEN_EXAMPLES])
def test_examples_give_what_they_show(name):
    source, report = module(name), []
    runner = doctest.DocTestRunner()
    names = {**vars(source), **{public: getattr(dtc_helpers, public) for public in dtc_helpers.__all__}}
    for test in doctest.DocTestFinder(exclude_empty=True).find(source, globs=names):
        runner.run(test, out=report.append)
    assert runner.tries > 0
    assert not runner.failures, "".join(report)


def shown(name):
    """Functions of a module that users may call."""
    source = module(name)
    own = {key: value for key, value in vars(source).items() if getattr(value, "__module__", "") == source.__name__}
    functions = {key for key, value in own.items() if inspect.isfunction(value) and not key.startswith("_")}
    return sorted(functions)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in WITH_EXAMPLES for key in shown(name)])
def test_public_function_or_class_has_an_example_that_uses_it(name, key):
    text = inspect.getdoc(getattr(module(name), key)) or ""
    assert "\nExamples\n--------\n" in text
    examples = doctest.DocTestParser().get_examples(text)
    assert any(example.want for example in examples)
    assert any(f"{key}(" in example.source for example in examples)
