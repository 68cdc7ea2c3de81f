import sys

import nbformat
import pytest

from dtc_helpers import __main__ as command_line
from dtc_helpers import load_dataset
from dtc_helpers.images.idx_folders import DatasetNotFoundError
from dtc_helpers.runs import reproduce as reproduce_module
from dtc_helpers.runs.reproduce import available_dataset


def loading(monkeypatch, error=None):
    def load(name):
        if error:
            raise error

    monkeypatch.setattr(reproduce_module, "load_dataset", load)


@pytest.mark.parametrize("name", ["mnist", "kmnist", "digits"])
def test_dataset_that_is_there_is_used_without_a_word(monkeypatch, capsys, name):
    loading(monkeypatch)
    assert available_dataset(name) == name
    assert capsys.readouterr().out == ""


def test_missing_images_are_replaced_by_digits_in_plain_words(monkeypatch, capsys):
    loading(monkeypatch, DatasetNotFoundError("MNIST is neither here nor there"))
    assert available_dataset("mnist") == "digits"
    printed = capsys.readouterr().out
    assert "MNIST is neither here nor there." in printed
    assert "dataset = 'digits'" in printed
    assert "NOT the images of the paper" in printed


@pytest.mark.parametrize("error", [ValueError("train-labels is damaged"), FileNotFoundError("something else")])
def test_anything_but_missing_images_stops_the_run(monkeypatch, error):
    loading(monkeypatch, error)
    with pytest.raises(type(error), match=str(error)):
        available_dataset("mnist")


def test_folders_in_the_project_are_named_from_there(monkeypatch, tmp_path):
    loading(monkeypatch)
    runs = []
    monkeypatch.setattr(
        reproduce_module.papermill, "execute_notebook", lambda *_, parameters, **__: runs.append(parameters)
    )
    monkeypatch.setattr(reproduce_module, "project_root", lambda: tmp_path)
    reproduce_module.reproduce(dataset="digits", results_dir=tmp_path / "a" / "r", figures_dir=tmp_path / "f")
    assert {(given["results_dir"], given["figures_dir"]) for given in runs} == {("a/r", "f")}


def test_both_notebooks_are_run_on_the_dataset_that_is_there(monkeypatch, tmp_path):
    loading(monkeypatch, DatasetNotFoundError("gone"))
    runs = []
    execute = lambda source, target, *, parameters, **_: runs.append((source, target, parameters))  # noqa: E731
    monkeypatch.setattr(reproduce_module.papermill, "execute_notebook", execute)
    results, figures = tmp_path / "a" / "results", tmp_path / "figures"
    reproduce_module.reproduce(dataset="mnist", results_dir=results, figures_dir=figures)
    assert [source.name for source, _, _ in runs] == ["1_dtc_prune_train.ipynb", "2_gibbs_entropy.ipynb"]
    assert all(source.is_file() for source, _, _ in runs)
    assert [target for _, target, _ in runs] == [results / source.name for source, _, _ in runs]
    places = {"results_dir": str(results), "figures_dir": str(figures)}
    expected = {"dataset": "digits", "readings": ["published", "described"], **places}
    assert all(parameters == expected for _, _, parameters in runs)


@pytest.mark.parametrize("place", ["package", "library"])
def test_command_ends_in_our_sentence_or_in_the_traceback_of_another_library(monkeypatch, tmp_path, capsys, place):
    def fails(**_):
        if place == "package":
            load_dataset("nowhere")
        nbformat.reads("no notebook", 4)

    monkeypatch.setattr(reproduce_module, "reproduce", fails)
    monkeypatch.setattr(sys, "argv", ["dtc_helpers", "reproduce", "--dataset", "digits"])
    with pytest.raises(SystemExit if place == "package" else ValueError, match=r"nowhere|does not appear to be JSON"):
        command_line.main()
