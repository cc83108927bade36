"""Every row of the catalogue of faults: the lab shows it, the router makes of it what `tests/cases/faults.toml` says.

One test runs all faults of a dialect, whole or streamed, over one carrier at a time and side by side: what stalls,
stalls together.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anthropic
import pytest
from tests.integration import fault_cases
from tests.integration.execute_kit import KEYS, PLAIN
from tests.integration.fault_cases import Case

from turnout import Policy, ProviderError, Router, parse_policy
from turnout.lab import FAULTS, Lab, LabSettings, SimulatedModel
from turnout.ledger import CallRecord
from turnout.providers.outcome import FAILURES
from turnout.providers.transport import BodyLimits, Transport, open_transport

MODELS = {
    "anthropic": "anthropic/claude-haiku-5-5",
    "openai": "openai/gpt-6-luna",
    "responses": "openai/gpt-6-luna, dialect: openai-responses",
}
PROVIDER = {"anthropic": "anthropic", "openai": "openai", "responses": "openai"}
OTHER = {"anthropic": "openai", "openai": "anthropic", "responses": "anthropic"}
CARRIERS = [
    ("fast", "anthropic"),
    ("fast", "openai"),
    ("fast", "responses"),
    ("httpx2", "anthropic"),
    ("httpx2", "openai"),
    ("httpx2", "responses"),
    ("sdk", "anthropic"),
]
LIMITS = BodyLimits(decoded_bytes=12 << 20)
SIDE_BY_SIDE = 12
HEAVY = ["bomb", "endless", "huge_event", "huge_header", "split_bytes"]
"""What keeps the processor busy for so long that the deadlines of its neighbours would pass."""
TERSE = (SimulatedModel("*", answer_tokens=24, context_tokens=1_000_000),)

_POLICY = """
turnout: 1
name: faults
models:
  weak: {{ use: {weak}, context: 200k }}
  strong: {strong}
