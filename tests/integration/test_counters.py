"""One suite for every store that counts budgets: against a model that adds up all reservations there ever were."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypedDict

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.integration.redis_kit import Server, redis_server, require_redis

from turnout import Engine, parse_policy
from turnout._core import Attempt, Claim
from turnout.errors import LedgerError
from turnout.ledger.redis_counters import RedisCounters, Spent

RULES = """
turnout: 1
name: counters
models: { claude: anthropic/claude-haiku-5-5 }
budgets:
  - { name: total, limit: $0.002/day, zone: "-05:30" }
  - { name: team, per: meta.team, limit: $0.001/month }
  - { name: recent, limit: $0.0015/1h }
limits: [{ name: l, per: meta.team, concurrent: 3 }]
otherwise: { from: [claude] }
"""
ENGINE = Engine(parse_policy(RULES), environ={"ANTHROPIC_API_KEY": "x"})
HOUR_MS = 3_600_000
LEASE_MS = 600_000


def attempt(team: str, max_tokens: int) -> Attempt:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": max_tokens}
    return ENGINE.decide(body, {"team": team}).plan.attempts[0]


class Store(Protocol):
    """What the machine drives; time is in milliseconds since its beginning."""

    def reserve(self, name: str, attempt: Attempt) -> tuple[bool, list[str]]: ...
    def settle(self, name: str, usd_nanos: int) -> bool: ...
    def release(self, name: str) -> bool: ...
    def sweep(self) -> list[str]: ...
    def standing(self, claim: Claim) -> tuple[int, int]: ...
    def tick(self, ms: int) -> None: ...
    def now_ms(self) -> int: ...
    def lose(self, own: list[Spent]) -> bool: ...
    def close(self) -> None: ...


class Clock(TypedDict):
    """Both clocks, in seconds."""

    now: float
    mono: float


class Embedded:
    """The book of a process."""

    def __init__(self) -> None:
        self.book = Engine(parse_policy(RULES), environ={"ANTHROPIC_API_KEY": "x"}).state.reservations
        self.ms = int(time.time() * 1000)

    def _clock(self) -> Clock:
        return {"now": self.ms / 1000, "mono": self.ms / 1000}

    def reserve(self, name: str, attempt: Attempt) -> tuple[bool, list[str]]:
        hold = self.book.reserve(attempt, name, LEASE_MS, **self._clock())
        return hold.is_repeated, [each.scope for each in hold.denied]

    def settle(self, name: str, usd_nanos: int) -> bool:
        return self.book.settle(name, usd_nanos=usd_nanos, **self._clock()) is not None

    def release(self, name: str) -> bool:
        return self.book.release(name, **self._clock())

    def sweep(self) -> list[str]:
        return [each.id for each in self.book.expire(**self._clock())]

    def standing(self, claim: Claim) -> tuple[int, int]:
        return self.book.standing(ENGINE.policy, claim.scope, **self._clock()) or (0, 0)

    def tick(self, ms: int) -> None:
        self.ms += ms

    def now_ms(self) -> int:
        return self.ms

    def lose(self, own: list[Spent]) -> bool:
        self.book = Engine(parse_policy(RULES), environ={"ANTHROPIC_API_KEY": "x"}).state.reservations
        for each in own:
            self.book.charge(ENGINE.policy, each.claim.scope, each.usd_nanos, each.at_ms, **self._clock())
        return True

    def close(self) -> None:
        pass


class InRedis:
    """Counters on a server; the server's clock is shifted."""

    def __init__(self, server: Server, namespace: str) -> None:
        self.runner = asyncio.Runner()
        self.counters = RedisCounters(server.url, namespace, deadline_s=5.0, gateway="g")
        self.namespace = namespace

    def reserve(self, name: str, attempt: Attempt) -> tuple[bool, list[str]]:
        answer = self.runner.run(self.counters.reserve(name, attempt.claims, attempt.reserved, LEASE_MS))
        return answer.is_repeated, [each.scope for each in answer.denied]

    def settle(self, name: str, usd_nanos: int) -> bool:
        return self.runner.run(self.counters.settle(name, usd_nanos, 0, 0))

    def release(self, name: str) -> bool:
        return self.runner.run(self.counters.release(name))

    def sweep(self) -> list[str]:
        return self.runner.run(self.counters.sweep())

    def standing(self, claim: Claim) -> tuple[int, int]:
        self.counters._skew_ms = self.counters.shift_ms
        return self.runner.run(self.counters.standing(claim))

    def tick(self, ms: int) -> None:
        self.counters.shift_ms += ms

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.counters.shift_ms

    def lose(self, own: list[Spent]) -> bool:
        self.counters.recall(own)
        self.runner.run(self._empty())
        return True

    async def _empty(self) -> None:
        await self.counters._client.flushall()
        await self.counters._join()

    def close(self) -> None:
        self.runner.run(self.counters.aclose())
        self.runner.close()


