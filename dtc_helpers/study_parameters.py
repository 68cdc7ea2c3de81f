"""The parameters of the studies, by the names and types of their `parameters` cells."""

from dataclasses import dataclass

from dtc_helpers.parameters import Checked


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
