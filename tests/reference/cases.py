"""What both engines are given: policies as text, catalogues as override layers, states, and requests to decide.

Values lie near each other on purpose: hours near the edges of windows, prices that tie, bodies with and without all
that a
model may not take.
"""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

import yaml
from hypothesis import strategies as st
from tests.reference.catalogues import model_row
from tests.reference.conditions import Scope, expression
from tests.reference.facts import Call
from tests.reference.measure import Answer, Event, Plain, World
from tests.reference.prices import Row
from tests.reference.sources import Source, one, several, some

PICTURE = base64.b64encode(bytes.fromhex("89504e470d0a1a0a") + bytes(24)).decode()

DAY_MS = 86_400_000
# Monday 2026-01-05 00:00 UTC.
MONDAY_MS = 1_767_571_200_000
MOMENTS = [
    *(MONDAY_MS + minutes * 60_000 for minutes in (0, 359, 360, 719, 720, 721, 1319, 1320, 1439)),
    *(MONDAY_MS + day * DAY_MS + 43_200_000 for day in (1, 4, 5, 6, 120)),
    *(MONDAY_MS + 5_000, MONDAY_MS + 20_000, 4_070_908_800_000, 4_070_908_799_999),
]
NEAR = [MONDAY_MS + ms for ms in (0, 2_000, 3_999, 5_000, 20_000, 299_999, 300_000, 304_000, 3_600_000)]


def _deployments(draw: Source) -> list[Row]:
    rows: list[Row] = []
    for place in range(one(draw, 2, 1, 3)):
        row: Row = {"name": f"d{place}", "weight": one(draw, 1, 0, 3)}
        if some(draw, 50):
            row["region"] = one(draw, "eu", "us")
        if some(draw, 30):
            row["key"] = one(draw, "env:FIRST_KEY", "env:SECOND_KEY", "none")
        rows.append(row)
    return rows


def _model(draw: Source, use: str) -> Row | str:
    row: Row = {"use": use}
    options: dict[str, Any] = {
        "key": lambda: one(draw, "env:FIRST_KEY", "env:SECOND_KEY", "none"),
        "region": lambda: one(draw, "eu", "us"),
        "price": lambda: one(draw, "free", {"input": "$0.5", "output": "$2"}, {"input": "$1", "output": "$1"}),
        "context": lambda: one(draw, "8k", "1M", "1M", 60),
        "max_output": lambda: one(draw, "1k", 20),
        "tools": lambda: some(draw, 50),
        "images": lambda: some(draw, 50),
        "documents": lambda: some(draw, 50),
        "schema": lambda: some(draw, 50),
        "dialect": lambda: one(draw, "openai-chat", "anthropic-messages", "openai-responses"),
        "deployments": lambda: _deployments(draw),
    }
    for key in several(draw, sorted(options), 0, 3):
        row[key] = options[key]()
    return row if len(row) > 1 else use


def _choice(draw: Source, scope: Scope, request: Scope, names: list[str], pools: list[str]) -> Row:
    first = several(draw, names, 1, 4)
    row: Row = {"from": first if not pools or some(draw, 70) else one(draw, *pools)}
    row["prefer"] = one(draw, "cheapest", "in_order", "best", "fastest")
    if some(draw, 40):
        row["want"] = [expression(draw, scope, 1) for _ in range(one(draw, 1, 2, 3))]
    if some(draw, 20):
        row["require"] = _require(draw, scope, request)
    if some(draw, 25):
        row["else"] = several(draw, names, 1, 2)
    if some(draw, 25):
        row["set"] = one(
            draw, {"max_tokens": "1k"}, {"max_tokens": 30}, {"thinking": "high"}, {"thinking": 2000, "max_tokens": 50}
        )
    if some(draw, 8):
        row["run"] = one(draw, {"spend": "$0.5"}, {"deadline": "40s"})
    return row


def _require(draw: Source, scope: Scope, request: Scope) -> list[Row]:
    rows = []
    for place in range(one(draw, 1, 2)):
        row: Row = {"keep": expression(draw, scope, 1)}
        if some(draw, 60):
            row["when"] = expression(draw, request, 1)
        if some(draw, 70):
            row["name"] = f"filter-{place}"
        rows.append(row)
    return rows


LEAVING = (
    *("saves > 30%", "saves >= 0", "saves > 0.1 or tokens > 20", "saves is known and turns > 1", "not (saves <= 5%)"),
    *("saves < 0", "(saves ?? 0.5) > 0.2", "saves in 0..0.4", 'saves > 1% and task == "code"', "meta.flag"),
)


def _sticky(draw: Source) -> Row:
    row: Row = {"by": one(draw, "session", "user", "meta.team")}
    if some(draw, 60):
        row["for"] = one(draw, "cache_ttl", "3s", "1h", "0.5m", "24h")
    if some(draw, 60):
        row["leave_if"] = one(draw, *LEAVING)
    return row


