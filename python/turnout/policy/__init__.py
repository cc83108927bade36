"""Policies: a YAML file in, a checked policy out, or every finding with its place."""

from turnout.policy.load import check_policy, load_policy, parse_policy, policy_files, read_policy
from turnout.policy.shipped import shipped_names, shipped_policy

__all__ = [
    "check_policy",
    "load_policy",
    "parse_policy",
    "policy_files",
    "read_policy",
    "shipped_names",
    "shipped_policy",
]
