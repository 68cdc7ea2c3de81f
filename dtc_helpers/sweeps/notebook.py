"""A notebook as a sweep sees it: its code, its parameters, and the package that travels with it."""

import ast
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import nbformat

from dtc_helpers.checks.fields import check_type
from dtc_helpers.paths import Files, code_hash, package_files
from dtc_helpers.runs.results import RUN
from dtc_helpers.sweeps.parameter_class import parameter_class
from dtc_helpers.sweeps.point import FIGURES_DIR, RESULTS_DIR

PLACES = {"results_dir": RESULTS_DIR, "figures_dir": FIGURES_DIR}  # belong to the sweep
_KINDS = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold: same files, same bytes


@dataclass(frozen=True)
class Notebook:
    """A notebook that can be swept."""

    name: str
    source: str  # ipynb text without outputs, as it travels to a worker
    package: bytes  # zip of the helper package, which travels with it
    code_hash: str  # of all code but the parameters cell, and of the package; texts and outputs do not count
    result_file: str | None  # proves a whole run: `run.json` where results are written, None where papermill must do
    defaults: dict[str, Any]
    kinds: dict[str, Any]  # name → type
    checked_by: type | None  # dataclass of the parameters; None for a notebook that checks nothing

    def complete(self, given: dict[str, Any]) -> dict[str, Any]:
        """All parameters of a point, so that one given its default value is the same point as one not given it.

        A whole number given for a float becomes one, for the same reason.
        """
        every = {**self.defaults, **given, **{name: PLACES[name] for name in PLACES if name in self.defaults}}
        return {
            name: float(value) if self.kinds[name] is float and isinstance(value, int) else value
            for name, value in every.items()
        }

    def check(self, name: str, value: Any) -> None:
        """Refuse an unknown name or a value of a wrong type; `ValueError` and `TypeError` say what was expected."""
        if name in PLACES:
            raise ValueError(f"{name} belongs to the sweep, which gives every point a folder of its own: leave it out")
        if name not in self.kinds:
            allowed = ", ".join(other for other in self.kinds if other not in PLACES)
            raise ValueError(f"unknown parameter {name}: expected one of {allowed}")
        check_type(name, value, self.kinds[name])
        _check_json(name, value)
        try:
            self.complete({name: value})
        except OverflowError:
            raise ValueError(f"{name} = {value}: expected a number below 1.8e308") from None

    def key(self, given: dict[str, Any], *, dataset: str) -> str:
        """Name of a point: a hash of the code, all parameters, and what identifies the images."""
        values = {name: value for name, value in self.complete(given).items() if name not in PLACES}
        identity = json.dumps([self.code_hash, values, dataset], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()[:20]


def read_notebook(path: Path) -> Notebook:
    """Read a notebook and its parameters cell.

    Raises ValueError without exactly one cell tagged `parameters`, if that assigns anything but literals that JSON can
    hold, or a name that a sweep's table has for itself; and if the class that the notebook checks them with cannot be
    found, or does not know one of them.
    """
    book = nbformat.read(path, as_version=4)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{path} has {len(tagged)} cells tagged 'parameters': expected one, with all parameters")
    for cell in cells:
        cell.outputs, cell.execution_count = [], None
    sources = [cell.source for cell in cells if cell is not tagged[0]]
    defaults, kinds = _literals(tagged[0].source)
    checked_by = parameter_class(sources)
    if checked_by is not None:  # knows more than the cell can say, e.g. int | list[int]
        kinds = get_type_hints(checked_by)
        if unknown := ", ".join(name for name in defaults if name not in kinds):
            raise ValueError(f"parameters cell: {checked_by.__name__}, which checks it, does not know {unknown}")
    if taken := ", ".join(name for name in defaults if name in ("key", "code")):
        raise ValueError(f"parameters cell: {taken} is a column of a sweep's table: choose another name")
    for name, value in defaults.items():
        _check_json(name, value)
    code, files = "\0".join(sources), package_files()
    whole = code_hash([("notebook", code.encode()), *files])[:20]
    result_file = RUN if "run_methods(" in code or "write_results(" in code else None
    return Notebook(path.stem, nbformat.writes(book), _zipped(files), whole, result_file, defaults, kinds, checked_by)


def _check_json(name: str, value: Any) -> None:
    """Raises ValueError for what a record of a point could not hold."""
    try:
        json.dumps(value, sort_keys=True)
    except (TypeError, ValueError):
        expected = "expected numbers, text, true, false, null, or lists and mappings of these"
        raise ValueError(f"{name} = {value!r}: {expected}") from None


def _literals(source: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values and types of the names that a parameters cell assigns."""
    values, kinds = {}, {}
    for statement in ast.parse(source).body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or not isinstance(target, ast.Name):
            raise ValueError(f"parameters cell: expected only `name: type = literal`, got {ast.unparse(statement)!r}")
        values[target.id] = ast.literal_eval(statement.value) if statement.value is not None else None
        annotation = _kind(statement.annotation) if isinstance(statement, ast.AnnAssign) else None
        kinds[target.id] = annotation or (object if values[target.id] is None else type(values[target.id]))
    return values, kinds


def _kind(annotation: ast.expr) -> Any:
    """Type that an annotation names; None for one that is not of the kind found in notebooks."""
    if isinstance(annotation, ast.Name):
        return _KINDS.get(annotation.id)
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "list":
        element = _kind(annotation.slice)
        return element and list[element]
    if isinstance(annotation, ast.BinOp):
        left, right = _kind(annotation.left), _kind(annotation.right)
        return left and right and left | right
    return None


def _zipped(files: Files) -> bytes:
    """Zip of the helper package's code; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # not compressed: another zlib would give another key
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(f"dtc_helpers/{name}", _EPOCH), content)
    return buffer.getvalue()
