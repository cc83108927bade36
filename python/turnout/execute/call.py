"""One call under way: what was tried, what it cost, and what comes next.

Promises: the core's plan says what comes next, and its retry budget whether an extra attempt may be made; every
attempt that begins also ends, in the state and in the record, exactly once. Refuses: to send anything. To break it,
count attempts begun and ended in the state after a cancelled call.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from turnout._core import Answer, Attempt, Decision, Money, Plan, State, Usage
from turnout.errors import BudgetError, RequestError
from turnout.execute.deadline import Deadline
from turnout.execute.desk import Desk, Held, Refused
from turnout.execute.estimate import estimated_usage
from turnout.execute.judge import Checks, Meta, RequestLike, unmet_by_host
from turnout.execute.settled import charge, is_nothing, money_columns, says_something, settled_with, token_counts
from turnout.ledger import AttemptRecord, CallRecord, Ledger
from turnout.providers.outcome import ANSWERS, MAYBE_BILLED
from turnout.providers.transport import Headers
from turnout.providers.upstream import Upstream

__all__ = ["HEDGE_LOST", "Call", "Ended", "Flight", "Services", "Tried", "Why", "now_ms"]

_log = logging.getLogger("turnout.execute")

Row = tuple[int, str, bool, bool | None]

Why = Literal["", "accepted", "final", "nothing_left", "attempts", "spend", "retry_budget", "deadline", "budget"]

_BACKOFF_S: Final = 0.25
"""The longest wait before a deployment is tried again without being told how long to wait; drawn from 0 on (full
jitter), so that calls that failed together do not come back together."""

_WORKED: Final = frozenset({"truncated", "timeout_content", "timeout_first_byte", "deadline", "cancelled"})
"""Failures in which the model has been at work: billed in all likelihood, though no usage came. An error status or a
broken connection without content is taken as not billed."""

_UNSENT_STEP: Final = "not_found"
"""What the plan is told of an attempt that could not be written: go on elsewhere, and not here again. The state, which
would cool the deployment down for it, is told nothing."""

HEDGE_LOST: Final = "hedge_lost"
"""The code of an attempt that was cancelled because the one beside it answered first."""

_MOST_SHARES: Final = 3
"""In how many parts an attempt divides the time at most: more would leave too little for a long answer."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended.

    Args:
        outcome: A name of the core's table.
        status: The HTTP status, where there was an answer.
        answer: What the model said, whole or in part.
        usage: As the provider reported it.
        message_code: The provider's own code, or ours, for what went wrong.
        detail: The provider's message, as the core cleaned it.
        retry_after_ms: How long the provider says to wait.
        ttft_ms: Until the first content, of a stream.
        should_retry: What the provider says of one more try; None if it says nothing.
        raw: The body of a whole answer.
    """

    outcome: str
    status: int | None = None
    answer: Answer | None = None
    usage: Usage | None = None
    message_code: str | None = None
    detail: str | None = None
    retry_after_ms: int | None = None
    ttft_ms: int | None = None
    should_retry: bool | None = None
    raw: bytes = field(default=b"", repr=False)

    @property
    def is_answer(self) -> bool:
        """Whether the model answered, in whatever way."""
        return self.outcome in ANSWERS


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that is over.

    Args:
        attempt: Which one.
        ended: How it ended.
        unmet: The first check that its answer fails; None if it is accepted, or is no answer.
        usage: What it used, reported or estimated.
        cost_usd_picos: What that cost; None if it is unknown.
    """

    attempt: Attempt
    ended: Ended
    unmet: str | None
    usage: Usage
    cost_usd_picos: int | None = None

    @property
    def row(self) -> Row:
        """The attempt as `Plan.next` reads it."""
        is_accepted = self.ended.is_answer and self.unmet is None
        return self.attempt.index, self.ended.outcome, is_accepted, self.ended.should_retry


