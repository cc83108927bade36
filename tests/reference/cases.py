"""What both engines are given: policies as text, catalogues as override layers, states, and requests to decide.

Strategies of hypothesis, so that what fails shrinks. Values lie near each other on purpose: thresholds near token counts, hours
near the edges of windows, prices that tie.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import yaml
from hypothesis import strategies as st

from tests.reference.decisions import Call
from tests.reference.measure import FAMILIES, Event
from tests.reference.prices import Row


class Source(Protocol):
    """Where choices come from: hypothesis, which shrinks them, or a seed."""

    def __call__(self, low: int, high: int) -> int:
        """A whole number between two, both included; the simplest choice is the low one."""


PICTURE = base64.b64encode(bytes.fromhex("89504e470d0a1a0a") + bytes(24)).decode()

# The lints of the catalogue that the generator's prices break: what is odd is what must be decided on alike.
ODD = (
    *("output-below-input", "period-gap", "price-out-of-bounds", "tier-cheaper", "tier-incomplete", "window-dearer"),
    *("window-overlap", "multiplier-out-of-bounds", "input-above-window", "output-above-window", "unit-slip"),
    *("unverified-price", "retired-before-release", "successor-not-active", "window-covers-week", "zero-limit"),
)

DAY_MS = 86_400_000
# Monday 2026-01-05 00:00 UTC.
MONDAY_MS = 1_767_571_200_000
MOMENTS = [
    *(MONDAY_MS + minutes * 60_000 for minutes in (0, 359, 360, 719, 720, 721, 1319, 1320, 1439)),
    *(MONDAY_MS + day * DAY_MS + 43_200_000 for day in (1, 4, 5, 6, 120)),
    *(MONDAY_MS + 5_000, MONDAY_MS + 20_000, 4_070_908_800_000, 4_070_908_799_999),
]


def some(draw: Source, percent: int) -> bool:
    """True in so many of a hundred cases; the simplest is false."""
    return draw(0, 99) >= 100 - percent


def one(draw: Source, *options: Any) -> Any:
    """One of these; the simplest is the first."""
    return options[draw(0, len(options) - 1)]


def several(draw: Source, options: Sequence[Any], least: int, most: int) -> list[Any]:
    """Some of these, none twice."""
    left, found = list(options), []
    for _ in range(min(draw(least, most), len(options))):
        found.append(left.pop(draw(0, len(left) - 1)))
    return found


# ---- catalogues


def _rates(draw: Source) -> Row:
    row = {key: one(draw, 1, 0.15, 0.05, 3, 0.333333, 10) for key in ("in", "out")}
    if some(draw, 8):
        del row[one(draw, "out", "in")]
    return row


def _tiers(draw: Source, percent: int) -> Row:
    if not some(draw, percent):
        return {}
    edges = sorted(several(draw, [16, 17, 20, 25, 40, 600, 2000, 5], 1, 2))
    return {"tiers": [{"above": edge, **_rates(draw), **({"inclusive": True} if some(draw, 30) else {})} for edge in edges]}


def _period(draw: Source) -> Row:
    row = {**_rates(draw), **_tiers(draw, 40)}
    if some(draw, 20):
        hours = one(draw, ["06:00-22:00"], ["22:00-06:00"], ["12:00-12:01", "21:59-00:00"], ["00:00-00:00"])
        days = {} if some(draw, 50) else {"days": one(draw, [1], [1, 2, 3, 4, 5], [7], [6, 7])}
        row["windows"] = [{"hours": hours, **days, **_rates(draw), **_tiers(draw, 20)} for _ in range(one(draw, 1, 2))]
    elif some(draw, 30):
        conditions = several(draw, CONDITIONS, 1, 2)
        row["variants"] = {condition: {**_rates(draw), **_tiers(draw, 20)} for condition in sorted(conditions)}
    if some(draw, 30):
        free = [each for each in CONDITIONS if each not in row.get("variants", {})]
        row["multipliers"] = {one(draw, *free): one(draw, 1.1, 0.5, 2)}
    if some(draw, 10):
        row["per_request"] = one(draw, 0.001, 0.00025)
    return row


CONDITIONS = ["service_tier=flex", "region=eu", "region=us", "service_tier=priority", "speed=fast"]


def _model_row(draw: Source, place: int) -> Row:
    row: Row = {"provider": one(draw, "vllm", "openai", "anthropic"), "id": f"private-{place}", "allow": list(ODD)}
    if some(draw, 90):
        row["context"] = one(draw, 200_000, 8192, 1000, 60, 30)
    if some(draw, 10):
        row["max_input"] = one(draw, 100, 20)
    if some(draw, 30):
        row["max_output"] = one(draw, 64_000, 100, 20)
    if some(draw, 60):
        row["tokenizer"] = one(draw, *FAMILIES)
    abilities = ("tools", "vision", "pdf", "structured", "forced_tool_use")
    row["caps"] = {ability: some(draw, 75) for ability in abilities if some(draw, 75)}
    if some(draw, 20):
        row["price_factor"] = one(draw, 0.85, 1.1, 0.333)
    if some(draw, 8):
        row |= {"status": "deprecated", "retires_on": "2099-01-01"}
    row["prices"] = [_period(draw)]
    if some(draw, 20):
        edge = one(draw, "2026-01-06", "2026-01-10", "2026-05-05")
        row["prices"][0]["until"] = edge
        if some(draw, 70):
            row["prices"].append({**_period(draw), "from": one(draw, edge, "2026-05-05")})
    return row


# ---- expressions


@dataclass(frozen=True)
class Scope:
    """What an expression may name."""

    facts: tuple[tuple[str, str], ...] = ()
    """The policy's own facts with their kinds."""
    models: tuple[str, ...] = ()
    """None where there is no candidate."""
    deployments: tuple[str, ...] = ()


