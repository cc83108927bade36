"""Where attempts reserve what they may cost at most, and settle what they did.

Promises: no attempt is sent without room in all of its budgets and limits; each reservation ends once, whatever becomes
of the call; an answer leaves us only when the row of its attempt is on disk (`before_answer`, the default; the request
only then with `before_send`; with `async` a crash may lose rows, and their spend, of the last moments). A ledger that
cannot be written refuses budgeted calls and lets others go on: their rows wait in memory, up to a bound. A restart
finds what was spent and what was under way. Refuses: two processes that count budgets in one ledger, each of which
would not see what the other spends.

To break it: cancel anywhere and look for what is still held; fill the disk; kill the process and add up.
"""

from __future__ import annotations

import logging
import os
import time
from asyncio import Future
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote

from turnout._core import Attempt, BudgetAlert, Denied, Hold, Policy, Reservations
from turnout.errors import BudgetError, LedgerError
from turnout.execute.shared import Shared
from turnout.ledger import CallRecord, Ledger, OpenAttempt
from turnout.ledger.redis_counters import Answer, RedisCounters, Shortage

if TYPE_CHECKING:
    from turnout.execute.call import Call

__all__ = ["Desk", "Durable", "Held", "Refused"]

_log = logging.getLogger("turnout.execute")

Durable = Literal["before_send", "before_answer", "async"]

_LEASE_BEYOND_DEADLINE_MS: Final = 60_000
"""RELIABILITY L6: how long after its call's deadline an attempt counts as lost."""
_SWEEP_S: Final = 10.0
_MOST_WAITING: Final = 1_000
"""How many rows wait in memory for a ledger that cannot be written."""
_TRANSIENT: Final = frozenset(
    {"ledger-full", "ledger-io", "ledger-busy", "ledger-read-only", "ledger-newer", "ledger-unreachable"}
)


class Held:
    """What one attempt holds, and its row; made by `Desk.reserve`.

    Args:
        name: The reservation's name.
        attempt: The attempt.
        row: Its row; None without a ledger.
    """

    __slots__ = ("attempt", "is_durable", "name", "row", "written")

    def __init__(self, name: str, attempt: Attempt, row: OpenAttempt | None) -> None:
        self.name = name
        self.attempt = attempt
        self.row = row
        self.written: Future[None] | None = None
        self.is_durable = False


class Refused:
    """Why an attempt may not be made.

    Args:
        error: For the caller, if nothing else can be tried.
        is_final: Whether a budget refuses the call, and not only this attempt.
    """

    __slots__ = ("error", "is_final")

    def __init__(self, error: BudgetError, is_final: bool) -> None:
        self.error = error
        self.is_final = is_final


