"""What a caller gets back from a call."""

from __future__ import annotations

from dataclasses import dataclass, field

from turnout._core import Decision, Money, ToolCall, Usage
from turnout.ledger import AttemptRecord, CallRecord

__all__ = ["Response"]


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer, and what it took to get it.

    Args:
        text: What the model says.
        raw: The provider's own bytes, in the dialect of the deployment that answered; empty after a stream.
        model: The model's name in the policy.
        deployment: Which deployment answered.
        dialect: Of `raw`.
        usage: Tokens of this answer; our own estimate if the provider said nothing (see `attempts`).
        cost: All attempts together; None if a price is unknown.
        finish_reason: Why the answer ended, in the provider's word.
        tool_calls: The tool calls that the model made.
        thinking: Its reasoning, as far as it is shown.
        refusal: Why it declined, where it said so.
        accepted: Whether the answer passes the policy's checks.
        unmet: The first check that it fails; None if it is accepted.
        notes: What of the request this model got otherwise, or not at all, a line each; the field stands first.
        decision: What was decided, and why.
        record: What the ledger keeps of the call.
    """

    text: str = field(repr=False)
    raw: bytes = field(repr=False)
    model: str
    deployment: str
    dialect: str
    usage: Usage | None
    cost: Money | None
    finish_reason: str | None
    tool_calls: tuple[ToolCall, ...]
    thinking: str = field(repr=False)
    refusal: str | None = field(repr=False)
    accepted: bool
    unmet: str | None
    notes: tuple[str, ...]
    decision: Decision = field(repr=False)
    record: CallRecord = field(repr=False)

    @property
    def attempts(self) -> tuple[AttemptRecord, ...]:
        """The attempts that were made, in the order of sending."""
        return self.record.attempts
