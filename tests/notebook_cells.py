"""A notebook's code, run in this process: what a kernel would do, without the seconds it takes to start one."""

import ast
from pathlib import Path
from typing import Any

import nbformat
from matplotlib import pyplot as plt


def run_cells(path: Path, **parameters: Any) -> dict[str, Any]:
    """Names that the notebook leaves; what a cell shows is rendered, as a browser would have it."""
    names: dict[str, Any] = {"__name__": "__main__", "In": []}
    injected = "# Parameters\n" + "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for cell in cells:
        is_parameters = "parameters" in cell.metadata.get("tags", [])
        for source in [cell.source, injected] if is_parameters else [cell.source]:
            names["In"].append(source)
            _run(source, names)
        plt.close("all")
    return names


def _run(source: str, names: dict[str, Any]) -> None:
    statements = ast.parse(source).body
    last = statements[-1]
    shown = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    exec(compile(ast.Module(statements[:-1] if shown else statements, []), source, "exec"), names)
    value: Any = eval(compile(shown, source, "eval"), names) if shown else None
    if hasattr(value, "_repr_html_"):
        value._repr_html_()


def widget_traces(notebook):
    """What of widgets is left in a notebook."""
    views = [
        f"a widget view in cell {number}"
        for number, cell in enumerate(notebook["cells"])
        for output in cell.get("outputs", [])
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    return [*(["metadata.widgets"] if "widgets" in notebook["metadata"] else []), *views]
