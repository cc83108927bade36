"""The main job behind `turnout demo`: route every request, execute every plan over HTTP, keep every record."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from turnout import Decision, Engine, Policy
from turnout.cli.simulate import LabThread, LoopbackOnly, lab_keys, lab_urls
from turnout.errors import TurnoutError
from turnout.lab import DEFAULT_MODELS, FaultPlan, LabSettings, SimulatedModel, parse_rate
from turnout.lab.corpus import DemoRequest, demo_requests
from turnout.ledger import CallRecord, Ledger

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

    from turnout.execute import Router

__all__ = ["DemoCall", "DemoResult", "DemoSettings", "run_demo"]

RATES: Final = ("500=2.5%", "cut=1.5%", "empty200=2%", "reset=2%")
"""Failures that concern one call. Another deployment answers, and nothing else changes."""

COOLING: Final = ({"529": 90}, {"429": 20, "529": 60})
"""Failures that cool a key or a whole provider for five seconds: for the busiest provider and the next, after how many
percent of the calls of its busiest model each happens once. By rates they would come in any number at any time, and the
picture would show them instead of the policy."""

MODELS: Final = (
    SimulatedModel(
        "*luna*", ttft_ms=250, tokens_per_s=200, answer_tokens=80, refusal_rate=0.03, context_tokens=922_000
    ),
    *DEFAULT_MODELS,
)


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What the demo does.

    Args:
        policy: Decides.
        ledger: The file for the records.
        requests: How many of the shipped requests; None takes all.
        seed: Of the lab's answers and failures.
        has_faults: Whether the lab fails at all.
        speed: How many times faster than life the simulated models are.
        at_once: Requests under way at one time.
    """

    policy: Policy
    ledger: Path
    requests: int | None = None
    seed: int = 0
    has_faults: bool = True
    speed: float = 2.0
    at_once: int = 16


