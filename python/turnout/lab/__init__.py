"""Simulated and faulty providers over real HTTP on loopback: for tests, demos, benchmarks and chaos."""

from turnout.lab.counters import Closing, Counters, SeenRequest
from turnout.lab.faults import FaultPlan, FaultRate, parse_rate
from turnout.lab.models import DEFAULT_MODELS, SimulatedModel
from turnout.lab.run import run_lab
from turnout.lab.server import Lab, LabSettings
from turnout.lab.table import FAULTS, Fault

__all__ = [
    "DEFAULT_MODELS",
    "FAULTS",
    "Closing",
    "Counters",
    "Fault",
    "FaultPlan",
    "FaultRate",
    "Lab",
    "LabSettings",
    "SeenRequest",
    "SimulatedModel",
    "parse_rate",
    "run_lab",
]