otherwise: {{ from: [weak, strong], prefer: in_order }}
accept: [complete, not_empty, not_refused]
escalate: {{ at_most: 1 }}
run: {{ deadline: 3s, ttft: 1s, idle: 1s, attempts: 2 }}
"""


@dataclass
class Told:
    """What came of a call."""

    text: str
    record: CallRecord
    error: ProviderError | None = None


def policy(dialect: str) -> Policy:
    return parse_policy(_POLICY.format(weak=MODELS[dialect], strong=MODELS[OTHER[dialect]]))


async def call(router: Router, mode: str) -> Told:
    pieces: list[str] = []
    try:
        if mode == "whole":
            response = await router.complete("hello there")
            return Told(response.text, response.record)
        async with router.stream("hello there") as stream:
            async for event in stream:
                if event.kind == "text":
                    pieces.append(event.text)
        assert stream.record is not None
        return Told("".join(pieces), stream.record)
    except ProviderError as error:
        raised = error
    assert isinstance(raised.record, CallRecord)
    return Told("".join(pieces), raised.record, raised)


@asynccontextmanager
async def routed(lab: Lab, dialect: str, carrier: str, fault: str, transport: Transport) -> AsyncIterator[Router]:
    """A router whose weak model has a fault, and whose strong one has none."""
    urls = {PROVIDER[dialect]: lab.url_for(dialect, fault), OTHER[dialect]: lab.url_for(OTHER[dialect])}
    async with PLAIN() as http:
        clients: dict[str, object] = {}
        if carrier == "sdk":
            clients["anthropic"] = anthropic.AsyncAnthropic(base_url=urls[dialect], api_key="any", http_client=http)
        async with Router(
            policy(dialect), transport=transport, environ=KEYS, base_urls=urls, clients=clients
        ) as router:
            yield router


def wrong(case: Case, told: Told, good: str, strong: str) -> str | None:
    """Why a call is not what the case says; None if it is."""
    first = told.record.attempts[0]
    found = (first.outcome, then(told))
    if found[0] not in case.outcome.split("|") or found[1] != case.then:
        return f"{found}, not {(case.outcome, case.then)}; {told.record.attempts}"
    if told.error is not None:
        kind, code, _ = FAILURES[case.outcome]
        if not isinstance(told.error, kind) or (told.error.code, told.error.outcome) != (code, case.outcome):
            return f"raised {told.error!r}"
        if any(key in f"{told.error!s}{told.error.hint}{told.record}" for key in KEYS.values()):
            return "a key is in the error"
        if told.text and not good.startswith(told.text):
            return f"something was spliced: {told.text!r}"
    elif case.then == "elsewhere" and told.text != strong:
        return f"not the other deployment's text: {told.text!r}"
    elif case.then in ("kept", "again") and (told.text == good) != case.has_same_text:
        return f"another text: {told.text!r}"
    if case.tries not in (None, len(told.record.attempts)):
        return f"{len(told.record.attempts)} attempts"
    if case.is_estimated not in (None, first.usage_is_estimated):
        return f"usage_is_estimated is {first.usage_is_estimated}"
    if sum(each.cost_usd_picos or 0 for each in told.record.attempts) != told.record.cost_usd_picos:
        return "the attempts' costs are not the call's"
    return None


def then(told: Told) -> str:
    attempts = told.record.attempts
    if told.error is not None:
        return "raises"
    if len(attempts) == 1:
        return "kept" if told.record.outcome == "complete" else "poor"
    return "again" if attempts[1].model == "weak" else "elsewhere"


@pytest.mark.parametrize("mode", ["whole", "stream"])
@pytest.mark.parametrize(("carrier", "dialect"), CARRIERS, ids=["-".join(each) for each in CARRIERS])
async def test_every_fault_ends_as_the_catalogue_says(carrier: str, dialect: str, mode: str) -> None:
    cases = fault_cases.cases(dialect, mode)
    assert {case.fault for case in cases} == set(FAULTS)
    turnstile = asyncio.Semaphore(SIDE_BY_SIDE)
    transport = open_transport(LIMITS, "httpx2" if carrier == "httpx2" else "fast")
    async with Lab(LabSettings(speed=1000, slow_first_token_ms=20_000, models=TERSE)) as lab:

        async def run(fault: str) -> Told:
            async with turnstile, routed(lab, dialect, carrier, fault, transport) as router:
                return await call(router, mode)

        async with routed(lab, OTHER[dialect], carrier, "ok", transport) as router:
            strong = (await call(router, mode)).text if carrier != "sdk" else ""
        good = (await run("ok")).text
        if carrier == "sdk":
            strong = (await run("500")).text
        light = [fault for fault in FAULTS if fault not in HEAVY]
        told = dict(zip(light, await asyncio.gather(*map(run, light)), strict=True))
        for fault in HEAVY:
            told[fault] = await run(fault)
        await transport.aclose()
    assert good
    assert strong
    assert good != strong
    found = {case.fault: wrong(case, told[case.fault], good, strong) for case in cases}
    failed = [f"{fault}: {why}" for fault, why in found.items() if why is not None]
    assert not failed, "\n".join(failed)


def test_every_row_is_run_or_its_absence_explained() -> None:
    rows = fault_cases.load()["row"]
    shown = fault_cases.rows_of_lab()
    assert set(fault_cases.load()["fault"]) == set(FAULTS)
    assert shown | set(rows) == set(fault_cases.ROWS)
    for row, said in rows.items():
        assert isinstance(said, dict)
        assert ("test" in said) != ("out" in said), row
        if "test" in said:
            path, _, name = said["test"].partition("::")
            assert (
                f"def {name}(" in (fault_cases.ROOT / path).read_text()
                or f"fn {name}(" in (fault_cases.ROOT / path).read_text()
            ), f"{row}: no such test"
        else:
            assert row not in shown, f"{row} is shown by the lab, and is in scope"


def test_the_page_shows_what_is_run() -> None:
    assert fault_cases.page() == fault_cases.PAGE.read_text(), "python -m tests.integration.fault_cases"