@dataclass(frozen=True, slots=True)
class DemoCall:
    """One request of the demo, from the decision to the end.

    Args:
        asked: The request.
        decision: What the policy says while nothing has failed yet.
        decide_us: How long that took, in microseconds.
        record: What the ledger keeps; None if the call left none.
        error: What it ended with, if there was no answer.
        was_accepted: Whether the answer passed the policy's checks.
    """

    asked: DemoRequest
    decision: Decision
    decide_us: float
    record: CallRecord | None
    error: Exception | None
    was_accepted: bool


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything that happened.

    Args:
        settings: What was asked for.
        calls: In the order of the corpus.
        records: How many records the ledger file holds at the end.
        faults: For each fault, how often the lab did it.
        lab_requests: How many requests the lab got.
        sdk: The provider whose calls went through its own SDK, if there was one.
        seconds: How long the calls took together.
    """

    settings: DemoSettings
    calls: tuple[DemoCall, ...]
    records: int
    faults: dict[str, int]
    lab_requests: int
    sdk: str | None
    seconds: float


def run_demo(
    settings: DemoSettings, on_progress: Callable[[int, int], None], on_total: Callable[[int], None]
) -> DemoResult:
    """Runs the demo.

    Args:
        settings: What to do.
        on_progress: Called with how many calls are over, and how many failures the lab has made.
        on_total: Called once with how many calls there are.

    Returns:
        Everything that happened.
    """
    corpus = demo_requests()[: settings.requests]
    on_total(len(corpus))
    decided = _decide_all(settings.policy, corpus)
    rates = tuple(parse_rate(rate) for rate in RATES) if settings.has_faults else ()
    faults = FaultPlan(settings.seed, rates)
    lab_settings = LabSettings(seed=settings.seed, speed=settings.speed, faults=faults, models=MODELS)
    with LabThread(lab_settings) as running:
        for model, script in _scripts([each for each, _ in decided], faults) if rates else ():
            running.lab.script(model, script)

        def report(done: int) -> None:
            on_progress(done, sum(_faults(running).values()))

        started = time.perf_counter()
        ends, sdk = asyncio.run(_execute(settings, running, corpus, [each for each, _ in decided], report))
        seconds = time.perf_counter() - started
        failed, requests = _faults(running), running.counters.requests()
    calls = tuple(
        DemoCall(asked, decision, decide_us, *end)
        for asked, (decision, decide_us), end in zip(corpus, decided, ends, strict=True)
    )
    return DemoResult(settings, calls, Ledger.open(settings.ledger).count(), failed, requests, sdk, seconds)


def _decide_all(policy: Policy, corpus: Sequence[DemoRequest]) -> list[tuple[Decision, float]]:
    """Decides for each request, and measures nothing but that: no other thread runs yet."""
    engine = Engine(policy, environ=lab_keys(policy))
    engine.warm()
    engine.decide("warm up", refused_ok=True)
    decided = []
    for asked in corpus:
        started = time.perf_counter_ns()
        decision = engine.decide(asked.request, asked.meta, dialect=asked.dialect, refused_ok=True)
        decided.append((decision, (time.perf_counter_ns() - started) / 1000))
    return decided


def _scripts(decisions: Iterable[Decision], faults: FaultPlan) -> Iterator[tuple[str, list[str]]]:
    """Says what happens to each call of the busiest model of the two busiest providers: the plan, and what cools."""
    firsts = [each.plan.attempts[0] for each in decisions if each.plan.attempts]
    busiest: dict[str, tuple[str, int]] = {}
    for (provider, model), calls in Counter((each.provider, each.upstream_model) for each in firsts).most_common():
        busiest.setdefault(provider, (model, calls))
    for (model, calls), cooling in zip(busiest.values(), COOLING, strict=False):
        script = [faults.fault_for(number, model) for number in range(1, calls + 1)]
        for fault, after_percent in cooling.items():
            script[calls * after_percent // 100] = fault
        yield model, script


def _faults(running: LabThread) -> dict[str, int]:
    names = [*(rate.fault for rate in running.lab.settings.faults.rates), "429", "529"]
    return {name: running.counters.requests(fault=name) for name in names}


_End = tuple[CallRecord | None, Exception | None, bool]


async def _execute(
    settings: DemoSettings,
    running: LabThread,
    corpus: Sequence[DemoRequest],
    decisions: Sequence[Decision],
    on_done: Callable[[int], None],
) -> tuple[list[_End], str | None]:
    from turnout.execute import Router

    urls = lab_urls(running.lab, decisions)
    clients = _sdk_clients(urls)
    ends: list[_End] = [(None, None, False)] * len(corpus)
    waiting = iter(enumerate(corpus))
    done = 0

    async def work(router: Router, queue: Iterator[tuple[int, DemoRequest]]) -> None:
        nonlocal done
        for place, asked in queue:
            ends[place] = await _call(router, asked)
            done += 1
            on_done(done)

    transport = LoopbackOnly()
    try:
        async with Router(
            settings.policy,
            clients=clients,
            ledger=settings.ledger,
            transport=transport,
            environ=lab_keys(settings.policy),
            base_urls=urls,
        ) as router:
            await asyncio.gather(*(work(router, waiting) for _ in range(settings.at_once)))
    finally:
        await transport.aclose()
        for client in clients.values():
            await client.close()
    return ends, next(iter(clients), None)


def _sdk_clients(urls: Mapping[str, str]) -> dict[str, AsyncAnthropic]:
    """One provider's calls go through its own SDK, as those of a program that brings its client would."""
    if "anthropic" not in urls:
        return {}
    with contextlib.suppress(ModuleNotFoundError):
        from anthropic import AsyncAnthropic

        return {"anthropic": AsyncAnthropic(base_url=urls["anthropic"], api_key="lab-needs-no-key", max_retries=0)}
    return {}


async def _call(router: Router, asked: DemoRequest) -> _End:
    stream = router.stream(asked.request, asked.meta, dialect=asked.dialect) if asked.stream else None
    try:
        if stream is None:
            response = await router.complete(asked.request, asked.meta, dialect=asked.dialect)
            return response.record, None, response.accepted
        async with stream:
            async for _ in stream:
                pass
        was_accepted = stream.response is not None and stream.response.accepted
        return stream.record, None, was_accepted
    except TurnoutError as error:
        record = getattr(error, "record", None)
        return record if isinstance(record, CallRecord) else (stream.record if stream else None), error, False
    except Exception as error:  # noqa: BLE001  one call that breaks must not take the others with it; it is reported
        return stream.record if stream else None, error, False
