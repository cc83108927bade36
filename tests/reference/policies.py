"""A policy file as the engine must understand it, read from its text.

Only files that the core has accepted come here, so nothing is checked: this says what a correct file means.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml
from tests.reference.expressions import MUTATIONS, Tree, names, parse
from tests.reference.prices import FREE, Row

PROVIDERS = {
    "anthropic": ("anthropic-messages", "ANTHROPIC_API_KEY"),
    "openai": ("openai-chat", "OPENAI_API_KEY"),
    "ollama": ("openai-chat", None),
    "vllm": ("openai-chat", None),
}
"""Dialect, and the variable of the key, of the providers whose models the generator makes up."""

# Facts that take a classifier: a policy that names one has the ask classified, which the forecast of the answer then
# uses.
OF_THE_PROMPT = {"task", "difficulty", "code", "language", "quality"}


@dataclass(frozen=True)
class Condition:
    """An expression with its text, which the reasons quote."""

    text: str
    tree: Tree


@dataclass(frozen=True)
class Deployment:
    """A model with a key and a region."""

    id: str
    name: str
    key: str | None
    region: str | None
    weight: int


@dataclass(frozen=True)
class Model:
    """A model with what the catalogue says of it and the file says differently."""

    name: str
    provider: str
    dialect: str
    facts: Row
    prices: list[Row]
    factor: Decimal | None
    deployments: list[Deployment]

    def takes(self, ability: str) -> bool:
        """Whether it is known to."""
        return self.facts.get("caps", {}).get(ability) is True


@dataclass(frozen=True)
class Filter:
    """A member of `require`."""

    name: str
    when: Condition | None
    keep: Condition


@dataclass(frozen=True)
class Sticky:
    """Whose calls stay with the deployment that answered the last one."""

    by: str
    """The key of `meta`."""
    for_ms: int | None
    """None: as long as the provider's prompt cache lives."""
    leave_if: Condition | None


@dataclass(frozen=True)
class Experiment:
    """Models of a rule that share its calls."""

    name: str
    by: str
    arms: dict[str, Decimal]


@dataclass(frozen=True)
class Test:
    """A test in the file."""

    name: str
    given: Row
    expect: Condition


@dataclass(frozen=True)
class Rule:
    """A rule; `otherwise` is the last, without a condition."""

    name: str
    when: Condition | None
    first: list[str]
    after: list[str]
    prefer: str
    want: list[Condition]
    require: list[Filter]
    max_tokens: int | None
    has_spend: bool
    set: Row
    sticky: Sticky | None
    experiment: Experiment | None


@dataclass(frozen=True)
class Policy:
    """A whole file."""

    models: dict[str, Model]
    ranks: dict[str, int]
    pools: dict[str, list[str]]
    facts: dict[str, Tree]
    require: list[Filter]
    rules: list[Rule]
    is_cautious: bool
    """Whether an unknown condition is taken when it chooses a stronger model."""
    meta: list[str] = field(default_factory=list)
    asks_about_prompt: bool = False
    tests: list[Test] = field(default_factory=list)

    @property
    def top_rank(self) -> int:
        """The highest rank of any model."""
        return max(self.ranks.values())


def _condition(text: str) -> Condition:
    return Condition(text, parse(text))


def _count(text: str) -> int:
    return int(Decimal(text.rstrip("kM")) * {"k": 1000, "M": 1_000_000}.get(text[-1], 1))


MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def _duration_ms(text: str) -> int:
    digits = text.rstrip("mshd")
    return int(Decimal(digits) * MILLISECONDS[text[len(digits) :]])


def _unit(text: str) -> str:
    """`session` and `user` are short for values of `meta`."""
    return text.removeprefix("meta.")


def _sticky(row: Row | str | None) -> Sticky | None:
    if row is None or isinstance(row, str):  # `off`
        return None
    kept = row.get("for", "cache_ttl")
    return Sticky(
        _unit(row["by"]),
        None if kept == "cache_ttl" else _duration_ms(kept),
        _condition(row["leave_if"]) if "leave_if" in row else None,
    )


def laid_over(own: Row, base: Row) -> Row:
    """What a file means that extends another: names of both, the own ones in the place of those of the same name; new
    rules in front, since the first that matches wins, what else is new behind; every other block whole."""
    merged = {key: value for key, value in {**base, **own}.items() if key != "extends"}
    for key in ("models", "pools", "facts"):
        if key in own and key in base:
            merged[key] = {**base[key], **own[key]}
    for key in ("rules", "require", "tests", "experiments"):
        if key in own and key in base:
            named = {row["name"]: row for row in own[key] if "name" in row}
            known = {row["name"] for row in base[key] if "name" in row}
            old = [named.get(row.get("name"), row) for row in base[key]]
            new = [row for row in own[key] if row.get("name") not in known]
            merged[key] = new + old if key == "rules" and "new-rules-behind" not in MUTATIONS else old + new
    return merged


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _filters(block: Row) -> list[Filter]:
    return [
        Filter(
            row.get("name", f"require-{place}"),
            _condition(row["when"]) if "when" in row else None,
            _condition(row["keep"]),
        )
        for place, row in enumerate(block.get("require", []), 1)
    ]


