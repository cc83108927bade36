"""Every upstream keeps the same contract: over the transport, and through the host program's SDK client."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.execute_kit import CLAUDE, GPT, on_lab, policy, read

from turnout import ProviderError
from turnout.errors import (
    ConnectionFailed,
    Malformed,
    Overloaded,
    ProviderTimeout,
    RateLimited,
    Rejected,
    Truncated,
    Unauthorized,
)
from turnout.lab import Lab, LabSettings
from turnout.ledger import Ledger

CARRIERS = ["http-anthropic", "http-openai", "sdk-anthropic"]


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


@pytest.fixture(params=CARRIERS)
def way(request: pytest.FixtureRequest) -> tuple[str, str, str, str]:
    """Carrier, pool, the model that is called first as the lab knows it, and the other one's name in the policy."""
    carrier, _, provider = request.param.partition("-")
    return (
        (carrier, "claude, gpt", CLAUDE, "gpt") if provider == "anthropic" else (carrier, "gpt, claude", GPT, "claude")
    )


async def test_a_whole_answer(lab: Lab, way: tuple[str, str, str, str]) -> None:
    carrier, pool, model, _ = way
    async with on_lab(lab, policy(pool), carrier=carrier) as router:
        response = await router.complete("hello there")
    assert response.text
    assert response.accepted
    assert response.unmet is None
    assert model.encode() in response.raw
    assert response.usage is not None
    assert response.usage.output_total > 0
    assert response.cost is not None
    assert response.cost.usd > 0
    assert [each.outcome for each in response.attempts] == ["complete"]
    assert not response.attempts[0].usage_is_estimated
    assert response.record.cost_usd_picos == response.cost.usd_picos
    assert lab.counters.requests() == lab.counters.requests(model, "ok") == 1


async def test_a_stream_says_what_a_whole_answer_says(lab: Lab, way: tuple[str, str, str, str]) -> None:
    carrier, pool, _, _ = way
    async with on_lab(lab, policy(pool), carrier=carrier) as router:
        whole = await router.complete("hello there")
        async with router.stream("hello there") as stream:
            record_at_first = stream.record
            assert stream.deployment == whole.deployment
            text = "".join([event.text async for event in stream if event.kind == "text"])
    assert record_at_first is None
    assert text == whole.text
    assert stream.response is not None
    assert stream.response.text == text
    assert stream.response.usage == whole.usage
    assert stream.record is not None
    assert stream.record.outcome == "complete"
    assert stream.record.ttft_ms is not None
    assert stream.record.usage == whole.record.usage


BEFORE_CONTENT = {
    "401": ("unauthorized", 401),
    "404": ("not_found", 404),
    "429": ("rate_limited", 429),
    "500": ("server_error", 500),
    "529": ("overloaded", None),
    "reset": ("transport", None),
    "html200": ("bad_upstream", 200),
    "empty200": (None, 200),
    "error_first": ("overloaded", None),
}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", BEFORE_CONTENT)
async def test_another_deployment_answers_unseen(
    lab: Lab, way: tuple[str, str, str, str], fault: str, streams: bool, tmp_path: Path
) -> None:
    carrier, pool, model, other = way
    lab.script(model, [fault])
    async with on_lab(lab, policy(pool), tmp_path / "ledger", carrier) as router:
        if streams:
            async with router.stream("hello there") as stream:
                text = "".join([event.text async for event in stream])
            record = stream.record
            assert stream.model == other
        else:
            response = await router.complete("hello there")
            text, record = response.text, response.record
            assert response.model == other
    assert text
    assert record is not None
    assert [each.model for each in record.attempts][1:] == [other]
    outcome, status = BEFORE_CONTENT[fault]
    assert record.attempts[0].outcome == (outcome or ("truncated" if streams else "bad_upstream"))
    if status is not None:
        assert record.attempts[0].status == status
    assert record.outcome == "complete"
    assert Ledger.open(tmp_path / "ledger").get(record.id) == record
    assert Ledger.open(tmp_path / "ledger").count() == 1


