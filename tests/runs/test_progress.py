import itertools

import pytest

from dtc_helpers.runs import progress as progress_module
from dtc_helpers.runs.progress import is_watched, progress


@pytest.fixture
def clock(monkeypatch):
    """One second passes between two looks at the clock, and nobody watches."""
    monkeypatch.setattr(progress_module, "is_watched", lambda: False)
    seconds = itertools.count()
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: float(next(seconds)))


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("items", [[], [1], list(range(30))], ids=len)
def test_items_pass_unchanged(monkeypatch, items, watched):
    monkeypatch.setattr(progress_module, "is_watched", lambda: watched)
    assert list(progress(iter(items), total=len(items), title="work")) == items


def test_log_has_a_line_every_5_seconds_and_one_at_the_end(clock, capsys):
    assert sum(progress(range(12), total=12, title="work", describe=lambda i: f"item {i}")) == 66
    assert capsys.readouterr().out.splitlines() == [
        "work: 5/12, item 4, 5 s",
        "work: 10/12, item 9, 10 s",
        "work: 12/12, item 11, 12 s",
    ]


def test_items_are_taken_one_at_a_time(clock):
    taken = []
    items = progress((taken.append(i) or i for i in range(5)), total=5, title="work")
    assert next(items) == 0
    assert taken == [0]


def test_person_who_watches_sees_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(progress_module, "is_watched", lambda: True)
    assert list(progress(range(3), total=3, title="work", describe=lambda i: f"item {i}")) == [0, 1, 2]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "work" in printed.err
    assert "3/3" in printed.err


@pytest.mark.parametrize("variable", ["JPY_SESSION_NAME", "VSCODE_PID"])
def test_notebook_opened_in_an_editor_is_watched_and_one_under_papermill_is_not(monkeypatch, variable):
    for name in ("JPY_SESSION_NAME", "VSCODE_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(progress_module.sys.stderr, "isatty", lambda: False, raising=False)
    assert not is_watched()
    monkeypatch.setenv(variable, "1")
    assert is_watched()