SHARES = {2: (("90%", "10%"), ("50%", "50%"), ("0.5%", "99.5%")), 3: (("20%", "30%", "50%"),), 4: (("25%",) * 4,)}


def _experiments(draw: Source, file: Row) -> list[Row]:
    found: list[Row] = []
    for row in [*file.get("rules", []), {**file["otherwise"], "name": "otherwise"}]:
        models = row["from"] if isinstance(row["from"], list) else file["pools"][row["from"]]
        arms = several(draw, models, 2, 4) if len(models) > 1 and some(draw, 60) else []
        if len(arms) > 1:
            shares = dict(zip(arms, one(draw, *SHARES[len(arms)]), strict=True))
            by = one(draw, "session", "user", "meta.score")
            found.append({"name": f"e{len(found)}", "in": row["name"], "by": by, "arms": shares})
    return found


def _tests(draw: Source, file: Row, scope: Scope, models: list[str]) -> list[Row]:
    found = []
    for place in range(one(draw, 1, 2)):
        given: Row = {"prompt": one(draw, *PROMPTS[:8])}
        options: dict[str, Any] = {
            "meta": lambda: {key: one(draw, *values[1:]) for key, values in META_VALUES.items() if some(draw, 60)},
            "now": lambda: one(draw, "2026-01-05T23:30Z", "2026-01-10T06:00Z"),
            "cooling": lambda: several(draw, models, 1, 2),
            "without_key": lambda: several(draw, models, 1, 2),
            "turns": lambda: one(draw, 2, 3),
            "stream": lambda: True,
            "requested": lambda: one(draw, "gpt-5", "auto"),
            "code": lambda: some(draw, 50),
            "images": lambda: one(draw, 0, 1),
            "documents": lambda: 1,
            "difficulty": lambda: one(draw, 0.3, 0.5, 0.495, 1),
        }
        for key in several(draw, sorted(options), 0, 3):
            given[key] = options[key]()
        if _sticks(file) and some(draw, 60):
            given["held"] = one(draw, *models)
        rules = [row["name"] for row in file.get("rules", [])] + ["otherwise"]
        expect = one(
            draw,
            f'rule == "{one(draw, *rules)}"',
            f'model == "{one(draw, *models)}" or refused',
            "not refused",
            f"{expression(draw, scope, 1)} or refused",
            expression(draw, scope, 1),
        )
        found.append({"name": f"test {place}", "given": given, "expect": expect})
    return found


def _split(draw: Source, file: Row) -> tuple[Row, Row]:
    """One policy as two files: what extends, and what is extended. Some names are in both, and mean something else
    below."""
    own: Row = {"turnout": 1, "extends": "base.yaml"}
    base: Row = {"turnout": 1}
    for key, value in file.items():
        if key in ("models", "pools", "facts"):
            # What is above may be named by what is below: a name goes up alone, or with all below it.
            edge = draw(0, len(value))
            names = list(value)
            if edge:
                base[key] = {name: value[name] for name in names[:edge]}
            if edge < len(names):
                own[key] = {name: value[name] for name in names[edge:]}
            if key == "models" and edge and some(draw, 40):
                own.setdefault(key, {})[names[0]] = value[names[0]]
                base[key][names[0]] = {"use": "ollama/other", "price": "free"}
        elif key in ("rules", "require", "tests", "experiments"):
            edge = draw(0, len(value))
            new, old = (value[:edge], value[edge:]) if key == "rules" else (value[edge:], value[:edge])
            if key == "require" and not all("name" in row for row in value):
                new, old = value, []
            own |= {key: new} if new else {}
            base |= {key: old} if old else {}
            if old and key in ("rules", "tests") and some(draw, 40):
                other = {**old[0], **({"from": file["otherwise"]["from"]} if key == "rules" else {"expect": "refused"})}
                own.setdefault(key, []).append(old[0])
                base[key] = [other, *old[1:]]
        elif key != "turnout":
            where = one(draw, own, base)
            where[key] = value
            if where is own and key in ("name", "unknown", "otherwise", "run") and some(draw, 30):
                base[key] = {"name": "below", "unknown": "skip", "run": {"spend": "$2"}}.get(key, value)
    return own, base


