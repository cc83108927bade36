"""The demo's requests: enough of each kind, valid in their dialect, of the promised sizes, and the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import statistics
import struct
import time
import zlib
from collections import Counter
from importlib import resources
from itertools import pairwise
from typing import cast

import pytest

from turnout.lab.corpus import DemoRequest, demo_requests, kinds

REQUESTS = demo_requests()
BODIES = [request for request in REQUESTS if isinstance(request.request, dict)]
SURROGATES = {"awkward-lone-high-surrogate", "awkward-lone-low-surrogate", "awkward-surrogates-reversed"}

Json = dict[str, object]


def body_of(request: DemoRequest) -> Json:
    assert isinstance(request.request, dict)
    return request.request


def rows(value: object) -> list[Json]:
    assert isinstance(value, list)
    return cast("list[Json]", value)


def blocks(message: Json) -> list[Json]:
    return rows(message["content"]) if isinstance(message["content"], list) else []


def is_anthropic(request: DemoRequest) -> bool:
    return request.dialect == "anthropic-messages"


def size_bytes(request: DemoRequest) -> int:
    if isinstance(request.request, bytes):
        return len(request.request)
    if isinstance(request.request, str):
        return len(request.request.encode("utf-8", "surrogatepass"))
    return len(json.dumps(request.request, ensure_ascii=False).encode())


def sizes(kind: str) -> list[int]:
    return sorted(size_bytes(request) for request in REQUESTS if request.kind == kind)


def digest(requests: tuple[DemoRequest, ...]) -> str:
    return hashlib.sha256(repr(requests).encode("utf-8", "surrogatepass")).hexdigest()


def test_there_are_enough_of_each_kind() -> None:
    counts = Counter(request.kind for request in REQUESTS)
    assert len(REQUESTS) >= 240
    assert tuple(sorted(counts)) == kinds()
    assert len(kinds()) >= 15
    assert min(counts.values()) >= 6, counts


def test_ids_are_unique_and_name_the_kind() -> None:
    assert len({request.id for request in REQUESTS}) == len(REQUESTS)
    assert all(request.id.startswith(request.kind.replace("_", "-") + "-") for request in REQUESTS)


def test_no_prompt_is_there_twice() -> None:
    seen = Counter(repr(request.request) for request in REQUESTS)
    assert seen.most_common(1)[0][1] == 1


def test_the_set_is_the_same_each_time_and_belongs_to_the_caller() -> None:
    first = demo_requests()
    assert digest(first) == digest(demo_requests())
    body_of(next(request for request in first if isinstance(request.request, dict)))["model"] = "mine"
    assert digest(demo_requests()) == digest(REQUESTS)


def test_kinds_are_mixed() -> None:
    """Any sixty in a row show at least twelve kinds; the same kind seldom follows itself."""
    for start in range(0, len(REQUESTS) - 60, 20):
        assert len({request.kind for request in REQUESTS[start : start + 60]}) >= 12
    repeats = sum(before.kind == after.kind for before, after in pairwise(REQUESTS))
    assert repeats < len(REQUESTS) // 8


def test_both_dialects_and_plain_prompts_are_there() -> None:
    share = sum(map(is_anthropic, BODIES)) / len(BODIES)
    assert 0.28 <= share <= 0.40
    assert sum(isinstance(request.request, str) for request in REQUESTS) >= 20
    assert sum(isinstance(request.request, bytes) for request in REQUESTS) >= 5


def test_the_dialect_is_named_where_there_is_a_body() -> None:
    for request in REQUESTS:
        if isinstance(request.request, str):
            assert request.dialect is None
        else:
            assert request.dialect in {"openai-chat", "anthropic-messages"}
    for request in BODIES:
        assert is_anthropic(request) is ("max_tokens" in body_of(request)), request.id


def test_about_a_third_streams_and_the_bodies_say_so() -> None:
    share = sum(request.stream for request in REQUESTS) / len(REQUESTS)
    assert 0.25 <= share <= 0.42
    for request in BODIES:
        assert bool(body_of(request).get("stream", False)) is request.stream, request.id
    for request in REQUESTS:
        if isinstance(request.request, bytes):
            body = cast("Json", json.loads(request.request.decode("utf-8-sig")))
            assert bool(body.get("stream", False)) is request.stream, request.id


def test_callers_vary() -> None:
    teams = Counter(request.meta["team"] for request in REQUESTS)
    assert set(teams) == {"search", "support", "research"}
    assert min(teams.values()) >= 50
    assert 5 <= sum(request.meta.get("residency") == "eu" for request in REQUESTS) <= 40
    assert {request.meta.get("urgency") for request in REQUESTS} == {None, "low", "normal", "high"}


def test_many_languages() -> None:
    languages = {request.meta["locale"] for request in REQUESTS if "locale" in request.meta}
    assert len(languages) >= 14
    assert {"de", "fr", "es", "pt", "it", "nl", "pl", "ru", "uk", "zh", "ja", "ko", "ar", "hi", "tr"} <= languages


def test_agent_turns_have_the_promised_sizes() -> None:
    agent = sizes("agent")
    assert agent[0] >= 10_000
    assert agent[-1] <= 100_000
    assert agent[0] < 20_000 < 40_000 < statistics.median(agent) < 70_000 < 90_000 < agent[-1]
    assert max(after - before for before, after in pairwise(agent)) < 12_000


def test_long_documents_have_the_promised_sizes() -> None:
    documents = sizes("long_document")
    assert 5_000 <= documents[0] < 10_000
    assert 45_000 < documents[-1] <= 60_000


def test_long_texts_do_not_repeat_themselves() -> None:
    """Compression sees through templates: one repeated page would shrink to almost nothing."""
    texts = [request for request in REQUESTS if request.kind in {"agent", "long_document"}]
    assert texts
    for request in texts:
        data = json.dumps(request.request, ensure_ascii=False).encode()
        assert len(zlib.compress(data)) > 0.11 * len(data), request.id


def test_bodies_are_json_but_for_the_lone_surrogates() -> None:
    for request in REQUESTS:
        if isinstance(request.request, bytes):
            json.loads(request.request.decode("utf-8-sig"))
            continue
        text = json.dumps(request.request, ensure_ascii=False, allow_nan=False)
        if request.id in SURROGATES:
            with pytest.raises(UnicodeEncodeError):
                text.encode()
        else:
            text.encode()


def test_messages_are_well_formed() -> None:
    assert BODIES
    for request in BODIES:
        body = body_of(request)
        messages = rows(body["messages"])
        assert body["model"], request.id
        assert messages, request.id
        roles = {"user", "assistant"} if is_anthropic(request) else {"system", "developer", "user", "assistant", "tool"}
        assert {message["role"] for message in messages} <= roles, request.id
        assert messages[-1]["role"] in {"user", "tool"}, request.id
        if request.kind == "awkward":
            continue
        assert all(message["content"] or message.get("tool_calls") for message in messages), request.id
        if is_anthropic(request):
            said = [message["role"] for message in messages]
            assert said == [("user", "assistant")[index % 2] for index in range(len(said))], request.id


def test_tool_results_answer_the_calls_before_them() -> None:
    examined = 0
    for request in BODIES:
        waiting: list[object] = []
        for message in rows(body_of(request)["messages"]):
            answered = [block["tool_use_id"] for block in blocks(message) if block["type"] == "tool_result"]
            if message["role"] == "tool":
                answered = [message["tool_call_id"]]
            if not answered:
                assert not waiting, request.id
            for ident in answered:
                assert waiting.pop(0) == ident, request.id
                examined += 1
            waiting += [call["id"] for call in rows(message.get("tool_calls", []))]
            waiting += [block["id"] for block in blocks(message) if block["type"] == "tool_use"]
        assert not waiting, request.id
    assert examined > 200


def test_called_tools_are_offered() -> None:
    examined = 0
    for request in BODIES:
        body = body_of(request)
        offered: set[object] = set()
        for tool in rows(body.get("tools", [])):
            offered.add(cast("Json", tool["function"])["name"] if "function" in tool else tool["name"])
        for message in rows(body["messages"]):
            for call in rows(message.get("tool_calls", [])):
                function = cast("Json", call["function"])
                assert function["name"] in offered, request.id
                assert isinstance(json.loads(str(function["arguments"])), dict)
                examined += 1
            for block in blocks(message):
                if block["type"] == "tool_use":
                    assert block["name"] in offered, request.id
                    examined += 1
    assert examined > 200


def test_some_tool_calls_fail_and_are_tried_again() -> None:
    failed = 0
    for request in REQUESTS:
        if request.kind != "agent":
            continue
        for message in rows(body_of(request)["messages"]):
            failed += any(block.get("is_error") is True for block in blocks(message))
            failed += message["role"] == "tool" and str(message["content"]).startswith("error: ")
    assert failed >= 20


def test_thinking_fits_the_vendor_rules() -> None:
    """A budget from 1,024 up and below max_tokens; in a tool loop each assistant turn begins with thinking."""
    examined = 0
    for request in BODIES:
        body = body_of(request)
        if "thinking" not in body:
            continue
        budget = cast("Json", body["thinking"])["budget_tokens"]
        assert isinstance(budget, int)
        assert 1024 <= budget < cast("int", body["max_tokens"])
        for message in rows(body["messages"]):
            kinds_of_block = [block["type"] for block in blocks(message)]
            if "tool_use" in kinds_of_block:
                assert kinds_of_block[0] == "thinking", request.id
                examined += 1
    assert examined


def test_features_that_routing_looks_at_are_there() -> None:
    seen: Counter[str] = Counter()
    for request in BODIES:
        body = body_of(request)
        seen.update(
            key for key in ("tools", "response_format", "output_config", "reasoning_effort", "thinking") if key in body
        )
        for message in rows(body["messages"]):
            seen.update(str(block["type"]) for block in blocks(message))
    for name in ("tools", "response_format", "output_config", "reasoning_effort", "thinking", "image_url", "image"):
        assert seen[name] >= 3, (name, seen)
    assert seen["file"] >= 2
    assert seen["document"] >= 2


def test_pictures_and_files_are_what_they_claim() -> None:
    found: Counter[str] = Counter()
    for request in BODIES:
        for message in rows(body_of(request)["messages"]):
            for block in blocks(message):
                for media_type, data in inline(block):
                    assert data.startswith(
                        {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8", "application/pdf": b"%PDF"}[media_type]
                    )
                    found[media_type] += 1
                    if media_type == "image/png":
                        check_png(data)
                    elif media_type == "image/jpeg":
                        assert data.endswith(b"\xff\xd9")
    assert found["image/png"] >= 5
    assert found["image/jpeg"] >= 3
    assert found["application/pdf"] >= 3


def inline(block: Json) -> list[tuple[str, bytes]]:
    """Media type and bytes of a block's inline data, text files left out."""
    url = ""
    if block["type"] == "image_url":
        url = str(cast("Json", block["image_url"])["url"])
    elif block["type"] == "file":
        url = str(cast("Json", block["file"])["file_data"])
    elif isinstance(block.get("source"), dict):
        source = cast("Json", block["source"])
        if source["type"] == "base64":
            return [(str(source["media_type"]), base64.b64decode(str(source["data"]), validate=True))]
    if not url.startswith("data:") or url.startswith("data:text/"):
        return []
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    return [(media_type, base64.b64decode(data, validate=True))]


