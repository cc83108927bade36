"""A policy that changes while it serves: all of it takes over or nothing does, and no call is lost."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anthropic
import pytest
from tests.integration.execute_kit import KEYS, PLAIN, policy, until, urls

from turnout import Engine, Policy, PolicyError, Router, SyncRouter, load_policy, parse_policy
from turnout.errors import CatalogError, TurnoutError
from turnout.execute.reload import PolicyFiles
from turnout.lab import Lab, LabSettings
from turnout.ledger import Ledger

BLINK = 0.01


def text(pool: str = "claude, gpt", rest: str = "") -> str:
    return (
        "turnout: 1\nname: kit\nmodels:\n  claude: anthropic/claude-haiku-5-5\n  gpt: openai/gpt-6-luna\n"
        f"otherwise: {{ from: [{pool}], prefer: in_order }}\n{rest}"
    )


CLAUDE_FIRST, GPT_FIRST = text("claude, gpt"), text("gpt, claude")
FAILING = text("gpt", "tests:\n  - { name: t, when: { prompt: hi }, expect: 'model == \"claude\"' }\n")
WRONG = text("gpt").replace("otherwise:", "otherwize:") + "key: sk-CANARYSECRET0123456789\n"


def fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(CLAUDE_FIRST, encoding="utf-8")
    return file


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


def replaced(file: Path, content: str) -> None:
    """As an editor saves: written beside it, then renamed over it."""
    beside = file.with_suffix(".swp")
    beside.write_text(content, encoding="utf-8")
    beside.replace(file)


async def test_a_reload_swaps_and_says_so(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="turnout.execute")
    async with Router(file, environ=KEYS) as router:
        before, engine = router.policy_hash, router.engine
        none_yet = router.last_reload
        assert none_yet is None
        assert (await router.decide("hi")).model == "claude"
        file.write_text(GPT_FIRST, encoding="utf-8")
        done = await router.reload()
        decision = await router.decide("hi")
        assert (decision.model, decision.policy_hash) == ("gpt", router.policy_hash)
        assert done.outcome == "swapped"
        assert done.policy_hash == router.policy_hash != before
        assert done is router.last_reload
        assert done.time_ms > 1_700_000_000_000
        assert engine.policy.hash == before
        file.write_text("# a remark\n" + GPT_FIRST, encoding="utf-8")
        assert (await router.reload()).outcome == "unchanged"
        assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]
        assert router.policy_hash in caplog.text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda file: file.write_text(WRONG, encoding="utf-8"), "policy-refused"),
        (lambda file: file.write_text(FAILING, encoding="utf-8"), "policy-refused"),
        (lambda file: file.write_bytes(b"\xff\xfe\x00"), "policy-refused"),
        (lambda file: file.write_bytes(b""), "policy-refused"),
        (lambda file: file.unlink(), "policy-unreadable"),
        (lambda file: (file.unlink(), file.mkdir()), "policy-unreadable"),
        (fifo, "policy-unreadable"),
        (lambda file: (file.unlink(), file.symlink_to(file)), "policy-unreadable"),
    ],
)
async def test_what_does_not_load_changes_nothing(
    file: Path, change: Callable[[Path], object], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Router(file, environ=KEYS) as router:
        before = router.policy_hash
        change(file)
        with pytest.raises(PolicyError) as caught:
            await router.reload()
        assert caught.value.code == code
        assert (await router.decide("hi")).policy_hash == before == router.policy_hash
        last = router.last_reload
        assert last is not None
        assert (last.outcome, last.code, last.policy_hash) == ("refused", code, before)
        assert len(last.places) == sum(found.severity == "error" for found in caught.value.findings)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "CANARYSECRET" not in caplog.text + repr(last)
        assert "otherwize" not in caplog.text + repr(last)


async def test_a_file_cut_at_every_byte(file: Path) -> None:
    whole = text("gpt, claude", "run: { attempts: 2 }\n").encode()
    loaded = refused = 0
    async with Router(file, environ=KEYS) as router:
        for cut in range(len(whole)):
            before = router.policy_hash
            file.write_bytes(whole[:cut])
            try:
                done = await router.reload()
            except PolicyError:
                refused += 1
                assert router.policy_hash == before
            else:
                loaded += 1
                assert done.policy_hash == router.policy_hash
            assert (await router.decide("hi")).policy_hash == router.policy_hash
    # The file begins to be whole with `otherwise`; before that every cut is refused.
    assert loaded > 0
    assert refused > whole.index(b"otherwise")


async def test_no_call_is_lost_over_fifty_reloads(lab: Lab, file: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    hashes = set()
    answers = []
    is_over = False
    async with Router(file, environ=KEYS, base_urls=urls(lab), ledger=ledger) as router:

        async def caller(number: int) -> None:
            while not is_over:
                answers.append(await router.complete(f"question {number}"))
                await asyncio.sleep(0)

        callers = [asyncio.create_task(caller(number)) for number in range(8)]
        for number in range(50):
            content = [GPT_FIRST, CLAUDE_FIRST, WRONG][number % 3]
            replaced(file, content)
            if content is WRONG:
                with pytest.raises(PolicyError):
                    await router.reload()
            else:
                hashes.add((await router.reload()).policy_hash)
        await until(lambda: len(answers) > 50)
        is_over = True
        await asyncio.gather(*callers)
    assert len(hashes) == 2
    assert all(answer.accepted for answer in answers)
    # Each ran on one policy from its beginning to its end, and the record says on which.
    first = {"claude": parse_policy(CLAUDE_FIRST).hash, "gpt": parse_policy(GPT_FIRST).hash}
    for answer in answers:
        assert answer.record.policy_hash == first[answer.model]
    assert {answer.model for answer in answers} == {"claude", "gpt"}
    rows = Ledger.open(ledger).summary("outcome")
    assert [(row.key, row.calls) for row in rows] == [("complete", len(answers))]
    engines = {name: Engine(parse_policy(content)) for name, content in [("claude", CLAUDE_FIRST), ("gpt", GPT_FIRST)]}
    for answer in answers:
        record = answer.record
        assert engines[answer.model].redecide(record).to_json() == record.record_json


async def test_a_stream_under_way_ends_on_its_policy(lab: Lab, file: Path) -> None:
    async with Router(file, environ=KEYS, base_urls=urls(lab)) as router:
        before = router.policy_hash
        async with router.stream("hello there") as stream:
            file.write_text(GPT_FIRST, encoding="utf-8")
            await router.reload()
            pieces = [event.text async for event in stream]
        assert stream.record is not None
        assert "".join(pieces)
        assert (stream.record.policy_hash, stream.record.model) == (before, "claude")
        assert router.policy_hash != before


async def test_what_was_seen_of_deployments_goes_on(file: Path) -> None:
    async with Router(file, environ=KEYS) as router:
        state = router.engine.state
        state.attempt_ended("claude", "none", "anthropic", "not_found", ttft_ms=80, retry_after_ms=60_000)
        state.attempt_ended("gpt", "none", "openai", "not_found", retry_after_ms=60_000)
        file.write_text(
            GPT_FIRST.replace("gpt: openai/gpt-6-luna", "gpt: openai/gpt-6-sol")
            + "run: { retry_budget: 10% }\naccept: [complete]\n",
            encoding="utf-8",
        )
        await router.reload()
        assert router.engine.state.cooling_ms("claude", "none", "anthropic") is not None
        # `gpt` is another model now.
        assert router.engine.state.cooling_ms("gpt", "none", "openai") is None
        assert (await router.decide("hi")).model == "gpt"
        # Who holds the first state sees what the new engine reports.
        router.engine.state.attempt_ended("gpt", "none", "openai", "not_found", retry_after_ms=60_000)
        assert state.cooling_ms("gpt", "none", "openai") is not None


def test_an_engine_of_another_policy_takes_the_state_and_its_own_keys() -> None:
    one = Engine(policy("claude"), environ=KEYS)
    other = one.with_policy(policy("gpt"), environ={})
    one.state.attempt_ended("gpt", "none", "openai", "not_found")
    assert other.state.cooling_ms("gpt", "none", "openai") is not None
    assert other.decide("hi", refused_ok=True).model is None
    assert one.decide("hi").model == "claude"


async def test_keys_are_looked_up_again(file: Path) -> None:
    environ = {"OPENAI_API_KEY": "x"}
    async with Router(file, environ=environ) as router:
        assert (await router.decide("hi")).model == "gpt"
        environ["ANTHROPIC_API_KEY"] = "y"
        assert (await router.reload()).outcome == "unchanged"
        assert (await router.decide("hi")).model == "claude"


async def test_the_client_of_a_deployment_that_is_gone_keeps_the_policy(file: Path) -> None:
    async with PLAIN() as http:
        client = anthropic.AsyncAnthropic(api_key="x", http_client=http)
        async with Router(file, environ={}, clients={"claude": client}) as router:
            assert (await router.decide("hi")).model == "claude"
            file.write_text(CLAUDE_FIRST.replace("claude:", "haiku:").replace("[claude", "[haiku"), encoding="utf-8")
            with pytest.raises(TurnoutError, match="router-client"):
                await router.reload()
            assert (await router.decide("hi")).model == "claude"
            assert router.last_reload is not None
            assert router.last_reload.code == "router-client"


async def test_an_override_file_is_part_of_it(file: Path, tmp_path: Path) -> None:
    override = tmp_path / "prices.yaml"
    content = "turnout-catalog: 1\nmodels:\n  openai/gpt-6-luna: { price: { in: 1, out: 2 } }\n"
    override.write_text(content, encoding="utf-8")
    async with Router(file, environ=KEYS, catalog=override, watch=BLINK) as router:
        before, first = router.policy_hash, router.engine.policy.catalog.hash
        override.write_text(content.replace("in: 1", "in: 1.5"), encoding="utf-8")
        await until(lambda: router.engine.policy.catalog.hash != first)
        assert router.policy_hash == before
        assert router.last_reload is not None
        assert router.last_reload.outcome == "swapped"
        override.write_text("turnout-catalog: 1\nmodels: [", encoding="utf-8")
        with pytest.raises(CatalogError, match="malformed"):
            await router.reload()
        assert router.last_reload.code == "override-refused"


async def test_the_watch_takes_over_what_an_editor_saves(file: Path) -> None:
    async with Router(file, environ=KEYS, watch=BLINK) as router:
        for model, content in [("gpt", GPT_FIRST), ("claude", CLAUDE_FIRST), ("gpt", GPT_FIRST)]:
            before = router.policy_hash
            replaced(file, content)
            await until(lambda before=before: router.policy_hash != before)  # type: ignore[misc]
            assert (await router.decide("hi")).model == model


async def test_the_watch_follows_a_swapped_link(tmp_path: Path) -> None:
    """As a ConfigMap is mounted: `policy.yaml` -> `..data/policy.yaml`, and `..data` is renamed to a new folder."""
    for name, content in [("v1", CLAUDE_FIRST), ("v2", GPT_FIRST)]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yaml").write_text(content, encoding="utf-8")
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    async with Router(tmp_path / "policy.yaml", environ=KEYS, watch=BLINK) as router:
        before = router.policy_hash
        (tmp_path / "..data_tmp").symlink_to("v2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        await until(lambda: router.policy_hash != before)
        assert (await router.decide("hi")).model == "gpt"


async def test_the_watch_reports_a_loss_once_and_the_return(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="turnout.execute")

    def outcome() -> str | None:
        return router.last_reload.outcome if router.last_reload else None

    def logged() -> list[str]:
        return [record.levelname for record in caplog.records]

    async with Router(file, environ=KEYS, watch=BLINK) as router:
        file.unlink()
        await until(lambda: outcome() == "refused")
        refused = router.last_reload
        await asyncio.sleep(10 * BLINK)
        assert router.last_reload is refused
        assert logged() == ["WARNING"]
        assert (await router.decide("hi")).model == "claude"
        file.write_text(CLAUDE_FIRST, encoding="utf-8")
        await until(lambda: outcome() == "unchanged")
        assert logged() == ["WARNING", "INFO"]
        file.write_text(WRONG, encoding="utf-8")
        await until(lambda: outcome() == "refused")
        replaced(file, GPT_FIRST)
        await until(lambda: outcome() == "swapped")
        assert logged() == ["WARNING", "INFO", "WARNING", "INFO"]


async def test_what_is_still_being_written_is_not_loaded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look sees other bytes than the last until the writer is done; each of them would be a good policy."""
    loads = looks = 0
    load, digest = load_policy, PolicyFiles.digest

    def counted(path: Path, *, catalog: None) -> Policy:
        nonlocal loads
        loads += 1
        return load(path, catalog=catalog)

    def written(files: PolicyFiles) -> bytes:
        nonlocal looks
        looks += 1
        if looks <= 20:
            file.write_text(f"{GPT_FIRST}# line {looks}\n", encoding="utf-8")
        return digest(files)

    monkeypatch.setattr("turnout.execute.reload.load_policy", counted)
    async with Router(file, environ=KEYS, watch=BLINK) as router:
        before, first_loads = router.policy_hash, loads
        monkeypatch.setattr(PolicyFiles, "digest", written)
        await until(lambda: router.policy_hash != before)
        assert looks > 20
        assert loads == first_loads + 1


