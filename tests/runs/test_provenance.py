import json
import subprocess

import torch

from dtc_helpers.runs import provenance as provenance_module
from dtc_helpers.runs.provenance import PACKAGES, provenance, run_key


def test_provenance_is_json_and_says_what_decides_the_numbers():
    run = json.loads(json.dumps(provenance()))
    assert run["versions"]["torch"] == torch.__version__.split("+")[0] or run["versions"]["torch"] == torch.__version__
    assert set(run["versions"]) == set(PACKAGES)
    assert run["threads"] == torch.get_num_threads()
    assert run["cpu_capability"] == torch.backends.cpu.get_cpu_capability()


def test_run_is_another_with_another_setting_other_code_or_threads(monkeypatch):
    key = run_key("setting", 1)
    assert run_key("setting", 1) == key
    assert len({key, run_key("setting", 2), run_key("setting"), run_key("setting", 1.0)}) == 4
    monkeypatch.setattr(torch, "get_num_threads", lambda: 99)
    other = run_key("setting", 1)
    monkeypatch.setattr(provenance_module, "CODE_HASH", "another")
    assert len({key, other, run_key("setting", 1)}) == 3


def test_commit_says_when_the_helpers_differ_from_it_and_only_then(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance_module, "project_root", lambda: tmp_path)
    module, figure = tmp_path / "dtc_helpers" / "module.py", tmp_path / "figure.txt"
    module.parent.mkdir()
    for file in (module, figure):
        file.write_text("committed")
    as_someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org"]
    for arguments in (["init", "--quiet"], ["add", "."], [*as_someone, "commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    figure.write_text("drawn anew")
    commit = provenance()["git_commit"]
    assert len(commit) == 12
    module.write_text("changed")
    assert provenance()["git_commit"] == f"{commit}+changes"


def test_commit_is_unknown_outside_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance_module, "project_root", lambda: tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance()["git_commit"] is None


def test_commit_is_unknown_without_git(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance()["git_commit"] is None
