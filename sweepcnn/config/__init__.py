"""Typed configuration of runs and sweeps: the edge at which all values are checked."""

from sweepcnn.config.parameter import Parameter
from sweepcnn.config.presets import PRESETS
from sweepcnn.config.run import RunConfig, overridden
from sweepcnn.config.sweep import EarlyTerminate, Metric, SweepConfig

__all__ = [
    "PRESETS",
    "EarlyTerminate",
    "Metric",
    "Parameter",
    "RunConfig",
    "SweepConfig",
    "overridden",
]
