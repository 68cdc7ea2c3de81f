"""One page a module of the paper, and one a room, written for autodoc."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "dtc_helpers"


def write(folder: Path) -> None:
    """Write the pages and their index."""
    folder.mkdir(exist_ok=True)
    modules = [path for path in sorted(PACKAGE.glob("*.py")) if not path.stem.startswith("__")]
    rooms = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))
    for module in modules:
        page = f"# dtc_helpers.{module.stem}\n\n{_automodule(module)}"
        (folder / f"{module.stem}.md").write_text(page, encoding="utf-8")
    for room in rooms:
        inside = [path for path in sorted(room.glob("*.py")) if path.stem != "__init__"]
        parts = [f"## {room.name}.{path.stem}\n\n{_automodule(path)}" for path in inside]
        page = "\n".join([f"# dtc_helpers.{room.name}\n\n{_automodule(room)}", *parts])
        (folder / f"{room.name}.md").write_text(page, encoding="utf-8")
    index = f"# API\n\nThe paper, one module an idea:\n\n{_list(modules)}\nThe rooms around it:\n\n{_list(rooms)}"
    (folder / "index.md").write_text(index, encoding="utf-8")


def _automodule(path: Path) -> str:
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return f"```{{eval-rst}}\n.. automodule:: {name}\n```\n"


def _list(paths: list[Path]) -> str:
    """List with the first line of every docstring, and the same pages in the side bar."""
    lines = [f"- [{path.stem}]({path.stem}.md): {_first_line(path)}" for path in paths]
    entries = "\n".join(f"{path.stem} <{path.stem}>" for path in paths)
    return "\n".join(lines) + f"\n\n```{{toctree}}\n:hidden:\n{entries}\n```\n"


def _first_line(path: Path) -> str:
    source = path / "__init__.py" if path.is_dir() else path
    return (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").partition("\n")[0]
