"""From the published reading to the described one, one switch at a time."""

from dataclasses import replace

from dtc_helpers.readings import READINGS, IndependentStreams, Reading
from dtc_helpers.studies.numbering import NUMBERINGS

SWITCHES: dict[str, dict[str, object]] = {
    "class softmax": {"loss_axis": "class"},
    "all images count": {"accuracy_column": "test_accuracy"},
    "Adam carried": {"optimizer": "carried"},
    "shuffled": {"data_order": "shuffled"},
    "independent streams": {"streams": IndependentStreams, "kept_as_ranked": frozenset[str]()},
    "lowest cut": {"kept_scores": "highest"},
    "rays of neurons": {"ray_domain": "recovered_weights"},
    "m rounded": {"measurement_rounding": "rounded"},
    "exact solve": {"solver": "exact"},
}
_DTC_FIELDS = ("ray_domain", "measurement_rounding", "solver")


def _walk() -> dict[str, Reading]:
    steps = {"published": READINGS["published"]}
    for step, switches in SWITCHES.items():
        steps[step] = replace(list(steps.values())[-1], name=step, **switches)
    return steps


def differs_for(method: str, reading: Reading, other: Reading) -> bool:
    """Whether a method computes something else in one reading than in the other; only DTC uses ray, m and solver.

    That is DTC in any numbering.
    """
    ignored = () if method in NUMBERINGS else _DTC_FIELDS
    return any(value != vars(other)[name] for name, value in vars(reading).items() if name not in ("name", *ignored))


WALK = _walk()  # each differs from the one before by one switch; the last is the described reading
ANY_READING = READINGS | WALK
