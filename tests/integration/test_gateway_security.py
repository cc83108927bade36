"""How gateways are attacked (RELIABILITY, section 3), over raw sockets: the refusal is clear, and nothing is sent."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from tests.integration.execute_kit import KEYS
from tests.integration.gateway_kit import Served, gateway

from turnout.errors import TurnoutError
from turnout.lab import FAULTS, Lab, LabSettings
from turnout.server import Gateway, KeyStore, Settings

Body = bytes | Mapping[str, object]
ASK: dict[str, object] = {"model": "gpt", "messages": [{"role": "user", "content": "hello"}]}
CHAT = "/v1/chat/completions"


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab) as running:
        yield running


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[tuple[Served, KeyStore]]:
    store = KeyStore(tmp_path / "keys.db")
    settings = Settings(keys=store.path, keys_every_s=0.01, max_body=20_000)
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab, settings=settings) as running:
        yield running, store


async def raw(served: Served, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Sends bytes as they are; returns status, headers and body of the first answer."""
    host, port = served.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(20):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
            length = headers.get("content-length")
            body = await reader.readexactly(int(length)) if length else await reader.read(4096)
        return int(lines[0].split(" ")[1]), headers, body
    finally:
        writer.close()


async def ask(
    served: Served, body: Body = ASK, path: str = CHAT, method: str = "POST", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {
        "host": served.url.removeprefix("http://"),
        "content-type": "application/json",
        "content-length": str(len(data)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items() if value != "-")]
    return await raw(served, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data)


def code(body: bytes) -> str:
    error = json.loads(body)["error"]
    return str(error.get("code") or error["details"]["code"])


async def test_an_address_of_the_clients_own_goes_nowhere(served: Served) -> None:
    """S01, S02: wherever it stands, the call goes to the policy's provider, and the provider alone."""
    there = "http://169.254.169.254/latest"
    bodies: list[dict[str, object]] = [
        {**ASK, "base_url": there, "api_base": there},
        {**ASK, "extra_body": {"base_url": there}},
        {**ASK, "metadata": {"base_url": there, "nested": {"api_base": there}}},
    ]
    for body in bodies:
        status, _, _ = await ask(served, body)
        assert status in {200, 400}
    status, _, _ = await ask(served, path=f"{CHAT}?base_url={there}", x_base_url=there, x_api_base=there)
    assert status == 200


@pytest.mark.parametrize(
    "name", ["../../x", "..%2f..", "%252e%252e", "gpt?a=b", "gpt#x", "gpt\x00", "x" * 4096, "\u2024\u2024/x", ""]
)
async def test_a_model_name_is_a_key_to_look_up(served: Served, name: str) -> None:
    """S03."""
    status, _, body = await ask(served, {**ASK, "model": name})
    assert (status, code(body)) == (404, "model_not_found")
    assert len(body) < 1_000
    assert served.lab.counters.requests() == 0


async def test_a_member_that_stands_twice_is_refused(served: Served) -> None:
    """S04."""
    status, _, body = await ask(served, b'{"model":"gpt","model":"top","messages":[{"role":"user","content":"x"}]}')
    assert status == 400
    assert b"twice" in body
    assert served.lab.counters.requests() == 0


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1/admin?", "a#b", "", "localhost:1:2", "-"])
async def test_a_foreign_host_is_refused(served: Served, host: str) -> None:
    """S13, S41."""
    status, _, _ = await ask(served, host=host)
    assert status in {400, 403}
    assert served.lab.counters.requests() == 0


async def test_pages_are_refused_and_get_no_permission(served: Served) -> None:
    """S41."""
    status, headers, body = await ask(served, origin="https://evil.example")
    assert (status, code(body)) == (403, "foreign_origin")
    assert not any(name.startswith("access-control") for name in headers)
    status, headers, _ = await ask(served, method="OPTIONS", origin="https://evil.example")
    assert status == 403
    status, _, body = await ask(served, content_type="text/plain")
    assert (status, code(body)) == (415, "content_type")


@pytest.mark.parametrize(
    "head",
    [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, identity",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: +5",
        "host : twice",
    ],
)
async def test_requests_that_two_servers_read_differently_are_refused(served: Served, head: str) -> None:
    """S14."""
    host = served.url.removeprefix("http://")
    data = f"POST {CHAT} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{head}\r\n\r\nhello"
    status, _, _ = await raw(served, data.encode())
    assert status == 400
    assert served.lab.counters.requests() == 0


@pytest.mark.parametrize("metadata", ['{"team": "a\\r\\nx-injected: 1"}', "no json", "[1]", '{"a":' * 2000, "\xff"])
async def test_metadata_cannot_inject_headers(served: Served, metadata: str) -> None:
    """S15."""
    status, headers, _ = await ask(served, x_turnout_metadata=metadata)
    assert status in {200, 400}
    assert "x-injected" not in headers


async def test_a_key_is_asked_for_everywhere_but_for_health(locked: tuple[Served, KeyStore]) -> None:
    """S05, S19, S43."""
    served, store = locked
    token = store.create("search")
    paths = [("POST", CHAT), ("POST", "/v1/messages"), ("POST", "/v1/responses"), ("GET", "/v1/models")]
    for method, path in [*paths, ("GET", "/v1/decisions/1"), ("POST", "/v1/messages/count_tokens")]:
        for name, value in [("x", ""), ("authorization", "Bearer ' OR 1=1--"), ("x_api_key", token[:-1])]:
            status, _, body = await ask(served, ASK, path, method, **{name: value})
            assert (status, code(body)) == (401, "invalid_api_key"), (path, name)
    for path in ("/healthz", "/readyz"):
        status, _, body = await ask(served, b"", path=path, method="GET")
        assert status == 200
        assert len(body) < 30
    assert served.lab.counters.requests() == 0


async def test_one_reading_of_the_credential(locked: tuple[Served, KeyStore]) -> None:
    """S43: any of the usual headers, and two that differ are refused."""
    served, store = locked
    token, other = store.create("search"), store.create("other")
    await asyncio.sleep(0.05)
    for name, value in [("authorization", f"Bearer {token}"), ("x_api_key", token), ("api_key", token)]:
        assert (await ask(served, ASK, CHAT, "POST", **{name: value}))[0] == 200
    status, _, body = await ask(served, authorization=f"Bearer {token}", x_api_key=other)
    assert (status, code(body)) == (400, "two_keys")


async def test_keys_are_rotated_and_revoked_while_the_gateway_runs(locked: tuple[Served, KeyStore]) -> None:
    served, store = locked
    first = store.create("search")
    second = store.rotate("search", overlap_s=60)
    third = store.rotate("search", overlap_s=0)
    await asyncio.sleep(0.05)
    seen = [(await ask(served, x_api_key=token))[0] for token in (first, second, third)]
    assert seen == [401, 401, 200]
    store.revoke("search")
    await asyncio.sleep(0.05)
    status, _, body = await ask(served, x_api_key=third)
    assert (status, code(body)) == (401, "invalid_api_key")
    stored = store.path.read_bytes()
    assert third.encode() not in stored
    assert third.removeprefix("sk-turnout-").encode() not in stored


async def test_a_key_is_held_to_its_models_and_scopes(locked: tuple[Served, KeyStore]) -> None:
    """S07."""
    served, store = locked
    narrow = store.create("narrow", models=frozenset({"gpt"}))
    reader = store.create("reader", scopes=frozenset({"records"}))
    await asyncio.sleep(0.05)
    status, headers, _ = await ask(served, x_api_key=narrow)
    assert status == 200
    for name in ("claude", "auto", "all", "openai/gpt-6-luna-2"):
        assert (await ask(served, {**ASK, "model": name}, x_api_key=narrow))[0] in {403, 404}
    listed = json.loads((await ask(served, b"", "/v1/models", "GET", x_api_key=narrow))[2])
    assert [row["id"] for row in listed["data"]] == ["gpt"]
    status, _, body = await ask(served, x_api_key=reader)
    assert (status, code(body)) == (403, "key_scope")
    decision = f"/v1/decisions/{headers['x-turnout-decision-id']}"
    assert (await ask(served, b"", decision, "GET", x_api_key=reader))[0] == 200
    assert (await ask(served, b"", decision, "GET", x_api_key=narrow))[0] == 200


async def test_nobody_reads_the_records_of_another(locked: tuple[Served, KeyStore]) -> None:
    """S20."""
    served, store = locked
    one, other = store.create("one"), store.create("other")
    await asyncio.sleep(0.05)
    _, headers, _ = await ask(served, x_api_key=one)
    status, _, _ = await ask(served, b"", f"/v1/decisions/{headers['x-turnout-decision-id']}", "GET", x_api_key=other)
    assert status == 404


async def test_who_calls_is_the_keys_to_say(tmp_path: Path) -> None:
    """S37: a budget is bound to the key, whatever the client says of itself."""
    store = KeyStore(tmp_path / "keys.db")
    token = store.create("search", meta={"team": "search"})
    more = "limits:\n  - { name: calls, per: meta.team, requests: 2/hour }\n"
    async with (
        Lab(LabSettings(speed=50.0)) as lab,
        gateway(lab, more=more, settings=Settings(keys=store.path, keys_every_s=0.01)) as served,
    ):
        seen, headers, answer = [], {"": ""}, b""
        for number in range(4):
            spoof = json.dumps({"team": f"other-{number}", "key": "x"})
            body = {**ASK, "user": f"user-{number}", "metadata": {"team": f"third-{number}"}}
            status, headers, answer = await ask(served, body, x_api_key=token, x_turnout_metadata=spoof)
            seen.append(status)
        assert seen == [200, 200, 429, 429]
        assert code(answer) == "rate_limit_exceeded"
        assert int(headers["retry-after"]) > 60


async def test_large_bodies_and_bombs_are_refused(locked: tuple[Served, KeyStore]) -> None:
    """S30, S31."""
    served, store = locked
    token = store.create("search")
    await asyncio.sleep(0.05)
    large = json.dumps({**ASK, "messages": [{"role": "user", "content": "x" * 30_000}]}).encode()
    assert (await ask(served, large, x_api_key=token))[0] == 413
    small = gzip.compress(json.dumps(ASK).encode())
    assert (await ask(served, small, x_api_key=token, content_encoding="gzip"))[0] == 200
    bomb = gzip.compress(b" " * 10_000_000)
    assert (await ask(served, bomb, x_api_key=token, content_encoding="gzip"))[0] == 413
    assert (await ask(served, small[:-9], x_api_key=token, content_encoding="gzip"))[0] == 400
    assert (await ask(served, small, x_api_key=token, content_encoding="br"))[0] == 415
    deep = b'{"model":"gpt","messages":' + b"[" * 9_000 + b"]" * 9_000 + b"}"
    status, _, body = await ask(served, deep, x_api_key=token)
    assert status == 400
    assert len(body) < 1_000
    assert served.lab.counters.requests() == 1


async def test_no_key_and_no_prompt_leaves_by_another_door(caplog: pytest.LogCaptureFixture) -> None:
    """S16, S47: over every fault of the lab, in each dialect, whole and streamed."""
    caplog.set_level(logging.DEBUG)
    secret = "CANARYPROMPT"
    asks: list[tuple[str, dict[str, object]]] = [
        (CHAT, {"model": "gpt", "messages": [{"role": "user", "content": secret}]}),
        ("/v1/messages", {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": secret}]}),
    ]
    said: list[str] = []

    async def meet(lab: Lab, fault: str) -> None:
        async with gateway(lab, fault=fault, deadline="1s") as served:
            for path, body in asks:
                for streams in (False, True):
                    status, headers, answer = await ask(served, {**body, "stream": streams}, path)
                    assert status >= 200
                    said.append(f"{headers} {answer!r}")

    async with Lab(LabSettings(speed=50.0)) as lab, asyncio.TaskGroup() as group:
        for fault in FAULTS:
            group.create_task(meet(lab, fault))
    assert len(said) == 4 * len(FAULTS)
    for key in KEYS.values():
        assert key not in "".join(said)
        assert key not in caplog.text
    assert secret not in caplog.text


def test_it_is_not_opened_to_others_without_keys() -> None:
    """S42."""
    with pytest.raises(TurnoutError) as caught:
        Gateway(None, Settings(host="0.0.0.0"))  # type: ignore[arg-type]  # it is refused before it is looked at
    assert caught.value.code == "serve-open"
