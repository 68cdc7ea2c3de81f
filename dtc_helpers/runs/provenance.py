"""Provenance of numbers: versions, commit, threads, instruction set, machine, and a hash of the code."""

import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
from typing import Any

import torch

from dtc_helpers.paths import code_hash, package_files, project_root

PACKAGES = (
    "torch", "torchvision", "numpy", "scipy", "scikit-learn", "daqp", "cvxpy", "scs", "clarabel", "statsmodels",
    "mnist1d", "torch-pruning", "scikit-image", "pillow",
)  # fmt: skip
# read once: the code that runs, whatever becomes of the files meanwhile
CODE_HASH = code_hash(package_files())


def provenance() -> dict[str, Any]:
    """Versions (None of what is not installed), git commit, threads, instruction set (decides roundings), machine."""
    return {
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
        "git_commit": git_commit(),
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def run_key(*setting: object) -> str:
    """Hash that tells apart runs whose numbers may differ: their setting, code, versions, threads, instruction set.

    The setting is values whose `repr` says all about them.
    """
    made = provenance()
    parts = [CODE_HASH, *(made[name] for name in ("python", "versions", "threads", "cpu_capability"))]
    return hashlib.sha256((json.dumps(parts) + repr(setting)).encode()).hexdigest()[:12]


def git_commit() -> str | None:
    """Commit of the project, "+changes" where `dtc_helpers` differs from it; None outside a checkout or without git.

    Notebooks and figures do not count: running a notebook changes them.
    """
    if shutil.which("git") is None or not (commit := _git("rev-parse", "--short=12", "HEAD")):
        return None
    return f"{commit}+changes" if _git("status", "--porcelain", "dtc_helpers") else commit


def _git(*arguments: str) -> str:
    """Output of a git command about the project; nothing where it fails."""
    ran = subprocess.run(["git", *arguments], cwd=project_root(), capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def peak_memory_gb() -> float:
    """Largest resident memory of this process so far, in GB (10⁹ bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9, 2)