@pytest.mark.parametrize("fault", ["cut", "cut_clean", "error_mid"])
async def test_a_whole_answer_that_breaks_is_asked_for_elsewhere(
    lab: Lab, way: tuple[str, str, str, str], fault: str
) -> None:
    carrier, pool, model, other = way
    lab.script(model, [fault])
    async with on_lab(lab, policy(pool), carrier=carrier) as router:
        response = await router.complete("hello there")
    assert response.model == other
    assert response.attempts[0].outcome == ("overloaded" if fault == "error_mid" else "truncated")


@pytest.mark.parametrize(("fault", "kind"), [("cut", Truncated), ("cut_clean", Truncated), ("error_mid", Overloaded)])
async def test_a_stream_that_breaks_after_content_raises_and_splices_nothing(
    lab: Lab, way: tuple[str, str, str, str], fault: str, kind: type[ProviderError], tmp_path: Path
) -> None:
    carrier, pool, model, other = way
    lab.script(model, [fault])
    pieces: list[str] = []
    async with on_lab(lab, policy(pool), tmp_path / "ledger", carrier) as router:
        with pytest.raises(kind) as caught:
            await read(router, "hello there", pieces)
        full = await router.complete("hello there")
    assert pieces
    record = Ledger.open(tmp_path / "ledger").get(getattr(caught.value.record, "id", ""))
    assert record is not None
    assert record == caught.value.record
    assert record.outcome == caught.value.outcome == record.attempts[0].outcome
    assert record.outcome == ("overloaded" if fault == "error_mid" else "truncated")
    assert len(record.attempts) == 1
    assert record.attempts[0].usage.output_total > 0
    assert record.attempts[0].usage_is_estimated
    assert full.text.startswith("".join(pieces)) or full.model == other
    assert Ledger.open(tmp_path / "ledger").count() == 2


ENDINGS = {
    "401": Unauthorized,
    "404": Rejected,
    "429": RateLimited,
    "529": Overloaded,
    "500": ProviderError,
    "html200": Malformed,
    "overflow": Rejected,
    "reset": ConnectionFailed,
}


@pytest.mark.parametrize("fault", ENDINGS)
async def test_what_fails_everywhere_raises_its_own_exception(
    way: tuple[str, str, str, str], fault: str, tmp_path: Path
) -> None:
    carrier, pool, _, _ = way
    async with (
        Lab(LabSettings(speed=1000, retry_after_s=30)) as lab,
        on_lab(lab, policy(pool), tmp_path / "ledger", carrier) as router,
    ):
        lab.script("*", [fault] * 8)
        for streams in (False, True):
            with pytest.raises(ENDINGS[fault]) as caught:
                await (read(router, "hello there") if streams else router.complete("hello there"))
            assert caught.value.deployment in ("claude", "gpt")
            assert caught.value.record is not None
            assert caught.value.__context__ is None
            if isinstance(caught.value, RateLimited):
                assert caught.value.retry_after_ms == 30_000
    assert Ledger.open(tmp_path / "ledger").count() == 2


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_a_stalled_provider_does_not_outlive_the_deadline(
    lab: Lab, way: tuple[str, str, str, str], streams: bool, tmp_path: Path
) -> None:
    carrier, pool, _, _ = way
    lab.script("*", ["stall"] * 4)
    async with on_lab(lab, policy(pool, deadline="300ms"), tmp_path / "ledger", carrier) as router:
        with pytest.raises(ProviderTimeout) as caught:
            await (read(router, "hello there") if streams else router.complete("hello there"))
    assert caught.value.outcome == "deadline"
    record = Ledger.open(tmp_path / "ledger").get(getattr(caught.value.record, "id", ""))
    assert record is not None
    assert 290 <= record.total_ms < 800
    assert lab.counters.in_flight == 0 or lab.counters.closed_by_client >= 1


async def test_a_stream_that_stalls_before_content_fails_over(lab: Lab, way: tuple[str, str, str, str]) -> None:
    carrier, pool, model, other = way
    lab.script(model, ["stall"])
    async with (
        on_lab(lab, policy(pool, ttft="200ms"), carrier=carrier) as router,
        router.stream("hello there") as stream,
    ):
        assert stream.model == other
        assert [event async for event in stream]
    assert stream.record is not None
    assert stream.record.attempts[0].outcome == "timeout_first_byte"