COUNTS = {
    "tokens": ("15", "17", "20", "24", "30", "40", "600", "1k", "4k"),
    "max_tokens": ("20", "100", "0.5k", "1000"),
    "turns": ("1", "2", "3"),
    "tools": ("0", "1", "2"),
    "images": ("0", "1"),
    "documents": ("0", "1"),
    "difficulty": ("0.3", "50%", "0.495", "0.7"),
}
OF_CANDIDATES = {
    "model.context": ("30", "1k", "8192", "200k"),
    "model.max_output": ("20", "100", "64k"),
    "model.rank": ("1", "2", "3"),
    "cost.p50": ("$0.00001", "$0.0001", "$0.001", "$0.02"),
    "cost.p90": ("$0.0001", "$0.0005", "$0.005", "$0.02"),
    "ttft.p50": ("300ms", "1s", "0.5s"),
    "ttft.p95": ("300ms", "2s", "0.01m"),
}
ENUMS = {
    "task": ("code", "math", "chat", "open_qa", "other", "translation"),
    "weekday": ("mon", "tue", "fri", "sat", "sun"),
    "language": ("en", "de"),
    "requested": ("gpt-5", "auto"),
}
ORDERS = ("<", ">=", ">", "<=", "==", "!=")
META_TEXTS = ("eu", "us", "core")
META = ("residency", "score", "flag", "team")
LOOKS = (
    'any_word(prompt, ["refund", "invoice"])',
    'any_word(prompt, "prime")',
    'contains(prompt, "there")',
    'starts_with(prompt, "HI")',
    "ends_with(prompt, '?')",
    'matches(prompt, "[0-9]+ (files?|primes)")',
    'contains(meta.team, "or")',
    'starts_with(requested, "gpt")',
    'any_word(weekday, ["mon", "sun"])',
)


def _number(draw: Source, scope: Scope) -> tuple[str, str]:
    """A name of a number, and a threshold near its values."""
    pool = {**COUNTS, **OF_CANDIDATES} if scope.models and some(draw, 60) else COUNTS
    name = one(draw, *pool)
    return name, one(draw, *pool[name])


