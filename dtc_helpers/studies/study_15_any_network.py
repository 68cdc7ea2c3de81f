"""Study 15: any network, whether DTC chooses better channels than chance in networks of other kinds."""

from dataclasses import dataclass

import pandas as pd

from dtc_helpers.checks.fields import Neurons
from dtc_helpers.studies.example_networks import TITLES
from dtc_helpers.studies.network_table import NetworkName, NetworkStudyParameters, network_table


@dataclass(frozen=True)
class NetworkKindsParameters(NetworkStudyParameters):
    """Parameters of study 15; it raises as `Parameters` does."""

    spared: list[NetworkName]
    narrowest: Neurons


def any_network_table(parameters: NetworkKindsParameters) -> pd.DataFrame:
    """Study 15: all arms of every network, and of those in `spared` a second time, with narrow layers left alone."""
    settings = [parameters.setting(network) for network in parameters.networks]
    settings += [parameters.setting(network, parameters.narrowest) for network in parameters.spared]
    return network_table("15_any_network", settings, parameters)


def named_settings(table: pd.DataFrame) -> pd.DataFrame:
    """Table with a column setting: the network, and whether its narrow layers were spared."""
    spared = table.narrowest.map(lambda narrowest: ", narrow spared" if narrowest > 1 else "")
    return table.assign(setting=table.network.map(TITLES) + spared)