class Desk:
    """What attempts of one router reserve and settle; one policy at a time.

    Args:
        policy: Whose budgets and limits hold.
        reservations: The book.
        ledger: Where rows go; None keeps none, and a restart forgets what was spent.
        durable: When rows must be on disk.
        counters: Where several gateways count together; None counts in this process alone.

    Raises:
        LedgerError: The ledger cannot be read, or another process counts budgets in it.
    """

    def __init__(
        self,
        policy: Policy,
        reservations: Reservations,
        ledger: Ledger | None,
        durable: Durable,
        counters: RedisCounters | None = None,
    ) -> None:
        self.ledger = ledger
        self.durable: Durable = durable
        self._reservations = reservations
        self._shared = None if counters is None else Shared(counters, reservations)
        self._is_broken = False
        self._waiting: deque[CallRecord] = deque()
        self._swept_s = time.monotonic()
        self._lock: int | None = None
        self._known: set[str] = set()
        self._policy = policy
        self._refusing: frozenset[str] = frozenset()
        self.serve(policy)

    def serve(self, policy: Policy) -> None:
        """Goes on with another policy: its budgets find what was spent of them before.

        Args:
            policy: The policy.

        Raises:
            LedgerError: As the class.
        """
        new = {f"budget/{each.name}/{each.window}/{each.zone.replace('/', '%2F')}/" for each in policy.budgets}
        if self.ledger is not None and new - self._known:
            if self._lock is None and self._shared is None:
                self._lock = self.ledger.own_budgets()
            self._recall(policy, self.ledger, new - self._known)
        self._known |= new
        self._policy = policy
        self._refusing = frozenset(each.name for each in policy.budgets if each.on_exceed == "refuse")

    async def aclose(self) -> None:
        """Settles what is left, and lets go of the ledger's budgets; may be called twice."""
        if self._shared is not None:
            await self._shared.aclose()
        self.close()

    def close(self) -> None:
        """Lets go of the ledger's budgets; may be called twice."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    async def reserve(self, call: Call, attempt: Attempt, number: int) -> Held | Refused:
        """Reserves what an attempt may take at most, and writes its row.

        Args:
            call: Its call.
            attempt: The attempt.
            number: Its number in the call.

        Returns:
            What it holds, to be given back to `settle` or `release`; or why it may not be made.

        Raises:
            LedgerError: The row of a budgeted attempt cannot be written.
        """
        self._sweep()
        name = f"{call.id}-{number}"
        remaining_ms = call.deadline.remaining() * 1000
        lease_ms = int(min(remaining_ms, 1e12)) + _LEASE_BEYOND_DEADLINE_MS
        if attempt.reserves:
            made: Hold | Answer
            if self._shared is None:
                made = self._reservations.reserve(attempt, name, lease_ms)
            else:
                made = await self._shared.reserve(self._policy, name, attempt, lease_ms)
            if made.denied:
                return self._refusal(made.denied)
            for each in made.would_deny:
                _log.info("call %s: %s would have refused it: %s", call.id, _shown(each.scope), each.why)
        if self.ledger is None:
            return Held(name, attempt, None)
        held = Held(name, attempt, self._row(call, attempt, number, lease_ms))
        try:
            await self._begin(held)
        except BaseException:
            self.release(held)
            raise
        return held

    async def before_answer(self, held: Held) -> None:
        """Returns once the answer of an attempt may leave us.

        Args:
            held: What the attempt holds.

        Raises:
            LedgerError: The row of a budgeted attempt cannot be written.
        """
        if self.durable == "async" or held.written is None or held.is_durable:
            return
        try:
            await held.written
            self._wrote(held)
        except LedgerError as error:
            self._failed(error)
            if held.attempt.budget_scopes:
                raise

    def settle(self, held: Held, usd_nanos: int, input_tokens: int, output_tokens: int) -> None:
        """Ends a reservation at what was used.

        Args:
            held: What the attempt holds.
            usd_nanos: What it cost, rounded up.
            input_tokens: What it read.
            output_tokens: What it wrote.
        """
        if not held.attempt.reserves:
            return
        if self._shared is not None:
            self._shared.settle(held.name, (usd_nanos, input_tokens, output_tokens))
            return
        closed = self._reservations.settle(
            held.name, usd_nanos=usd_nanos, input_tokens=input_tokens, output_tokens=output_tokens
        )
        if closed is not None:
            if closed.debt_usd_nanos > 0:
                _log.warning("attempt %s cost %d nano-USD more than it had reserved", held.name, closed.debt_usd_nanos)
            for alert in closed.alerts:
                _tell(alert)

    def release(self, held: Held) -> None:
        """Ends a reservation of which nothing was sent.

        Args:
            held: What the attempt holds.
        """
        if not held.attempt.reserves:
            return
        if self._shared is not None:
            self._shared.release(held.name)
        else:
            self._reservations.release(held.name)

    async def keep(self, record: CallRecord, held: list[Held]) -> None:
        """Writes the record of a call, whose attempts are no longer under way then.

        Args:
            record: The record.
            held: What its attempts held.

        Raises:
            LedgerError: It cannot be written, and nothing else is on disk of a budgeted attempt.
        """
        if self.ledger is None:
            return
        written = self.ledger.write(record)
        if self.durable == "async":
            return
        try:
            await written
        except LedgerError as error:
            self._failed(error)
            if error.code not in _TRANSIENT:
                raise
            self._wait(record)
            if any(each.attempt.budget_scopes and not _is_on_disk(each) for each in held):
                raise
        else:
            self._is_broken = False
            self._catch_up(self.ledger)

    async def _begin(self, held: Held) -> None:
        if self.ledger is None or held.row is None or self.durable == "async":
            return
        held.written = self.ledger.begin(held.row)
        # While the ledger cannot be written, budgeted calls are refused before they cost anything.
        if self.durable == "before_send" or (self._is_broken and held.attempt.budget_scopes):
            try:
                await held.written
                self._wrote(held)
            except LedgerError as error:
                self._failed(error)
                if held.attempt.budget_scopes:
                    raise
            if self.durable == "before_send":
                self.ledger.mark_sent(held.row)

    def _row(self, call: Call, attempt: Attempt, number: int, lease_ms: int) -> OpenAttempt:
        now_ms = time.time_ns() // 1_000_000
        usd_nanos, input_tokens, output_tokens = attempt.reserved
        return OpenAttempt(
            call_id=call.id,
            number=number,
            # Its row is written while it is being sent, unless it waits for the row.
            state="reserved" if self.durable == "before_send" else "sent",
            time_ms=now_ms,
            lease_until_ms=now_ms + lease_ms,
            deployment=attempt.deployment,
            model=attempt.model,
            provider=attempt.provider,
            rule=call.decision.rule,
            policy_hash=call.decision.policy_hash,
            catalog_hash=call.decision.catalog_hash,
            reserved_usd_nanos=usd_nanos,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            scopes=attempt.budget_scopes,
        )

    def _refusal(self, denied: Sequence[Denied | Shortage]) -> Refused:
        waits = [each.retry_after_ms for each in denied]
        wait_ms = None if None in waits else max(each for each in waits if each is not None)
        budgets = [each for each in denied if each.scope.startswith("budget/")]
        is_final = any(_name(each.scope) in self._refusing for each in budgets)
        first = (budgets or list(denied))[0]
        code = "budget-exceeded" if budgets else "limit-exceeded"
        error = BudgetError(code, f"{_shown(first.scope)} has no room: {_REASONS[first.why]}", _hint(first, wait_ms))
        error.retry_after_ms = wait_ms
        error.scope = first.scope
        return Refused(error, is_final)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept_s < _SWEEP_S:
            return
        self._swept_s = time.monotonic()
        if self._shared is not None:
            self._shared.sweep()
        closed = self._reservations.expire()
        for each in closed:
            _log.error("attempt %s never ended: settled at the %d nano-USD that it held", each.id, each.usd_nanos)
            for alert in each.alerts:
                _tell(alert)
        if closed and self.ledger is not None:
            self.ledger.expire_soon(time.time_ns() // 1_000_000)

    def _wrote(self, held: Held) -> None:
        held.is_durable = True
        self._is_broken = False

    def _failed(self, error: LedgerError) -> None:
        if not self._is_broken:
            _log.error("the ledger cannot be written: %s", error)
        self._is_broken = True

    def _wait(self, record: CallRecord) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            lost = self._waiting.popleft()
            _log.error(
                "the record of call %s is lost: the ledger cannot be written, and %d wait", lost.id, _MOST_WAITING
            )
        self._waiting.append(record)

    def _catch_up(self, ledger: Ledger) -> None:
        while self._waiting:
            ledger.write(self._waiting.popleft())

    def _recall(self, policy: Policy, ledger: Ledger, prefixes: set[str]) -> None:
        now_ms = time.time_ns() // 1_000_000
        under_way = ledger.open_attempts()
        if any(each.lease_until_ms <= now_ms for each in under_way):
            ledger.expire(now_ms)
        oldest_ms = now_ms - max(each.longest_ms for each in policy.budgets)
        rows = ledger.spent_since(oldest_ms)
        if self._shared is not None:
            self._shared.recall(policy, rows)
            return
        for scope, slot_ms, usd_nanos in rows:
            if f"{scope}/".startswith(tuple(prefixes)):
                self._reservations.charge(policy, scope, usd_nanos, slot_ms)
        for each in under_way:
            scopes = [scope for scope in each.scopes if f"{scope}/".startswith(tuple(prefixes))]
            if scopes and each.lease_until_ms > now_ms:
                lease_ms = each.lease_until_ms - now_ms
                self._reservations.restore(policy, each.id, scopes, each.reserved_usd_nanos, lease_ms)


_REASONS: Final = {
    "too_large": "the call alone may take more than all of it",
    "spent": "it is spent",
    "held": "calls under way hold what is left",
    "busy": "as many calls run as may",
    "full": "too many callers are counted",
}


def _is_on_disk(held: Held) -> bool:
    written = held.written
    return held.is_durable or (written is not None and written.done() and written.exception() is None)


def _hint(first: Denied | Shortage, wait_ms: int | None) -> str | None:
    if first.why == "too_large":
        return "set a smaller `max_tokens`: the longest answer is reserved"
    return None if wait_ms is None else f"try again in {-(-wait_ms // 1000)} s"


def _name(scope: str) -> str:
    return scope.split("/")[1]


def _shown(scope: str) -> str:
    """A scope in words: `budget `team` (month) of `search``."""
    parts = [unquote(each) for each in scope.split("/")]
    kind, name = parts[0], parts[1]
    whose = ", ".join(f"`{each}`" for each in parts[4:])
    return f"{kind} `{name}` ({parts[2]}){f' of {whose}' if whose else ''}"


def _tell(alert: BudgetAlert) -> None:
    share = alert.share_millionths / 10_000
    _log.warning("%s: %g%% is spent, %d of %d nano-USD", _shown(alert.scope), share, alert.spent, alert.limit)