def _atom(draw: Source, scope: Scope) -> str:
    kind = draw(0, 15)
    if kind <= 2:
        name, threshold = _number(draw, scope)
        sides = [name, one(draw, *ORDERS), threshold]
        return " ".join(sides if some(draw, 85) else reversed(sides))
    if kind == 3:
        name, _ = _number(draw, scope)
        values = {**COUNTS, **OF_CANDIDATES}[name]
        low = draw(0, len(values) - 2)
        return f"{name} {one(draw, 'in', 'not in')} {values[low]}..{values[low + 1]}" if name not in UNORDERED else "stream"
    if kind == 4:
        return str(one(draw, "stream", "schema", "tool_loop", "code", "meta.flag", "meta.flag == true", "code != stream"))
    if kind == 5:
        name = one(draw, *ENUMS)
        values = several(draw, ENUMS[name], 1, 3)
        if len(values) == 1:
            return f'{name} {one(draw, "==", "!=")} "{values[0]}"'
        return f"{name} {one(draw, 'in', 'not in')} {json.dumps(values)}"
    if kind == 6:
        return str(
            one(
                draw,
                'meta.residency == "eu"',
                'meta.residency in ["eu", "us"]',
                'meta.residency != "us"',
                "meta.score >= 0.5",
                "meta.score in 0..10",
                "meta.score == 3",
                'meta.team == "core"',
                'meta.team != meta.team ?? "core"',
            )
        )
    if kind == 7:
        return str(
            one(
                draw,
                "time in 22:00..06:00 UTC",
                "time in 06:00..22:00",
                "time >= 12:00",
                "time == 12:00",
                "time not in 21:59..24:00",
                "date >= 2026-01-06",
                "date in 2026-01-05..2026-01-10",
                "date < 2099-01-01",
            )
        )
    if kind == 8:
        return str(one(draw, *LOOKS))
    if kind == 9:
        name = one(draw, "max_tokens", "task", "requested", *(f"meta.{key}" for key in META), *OF_CANDIDATES_KNOWN(scope))
        return f"{name} is {one(draw, 'known', 'unknown', 'not known', 'not unknown')}"
    if kind == 10:
        return str(
            one(
                draw,
                "(max_tokens ?? 100) <= 100",
                'meta.residency ?? "eu" == "eu"',
                "meta.flag ?? false",
                "(tokens > 20) ?? true",
                'task ?? "code" == "code"',
                "not (meta.score ?? 3 > 2)",
                "(meta.score ?? max_tokens ?? 7) > 5",
            )
        )
    if kind <= 12 and scope.facts:
        name, fact_kind = one(draw, *scope.facts)
        if fact_kind == "bool":
            return str(one(draw, name, f"not {name}", f"{name} is known", f"({name} ?? false)", f"{name} == true"))
        if fact_kind == "number":
            return f"{name} {one(draw, *ORDERS)} {one(draw, '20', '0.5', '100')}"
        return str(one(draw, f'{name} == "code"', f'contains({name}, "o")', f"{name} is unknown"))
    if scope.models:
        rest = [
            f'model == "{one(draw, *scope.models)}"',
            f"model.name in {json.dumps(list(scope.models[:2]))}",
            f'model.provider {one(draw, "==", "!=")} "{one(draw, "vllm", "openai", "anthropic", "ollama")}"',
            f'deployment.region {one(draw, "==", "!=")} "{one(draw, "eu", "us")}"',
            f'deployment.name == "{one(draw, *scope.deployments)}"',
            'ends_with(model, "b")',
            'deployment.region ?? "eu" == "eu"',
        ]
        return str(one(draw, *rest))
    return "tokens > 20"


UNORDERED = ("tools", "images", "documents", "turns", "difficulty")


def OF_CANDIDATES_KNOWN(scope: Scope) -> list[str]:
    """Facts of candidates that may be unknown."""
    return ["deployment.region", "cost.p50", "ttft.p50", "model.context", "model.max_output"] if scope.models else []


def expression(draw: Source, scope: Scope, depth: int = 2) -> str:
    """A condition."""
    kind = draw(0, 9) if depth else 0
    if kind <= 5:
        return _atom(draw, scope)
    parts = [expression(draw, scope, depth - 1) for _ in range(1 if kind == 6 else 2)]
    if kind == 6:
        return f"not ({parts[0]})"
    joined = f" {'and' if kind <= 7 else 'or'} ".join(parts)
    return f"({joined})" if some(draw, 50) else joined


# ---- policies


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
        "context": lambda: one(draw, "8k", "1M", 60),
        "max_output": lambda: one(draw, "1k", 20),
        "tools": lambda: some(draw, 50),
        "images": lambda: some(draw, 50),
        "documents": lambda: some(draw, 50),
        "schema": lambda: some(draw, 50),
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
        row["set"] = one(draw, {"max_tokens": "1k"}, {"max_tokens": 30}, {"thinking": "high"}, {"thinking": 2000, "max_tokens": 50})
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