def check_png(data: bytes) -> None:
    """Every chunk's checksum, and as many pixels as the header says."""
    at, pixels = 8, b""
    width, height = struct.unpack(">II", data[16:24])
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        name, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert int.from_bytes(data[at + 8 + length : at + 12 + length], "big") == zlib.crc32(name + content)
        pixels += content if name == b"IDAT" else b""
        at += 12 + length
    assert len(zlib.decompress(pixels)) == height * (3 * width + 1)


def test_the_awkward_ones_are_awkward() -> None:
    requests = {request.id: request.request for request in REQUESTS if request.kind == "awkward"}
    assert requests["awkward-empty"] == ""
    assert requests["awkward-megabyte-of-spaces"] == " " * 1_000_000
    line = requests["awkward-one-long-line"]
    assert isinstance(line, str)
    assert len(line) >= 200_000
    assert "\n" not in line
    assert any("\ud83d" in prompt for prompt in requests.values() if isinstance(prompt, str))
    raw = [prompt for prompt in requests.values() if isinstance(prompt, bytes)]
    assert any(prompt.startswith(b"\xef\xbb\xbf") for prompt in raw)
    assert any(b'\\ud83d"' in prompt for prompt in raw)
    assert any("\x00" in prompt for prompt in requests.values() if isinstance(prompt, str))


def test_the_data_stays_small() -> None:
    files = [entry for entry in resources.files("turnout.lab.corpus").joinpath("data").iterdir() if entry.is_file()]
    assert files
    assert sum(len(entry.read_bytes()) for entry in files) < 250_000


def test_building_costs_little_work() -> None:
    """CPU time, not wall clock, so that a busy machine does not fail it; it takes about a fifth of a second."""
    start = time.process_time()
    demo_requests()
    assert time.process_time() - start < 1.5
