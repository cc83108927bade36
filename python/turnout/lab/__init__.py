"""Simulated and faulty providers over real HTTP on loopback: for tests, demos, benchmarks and chaos."""

from turnout.lab.counters import Counters, SeenRequest
from turnout.lab.faults import FAULTS, FaultPlan, FaultRate, parse_rate
from turnout.lab.models import DEFAULT_MODELS, SimulatedModel
from turnout.lab.run import run_lab
from turnout.lab.server import Lab, LabSettings

__all__ = [
    "DEFAULT_MODELS",
    "FAULTS",
    "Counters",
    "FaultPlan",
    "FaultRate",
    "Lab",
    "LabSettings",
    "SeenRequest",
    "SimulatedModel",
    "parse_rate",
    "run_lab",
]
