"""Calls that belong together: the arm of an experiment, and the deployment that a session stays with."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from tests.reference.blake3 import blake3
from tests.reference.expressions import MUTATIONS
from tests.reference.facts import Call, Candidate, Request
from tests.reference.policies import Experiment, Rule, Sticky
from tests.reference.prices import Row

MILLION = 1_000_000
DEFAULT_TTL_MS = 300_000
"""How long a session is kept where the provider's cache has no time of its own."""
LEAST_SAVING = -MILLION * MILLION


def unit(call: Call, by: str) -> str | None:
    """Whose call it is: `7` and `"7"` are one."""
    value = call.meta.get(by)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    millionths = Decimal(f"{value:.6f}") * MILLION
    return str(int(millionths // MILLION)) if millionths % MILLION == 0 else f"{int(millionths)}e-6"


def arm_of(experiment: Experiment, call: Call) -> str | None:
    """The model of the call's arm: a place between 0 and 1 drawn by a hash, among the shares in the order of names."""
    whose = unit(call, experiment.by)
    if whose is None:
        return None
    drawn = blake3(f"turnout experiment\0{experiment.name}\0{whose}".encode())
    place = int.from_bytes(drawn[:8], "little") * MILLION >> 64
    names = list(experiment.arms) if "arms-by-place" in MUTATIONS else sorted(experiment.arms)
    for name in names:
        place -= int(experiment.arms[name] * MILLION)
        if place < 0:
            return name
    return None


class Answered(NamedTuple):
    """A session that a deployment answered."""

    deployment: str
    until_ms: int


@dataclass
class Sessions:
    """Which deployment answered a session last. The clock does not go back."""

    clock_ms: int = 0
    known: dict[tuple[str, str], Answered] = field(default_factory=dict)

    def answered(self, sticky: Sticky, whose: str, deployment: str, now_ms: int) -> None:
        """Notes an answer: the session is with its deployment from now on."""
        for_ms = DEFAULT_TTL_MS if sticky.for_ms is None else sticky.for_ms
        self.clock_ms = max(self.clock_ms, now_ms)
        self.known[sticky.by, whose] = Answered(deployment, self.clock_ms + for_ms)

    def held(self, sticky: Sticky, call: Call) -> str | None:
        """The deployment that the session of a call is with."""
        whose = unit(call, sticky.by)
        found = None if whose is None else self.known.get((sticky.by, whose))
        if found is None or (
            "sessions-never-end" not in MUTATIONS and found.until_ms <= max(call.now_ms, self.clock_ms)
        ):
            return None
        return found.deployment


def saving(stays: Candidate, other: Candidate) -> int | None:
    """The share of the expected cost of staying that the other one saves, in millionths, cut towards zero."""
    stay, cost = stays.cost.p50, other.cost.p50
    if stay is None or cost is None:
        return None
    if stay == 0:
        return LEAST_SAVING if cost > 0 else 0
    saved = abs(stay - cost) * MILLION // stay
    return max(saved if cost <= stay else -saved, LEAST_SAVING)


def settle(request: Request, rule: Rule, attempts: list[Candidate], rejected: list[Candidate], held: str | None) -> Row:
    """Puts the deployment that a session is with first, unless it leaves; and what a decision shows of it.

    Health, `else`, an arm and wishes go before staying, which goes before `prefer` alone. In doubt it stays.
    """
    sticky = rule.sticky
    assert sticky is not None
    shown: Row = {"by": f"meta.{sticky.by}", "held": held, "action": "none", "why": None, "saves": None}
    if held is None:
        is_named = unit(request.call, sticky.by) is not None
        return shown | {"why": "no deployment holds the session" if is_named else "the caller names no session"}
    stays = next((each for each in attempts if each.deployment.id == held), None)
    if stays is None:
        is_out = any(each.deployment.id == held for each in rejected)
        return shown | {"action": "left", "why": "it is not eligible" if is_out else "the rule does not choose it"}
    first = attempts[0]
    if stays is first:
        return shown | {"action": "kept"}
    saves = saving(stays, first)
    shown["saves"] = None if saves is None else saves / MILLION if saves % MILLION else saves // MILLION
    if first.seen.standing < stays.seen.standing:
        return shown | {"action": "left", "why": "it cools down"}
    if first.before_preference() < stays.before_preference():
        why = "another one goes before it: for an arm, a wish, or since it is in `else`"
        return shown | {"action": "left", "why": why}
    if sticky.leave_if is not None and request.leaves(sticky.leave_if, saves):
        return shown | {"action": "left", "why": "`leave_if` holds"}
    attempts.remove(stays)
    attempts.insert(0, stays)
    return shown | {"action": "kept"}