def _file(draw: Source, uses: list[str]) -> Row:
    """A policy of one file."""
    names = [f"m{letter}" for letter in "abcd"][: len(uses)]
    models: Row = {name: _model(draw, use) for name, use in zip(names, uses, strict=True)}
    if some(draw, 25):
        names.append("own")
        models["own"] = {"use": "ollama/own", "price": one(draw, "free", {"input": "$1", "output": "$1"})}
    file: Row = {"turnout": 1, "name": "made", "models": models}
    pools: list[str] = []
    for place in range(draw(0, 2)):
        members = several(draw, names, 1, 4)
        file.setdefault("pools", {})[f"pool{place}"] = members
        pools.append(f"pool{place}")
    own = _facts(draw, file)
    deployments = tuple(
        row["name"]
        for name, model in models.items()
        for row in (model.get("deployments", []) if isinstance(model, dict) else []) or [{"name": name}]
    )
    request = Scope(tuple(own))
    scope = Scope(tuple(own), tuple(names), deployments)
    if some(draw, 30):
        file["require"] = _require(draw, scope, request)
    if some(draw, 25):
        file["unknown"] = one(draw, "strongest", "skip")
    if some(draw, 8):
        file["run"] = {"spend": "$1"}
    for place in range(draw(0, 4)):
        rule = {"name": f"r{place}", "when": expression(draw, request), **_choice(draw, scope, request, names, pools)}
        file.setdefault("rules", []).append(rule)
    file["otherwise"] = _choice(draw, scope, request, names, pools)
    if some(draw, 35):
        file["sticky"] = _sticky(draw)
    for row in [*file.get("rules", []), file["otherwise"]]:
        if some(draw, 10):
            row["sticky"] = "off" if some(draw, 40) else _sticky(draw)
    if some(draw, 25) and (experiments := _experiments(draw, file)):
        file["experiments"] = experiments
    if some(draw, 15):
        file["tests"] = _tests(draw, file, scope, names)
    return file


def _facts(draw: Source, file: Row) -> list[tuple[str, str]]:
    own: list[tuple[str, str]] = []
    for place in range(draw(0, 3)):
        kind = one(draw, "bool", "bool", "number", "text")
        value = {
            "bool": lambda: expression(draw, Scope(tuple(own)), 1),
            "number": lambda: one(draw, "tokens", "difficulty", "max_tokens ?? 100", "meta.score ?? 20"),
            "text": lambda: one(draw, "task", 'task ?? "chat"', "requested", 'meta.team ?? "code"'),
        }[kind]()
        file.setdefault("facts", {})[f"fact{place}"] = value
        own.append((f"fact{place}", kind))
    return own


def _text(file: Row) -> str:
    text = yaml.dump(file, Dumper=Plain, sort_keys=False, default_flow_style=None, width=10_000, allow_unicode=True)
    return str(text)


def _sticks(file: Row) -> bool:
    return any("sticky" in row for row in [file, file["otherwise"], *file.get("rules", [])])


def world(draw: Source) -> World:
    """A policy, the override below it, the keys that are set, and what the deployments went through."""
    rows = [model_row(draw, place) for place in range(one(draw, 2, 3, 4))]
    file = _file(draw, [f"{row['provider']}/{row['id']}" for row in rows])
    own, base = _split(draw, file) if some(draw, 15) else (file, None)
    below = None if base is None else _text(base)
    keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "FIRST_KEY", "SECOND_KEY")
    environ = {key: "x" if some(draw, 97) else "" for key in keys if some(draw, 95)}
    events = sorted((_event(draw) for _ in range(draw(0, 6))), key=lambda each: each.at_ms)
    answers: list[Answer] = []
    if _sticks(file):
        answers = sorted((_answer(draw) for _ in range(draw(1, 8))), key=lambda each: each.at_ms)
    return World(_text(own), below, json.dumps({"models": rows}), environ, events, answers)


def _answer(draw: Source) -> Answer:
    meta = {key: one(draw, *META_VALUES[key][1:]) for key in ("session", "user", "team")}
    return Answer(meta, draw(0, 5), MONDAY_MS + one(draw, 0, 1000, 4000, 19_000))


def _event(draw: Source) -> Event:
    return Event(
        draw(0, 7),
        one(draw, "complete", "rate_limited", "overloaded", "server_error", "connect", "refused", "unauthorized"),
        one(draw, None, 200, 400, 900, 3000),
        one(draw, None, None, 3000, 60_000),
        MONDAY_MS + one(draw, 0, 1000, 4000, 19_000),
        some(draw, 10),
    )


PROMPTS = [
    "hi there",
    "Hi there, prove that there are infinitely many primes",
    "please refund invoice 17: I was charged twice for 3 files",
    "```python\nfor i in range(3): print(i)\n```\nwhy does this loop print 2 last?",
    "Übersetze diesen Satz ins Englische: Der Himmel ist heute sehr blau und ich gehe spazieren.",
    "classify as spam or not: you have won a PRIME prize",
    "write a sorting function in rust and explain its complexity",
    "1 2 3",
    "word " * 30,
    "The quick brown fox jumps over the lazy dog. " * 60,
    "Summarise: " + "the committee met and adjourned again. " * 500,
]


