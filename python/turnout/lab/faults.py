"""What the lab can do wrong, and when it does so.

Promises: the same seed, rates and request number give the same fault on every machine; a fault that is not known is
refused with the list of those that are. Which request gets which number depends on the order of arrival, so under
concurrency the faults of a run are the same set, not the same assignment.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from turnout.errors import LabError
from turnout.lab.table import FAULTS, OK

__all__ = ["FaultPlan", "FaultRate", "checked_fault", "parse_rate"]

_MILLION: Final = 1_000_000
_RATE: Final = re.compile(r"([a-z0-9_]+)=(\d{1,3}(?:\.\d{1,4})?)%(?:@(.+))?")


def checked_fault(name: str) -> str:
    """Returns the fault's name.

    Args:
        name: A key of `FAULTS`.

    Raises:
        LabError: `lab-fault`, if there is no such fault.
    """
    if name not in FAULTS:
        raise LabError("lab-fault", f"there is no fault `{name}`", f"the faults are {', '.join(FAULTS)}")
    return name


@dataclass(frozen=True, slots=True)
class FaultRate:
    """How often one fault happens.

    Args:
        fault: A key of `FAULTS`.
        per_million: Requests of a million that get it; an integer, so that every machine rounds alike.
        models: A shell pattern over the model's name.
    """

    fault: str
    per_million: int
    models: str = "*"

    def __post_init__(self) -> None:
        checked_fault(self.fault)
        if not 0 <= self.per_million <= _MILLION:
            raise LabError("lab-fault", f"the rate of `{self.fault}` is not between 0% and 100%")


def parse_rate(text: str) -> FaultRate:
    """Reads a rate as the command line has it.

    Args:
        text: Such as `529=10%`, or `reset=0.5%@claude-*` for some models only.

    Returns:
        The rate.

    Raises:
        LabError: `lab-fault`, if it is written otherwise, names an unknown fault, or is above 100%.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise LabError(
            "lab-fault", f"`{text}` is not a fault rate", "write `529=10%`, or `cut=0.5%@claude-*` for some models"
        )
    whole, _, fraction = match[2].partition(".")
    return FaultRate(match[1], int(whole) * 10_000 + int((fraction + "0000")[:4]), match[3] or "*")


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Which request gets which fault.

    Args:
        seed: Another seed, another sequence.
        rates: The faults; for one model their shares add up, and what is left goes well.
    """

    seed: int = 0
    rates: tuple[FaultRate, ...] = ()

    def fault_for(self, number: int, model: str) -> str:
        """Decides one request's fault.

        Args:
            number: The request's number in the order of arrival, from 1.
            model: The model that the request names.

        Returns:
            A key of `FAULTS`; `ok` for most.
        """
        digest = hashlib.blake2b(f"{self.seed}:{number}".encode(), digest_size=8).digest()
        left = int.from_bytes(digest, "big") % _MILLION
        for rate in self.rates:
            if not fnmatchcase(model.lower(), rate.models.lower()):
                continue
            if left < rate.per_million:
                return rate.fault
            left -= rate.per_million
        return OK
