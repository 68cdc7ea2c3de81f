"""Data and pictures that travel with the page, from stored results: python -m dtc_helpers explorer --renew-from."""

from pathlib import Path

import numpy as np

from dtc_helpers.explorer.answers import LabSettings
from dtc_helpers.explorer.page import DATA, without_blanks
from dtc_helpers.explorer.page_game import game_state
from dtc_helpers.explorer.pictures import game_picture, lab_picture, proposition_picture, replay_picture
from dtc_helpers.explorer.state import lab_state, processes_of_study, proposition_state, replay_state
from dtc_helpers.paths import project_root, whole_file
from dtc_helpers.runs.results import read_results

TRAINED = "described/dtc/0/1/outgoing"  # of the layer before its first cut
SHOWN = ("published, DTC", "published, random")


def renew(results_dir: Path, folder: Path = DATA) -> list[Path]:
    """Write data and pictures of all views.

    Parameters
    ----------
    results_dir : results of notebook 1 on MNIST, both readings, as `python -m dtc_helpers reproduce` writes them.

    Raises
    ------
    ValueError for results of another run; as `read_results` where there are none, or damaged ones.
    """
    results = read_results(results_dir)
    if set(results.cycles.dataset) != {"mnist"} or TRAINED not in results.neuron_sums:
        raise ValueError(f"{results_dir} holds another run: expected MNIST in both readings, see make reproduce")
    processes = processes_of_study(project_root() / "notebooks" / "studies" / "data" / "10_proposition")
    weights = np.round(results.neuron_sums[TRAINED][:64], 4)
    replay, game, (name, replicates) = replay_state(results), game_state(), next(iter(processes.items()))
    made = {
        "lab": (lab_state(weights), lab_picture(weights, LabSettings())),
        "proposition": (proposition_state(processes), proposition_picture(replicates[0], name=name)),
        "replay": (replay, replay_picture(replay, names=SHOWN)),
        "game": (game, game_picture(game["rivals"])),
    }
    for view, (state, picture) in made.items():
        with whole_file(folder / f"{view}.json") as temporary:
            temporary.write_text(without_blanks(state) + "\n", encoding="utf-8")
        with whole_file(folder / f"{view}.png") as temporary:
            temporary.write_bytes(picture)
    return sorted(folder.iterdir())
