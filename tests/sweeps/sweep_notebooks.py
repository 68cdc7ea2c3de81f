"""A notebook that does what a parameter says, so that sweeps meet every accident, and grids of it."""

import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_notebook

PARAMETERS = """# Parameters
x: int = 1
share: float = 0.5
action: str = "work"
diary: str = ""  # file that gets a line at every execution
names: list[str] = ["a"]
results_dir: str = "results"
figures_dir: str = "figures"
"""
BEGIN = """import json, os, psutil, time
from pathlib import Path
with Path(diary).open("a") as file:
    print(x, os.getpid(), file=file)
before = Path(diary).read_text().split("\\n")"""
ACT = """if action == "fail":
    raise RuntimeError(f"no result for {x}")
if action == "die":
    os.kill(os.getpid(), 9)
if action == "kill worker":
    psutil.Process().parent().parent().kill()
    time.sleep(600)
if action == "hang" or (action == "hang once" and sum(line.startswith(f"{x} ") for line in before) == 1):
    time.sleep(600)"""
END = """Path(results_dir).mkdir()
Path(figures_dir).mkdir()
(Path(figures_dir) / "figure.txt").write_text("drawn")
Path("data").mkdir()
if action != "forget":
    seen = {"threads": os.environ["OMP_NUM_THREADS"], "socket_file": Path("kernel-1").is_socket()}
    (Path(results_dir) / "run.json").write_text(json.dumps({"x": x, **seen}))
    if action == "write half":
        (Path(results_dir) / "run.json").write_text('{"x": ')
    (Path(results_dir) / "cycles.csv").write_text(f"dataset,cycle,neurons\\ndigits,1,{x}\\ndigits,2,{x}\\n")
    (Path(results_dir) / "noise.bin").write_bytes(os.urandom(200_000))"""


def write_notebook(folder):
    cells = [new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}), *map(new_code_cell, (BEGIN, ACT, END))]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "toy.ipynb")


def write_grid(folder, **sections):
    """Grid file of the toy notebook beside it, with a diary in the same folder."""
    write_notebook(folder)
    fixed = {"diary": str(folder / "diary.txt"), **sections.pop("fixed", {})}
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({"notebook": "toy.ipynb", "result_file": "run.json", "fixed": fixed, **sections}))
    return path


def executed(folder):
    """Values of x in the order in which the notebook was executed, in full or not."""
    diary = folder / "diary.txt"
    return [int(line.split()[0]) for line in diary.read_text().splitlines()] if diary.exists() else []
