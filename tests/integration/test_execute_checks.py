"""Checks of the host program: asked in order, bounded by the deadline, and failed when in doubt."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from tests.integration.execute_kit import KEYS, until, urls

from turnout import CheckedAnswer, Router, TurnoutError, parse_policy
from turnout.execute.judge import Check
from turnout.lab import Lab, LabSettings

_POLICY = """
turnout: 1
name: checked
models: { claude: anthropic/claude-haiku-5-5, top: anthropic/claude-opus-5-5 }
rules:
  - { name: free, when: meta.free ?? false, from: [claude], accept: not_empty }
otherwise: { from: [claude, top], prefer: in_order }
accept: [not_empty, check.is_long, check.is_known]
escalate: { at_most: 1 }
run: { deadline: 400ms }
"""
RULES = parse_policy(_POLICY)


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


def yes(_: CheckedAnswer) -> bool:
    return True


async def test_an_answer_that_the_program_refuses_goes_to_a_stronger_model(lab: Lab) -> None:
    seen: list[CheckedAnswer] = []

    async def is_known(answer: CheckedAnswer) -> bool:
        await asyncio.sleep(0)
        seen.append(answer)
        return answer.model == "top"

    checks: dict[str, Check] = {"is_long": lambda answer: len(answer.text) > 1, "is_known": is_known}
    async with Router(RULES, environ=KEYS, base_urls=urls(lab, RULES), checks=checks) as router:
        response = await router.complete("hello there", meta={"team": "search"})
        async with router.stream("hello there") as stream:
            assert [event async for event in stream]
            assert stream.response is not None
            streamed = stream.response
        free = await router.complete("hello there", meta={"free": True})
    assert (response.model, response.accepted, response.unmet) == ("top", True, None)
    assert [(each.model, each.outcome) for each in response.attempts] == [("claude", "complete"), ("top", "complete")]
    assert [each.model for each in seen] == ["claude", "top", "claude"]
    assert (seen[0].request, seen[0].meta, seen[0].deployment) == ("hello there", {"team": "search"}, "claude")
    assert seen[0].text
    assert seen[0].text not in repr(seen[0])
    # After the first content there is no going back: it is said.
    assert (streamed.model, streamed.accepted, streamed.unmet) == ("claude", False, "check.is_known")
    assert (free.model, free.accepted) == ("claude", True)


async def raises(answer: CheckedAnswer) -> bool:
    raise ValueError(answer.text)


async def hangs(_: CheckedAnswer) -> bool:
    await asyncio.Event().wait()
    return True


@pytest.mark.parametrize(("check", "attempts"), [(raises, 2), (hangs, 1)])
async def test_a_check_that_breaks_has_failed(
    lab: Lab, check: object, attempts: int, caplog: pytest.LogCaptureFixture
) -> None:
    checks = {"is_long": yes, "is_known": check}
    began = asyncio.get_running_loop().time()
    with caplog.at_level(logging.WARNING, "turnout.execute"):
        async with Router(RULES, environ=KEYS, base_urls=urls(lab, RULES), checks=checks) as router:  # type: ignore[arg-type]
            response = await router.complete("hello there")
    assert (response.accepted, response.unmet) == (False, "check.is_known")
    assert len(response.attempts) == attempts
    assert asyncio.get_running_loop().time() - began < 3
    assert response.text not in caplog.text
    assert "check.is_known" in caplog.text


async def test_cancelling_a_check_keeps_the_row_and_the_cost(lab: Lab) -> None:
    checks: dict[str, Check] = {"is_long": yes, "is_known": hangs}
    rules = parse_policy(_POLICY.replace("400ms", "9s"))
    async with Router(rules, environ=KEYS, base_urls=urls(lab, rules), checks=checks) as router:
        task = asyncio.create_task(router.complete("hello there"))
        await until(lambda: router.engine.state.in_flight("claude") == 1 and lab.counters.in_flight == 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert router.engine.state.in_flight("claude") == 0


async def test_what_a_policy_names_must_be_registered(lab: Lab) -> None:
    with pytest.raises(TurnoutError, match=r"check\.is_known") as caught:
        Router(RULES, environ=KEYS, base_urls=urls(lab, RULES), checks={"is_long": yes})
    assert caught.value.code == "router-check"
    assert caught.value.hint == 'give it to the router: `checks={"is_known": ...}`'
    assert RULES.host_checks == ("check.is_known", "check.is_long")
