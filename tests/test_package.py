import ast
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from dtc_helpers import __version__
from dtc_helpers.paths import PACKAGE, project_root

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXPLORER = PACKAGE / "explorer"
PLANTED = ["page.js", "page.html", "page.css", "page.json", "page.csv", "page.png"]  # in a folder without Python
SOLVE = """
import numpy as np
import torch
from dtc_helpers import gaussian_matrix, measure, recover, recovered_weights, sensing_matrix

Phi = gaussian_matrix(8, 16, rng=np.random.RandomState(0))
weights = recovered_weights(torch.eye(16)[3])
answer = recover(sensing_matrix(Phi), measure(Phi, weights), l1_penalty=0.01).certified()
print(int(answer.sparse_code.argmax()), round(float(answer.sparse_code[3]), 1))
"""


def run(*arguments, cwd, site=None):
    """What a fresh process prints that finds our package in `site` only."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DTC_DATA_DIR")}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def lines_of(path):
    lines = (line.split("#")[0].strip() for line in (ROOT / path).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def normal(name):
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Copy of the project with its other top-level folders, a file for each kind of data, and one of no kind."""
    folder = tmp_path_factory.mktemp("made") / "checkout"
    for name in ("dtc_helpers", "tests", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("notebooks", "figures", "results"):
        (folder / name).mkdir()
        (folder / name / "page.json").write_text("{}")
    web = folder / "dtc_helpers" / "planted" / "web"
    web.mkdir(parents=True)
    for name in [*PLANTED, "notes.txt"]:
        (web / name).write_text("planted")
    return folder


@pytest.fixture(scope="module")
def wheel(checkout):
    """Built by the backend that pyproject.toml names, as pip does it, without pip (which uv's environments lack)."""
    backend = PROJECT["build-system"]["build-backend"]
    run("-c", f"import {backend} as backend; backend.build_wheel('..')", cwd=checkout)
    (path,) = checkout.parent.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """Folder that the wheel is unpacked into, which is all that installing a pure wheel does, beside a stranger."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    (folder / "notebooks").mkdir()  # of some other package
    return folder


@pytest.fixture(scope="module")
def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def metadata(site):
    (path,) = site.glob("*.dist-info/METADATA")
    return Parser().parsestr(path.read_text(encoding="utf-8"))


# -------------------------------------------------------------------------------------------- wheel


def test_wheel_holds_the_package_and_its_description_only(contents):
    assert {name.split("/")[0] for name in contents} == {"dtc_helpers", f"dtc_notebooks-{__version__}.dist-info"}


def test_wheel_holds_every_module_and_every_data_file(contents, checkout):
    modules = {path.relative_to(checkout).as_posix() for path in (checkout / "dtc_helpers").rglob("*.py")}
    planted = {f"dtc_helpers/planted/web/{name}" for name in PLANTED}
    explorer = {path.relative_to(ROOT).as_posix() for room in ("web", "data") for path in (EXPLORER / room).iterdir()}
    assert len(explorer) >= 15
    assert {name for name in contents if name.startswith("dtc_helpers/")} == modules | planted | explorer


def test_every_folder_with_modules_is_a_package():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert sorted(folder.name for folder in folders if not (folder / "__init__.py").is_file()) == []


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no git checkout")
def test_git_ignores_no_module():
    modules = "\n".join(
        path.relative_to(ROOT).as_posix() for top in (PACKAGE, ROOT / "tests") for path in modules_of(top)
    )
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    assert subprocess.run(command, cwd=ROOT, input=modules, capture_output=True, text=True).stdout.split() == []


def modules_of(folder):
    return sorted(folder.rglob("*.py"))


def test_metadata_has_the_version_and_asks_for_what_requirements_name(metadata):
    assert (metadata["Name"], metadata["Version"]) == ("dtc-notebooks", __version__)
    assert metadata["Requires-Python"] == PROJECT["project"]["requires-python"]
    always = [each for each in metadata.get_all("Requires-Dist") if "extra ==" not in each]
    assert sorted(always) == sorted(lines_of("requirements.txt"))


def test_version_is_a_literal_so_that_nobody_imports_the_package_to_read_it():
    body = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body
    values = [n.value for n in body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__version__"]
    assert [ast.literal_eval(value) for value in values] == [__version__]


# ------------------------------------------------------------------------------------- requirements


def test_package_and_checks_share_no_requirement():
    assert not {normal(name) for name in lines_of("requirements.txt")} & {
        normal(name) for name in lines_of("requirements-checks.txt")
    }


@pytest.mark.parametrize(
    "path", ["requirements.txt", "requirements-checks.txt", "requirements-browser.txt", "requirements-book.txt"]
)
def test_every_requirement_has_a_version_that_passed(path):
    constrained = {normal(line) for line in lines_of("constraints.txt")}
    assert {normal(line) for line in lines_of(path)} <= constrained


def test_package_imports_only_what_it_requires():
    providers = importlib.metadata.packages_distributions()
    required = {normal(line) for line in lines_of("requirements.txt")}
    used = {name for path in modules_of(PACKAGE) for name in third_party(ast.parse(path.read_text(encoding="utf-8")))}
    assert {name for name in used if not {normal(d) for d in providers.get(name, [])} & required} == set()


def third_party(tree):
    """Top-level names that a source imports, wherever, without our own and those of Python."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return {name for name in found if name not in sys.stdlib_module_names and name != "dtc_helpers"}


# -------------------------------------------------------------------------------------------- pip


@pytest.mark.parametrize("way", ["pip install .", "pip install git+…"])
def test_pip_installs_the_checkout(way, checkout, tmp_path):
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this environment has no pip (uv makes such ones)")
    source, folder, empty = str(checkout), tmp_path / "site", tmp_path / "empty"
    if "git" in way:
        shutil.copytree(checkout, tmp_path / "clone")
        as_someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org"]
        for arguments in (["init", "--quiet"], ["add", "."], [*as_someone, "commit", "--quiet", "-m", "first"]):
            subprocess.run(["git", *arguments], cwd=tmp_path / "clone", check=True)
        source = f"git+{(tmp_path / 'clone').as_uri()}"
    alone = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    run("-m", "pip", "install", *alone, "--target", str(folder), source, cwd=tmp_path)
    empty.mkdir()
    assert run("-c", SOLVE, cwd=empty, site=folder) == "3 1.0"


# -------------------------------------------------------------------------------------------- in use


def test_installed_package_solves_from_an_empty_folder(site, tmp_path):
    assert run("-c", SOLVE, cwd=tmp_path, site=site) == "3 1.0"
    assert list(tmp_path.iterdir()) == []


def test_installed_package_is_the_one_that_is_used(site, tmp_path):
    assert run("-c", "import dtc_helpers; print(dtc_helpers.__file__)", cwd=tmp_path, site=site) == str(
        site / "dtc_helpers" / "__init__.py"
    )


def test_installed_package_writes_the_page_of_the_explorer(site, tmp_path):
    assert run("-m", "dtc_helpers", "explorer", "--out", "page.html", cwd=tmp_path, site=site) == "page.html"
    assert 100_000 < (tmp_path / "page.html").stat().st_size < 300_000


def test_command_line_of_the_installed_package_says_what_it_can_do(site, tmp_path):
    said = run("-m", "dtc_helpers", "--help", cwd=tmp_path, site=site)
    assert said.startswith("usage: python -m dtc_helpers")


def test_installed_package_starts_its_folders_where_the_process_works(site, tmp_path):
    code = "from dtc_helpers.paths import in_project, project_root; print(project_root(), in_project('results'))"
    assert run("-c", code, cwd=tmp_path, site=site) == f"{tmp_path} {tmp_path / 'results'}"


def test_checkout_is_its_own_root_wherever_the_process_works(checkout, tmp_path):
    assert project_root() == ROOT
    code = "from dtc_helpers.paths import project_root; print(project_root())"
    assert run("-c", code, cwd=tmp_path, site=checkout) == str(checkout)