def _model(name: str, said: Row, catalog: dict[str, Row]) -> Model:
    provider, _, _ = said["use"].partition("/")
    facts = dict(catalog.get(said["use"], {}))
    prices, factor = facts.get("prices", []), facts.get("price_factor")
    if "price" in said:  # the file's price stands for itself
        stated = said["price"]
        per_million = {"input": "in", "output": "out", "cache_read": "cache_read", "cache_write": "cache_write_5m"}
        prices = [FREE] if stated == "free" else [{per_million[key]: Decimal(stated[key][1:]) for key in stated}]
        factor = None
    facts.update({key: _count(said[key]) for key in ("context", "max_output") if key in said})
    abilities = {"tools": "tools", "images": "vision", "documents": "pdf", "schema": "structured"}
    own = {cap: said[key] == "true" for key, cap in abilities.items() if key in said}
    facts["caps"] = {**facts.get("caps", {}), **own}
    dialect, variable = PROVIDERS[provider]

    def key(text: str | None, default: str | None) -> str | None:
        return default if text is None else None if text == "none" else text.removeprefix("env:")

    own_key, own_region = key(said.get("key"), variable), said.get("region")
    rows = [
        Deployment(
            f"{name}/{row['name']}",
            row["name"],
            key(row.get("key"), own_key),
            row.get("region", own_region),
            int(row.get("weight", 1)),
        )
        for row in said.get("deployments", [])
    ] or [Deployment(name, name, own_key, own_region, 1)]
    return Model(name, provider, said.get("dialect", dialect), facts, prices, factor, rows)


def read_catalog(document: str) -> dict[str, Row]:
    """The rows of an override by their full names, every number exact."""
    rows = json.loads(document, parse_float=Decimal, parse_int=int)["models"]
    return {f"{row['provider']}/{row['id']}": row for row in rows}


def read_file(text: str) -> Row:
    """A file as its text says it; every value a text."""
    read: Row = yaml.load(text, yaml.CBaseLoader)
    return read


def read_policy(file: Row, catalog: dict[str, Row]) -> Policy:
    """Reads a policy that the core has accepted."""
    models: dict[str, Model] = {}
    for name, said in file["models"].items():
        models[name] = _model(name, said if isinstance(said, dict) else {"use": said}, catalog)
    pools: dict[str, list[str]] = {}

    def listed(value: Any) -> list[str]:
        return [model for name in _list(value) for model in pools.get(name, [name])]

    for name, members in file.get("pools", {}).items():
        pools[name] = listed(members)
    # The place in the first pool that lists it, else in `models`; the weakest is 1.
    ranks = {name: place for place, name in enumerate(models, 1)}
    if "ranks-by-file" not in MUTATIONS:
        for pool in reversed(pools.values()):
            ranks.update({name: place for place, name in enumerate(pool, 1)})
    spends = "spend" in file.get("run", {})
    experiments = {
        row["in"]: Experiment(
            row["name"],
            _unit(row["by"]),
            {name: Decimal(share.rstrip("%")) / 100 for name, share in row["arms"].items()},
        )
        for row in file.get("experiments", [])
    }

    def rule(name: str, row: Row) -> Rule:
        first = listed(row["from"])
        bounds = row.get("set", {})
        return Rule(
            name,
            _condition(row["when"]) if "when" in row else None,
            first,
            [model for model in listed(row.get("else", [])) if model not in first],
            row.get("prefer", "in_order"),
            [_condition(want) for want in _list(row.get("want", []))],
            _filters(row),
            _count(bounds["max_tokens"]) if "max_tokens" in bounds else None,
            spends or "spend" in row.get("run", {}),
            bounds,
            _sticky(row.get("sticky", file.get("sticky"))),
            experiments.get(name),
        )

    policy = Policy(
        models,
        ranks,
        pools,
        {name: parse(value) for name, value in file.get("facts", {}).items()},
        _filters(file),
        [*(rule(row["name"], row) for row in file.get("rules", [])), rule("otherwise", file["otherwise"])],
        file.get("unknown", "strongest") == "strongest",
    )
    trees = [*policy.facts.values()]
    for filters in (policy.require, *(rule.require for rule in policy.rules)):
        trees += [part.tree for each in filters for part in (each.when, each.keep) if part]
    for each in policy.rules:
        trees += [part.tree for part in (each.when, *each.want, each.sticky and each.sticky.leave_if) if part]
    named: set[str] = set().union(*(names(tree) for tree in trees))
    asks = bool(named & OF_THE_PROMPT) or any(each.prefer == "best" for each in policy.rules)
    object.__setattr__(policy, "asks_about_prompt", asks)
    policy.tests.extend(
        Test(row["name"], row.get("given", {}), _condition(row["expect"])) for row in file.get("tests", [])
    )
    # Values of `meta` are shown wherever they are named.
    for each in policy.rules:
        if each.sticky:
            named.add(f"meta.{each.sticky.by}")
    top = _sticky(file.get("sticky"))
    if top:
        named |= {f"meta.{top.by}"} | (names(top.leave_if.tree) if top.leave_if else set())
    named |= {f"meta.{experiment.by}" for experiment in experiments.values()}
    named |= set().union(*(names(test.expect.tree) for test in policy.tests))
    policy.meta.extend(sorted(name for name in named if name.startswith("meta.")))
    return policy
