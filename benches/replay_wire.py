"""Replays recorded answers of providers through the dialects: what is read and translated, whether a cut is ever whole.

    python benches/replay_wire.py FOLDER

FOLDER holds `<dialect>.jsonl.gz` with rows {id, status, stream, request, response_body, body_encoding, fidelity}.
Prints what was found in each dialect that the core speaks; exits with 1 after a fault: an answer that is another one
once translated, a split that matters, or a cut stream that counts as complete.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from turnout import _core
from turnout.errors import TurnoutError

FILES = {
    "openai-chat": ("openai_chat", "openai-chat"),
    "anthropic-messages": ("anthropic_messages", "anthropic-messages"),
    "openai-responses": ("openai_responses", "openai-responses"),
    "mistral": ("mistral", "openai-chat"),
}
DIALECTS = ("openai-chat", "anthropic-messages", "openai-responses")
ANSWERS = {"complete", "incomplete", "refused"}
ENDS = {
    "openai-chat": b"data: [DONE]",
    "anthropic-messages": b"event: message_stop",
    "openai-responses": b"event: response.completed",
}


def rows(folder: Path, names: tuple[str, ...]) -> Iterator[dict[str, object]]:
    for name in names:
        path = folder / f"{name}.jsonl.gz"
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    yield json.loads(line)
            return


def translate(upstream: str, client: str, body: bytes, size: int) -> tuple[bytes, str]:
    one = _core.StreamTranslator(upstream, client, answer_id="x", created_s=0)
    out = b"".join(one.feed(body[at : at + size]) for at in range(0, len(body), size))
    rest, end = one.finish()
    return out + rest, end.outcome


def has_end(dialect: str, out: bytes) -> bool:
    return any(line.startswith(ENDS[dialect]) for line in out.split(b"\n"))


def last_event(body: bytes) -> int:
    """Where the last event that says the end begins: a cut before it must never be whole."""
    marks = [
        b'"finish_reason":"',
        b'"finish_reason": "',
        b"message_stop",
        b"response.completed",
        b"response.incomplete",
    ]
    places = [body.find(mark) for mark in marks]
    return min((place for place in places if place >= 0), default=0)


def framed(row: dict[str, object]) -> bytes:
    """The body as it was on the wire: some recorders kept only the payload of each event, one a line."""
    body = str(row["response_body"])
    if not str(row.get("fidelity")).startswith("payload-lines"):
        return body.encode()
    return b"".join(event_frame(line) for line in body.splitlines() if line)


def event_frame(payload: str) -> bytes:
    try:
        kind = json.loads(payload).get("type")
    except ValueError:
        kind = None
    name = f"event: {kind}\n" if kind else ""
    return f"{name}data: {payload}\n\n".encode()


def replay(dialect: str, row: dict[str, object], counts: Counter[str], dice: random.Random) -> None:
    body = framed(row)
    status = int(str(row["status"] or 200))
    if isinstance(row.get("request"), dict):
        replay_request(dialect, json.dumps(row["request"]).encode(), counts)
    if status >= 400:
        counts["errors"] += 1
        failure = _core.classify_response(dialect, status, [], body, 0)
        counts[f"error: {failure.outcome}"] += 1
    elif body.lstrip().startswith((b"data:", b"event:", b":")):
        replay_stream(dialect, body, counts, dice)
    else:
        replay_body(dialect, body, counts)


def replay_request(dialect: str, body: bytes, counts: Counter[str]) -> None:
    counts["requests"] += 1
    try:
        _core.count_tokens("claude-sonnet-5-5", body, dialect=dialect)
        counts["requests read"] += 1
    except TurnoutError as error:
        counts[f"request: {error.code}"] += 1


def replay_body(dialect: str, body: bytes, counts: Counter[str]) -> None:
    counts["bodies"] += 1
    answer = _core.parse_answer(dialect, body)
    counts[f"body: {answer.outcome}"] += 1
    if answer.outcome not in ANSWERS:
        return
    counts["bodies translated"] += 1
    for client in DIALECTS:
        out = _core.render_answer(answer, client, answer_id="x", created_s=0).bytes
        again = _core.parse_answer(client, out)
        # A refusal has a field of its own in two of the three, and one of them has no answer that says nothing.
        if answer.text and (again.text, again.outcome) != (answer.text, answer.outcome):
            counts[f"FAULT: body to {client} differs"] += 1


def replay_stream(dialect: str, body: bytes, counts: Counter[str], dice: random.Random) -> None:
    counts["streams"] += 1
    whole = {client: translate(dialect, client, body, len(body)) for client in DIALECTS}
    outcome = whole[dialect][1]
    counts[f"stream: {outcome}"] += 1
    counts["streams translated"] += outcome in ANSWERS
    for client, (out, seen) in whole.items():
        sizes = (1 + dice.randrange(64), 997)
        if any(translate(dialect, client, body, size) != whole[client] for size in sizes):
            counts["FAULT: a split matters"] += 1
        if has_end(client, out) and seen not in ANSWERS:
            counts["FAULT: a marker behind a failure"] += 1
    limit = last_event(body)
    for cut in [dice.randrange(limit) for _ in range(5 if limit else 0)]:
        for client in DIALECTS:
            out, seen = translate(dialect, client, body[:cut], 4096)
            counts["cuts"] += 1
            if seen == "complete" or has_end(client, out):
                counts["FAULT: a cut stream is whole"] += 1


def main() -> int:
    folder = Path(sys.argv[1])
    dice = random.Random(7)
    faults = 0
    for name, (file, dialect) in FILES.items():
        counts: Counter[str] = Counter()
        for row in rows(folder, (file, name)):
            if row.get("body_encoding") == "utf8" and isinstance(row.get("response_body"), str):
                replay(dialect, row, counts, dice)
        if not counts:
            print(f"{name}: nothing recorded in {folder}")
            continue
        print(name)
        for key in sorted(counts):
            print(f"  {key:<34}{counts[key]:>7}")
        faults += sum(count for key, count in counts.items() if key.startswith("FAULT"))
    print(f"faults {faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