def _parts(draw: Source, text: str, dialect: str) -> Any:
    if some(draw, 85):
        return text
    parts: list[Row] = [{"type": "text", "text": text}]
    if some(draw, 30):
        parts.append({"type": "text", "text": "one more thing about the invoice"})
    if dialect == "openai-chat":
        if some(draw, 50):
            parts.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}})
        if some(draw, 30):
            file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PICTURE}"}
            parts.append({"type": "file", "file": file})
        return parts
    if some(draw, 50):
        parts.append({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}})
    if some(draw, 30):
        source = {"type": "base64", "media_type": "application/pdf", "data": PICTURE}
        parts.append({"type": "document", "source": source})
    return parts


def _body(draw: Source, dialect: str) -> Row:
    is_chat = dialect == "openai-chat"
    messages: list[Row] = []
    if some(draw, 20):
        messages = [{"role": "user", "content": one(draw, *PROMPTS)}, {"role": "assistant", "content": "Well."}]
    messages.append({"role": "user", "content": _parts(draw, one(draw, *PROMPTS), dialect)})
    body: Row = {"messages": messages}
    if not is_chat or some(draw, 35):
        body["max_tokens"] = one(draw, 100, 20, 21, 1000, 5000)
    if some(draw, 20):
        body |= _tools(draw, is_chat)
    if some(draw, 20):
        body["stream"] = some(draw, 70)
    if some(draw, 15):
        body["model"] = one(draw, "gpt-5", "auto", "zz")
    if some(draw, 25):
        own = "scale" if is_chat else "standard_only"
        body["service_tier"] = one(draw, "flex", "priority", "auto", "default", "FLEX", own)
    return body | (_of_openai(draw, messages) if is_chat else _of_anthropic(draw))


def _tools(draw: Source, is_chat: bool) -> Row:
    schema = {"type": "object", "properties": {}}
    function = {"name": "look", "description": "Looks.", "parameters": schema}
    tool = {"type": "function", "function": function} if is_chat else {"name": "look", "input_schema": schema}
    if not some(draw, 30):
        return {"tools": [tool]}
    choice = one(draw, "required", "auto") if is_chat else {"type": one(draw, "any", "auto")}
    return {"tools": [tool], "tool_choice": choice}


def _of_openai(draw: Source, messages: list[Row]) -> Row:
    more: Row = {}
    if some(draw, 20):
        messages.insert(0, {"role": "system", "content": "You are brief."})
    if some(draw, 15):
        schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
        more["response_format"] = one(draw, {"type": "json_object"}, schema, {"type": "text"})
    if some(draw, 5):
        more["n"] = one(draw, 1, 2)
    return more


def _of_anthropic(draw: Source) -> Row:
    more: Row = {}
    if some(draw, 20):
        more["system"] = "You are brief."
    if some(draw, 20):
        more["speed"] = one(draw, "fast", "standard")
    if some(draw, 20):
        more["inference_geo"] = one(draw, "us", "eu", "global")
    return more


META_VALUES: dict[str, tuple[Any, ...]] = {
    "residency": (None, "eu", "us", 5, "core"),
    "score": (None, 3, 0.5, 0.1, 7.25, "high", -1),
    "flag": (None, True, False, "true"),
    "team": (None, "core", "code", 4, False),
    "session": (None, "a", 7, "7", True),
    "user": (None, "u", 0.25, -3),
}
BODIES = 600


def _pool() -> list[tuple[Row, bytes, str]]:
    """Bodies with their dialects, made once, the shortest first: policies differ more than requests do, and a body
    that comes
    again need not be measured again."""
    random = Random(6)
    found = []
    for _ in range(BODIES):
        dialect = "anthropic-messages" if some(random.randint, 25) else "openai-chat"
        body = _body(random.randint, dialect)
        found.append((body, json.dumps(body).encode(), dialect))
    return sorted(found, key=lambda each: len(each[1]))


POOL = _pool()


def request(draw: Source, world: World) -> Call:
    """A body in its dialect with `meta`, the clock and the seed; near the answers of before where there are some."""
    body, raw, dialect = POOL[draw(0, BODIES - 1)]
    meta = {key: one(draw, *values) for key, values in META_VALUES.items()}
    said = {key: value for key, value in meta.items() if value is not None}
    moments = NEAR if world.answers and some(draw, 60) else MOMENTS
    return Call(body, raw, dialect, said, world.environ, one(draw, *moments), draw(0, 12))


@st.composite
def cases(draw: st.DrawFn, requests: int) -> tuple[World, list[Call]]:
    """A world and so many requests to decide in it."""

    def integer(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    made = world(integer)
    return made, [request(integer, made) for _ in range(requests)]
