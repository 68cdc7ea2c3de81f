"""Size of a small environment: python -m benchmarks.environment PIP_ARGUMENTS…, which give a CPU build of torch.

With an index of such builds: python -m benchmarks.environment --index-url URL torch torchvision
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from dtc_helpers.paths import project_root


def gigabytes(folder: Path) -> float:
    """Size of the files of an environment, links not counted, in GB (10⁹ bytes)."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink()) / 1e9


def main() -> None:
    """Install torch as told, then what notebooks need, then what tests need, and print the sizes."""
    with tempfile.TemporaryDirectory() as name:
        environment, constraints = Path(name) / "venv", Path(name) / "constraints.txt"
        python = str(environment / "bin" / "python")
        pinned = (project_root() / "constraints.txt").read_text()
        constraints.write_text(re.sub(r"^(torch|torchvision)==.*\n", "", pinned, flags=re.MULTILINE))
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "-c", str(constraints)]
        subprocess.run([*install, *sys.argv[1:]], check=True)
        version = "import torch; print(torch.__version__)"
        torch = subprocess.run([python, "-c", version], check=True, capture_output=True, text=True).stdout.strip()
        print(f"torch {torch}, Python {sys.version.split()[0]}, {sys.platform}")
        for what, requirements in (("notebooks", "requirements.txt"), ("and tests", "requirements-checks.txt")):
            subprocess.run([*install, "-r", str(project_root() / requirements)], check=True)
            print(f"{what}: {gigabytes(environment):.1f} GB", flush=True)


if __name__ == "__main__":
    main()