@dataclass(slots=True)
class Flight:
    """An attempt that is under way.

    Args:
        attempt: Which one.
        number: From 1, in the order of sending.
        held: What it has reserved.
        begun_s: When it was sent, on the monotonic clock; 0 before.
        begun_ms: When it was sent, in milliseconds since 1970; 0 before.
        is_over: Whether its end has been noted.
    """

    attempt: Attempt
    number: int
    held: Held
    begun_s: float = 0.0
    begun_ms: int = 0
    is_over: bool = False

    def elapsed_ms(self) -> int:
        """Returns the milliseconds since it was sent."""
        return int((time.monotonic() - self.begun_s) * 1000)


@dataclass(frozen=True, slots=True)
class Services:
    """What calls of one router share.

    Args:
        state: What this process has seen of its deployments.
        environ: Where keys are.
        upstreams: By the deployment; "" is the one for all others.
        ledger: Where records go.
        desk: Where attempts reserve what they may cost.
        checks: What the host program says of answers, by the names of policies.
    """

    state: State
    environ: Mapping[str, str] = field(repr=False)
    upstreams: Mapping[str, Upstream] = field(repr=False)
    ledger: Ledger | None
    desk: Desk
    checks: Checks = field(default_factory=dict, repr=False)

    def upstream_for(self, attempt: Attempt) -> Upstream:
        """Returns what carries an attempt."""
        return self.upstreams.get(attempt.deployment) or self.upstreams[""]


