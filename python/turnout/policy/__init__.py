"""Policies: a YAML file in, a checked policy out, or every finding with its place."""

from turnout.policy.load import check_policy, load_policy, parse_policy, read_policy
from turnout.policy.names import NamedModel, models_named
from turnout.policy.shipped import shipped_names, shipped_policy

__all__ = [
    "NamedModel",
    "check_policy",
    "load_policy",
    "models_named",
    "parse_policy",
    "read_policy",
    "shipped_names",
    "shipped_policy",
]