async def test_whatever_a_load_raises_the_watch_goes_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Router(file, environ=KEYS, watch=BLINK) as router:
        with monkeypatch.context() as patch:
            patch.setattr("turnout.execute.reload.load_policy", lambda *_, **__: 1 / 0)
            file.write_text(GPT_FIRST, encoding="utf-8")
            await until(lambda: router.last_reload is not None)
        assert router.last_reload is not None
        assert router.last_reload.code == "ZeroDivisionError"
        file.write_text(GPT_FIRST + "run: { attempts: 2 }\n", encoding="utf-8")
        await until(lambda: router.last_reload is not None and router.last_reload.outcome == "swapped")


async def test_a_closed_router_looks_no_more(file: Path) -> None:
    router = Router(file, environ=KEYS, watch=BLINK)
    await router.decide("hi")
    assert len(asyncio.all_tasks()) == 2
    await router.aclose()
    await router.aclose()
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("interval", [0, -1.0, float("nan"), float("inf"), "1s"])
def test_an_interval_that_is_none(file: Path, interval: float) -> None:
    with pytest.raises(TurnoutError, match="router-reload"):
        Router(file, environ=KEYS, watch=interval)


async def test_a_policy_without_a_file() -> None:
    with pytest.raises(TurnoutError, match="router-reload"):
        Router(policy(), environ=KEYS, watch=True)
    async with Router(policy(), environ=KEYS) as router:
        with pytest.raises(TurnoutError, match="router-reload"):
            await router.reload()
        assert router.last_reload is None


def test_the_router_without_asyncio(file: Path) -> None:
    with SyncRouter(file, environ=KEYS, watch=BLINK) as router:
        before = router.policy_hash
        file.write_text(GPT_FIRST, encoding="utf-8")
        while router.policy_hash == before:
            router.decide("hi")
        assert router.last_reload is not None
        assert router.decide("hi").model == "gpt"
        file.write_text(WRONG, encoding="utf-8")
        with pytest.raises(PolicyError):
            router.reload()
        assert router.last_reload.outcome == "refused"
