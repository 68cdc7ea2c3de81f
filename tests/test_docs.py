"""What README, CONTRIBUTING and docs/ promise is there: links, files, commands, and code that runs."""

import ast
import doctest
import re
from functools import cache
from pathlib import Path

import pytest
import torch

import dtc_helpers

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
PUBLIC = {
    "recover", "sensing_matrix", "gaussian_matrix", "measure", "recovered_weights", "compress_train", "start_networks",
    "run_methods", "load_dataset", "gibbs_entropy", "READINGS", "SCORES", "Plan",
}  # fmt: skip
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = r"(?:dtc_helpers|notebooks|docs|tests|benchmarks|figures)"
# <subject> and * stand for many names; a folder like docs/ is a path too
PROJECT_PATH = re.compile(rf"(?<![\w/.]){FOLDERS}/[\w./<>*-]*")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page):
    """Text without fenced blocks, in which # is no heading and [x](y) no link."""
    return FENCED.sub("", page.read_text())


def snippets(page, language):
    """(line, source) of every fenced block in a language."""
    text = page.read_text()
    return [(text[: m.start()].count("\n") + 2, m[2]) for m in FENCED.finditer(text) if m[1] == language]


def code(page):
    """All code of a page: fenced blocks of any language, and what stands between backticks."""
    inline = re.findall(r"`([^`\n]+)`", prose(page))
    return "\n".join([*(block[2] for block in FENCED.finditer(page.read_text())), *inline])


