"""The bridge between the two: the core measures, both decide, and the decisions are written in one canonical form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml
from tests.reference import decisions, policies
from tests.reference.expressions import exactly
from tests.reference.facts import Call, Measured, Seen
from tests.reference.policies import Policy, Rule
from tests.reference.prices import Row, Span

import turnout
from turnout import _core
from turnout.policy import check_policy

FAMILIES = ("o200k_base", "cl100k_base", "claude-4.7-on", "unknown")
"""The vocabularies that the generator uses."""
COMPARED = ("rule", "model", "deployment", "rules", "facts", "candidates", "relaxed", "strongest")

_BUNDLED = _core.Catalog.bundled()


def _layered(document: str) -> _core.Catalog:
    catalog, problems = _BUNDLED.with_override(document)
    assert catalog is not None, problems
    return catalog


def _probe() -> _core.Engine:
    """A policy that reads every fact that must be measured, with one model for each vocabulary and no price that has
    edges."""
    stated: Row = {"prices": [{"in": 1, "out": 1}], "context": 10**9}
    rows = [{"provider": "vllm", "id": f"measure-{name}", "tokenizer": name, **stated} for name in FAMILIES]
    models = {name: f"vllm/measure-{name}" for name in FAMILIES}
    models = {f"m{place}": name for place, name in enumerate(models.values())}
    text = yaml.safe_dump(
        {
            "turnout": 1,
            "name": "measure",
            "models": models,
            "rules": [{"name": "all", "when": 'language == "en" and task == "math"', "from": list(models)}],
            "otherwise": {"from": list(models)},
        }
    )
    policy, findings = check_policy(text, catalog=_layered(json.dumps({"models": rows})))
    assert policy is not None, findings
    return _core.Engine(policy, environ={})


class Refused(Exception):
    """The core does not load what was generated."""


@dataclass(frozen=True)
class Event:
    """How an attempt ended, at a deployment by its place among all."""

    deployment: int
    outcome: str
    ttft_ms: int | None
    retry_after_ms: int | None
    at_ms: int
    is_probe: bool


class Both:
    """A policy as both engines have it."""

    def __init__(self, text: str, document: str, environ: dict[str, str], events: list[Event]) -> None:
        self.text, self.document = text, document
        catalog = _layered(document)
        policy, findings = check_policy(text, catalog=catalog)
        if policy is None:
            raise Refused("; ".join(f"{found.code} {found.message}" for found in findings))
        self._catalog, self._environ = catalog, environ
        self._core = _core.Engine(policy, environ=environ)
        self.policy = self.read()
        self._state = self._lived(events)
        self._measuring: dict[str, _core.Engine] = {}
        self._models: Row = yaml.load(text, yaml.CSafeLoader)["models"]

    def read(self) -> Policy:
        """The policy as the reference reads it."""
        return policies.read_policy(self.text, policies.read_catalog(self.document))

    def _lived(self, events: list[Event]) -> _core.State:
        state = _core.State()
        rows = [(row, model.provider) for model in self.policy.models.values() for row in model.deployments]
        for event in events:
            row, provider = rows[event.deployment % len(rows)]
            names = (row.id, f"env:{row.key}" if row.key else "none", provider)
            state.attempt_started(*names, now=event.at_ms / 1000)
            if event.is_probe:
                continue
            state.attempt_ended(
                *names,
                event.outcome,
                ttft_ms=event.ttft_ms,
                retry_after_ms=event.retry_after_ms,
                now=event.at_ms / 1000,
            )
        return state

    def _engine_for(self, bounds: Row) -> _core.Engine:
        """A policy that tries every model under what a rule sets: for forecasts of the answer, standings, latencies."""
        key = str(bounds)
        if key not in self._measuring:
            file: Row = {"turnout": "1", "name": "measure", "models": self._models}
            if self.policy.asks_about_prompt:
                file["facts"] = {"looks": "task is known"}
            file["otherwise"] = {"from": list(self._models)} | ({"set": bounds} if bounds else {})
            policy, findings = check_policy(json.dumps(file), catalog=self._catalog)
            assert policy is not None, findings
            self._measuring[key] = _core.Engine(policy, environ=self._environ)
        return self._measuring[key]

    def _seen(self, bounds: Row, call: Call) -> dict[str, Seen]:
        said = self._decided(self._engine_for(bounds), call)
        return {
            row["deployment"]: Seen(
                row["output_tokens_p50"],
                row["output_tokens_p90"],
                row["standing"],
                row["ttft_p50_ms"],
                row["ttft_p95_ms"],
                row["reason"] if row.get("code") == "untranslatable" else None,
            )
            for row in said["candidates"]
        }

    def _decided(self, engine: _core.Engine, call: Call) -> Row:
        decision = engine.decide(
            call.raw,
            call.meta,
            now=call.now_ms / 1000,
            seed=call.seed,
            state=self._state,
            dialect=call.dialect,
            refused_ok=True,
        )
        said: Row = json.loads(decision.to_json())
        return said

    def measured(self, call: Call) -> Measured:
        """What the core measures of a call, for the reference to decide on."""
        found: Row = probe(call.raw, call.dialect)
        rows: dict[str, dict[str, Seen]] = {}

        def seen(rule: Rule | None, deployment: str) -> Seen:
            bounds = rule.set if rule else {}
            key = str(bounds)
            if key not in rows:
                rows[key] = self._seen(bounds, call)
            return rows[key][deployment]

        return Measured(found["estimates"], found["exact"], found["facts"], seen)

    def by_core(self, call: Call) -> str:
        """The core's decision in canonical form."""
        said = self._decided(self._core, call)
        return self._canonical({key: said[key] for key in COMPARED}, call)

    def by_reference(self, call: Call, measured: Measured) -> str:
        """The reference's decision in canonical form."""
        return self._canonical(decisions.decide(self.policy, call, measured), call)

    def _canonical(self, said: Row, call: Call) -> str:
        # The forecast for the strongest model knows no ceiling, and no candidate reports one without: its cost is
        # compared where the ceiling does not bind.
        ceilings = [model.facts.get("max_output", 10**12) for model in self.policy.models.values()]
        asked = call.body.get("max_tokens")
        if said["strongest"] and asked is not None and asked > min(ceilings):
            said["strongest"]["cost_p50_usd_picos"] = "not compared"
        return json.dumps(said, sort_keys=True)


