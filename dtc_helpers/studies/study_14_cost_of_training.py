"""Study 14: the cost of training, how much of it compress-train saves, and how much of that any cut would."""

import pandas as pd

from dtc_helpers.studies.network_table import NetworkStudyParameters, network_table


def cost_of_training_table(parameters: NetworkStudyParameters) -> pd.DataFrame:
    """Study 14: all arms of every network; see `network_table.network_table`."""
    return network_table("14_cost_of_training", map(parameters.setting, parameters.networks), parameters)
