"""The parameters of the studies, by the names and types of their `parameters` cells."""

from dataclasses import dataclass

from dtc_helpers.images.datasets import DATASETS
from dtc_helpers.runs.parameters import Checked, check_names
from dtc_helpers.studies.arms import ARMS


@dataclass(frozen=True)
class StudyParameters(Checked):
    """What all studies of replicated arms have in common; it raises as `Parameters` does."""

    arms: list[str]
    replicates: int
    seed: int
    recompute: bool
    results_dir: str
    figures_dir: str

    def seeds(self, n_replicates: int | None = None) -> list[int]:
        """One seed a replicate: seed, seed + 1, … for all replicates or for so many."""
        return [self.seed + replicate for replicate in range(n_replicates or self.replicates)]


@dataclass(frozen=True)
class SeveralDatasets(StudyParameters):
    """What studies of several datasets have in common; it raises as `Parameters` does."""

    datasets: list[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names("datasets", self.datasets, DATASETS)


@dataclass(frozen=True)
class UncertaintyParameters(StudyParameters):
    """Parameters of study 3; it raises as `Parameters` does."""

    dataset: str
    readings: list[str]
    controls: list[str]
    control_readings: list[str]
    control_replicates: int
    widths: list[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names("arms and controls", [*self.arms, *self.controls], ARMS)


@dataclass(frozen=True)
class FrequencyParameters(SeveralDatasets):
    """Parameters of study 4: the first dataset on the full grid, others on the thinned; raises as `Parameters` does."""

    readings: list[str]
    cut_fractions: list[float]
    batches_per_cycle: list[int]
    thinned_cut_fractions: list[float]
    thinned_batches_per_cycle: list[int]
    stop_at: int
    total_batches: int


@dataclass(frozen=True)
class PenaltyParameters(SeveralDatasets):
    """Parameters of study 5: the first dataset on the full grid, others on the thinned; raises as `Parameters` does."""

    reading: str
    penalty_fractions: list[float]
    measurement_fractions: list[float]
    thinned_penalty_fractions: list[float]
    thinned_measurement_fractions: list[float]
    stop_at: int
    test_replicates: int


@dataclass(frozen=True)
class TicketParameters(StudyParameters):
    """Parameters of study 6; it raises as `Parameters` does."""

    dataset: str
    readings: list[str]
    widths: list[int]


@dataclass(frozen=True)
class DepthParameters(SeveralDatasets):
    """Parameters of study 7; it raises as `Parameters` does."""

    readings: list[str]
    hidden_widths: list[list[int]]


@dataclass(frozen=True)
class SwitchParameters(StudyParameters):
    """Parameters of study 12; it raises as `Parameters` does."""

    dataset: str
    steps: list[str]


@dataclass(frozen=True)
class SweepReportParameters(Checked):
    """Parameters of notebook 8; it raises as `Parameters` does."""

    table: str
    varied: list[str]
    neurons: int
    figures_dir: str


@dataclass(frozen=True)
class BinningParameters(Checked):
    """Parameters of study 9; it raises as `Parameters` does."""

    datasets: list[str]
    processes: list[str]
    null_draws: int
    seed: int
    data_dir: str
    figures_dir: str


@dataclass(frozen=True)
class TrialParameters(Checked):
    """Parameters of study 10; it raises as `Parameters` does."""

    datasets: list[str]
    replicates: list[int]
    recompute: bool
    seed: int
    data_dir: str
    figures_dir: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.datasets) != len(self.replicates):
            raise ValueError(f"{len(self.datasets)} datasets and {len(self.replicates)} replicates: expected as many")


@dataclass(frozen=True)
class TeachingParameters(Checked):
    """Parameters of page 11; it raises as `Parameters` does."""

    answer_six_values: float
    answer_ceiling: float
    answer_how_many: float
    seed: int
    figures_dir: str