@dataclass
class Known:
    """A reservation of the model."""

    attempt: Attempt
    at_ms: int
    held: int
    used: int | None = None
    is_lost: bool = False
    epoch: int = 0
    scopes: list[str] = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    """Every reservation there ever was, and their sum."""

    make: Callable[[], Store]

    @initialize()
    def begin(self) -> None:
        self.store = type(self).make()
        self.known: dict[str, Known] = {}
        self.names = iter(range(10**6))
        self.epoch = 0

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def total(self, claim: Claim) -> int:
        now = self.store.now_ms()
        total = 0
        for each in self.known.values():
            if each.is_lost or claim.scope not in each.scopes:
                continue
            if claim.measure == "permits":
                total += each.used is None
                continue
            then, window = claim.window(each.at_ms), claim.window(now)
            assert then is not None
            assert window is not None
            is_counted = then[0] >= window[0] - claim.reach or (claim.reach > 0 and each.used is None)
            total += (each.held if each.used is None else each.used) if is_counted else 0
        return total

    @rule(team=st.sampled_from("ab"), max_tokens=st.integers(1, 400))
    def reserve(self, team: str, max_tokens: int) -> None:
        made = attempt(team, max_tokens)
        name = str(next(self.names))
        held = made.reserved[0]
        room = [
            claim.scope
            for claim in made.claims
            if self.total(claim) + (1 if claim.measure == "permits" else held) > claim.limit
        ]
        _, denied = self.store.reserve(name, made)
        assert denied == room
        if not denied:
            scopes = [claim.scope for claim in made.claims]
            self.known[name] = Known(made, self.store.now_ms(), held, epoch=self.epoch, scopes=scopes)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.known)))
        known = self.known[name]
        if known.epoch == self.epoch and known.at_ms + LEASE_MS > self.store.now_ms() + 50:
            assert self.store.reserve(name, known.attempt) == (True, [])

    @precondition(lambda self: self.known)
    @rule(data=st.data(), used=st.integers(0, 1_200_000))
    def settle(self, data: st.DataObject, used: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.known)))
        known = self.known[name]
        is_open = known.used is None and not known.is_lost
        assert self.store.settle(name, used) == is_open
        if is_open:
            known.used = used

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.known)))
        known = self.known[name]
        is_open = known.used is None and not known.is_lost
        assert self.store.release(name) == is_open
        if is_open:
            known.used = 0

    @rule(ms=st.integers(0, 40 * 60_000) | st.sampled_from([6 * HOUR_MS, 26 * HOUR_MS]))
    def tick(self, ms: int) -> None:
        self.store.tick(ms)

    @rule()
    def sweep(self) -> None:
        due = {
            name
            for name, known in self.known.items()
            if known.used is None and not known.is_lost and known.at_ms + LEASE_MS <= self.store.now_ms() - 20
        }
        lost = set(self.store.sweep())
        assert due <= lost
        for name in lost:
            self.known[name].used = self.known[name].held

    @rule()
    def lose(self) -> None:
        own = [
            Spent(claim, each.at_ms, each.used)
            for each in self.known.values()
            if each.used
            for claim in each.attempt.claims
            if claim.measure == "window"
        ]
        self.store.lose(own)
        self.epoch += 1
        for each in self.known.values():
            if each.used is None:
                each.is_lost = True

    @invariant()
    def adds_up(self) -> None:
        if not hasattr(self, "store") or not self.known:
            return
        for claim in attempt("a", 1).claims:
            if claim.measure == "window":
                spent, held = self.store.standing(claim)
                assert spent + held == self.total(claim), claim.scope


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    require_redis()
    with redis_server() as running:
        yield running


def test_the_embedded_book_is_the_model() -> None:
    run_state_machine_as_test(type("OfBook", (Machine,), {"make": staticmethod(Embedded)}))


def test_redis_is_the_model(server: Server) -> None:
    names = iter(range(10**6))
    made = staticmethod(lambda: InRedis(server, f"m{next(names)}"))
    run_state_machine_as_test(type("OfRedis", (Machine,), {"make": made}))


async def test_many_callers_of_several_gateways_at_the_edge(server: Server) -> None:
    one = attempt("a", 50)
    gateways = [RedisCounters(server.url, "edge", deadline_s=5.0) for _ in range(4)]
    most = min(claim.limit for claim in one.claims if claim.measure == "window") // one.reserved[0]
    claims = [claim for claim in one.claims if claim.measure == "window"]
    answers = await asyncio.gather(
        *(gateways[at % 4].reserve(f"e{at}", claims, one.reserved, LEASE_MS) for at in range(256))
    )
    assert sum(not answer.denied for answer in answers) == most
    for each in gateways:
        await each.aclose()


async def test_a_server_that_hangs_costs_a_few_deadlines_and_then_nothing(server: Server) -> None:
    counters = RedisCounters(server.url, "hung", probe_s=0.5)
    one = attempt("a", 1)
    await counters.reserve("before", one.claims, one.reserved, LEASE_MS)
    took = []
    server.stop()
    try:
        for at in range(200):
            began = time.perf_counter()
            with pytest.raises(LedgerError) as caught:
                await counters.reserve(f"h{at}", one.claims, one.reserved, LEASE_MS)
            assert caught.value.code == "counters-unreachable"
            took.append(time.perf_counter() - began)
    finally:
        server.go_on()
    assert statistics.median(took[5:]) < 0.005
    assert sum(each > 0.02 for each in took) <= 7, "more than five, and a probe or two, waited"
    async with asyncio.timeout(10):
        while True:
            with suppress(LedgerError):
                await counters.reserve("after", one.claims, one.reserved, LEASE_MS)
                break
            await asyncio.sleep(0.01)
    assert await counters.settle("before", 1, 0, 0)
    assert not await counters.settle("before", 1, 0, 0)
    await counters.aclose()