class Plain(yaml.CSafeDumper):
    """YAML without the aliases that policies do not have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


World = tuple[str, str, dict[str, str], list[Event]]


def world(draw: Source) -> World:
    """A policy, the override below it, the keys that are set, and what the deployments went through."""
    rows = [_model_row(draw, place) for place in range(one(draw, 2, 3, 4))]
    uses = [f"{row['provider']}/{row['id']}" for row in rows]
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
    own: list[tuple[str, str]] = []
    for place in range(draw(0, 3)):
        kind = one(draw, "bool", "bool", "number", "text")
        value = {
            "bool": lambda: expression(draw, Scope(tuple(own)), 1),  # noqa: B023 the facts above it
            "number": lambda: one(draw, "tokens", "difficulty", "max_tokens ?? 100", "meta.score ?? 20"),
            "text": lambda: one(draw, "task", 'task ?? "chat"', "requested", 'meta.team ?? "code"'),
        }[kind]()
        file.setdefault("facts", {})[f"fact{place}"] = value
        own.append((f"fact{place}", kind))
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
    text = yaml.dump(file, Dumper=Plain, sort_keys=False, default_flow_style=None, width=10_000, allow_unicode=True)
    keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "FIRST_KEY", "SECOND_KEY")
    environ = {key: "x" if some(draw, 95) else "" for key in keys if some(draw, 90)}
    events = [_event(draw) for _ in range(draw(0, 6))]
    return text, json.dumps({"models": rows}), environ, sorted(events, key=lambda each: each.at_ms)


def _event(draw: Source) -> Event:
    return Event(
        draw(0, 7),
        one(draw, "complete", "rate_limited", "overloaded", "server_error", "connect", "refused", "unauthorized"),
        one(draw, None, 200, 400, 900, 3000),
        one(draw, None, None, 3000, 60_000),
        MONDAY_MS + one(draw, 0, 1000, 4000, 19_000),
        some(draw, 10),
    )


# ---- requests

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
    messages: list[Row] = []
    if some(draw, 20):
        messages = [{"role": "user", "content": one(draw, *PROMPTS)}, {"role": "assistant", "content": "Well."}]
    messages.append({"role": "user", "content": _parts(draw, one(draw, *PROMPTS), dialect)})
    body: Row = {"messages": messages}
    is_chat = dialect == "openai-chat"
    if some(draw, 20):
        if is_chat:
            messages.insert(0, {"role": "system", "content": "You are brief."})
        else:
            body["system"] = "You are brief."
    if not is_chat or some(draw, 35):
        body["max_tokens"] = one(draw, 100, 20, 21, 1000, 5000)
    if some(draw, 20):
        schema = {"type": "object", "properties": {}}
        function = {"name": "look", "description": "Looks.", "parameters": schema}
        tool = {"type": "function", "function": function} if is_chat else {"name": "look", "input_schema": schema}
        body["tools"] = [tool]
        if some(draw, 30):
            body["tool_choice"] = ("required" if is_chat else {"type": "any"}) if some(draw, 70) else "auto" if is_chat else {"type": "auto"}
    if some(draw, 20):
        body["stream"] = some(draw, 70)
    if some(draw, 15):
        body["model"] = one(draw, "gpt-5", "auto", "zz")
    if some(draw, 25):
        body["service_tier"] = one(draw, "flex", "priority", "auto", "default", "FLEX", "scale" if is_chat else "standard_only")
    if is_chat and some(draw, 15):
        schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
        body["response_format"] = one(draw, {"type": "json_object"}, schema, {"type": "text"})
    if is_chat and some(draw, 5):
        body["n"] = one(draw, 1, 2)
    if not is_chat and some(draw, 20):
        body["speed"] = one(draw, "fast", "standard")
    if not is_chat and some(draw, 20):
        body["inference_geo"] = one(draw, "us", "eu", "global")
    return body


META_VALUES: dict[str, tuple[Any, ...]] = {
    "residency": (None, "eu", "us", 5, "core"),
    "score": (None, 3, 0.5, 0.1, 7.25, "high", -1),
    "flag": (None, True, False, "true"),
    "team": (None, "core", "code", 4, False),
}
BODIES = 600


def _pool() -> list[tuple[Row, bytes, str]]:
    """Bodies with their dialects, made once, the shortest first: policies differ more than requests do, and a body that comes
    again need not be measured again."""
    random = Random(6)
    found = []
    for _ in range(BODIES):
        dialect = "anthropic-messages" if some(random.randint, 25) else "openai-chat"
        body = _body(random.randint, dialect)
        found.append((body, json.dumps(body).encode(), dialect))
    return sorted(found, key=lambda each: len(each[1]))


POOL = _pool()


def request(draw: Source, environ: dict[str, str]) -> Call:
    """A body in its dialect with `meta`, the clock and the seed."""
    body, raw, dialect = POOL[draw(0, BODIES - 1)]
    meta = {key: one(draw, *values) for key, values in META_VALUES.items()}
    said = {key: value for key, value in meta.items() if value is not None}
    return Call(body, raw, dialect, said, environ, one(draw, *MOMENTS), draw(0, 12))


@st.composite
def cases(draw: st.DrawFn, requests: int) -> tuple[World, list[Call]]:
    """A world and so many requests to decide in it."""

    def integer(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    made = world(integer)
    return made, [request(integer, made[2]) for _ in range(requests)]