def anchors(page):
    """Names by which the headings of a page can be linked to, as GitHub makes them."""
    found = []
    for title in re.findall(r"^#+ +(.+?) *$", prose(page), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()  # of a link only its text
        name = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        found.append(f"{name}-{found.count(name)}" if name in found else name)
    return found


def broken_links(page, *, root=ROOT):
    """Relative links of a page that lead nowhere."""
    broken = []
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_inside = target.is_relative_to(root) and target.exists()
        if not is_inside or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


def test_readme_is_short():
    assert len(README.read_text().split()) <= 1500


@every_page
def test_relative_links_lead_to_files_and_headings_that_exist(page):
    assert broken_links(page) == []


def test_links_that_lead_nowhere_are_found(tmp_path):
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# Who? The *paper's* `code`\n# Twice\n```sh\n# no heading\n```\n# Twice\n")
    good = ["other.md", "other.md#who-the-papers-code", "other.md#twice-1", "#here", "https://example.org/x#y"]
    bad = ["none.md", "other.md#no-heading", "#there", "../outside.md", "other.md#twice-2"]
    page.write_text("# Here\n```\n[x](not-a-link.md)\n```\n" + "\n".join(f"[x]({link})" for link in good + bad))
    (tmp_path.parent / "outside.md").touch()
    assert broken_links(page, root=tmp_path) == bad


@every_page
def test_paths_and_commands_in_code_exist(page):
    text = code(page)
    paths = {path for path in PROJECT_PATH.findall(text) if "<" not in path and "*" not in path}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    modules = set(re.findall(r"-m benchmarks\.(\w+)", text))
    assert [name for name in sorted(modules) if not (ROOT / "benchmarks" / f"{name}.py").exists()] == []
    targets = set(re.findall(r"^(?:\w+=\S+ )*make (\w+)", text, re.MULTILINE))
    assert [name for name in sorted(targets) if f"\n{name}:" not in (ROOT / "Makefile").read_text()] == []


SOURCES = [*sorted(ROOT.glob("dtc_helpers/**/*.py")), *sorted(ROOT.glob("benchmarks/*.py"))]
FILE_ENDINGS = {"csv", "json", "npz", "npy", "py"}


@cache
def defined_in_modules():
    """(stem of a module, name defined at its top level) and (folder, stem of a module) of the whole package."""
    found = set()
    for path in ROOT.glob("dtc_helpers/**/*.py"):
        found.add((path.parent.name, path.stem))
        for statement in ast.parse(path.read_text()).body:
            targets = getattr(statement, "targets", [getattr(statement, "target", statement)])
            found |= {(path.stem, getattr(target, "id", getattr(target, "name", None))) for target in targets}
    return found


def identifiers(source):
    """Names that a module imports, and all that stand in its code."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {getattr(node, key, None) for node in nodes for key in ("id", "arg", "attr", "name", "asname")}
    return names - {None}


def stale_references(source):
    """Paths, and names of the form `module.name`, between backticks of a module that lead nowhere."""
    texts, known, defined = re.findall(r"`([^`\n]+)`", source), identifiers(source), defined_in_modules()
    paths = {path for path in PROJECT_PATH.findall("\n".join(texts)) if "<" not in path}
    dotted = {tuple(text.split(".")) for text in texts if re.fullmatch(r"[a-z_]\w*\.\w+", text)}
    dotted = {(module, name) for module, name in dotted if module not in known and name not in FILE_ENDINGS}
    return [path for path in sorted(paths) if not (ROOT / path).exists()] + sorted(dotted - defined)


def test_files_and_names_that_modules_speak_of_exist():
    found = {path.name: stale_references(path.read_text()) for path in SOURCES}
    assert {name: stale for name, stale in found.items() if stale} == {}


def test_stale_references_are_found():
    source = '''"""As `plots.accuracy` and `relation.correlations`, from `tests/gone.py`, into `cycles.csv`."""'''
    assert stale_references(source) == ["tests/gone.py", ("plots", "accuracy")]


HEADLESS = ("What", "How", "Who", "Which", "Where", "When", "Why")


def headless(source):
    """First lines of docstrings that begin with a question word in place of the noun they speak of."""
    written = (ast.FunctionDef, ast.ClassDef, ast.Module)
    docs = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, written)]
    return [doc.partition("\n")[0] for doc in docs if doc.startswith(tuple(f"{word} " for word in HEADLESS))]


def test_docstrings_begin_with_a_noun_or_a_verb():
    sources = (ROOT / "dtc_helpers").rglob("*.py")
    assert {path.name: found for path in sources if (found := headless(path.read_text()))} == {}
    assert headless('"""What it is."""\ndef f():\n    """Whether it is."""') == ["What it is."]


def test_readme_names_every_notebook():
    linked = set(LINK.findall(prose(README)))
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob("notebooks/**/*.ipynb")} <= linked


@pytest.mark.parametrize(
    ("line", "source"), [pytest.param(*found, id=f"line {found[0]}") for found in snippets(README, "python")]
)
def test_python_of_readme_runs_as_it_stands(line, source, tmp_path, monkeypatch):
    tree = ast.parse(source)
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "dtc_helpers"]
    asked = {alias.name for node in imports for alias in node.names}
    assert asked <= PUBLIC
    if missing := sorted(name for name in asked if not hasattr(dtc_helpers, name)):
        pytest.skip(f"dtc_helpers does not offer {', '.join(missing)} yet")
    monkeypatch.chdir(tmp_path)  # what a snippet writes does not stay
    torch.manual_seed(0)
    exec(compile("\n" * (line - 1) + source, str(README), "exec"), {"__name__": "readme"})


PYTHON_PAGE = ROOT / "docs" / "python.md"


def test_page_of_public_names_gives_what_it_shows(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    text = "\n".join(source for _, source in snippets(PYTHON_PAGE, "python"))
    report, runner = [], doctest.DocTestRunner()
    runner.run(doctest.DocTestParser().get_doctest(text, {}, "python.md", str(PYTHON_PAGE), 0), out=report.append)
    assert runner.tries > 50
    assert not runner.failures, "".join(report)


def test_page_of_public_names_uses_every_one_of_them():
    examples = doctest.DocTestParser().get_examples(code(PYTHON_PAGE))
    used = [node.id for each in examples for node in ast.walk(ast.parse(each.source)) if isinstance(node, ast.Name)]
    assert set(dtc_helpers.__all__) <= set(used)


def test_readme_shows_a_solve_and_a_run_in_python():
    sources = [source for _, source in snippets(README, "python")]
    assert any("recover(" in source for source in sources)
    assert any("run_methods(" in source for source in sources)
