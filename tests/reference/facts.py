"""What an expression sees: the facts of a request, of the caller, of the moment, and of a candidate.

What is measured comes from outside: token counts and their bounds, what the classifier says, the forecast of the
answer's
length, the standing and the latency of a deployment. Everything else is read from the request here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from tests.reference.expressions import MUTATIONS, Interval, Tree, Value, evaluate, exactly, names, truth
from tests.reference.policies import Condition, Deployment, Model, Policy, Rule
from tests.reference.prices import Expected, Row, Span, minute_and_day

EXACT_BYTES = 16 * 1024
"""Up to this size a request is counted exactly when an estimate leaves something open."""
FAMILY = "o200k_base"
"""The vocabulary of the fact `tokens`."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Seen(NamedTuple):
    """What was measured of one deployment for one rule."""

    out_p50: int
    out_p90: int
    standing: int
    ttft_p50_ms: int | None
    ttft_p95_ms: int | None
    untranslatable: str | None = None
    """Why the request cannot be written for it, if it cannot."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one request."""

    estimates: dict[str, Span]
    exact: dict[str, Span | None]
    """By vocabulary; none when there is no exact count."""
    facts: dict[str, Value]
    """`task`, `language`, `difficulty`, `code`, `tool_loop`, `turns`."""
    seen: Callable[[Rule | None, str], Seen]
    """By rule (none: nothing is set) and deployment."""


@dataclass(frozen=True)
class Call:
    """One request with all that a decision depends on beside policy and catalogue."""

    body: Row
    raw: bytes
    """The body as it is sent."""
    dialect: str
    meta: dict[str, str | bool | float]
    environ: dict[str, str]
    now_ms: int
    seed: int
    keyless: frozenset[str] | None = None
    """In a test: the deployments without a key; all others have theirs. Else `environ` says it."""
    given: Row | None = None
    """In a test: facts that stand for those of the request."""


@dataclass
class Candidate:
    """A deployment, and what became of it."""

    model: Model
    deployment: Deployment
    is_else: bool
    place: int
    input: Span
    max_tokens: int | None
    seen: Seen
    cost: Expected
    assumed_region: str | None = None
    """The region whose prices are taken though the place is none that the prices name."""
    rejected: tuple[str, str, bool] | None = None
    meets_wants: bool = True
    is_other_arm: bool = False
    """Whether the call is in an arm, and this is another model."""
    quality: tuple[int, int] | None = None
    """The share of such requests that it answers well, in millionths: at least, at most. None where nobody asks."""

    def before_preference(self) -> tuple[bool, bool, bool]:
        """What goes before any preference, health aside; smaller is better."""
        return self.is_else, self.is_other_arm, not self.meets_wants


def texts_of(content: Any) -> list[str]:
    """The texts of a message."""
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or [] if part["type"] == "text"]