PROBE = _probe()
_EXACT = {"o200k_base": "openai/gpt-6-sol", "cl100k_base": "openai/gpt-4"}
_PROBED: dict[tuple[bytes, str], Row] = {}


def probe(body: bytes, dialect: str) -> Row:
    """Token counts by vocabulary and the facts of the prompt. Bodies come again, so what was measured is kept."""
    if (body, dialect) not in _PROBED:
        said = json.loads(PROBE.decide(body, now=0, seed=0, dialect=dialect, refused_ok=True).to_json())
        rows = {int(row["model"][1:]): row for row in said["candidates"]}
        estimates = {
            name: Span(
                *(rows[place][key] for key in ("input_tokens_low", "input_tokens", "input_tokens_high", "input_method"))
            )
            for place, name in enumerate(FAMILIES)
        }
        exact: dict[str, Span | None] = dict.fromkeys(FAMILIES)
        parsed: Any = json.loads(body)
        for name, model in _EXACT.items():
            counted = turnout.count_tokens(model, parsed, dialect=dialect)
            if counted.method == "exact":
                exact[name] = Span(counted.low, counted.tokens, counted.high, counted.method)
        facts = {
            name: said["facts"].get(name) for name in ("task", "language", "difficulty", "code", "tool_loop", "turns")
        }
        for name in ("difficulty", "turns"):
            facts[name] = exactly(str(facts[name]))
        if len(_PROBED) > 5000:
            _PROBED.clear()
        _PROBED[body, dialect] = {"estimates": estimates, "exact": exact, "facts": facts}
    return _PROBED[body, dialect]