class Call:
    """One call under way.

    Args:
        services: What calls share.
        decision: What was decided.
        plan: The decision's plan, with the call's own bounds.
        deadline: Runs since the call came.
        time_ms: When that was, in milliseconds since 1970.
        is_large: Whether bodies are written in a thread.
        asked: The request and the meta that it was made with.
    """

    def __init__(
        self,
        services: Services,
        decision: Decision,
        plan: Plan,
        deadline: Deadline,
        time_ms: int,
        is_large: bool,
        asked: tuple[RequestLike, Meta],
    ) -> None:
        self.id = os.urandom(16).hex()
        self.services = services
        self.decision = decision
        self.plan = plan
        self.deadline = deadline
        self.time_ms = time_ms
        self.is_large = is_large
        self.why: Why = ""
        self.records: list[AttemptRecord] = []
        self.cost: Money | None = Money("0")
        self.record: CallRecord | None = None
        self.tried: list[Tried] = []
        self.unsent: RequestError | None = None
        self.refused: BudgetError | None = None
        self.held: list[Held] = []
        self.dropped: dict[int, tuple[str, ...]] = {}
        self._asked = asked
        self._host_checks = plan.host_checks
        self._rows: list[Row] = []
        self._spent = Money("0")
        self._sent = 0
        self._is_over_budget = False

    @property
    def best(self) -> Tried | None:
        """The answer to give back: the accepted one, else the last one; None while there is none."""
        return next((each for each in reversed(self.tried) if each.ended.is_answer), None)

    async def next(self) -> Attempt | None:
        """Says which attempt to make now, after whatever wait that needs; None if there is no other, see `why`.

        The retry budget keeps retries from feeding an outage. A healthy deployment is in none, so a fallback to it, or
        an escalation, is free; in a total outage every breaker opens and all fallbacks are charged, so that extra load
        stays bounded.
        """
        state = self.services.state
        if self._is_over_budget:
            self.why = "budget"
            return None
        if self.deadline.is_over:
            self.why = "deadline"
            return None
        step = self.plan.next(self._rows, self._spent)
        if step.attempt is None:
            self.why = _WHYS.get(step.why or "", "nothing_left")
            return None
        pause_s = self._pause_s() if step.kind == "retry" else 0.0
        if pause_s >= self.deadline.remaining():
            self.why = "deadline"
            return None
        attempt = self.plan.attempts[step.attempt]
        if not self._rows:
            state.call_started()
        elif self.tried and step.kind != "escalate":
            is_healthy = state.is_healthy(attempt.deployment, attempt.key_label, attempt.provider)
            # A fallback to a healthy deployment is what the policy wants, and is free.
            if (step.kind == "retry" or not is_healthy) and not state.may_retry(doubtful=not is_healthy):
                self.why = "retry_budget"
                return None
        await self.deadline.wait(pause_s)
        if self.tried:
            _log.info("call %s: %s at `%s`", self.id, step.kind, attempt.deployment)
        return attempt

    def _pause_s(self) -> float:
        """How long the one target that is left wants to be left alone."""
        asked_ms = self.tried[-1].ended.retry_after_ms
        return random.uniform(0.0, _BACKOFF_S) if asked_ms is None else asked_ms / 1000  # noqa: S311  # no secret

    def skip(self, attempt: Attempt, error: RequestError) -> None:
        """Notes that the request cannot be written for an attempt: nothing is sent, and another target may take it.

        Args:
            attempt: Which one.
            error: Why, as the core says.
        """
        self.unsent, self.refused = error, None
        self._rows.append((attempt.index, _UNSENT_STEP, False, None))
        self._sent += 1
        self.records.append(
            AttemptRecord(
                number=self._sent,
                deployment=attempt.deployment,
                model=attempt.model,
                outcome="rejected",
                cost_usd_picos=0,
                message_code=error.code,
                state="released",
            )
        )
        _log.info("call %s: not sent to `%s`: %s", self.id, attempt.deployment, error.code)

    async def reserve(self, attempt: Attempt) -> Flight | None:
        """Reserves what an attempt may take at most; if there is no room, it counts as tried, and nothing is sent.

        Args:
            attempt: Which one.

        Returns:
            The attempt, if it may be sent: `begin` follows at once.

        Raises:
            LedgerError: The row of a budgeted attempt cannot be written.
        """
        self._sent += 1
        number = self._sent
        held = await self.services.desk.reserve(self, attempt, number)
        if not isinstance(held, Refused):
            self.held.append(held)
            return Flight(attempt, number, held)
        self.refused, self.unsent = held.error, None
        self._is_over_budget = held.is_final
        self._rows.append((attempt.index, _UNSENT_STEP, False, None))
        self.records.append(
            AttemptRecord(
                number=number,
                deployment=attempt.deployment,
                model=attempt.model,
                outcome="over_budget",
                cost_usd_picos=0,
                message_code=held.error.code,
                state="released",
            )
        )
        _log.info("call %s: not sent to `%s`: %s", self.id, attempt.deployment, held.error.message)
        return None

    async def before_answer(self, flight: Flight | None) -> None:
        """Returns once the answer of an attempt may leave us.

        Args:
            flight: Which one.

        Raises:
            LedgerError: The row of a budgeted attempt cannot be written.
        """
        if flight is not None:
            await self.services.desk.before_answer(flight.held)

    def share_s(self) -> float:
        """Returns the seconds that the next attempt may take for a whole answer.

        While other targets are left, a provider that hangs must not use up what they need to answer: a whole answer
        has no first content whose lateness would tell.
        """
        most = min(len(self.plan.attempts), self.plan.max_attempts) - len(self._rows)
        return self.deadline.remaining() / max(1, min(most, _MOST_SHARES))

    def begin(self, flight: Flight) -> None:
        """Notes that an attempt is being sent."""
        attempt = flight.attempt
        self.services.state.attempt_started(
            attempt.deployment, attempt.key_label, attempt.provider, input_tokens=attempt.input_tokens
        )
        flight.begun_s, flight.begun_ms = time.monotonic(), now_ms()

    def heard(self, attempt: Attempt, headers: Headers) -> None:
        """Notes the headers of an answer as soon as they are here: what they say is left of a limit counts at once."""
        self.services.state.headers_came(attempt.deployment, headers)

    def hedge(self, beside: Attempt) -> Attempt | None:
        """Returns the attempt that may run beside a late one, by the policy's hedging; None if there is none."""
        index = self.plan.hedge(self._rows, beside.index, self._spent, self.services.state)
        if index is None:
            return None
        _log.info("call %s: hedged at `%s`", self.id, self.plan.attempts[index].deployment)
        return self.plan.attempts[index]

    async def judged(self, attempt: Attempt, ended: Ended) -> str | None:
        """Asks the host program about an answer that the policy's own checks accept.

        Args:
            attempt: Who answered.
            ended: How.

        Returns:
            The first of its checks that fails; None if there is none, or nothing to ask about.
        """
        answer = ended.answer
        if not self._host_checks or not ended.is_answer or answer is None or self.plan.unmet(answer) is not None:
            return None
        within_s = self.deadline.remaining()
        return await unmet_by_host(self.services.checks, self._host_checks, answer, attempt, self._asked, within_s)

    def end(self, flight: Flight, ended: Ended, unmet: str | None = None) -> None:
        """Notes how an attempt ended; of one whose end is known, does nothing.

        The loser of a hedge stands before its winner, which says what comes next.

        Args:
            flight: Which one.
            ended: How.
            unmet: What the host program says that its answer fails.
        """
        if flight.is_over:
            return
        flight.is_over = True
        attempt, total_ms = flight.attempt, flight.elapsed_ms()
        self.services.state.attempt_ended(
            attempt.deployment,
            attempt.key_label,
            attempt.provider,
            ended.outcome,
            ttft_ms=ended.ttft_ms,
            total_ms=total_ms,
            retry_after_ms=ended.retry_after_ms,
        )
        if ended.is_answer:
            self.services.state.attempt_answered(attempt)
        usage, is_estimated = self._usage(attempt, ended)
        settled = settled_with(attempt, usage, flight.begun_ms, ended.answer)
        cost = Money("0") if settled is None else settled.cost
        self.cost = None if cost is None or self.cost is None else self.cost + cost
        charged = charge(attempt, cost, None if settled is None else settled.doubt)
        self._spent = self._spent + charged
        held = flight.held
        counts = token_counts(usage)
        usd_nanos = -(-charged.usd_picos // 1000) if cost is not None else attempt.reserved[0]
        self.services.desk.settle(held, usd_nanos, counts.input_total, counts.output_total)
        if ended.is_answer and ended.answer is not None:
            unmet = self.plan.unmet(ended.answer) or unmet
        self.unsent = self.refused = None
        tried = Tried(attempt, ended, unmet, usage, None if cost is None else cost.usd_picos)
        from_end = 1 if ended.message_code == HEDGE_LOST else 0
        self.tried.insert(max(0, len(self.tried) - from_end), tried)
        self._rows.insert(max(0, len(self._rows) - from_end), tried.row)
        self.records.append(
            AttemptRecord(
                number=flight.number,
                deployment=attempt.deployment,
                model=attempt.model,
                outcome=ended.outcome,
                status=ended.status,
                usage=counts,
                usage_is_estimated=is_estimated,
                cost_usd_picos=None if cost is None else cost.usd_picos,
                ttft_ms=ended.ttft_ms,
                total_ms=total_ms,
                message_code=ended.message_code,
                time_ms=flight.begun_ms,
                usage_problem=None if ended.answer is None else ended.answer.usage_problem,
                reserved_usd_nanos=attempt.reserved[0] if attempt.reserves else None,
                settled_usd_nanos=usd_nanos if attempt.budget_scopes else None,
                scopes=attempt.budget_scopes,
                **money_columns(settled),
            )
        )
        if ended.outcome != "complete":
            _log.info("call %s: `%s` ended as %s after %d ms", self.id, attempt.deployment, ended.outcome, total_ms)

    def _usage(self, attempt: Attempt, ended: Ended) -> tuple[Usage, bool]:
        answer, reported = ended.answer, ended.usage
        if reported is not None and is_nothing(reported) and says_something(answer):
            reported = None  # a server that fills the figures with zeros does not report them
        if reported is not None and ended.is_answer:
            return reported, False
        is_billed = ended.outcome in MAYBE_BILLED and (ended.is_answer or ended.outcome in _WORKED)
        if reported is None and not is_billed and not (answer is not None and answer.text):
            return _NO_USAGE, False
        return estimated_usage(self.decision, attempt, answer, reported), True


_NO_USAGE: Final = Usage()
_WHYS: Final[dict[str, Why]] = {
    "accepted": "accepted",
    "final": "final",
    "nothing_left": "nothing_left",
    "attempts": "attempts",
    "spend": "spend",
}


def now_ms() -> int:
    """Returns the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