class Request:
    """The facts of a request, as expressions see them."""

    def __init__(self, policy: Policy, call: Call, measured: Measured) -> None:
        self.policy, self.call, self.measured = policy, call, measured
        self.is_exact = self.was_exact = False
        self.read: set[str] = set()
        body = call.body
        self.parts = [
            part for message in body["messages"] if isinstance(message["content"], list) for part in message["content"]
        ]
        asks = [texts_of(message["content"]) for message in body["messages"] if message["role"] == "user"]
        self.ask = next((texts for texts in reversed(asks) if texts), [])
        self.tools: list[Row] = body.get("tools", [])
        choice = body.get("tool_choice")
        self.forces_tool = choice == "required" or (
            isinstance(choice, dict) and choice["type"] in ("any", "tool", "function")
        )
        self.max_tokens: int | None = body.get("max_tokens")
        self.format = body.get("response_format", {}).get("type", "text")
        minute, day = minute_and_day(call.now_ms)
        self.free: dict[str, Callable[[], Value]] = {
            "max_tokens": lambda: None if self.max_tokens is None else exactly(self.max_tokens),
            "tools": lambda: exactly(len(self.tools)),
            "images": lambda: exactly(self.images),
            "documents": lambda: exactly(self.documents),
            "stream": lambda: bool(body.get("stream")),
            "schema": lambda: self.format != "text",
            "requested": lambda: body.get("model"),
            "time": lambda: exactly(minute, "time"),
            "date": lambda: exactly(day, "date"),
            "weekday": lambda: WEEKDAYS[(day + 3) % 7],
        }

    @property
    def images(self) -> int:
        """Pictures in the conversation, or as many as a test says."""
        return self._given("images", "image_url", "image")

    @property
    def documents(self) -> int:
        """Files in the conversation, or as many as a test says."""
        return self._given("documents", "file", "document")

    def _given(self, name: str, *kinds: str) -> int:
        said = (self.call.given or {}).get(name)
        return int(said.low) if isinstance(said, Interval) else sum(part["type"] in kinds for part in self.parts)

    def exactly(self, family: str) -> Span | None:
        """The exact count, where there is one and the request is short enough to make it."""
        return self.measured.exact.get(family) if len(self.call.raw) <= EXACT_BYTES else None

    def see(self, name: str) -> Value:
        """The value of a fact."""
        if self.call.given and name in self.call.given:
            given: Value = self.call.given[name]
            return given
        if name in self.policy.facts:
            self.read.add(name)
            return evaluate(self.policy.facts[name], self.see, self.texts)
        if name.startswith("meta."):
            value = self.call.meta.get(name[5:])
            return value if value is None or isinstance(value, str | bool) else exactly(f"{value:.6f}")
        if name == "language":
            self.read.add(name)
        if name == "tokens":
            span = (self.exactly(FAMILY) if self.is_exact else None) or self.measured.estimates[FAMILY]
            return Interval(Decimal(span.low), Decimal(span.high))
        read = self.free.get(name)
        return read() if read else self.measured.facts[name]

    def texts(self, name: str) -> list[str] | None:
        """What a text function looks at."""
        if name == "prompt":
            return self.ask
        value = self.see(name)
        return [value] if isinstance(value, str) else None

    def holds(self, condition: Condition, candidate: Candidate | None = None) -> bool | None:
        """Whether a condition holds. If an estimate leaves it open, it is asked again with the exact count."""

        of_candidate = facts_of(self.policy, candidate, self) if candidate else {}
        return self.decided(condition, of_candidate)

    def leaves(self, condition: Condition, saves: int | None) -> bool:
        """Whether a session leaves: what is not known to hold keeps it."""
        saved = None if saves is None else exactly(Decimal(saves).scaleb(-6))
        return self.decided(condition, {"saves": lambda: saved}) is True

    def decided(self, condition: Condition, of_candidate: dict[str, Callable[[], Value]]) -> bool | None:
        """Whether a condition holds that also names these facts."""

        def see(name: str) -> Value:
            return of_candidate[name]() if name in of_candidate else self.see(name)

        def texts(name: str) -> list[str] | None:
            value = see(name) if name != "prompt" else None
            return self.ask if name == "prompt" else [value] if isinstance(value, str) else None

        self.is_exact = False
        held = truth(evaluate(condition.tree, see, texts))
        if (
            held is None
            and self.reads_tokens(condition.tree)
            and self.exactly(FAMILY)
            and "never-counts" not in MUTATIONS
        ):
            self.is_exact = self.was_exact = True
            held = truth(evaluate(condition.tree, see, texts))
        return held

    def reads_tokens(self, tree: Tree) -> bool:
        """Whether an expression names `tokens`, itself or by a fact of the policy."""
        named = names(tree)
        return "tokens" in named or any(
            self.reads_tokens(self.policy.facts[name]) for name in named & {*self.policy.facts}
        )

    def quality(self, model: Model) -> tuple[int, int]:
        """How good a model's answer is likely to be, in millionths: a prior, since no answer was graded. A difficulty
        that is not known may be any."""
        difficulty = self.see("difficulty")
        ends = (difficulty.low, difficulty.high) if isinstance(difficulty, Interval) else (Decimal(0), Decimal(1))
        top, rank = self.policy.top_rank, self.policy.ranks[model.name]
        if "stronger-is-worse" in MUTATIONS:
            rank = top + 1 - rank
        easy, hard = (1_000_000 - int(end * 1_000_000) * (top + 1 - rank) // (top + 1) for end in ends)
        return hard, easy


def _shares(millionths: tuple[int, int]) -> tuple[Decimal, Decimal]:
    low, high = millionths
    return Decimal(low).scaleb(-6), Decimal(high).scaleb(-6)


def facts_of(policy: Policy, candidate: Candidate, request: Request) -> dict[str, Callable[[], Value]]:
    """The facts of a candidate, by name."""

    def known(value: int | None, unit: str = "number", places: int = 0) -> Value:
        return None if value is None else exactly(Decimal(value).scaleb(places), unit)

    model, seen = candidate.model, candidate.seen
    return {
        "model": lambda: model.name,
        "model.name": lambda: model.name,
        "model.provider": lambda: model.provider,
        "model.context": lambda: known(model.facts.get("context")),
        "model.max_output": lambda: known(model.facts.get("max_output")),
        "model.rank": lambda: known(policy.ranks[model.name]),
        "quality": lambda: Interval(*_shares(request.quality(model))),
        # The models that the generator makes up have no prompt cache.
        "warm": lambda: False,
        "deployment.name": lambda: candidate.deployment.name,
        "deployment.region": lambda: candidate.deployment.region,
        "cost.p50": lambda: known(candidate.cost.p50, "money", -12),
        "cost.p90": lambda: known(candidate.cost.p90, "money", -12),
        "ttft.p50": lambda: known(seen.ttft_p50_ms, "duration"),
        "ttft.p95": lambda: known(seen.ttft_p95_ms, "duration"),
    }
