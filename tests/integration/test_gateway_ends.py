"""How requests end that nobody sees to their end: the gateway stops, the client is slow, or the last answer is poor."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
from tests.integration.execute_kit import until
from tests.integration.gateway_kit import Served, gateway
from tests.integration.test_gateway_security import ASK, CHAT, ask

from turnout.execute.relay import Relay
from turnout.lab import Lab, LabSettings
from turnout.ledger.ledger import store_of
from turnout.server import KeyStore, Settings, http, protocol


def head(served: Served, path: str, length: int) -> bytes:
    host = served.url.removeprefix("http://")
    told = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    return told.encode()


async def begun(
    served: Served, path: str, body: dict[str, object]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await connect(served)
    data = json.dumps(body).encode()
    writer.write(head(served, path, len(data)) + data)
    return reader, writer


async def connect(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = served.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def test_who_is_served_when_it_stops_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    story: dict[str, object] = {
        "model": "gpt",
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": "CANARY a long story"}],
    }
    ledger = tmp_path / "ledger.sqlite"
    async with Lab(LabSettings(speed=0.5)) as lab, gateway(lab, ledger=ledger, deadline="60s", drain_s=1) as served:
        asked = [(CHAT, True), ("/v1/messages", True), (CHAT, False), ("/v1/messages", False)]
        opened = [await begun(served, path, {**story, "stream": streams}) for path, streams in asked]
        # Both streams have content; of the others nothing has come.
        heads = [await opened[at][0].readuntil(b"\r\n\r\n") for at in (0, 1)] + [b"", b""]
        await until(lambda: lab.counters.requests() == 4)
        served.server.should_exit = True
        answers = [came + await reader.read() for came, (reader, _) in zip(heads, opened, strict=True)]
        for _, writer in opened:
            writer.close()
        store = store_of(ledger)
    for answer, (path, streams) in zip(answers, asked, strict=True):
        assert b"the gateway is shutting down" in answer
        assert (b'"type":"error"' in answer) == (path == "/v1/messages")
        assert answer.startswith(b"HTTP/1.1 200" if streams else b"HTTP/1.1 503")
        assert b"[DONE]" not in answer
        assert b"message_stop" not in answer
    with store.reading() as database:
        assert [row[0] for row in database.execute("SELECT outcome FROM calls")] == ["cancelled"] * 4
    assert "CANARY" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_failure_after_the_first_bytes_is_not_shown_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = "CANARY"

    async def broken(_: Relay) -> bytes:
        raise ValueError(said)

    monkeypatch.setattr(Relay, "__anext__", broken)
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab) as served:
        reader, writer = await begun(served, CHAT, {**ASK, "stream": True})
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200")
    assert not answer.endswith(b"0\r\n\r\n")
    assert "a request failed: ValueError" in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize("flood", ["x: y\r\n" * 40_000, "x: " + "y" * 200_000])
async def test_heads_are_bounded(flood: str) -> None:
    """S31."""
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab) as served:
        reader, writer = await connect(served)
        writer.write(f"POST {CHAT} HTTP/1.1\r\n{flood}".encode())
        try:
            answer = await asyncio.wait_for(reader.read(), 5)
        except ConnectionResetError:  # we were still sending
            answer = b"reset"
        writer.close()
        assert answer == b"reset" or answer.split(b" ")[1] in {b"400", b"431"}
        assert (await ask(served))[0] == 200


async def test_slow_clients_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_MOST_S", 0.1)
    monkeypatch.setattr(http, "_BODY_S", 0.1)
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab) as served:
        for sent in (b"", f"POST {CHAT} HTTP/1.1\r\nhost: a".encode()):
            reader, writer = await connect(served)
            writer.write(sent)
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
        reader, writer = await connect(served)
        writer.write(head(served, CHAT, 1000) + b'{"model"')
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 408")
        writer.close()
        assert (await ask(served))[0] == 200


async def test_the_model_of_a_poor_answer_is_the_one_that_gave_it() -> None:
    """The first says nothing, and the ones that are asked then fail: what failed is no answer."""
    more = "accept: [not_empty]\nescalate: { at_most: 1 }\n"
    faults = {"openai": "nothing_said", "anthropic": "500"}
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab, more=more, fault=faults) as served:
        status, headers, _ = await ask(served, {**ASK, "model": "all", "stream": True})
        made = lab.counters.requests()
    assert (status, headers["x-turnout-model"]) == (200, "gpt")
    assert made > 1
    assert headers["x-turnout-attempts"] == str(made)


async def test_a_key_that_may_not_ask_leaves_no_row(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db")
    token = store.create("narrow", models=frozenset({"claude"}))
    ledger = tmp_path / "ledger.sqlite"
    more = "require: [{ name: never, keep: meta.never == true }]\n"
    async with (
        Lab(LabSettings(speed=50.0)) as lab,
        gateway(lab, more=more, settings=Settings(keys=store.path), ledger=ledger) as served,
    ):
        status, _, _ = await ask(served, x_api_key=token)
        kept = store_of(ledger)
    assert status == 403
    with kept.reading() as database:
        assert database.execute("SELECT count(*) FROM calls").fetchone() == (0,)


async def test_methods_of_an_endpoint() -> None:
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab) as served:
        _, headers, _ = await ask(served, b"", CHAT, "GET")
        assert headers["allow"] == "POST"
        _, headers, _ = await ask(served, b"", "/v1/models", "DELETE")
        assert headers["allow"] == "GET, HEAD"
        reader, writer = await connect(served)
        host = served.url.removeprefix("http://")
        writer.write(f"HEAD /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 30])
async def test_metadata_holds_no_number_beyond_a_policys(number: str) -> None:
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab) as served:
        status, _, body = await ask(served, x_turnout_metadata=f'{{"a": {number}}}')
    assert status == 400
    assert json.loads(body)["error"]["code"] == "bad_metadata"


def test_a_rotated_key_ends_when_the_one_before_would_have(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db")
    store.create("search", good_until_s=4e9)
    store.rotate("search", overlap_s=60)
    store.rotate("search", overlap_s=60)
    assert store.list()[-1].good_until_s == 4e9
    store.rotate("search", overlap_s=60, good_until_s=5e9)
    assert store.list()[-1].good_until_s == 5e9
