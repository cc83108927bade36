"""Conditions as policies write them. Thresholds lie near the values that requests have, so that both sides are seen."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.reference.sources import Source, one, several, some


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
    "quality": ("0.5", "85%", "0.9", "1"),
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


OPEN = ("stream", "schema", "tool_loop", "code", "meta.flag", "meta.flag == true", "code != stream")
OF_META = (
    'meta.residency == "eu"',
    'meta.residency in ["eu", "us"]',
    'meta.residency != "us"',
    "meta.score >= 0.5",
    "meta.score in 0..10",
    "meta.score == 3",
    'meta.team == "core"',
    'meta.team not in ["core", "code"]',
)
OF_THE_MOMENT = (
    "time in 22:00..06:00 UTC",
    "time in 06:00..22:00",
    "time >= 12:00",
    "time == 12:00",
    "time not in 21:59..24:00",
    "date >= 2026-01-06",
    "date in 2026-01-05..2026-01-10",
    "date < 2099-01-01",
)
WITH_DEFAULTS = (
    "(max_tokens ?? 100) <= 100",
    'meta.residency ?? "eu" == "eu"',
    "meta.flag ?? false",
    "(tokens > 20) ?? true",
    'task ?? "code" == "code"',
    "not (meta.score ?? 3 > 2)",
    "(meta.score ?? max_tokens ?? 7) > 5",
)
FIXED = (OPEN, OF_META, OF_THE_MOMENT, LOOKS, WITH_DEFAULTS)


def _threshold(draw: Source, scope: Scope) -> str:
    name, threshold = _number(draw, scope)
    sides = [name, one(draw, *ORDERS), threshold]
    return " ".join(sides if some(draw, 85) else reversed(sides))


def _range(draw: Source, scope: Scope) -> str:
    name, _ = _number(draw, scope)
    values = {**COUNTS, **OF_CANDIDATES}[name]
    low = draw(0, len(values) - 2)
    return f"{name} {one(draw, 'in', 'not in')} {values[low]}..{values[low + 1]}"


def _word(draw: Source, scope: Scope) -> str:
    name = one(draw, *ENUMS)
    values = several(draw, ENUMS[name], 1, 3)
    if len(values) == 1:
        return f'{name} {one(draw, "==", "!=")} "{values[0]}"'
    return f"{name} {one(draw, 'in', 'not in')} {json.dumps(values)}"


def _known(draw: Source, scope: Scope) -> str:
    of_candidates = ("deployment.region", "cost.p50", "ttft.p50", "model.context", "model.max_output")
    name = one(
        draw,
        *("max_tokens", "task", "requested", "meta.residency", "meta.score", "meta.flag"),
        *(of_candidates if scope.models else ()),
    )
    return f"{name} is {one(draw, 'known', 'unknown', 'not known', 'not unknown')}"


def _of_the_policy(draw: Source, scope: Scope) -> str:
    if not scope.facts:
        return _fixed(draw, scope)
    name, kind = one(draw, *scope.facts)
    if kind == "number":
        return f"{name} {one(draw, *ORDERS)} {one(draw, '20', '0.5', '100')}"
    if kind == "text":
        return str(one(draw, f'{name} == "code"', f'contains({name}, "o")', f"{name} is unknown"))
    return str(one(draw, name, f"not {name}", f"{name} is known", f"({name} ?? false)", f"{name} == true"))


def _of_the_candidate(draw: Source, scope: Scope) -> str:
    if not scope.models:
        return "tokens > 20"
    return str(
        one(
            draw,
            f'model == "{one(draw, *scope.models)}"',
            f"model.name in {json.dumps(list(scope.models[:2]))}",
            f'model.provider {one(draw, "==", "!=")} "{one(draw, "vllm", "openai", "anthropic", "ollama")}"',
            f'deployment.region {one(draw, "==", "!=")} "{one(draw, "eu", "us")}"',
            f'deployment.name == "{one(draw, *scope.deployments)}"',
            'ends_with(model, "b")',
            'deployment.region ?? "eu" == "eu"',
            "warm",
            "not warm",
            "quality is known",
        )
    )


def _fixed(draw: Source, scope: Scope) -> str:
    return str(one(draw, *one(draw, *FIXED)))


ATOMS = (
    *(_threshold, _threshold, _threshold, _range, _word, _word, _known, _fixed, _fixed, _fixed, _fixed, _fixed),
    *(_of_the_policy, _of_the_policy, _of_the_candidate, _of_the_candidate),
)


def expression(draw: Source, scope: Scope, depth: int = 2) -> str:
    """A condition."""
    kind = draw(0, 9) if depth else 0
    if kind <= 5:
        return one(draw, *ATOMS)(draw, scope)
    parts = [expression(draw, scope, depth - 1) for _ in range(1 if kind == 6 else 2)]
    if kind == 6:
        return f"not ({parts[0]})"
    joined = f" {'and' if kind <= 7 else 'or'} ".join(parts)
    return f"({joined})" if some(draw, 50) else joined
