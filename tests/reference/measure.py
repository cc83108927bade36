"""The bridge between the two: the core measures, both decide, and the decisions are written in one canonical form."""

from __future__ import annotations

import datetime
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from tests.reference import decisions, policies
from tests.reference.belonging import Answered, Sessions, unit
from tests.reference.expressions import exactly
from tests.reference.facts import Call, Measured, Seen
from tests.reference.policies import Policy, Rule
from tests.reference.prices import Row, Span

from turnout import _core
from turnout.policy import check_policy

FAMILIES = ("o200k_base", "cl100k_base", "claude-4.7-on", "unknown")
"""The vocabularies that the generator uses."""
COMPARED = (
    "rule",
    "model",
    "deployment",
    "rules",
    "facts",
    "candidates",
    "relaxed",
    "strongest",
    "experiment",
    "sticky",
)
TEST_CLOCK_MS = 1_767_614_400_000
"""2026-01-05T12:00Z, the clock of tests that give none."""
FOLDER = tempfile.TemporaryDirectory(prefix="turnout-reference-")

_BUNDLED = _core.Catalog.bundled()


def _layered(document: str) -> _core.Catalog:
    catalog, problems = _BUNDLED.with_override(document)
    assert catalog is not None, problems
    return catalog


EDGES = range(1, 8000)
"""Every count that a body of the generator can have below the size that is counted exactly."""


def _probe() -> _core.Engine:
    """A policy that reads every fact that must be measured, with one model for each vocabulary. Each price has an edge
    at every count, so that what can be counted exactly is."""
    tiers = [{"above": edge, "in": 1, "out": 1} for edge in EDGES]
    stated: Row = {"prices": [{"in": 1, "out": 1, "tiers": tiers}], "context": 10**9}
    rows = [{"provider": "vllm", "id": f"measure-{name}", "tokenizer": name, **stated} for name in FAMILIES]
    models = {f"m{place}": f"vllm/measure-{name}" for place, name in enumerate(FAMILIES)}
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


GIVEN = ("turns", "stream", "requested", "language", "code", "images", "documents", "difficulty")
"""Facts that a test gives here: those that leave the forecast of the answer as it is."""
ASK = b'{"messages": [{"role": "user", "content": "hi"}]}'


class Plain(yaml.CSafeDumper):
    """YAML without the aliases that policies do not have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


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


@dataclass(frozen=True)
class Answer:
    """A call of before that was answered by the deployment at a place of its plan: what sessions come of."""

    meta: dict[str, Any]
    place: int
    at_ms: int


class World(NamedTuple):
    """All that a decision depends on beside the request: a policy, what it extends, the override of the catalogue, the
    keys that are set, and what the deployments went through."""

    text: str
    base: str | None
    document: str
    environ: dict[str, str]
    events: list[Event]
    answers: list[Answer]


def _compiled(world: World, catalog: _core.Catalog) -> _core.Policy:
    if world.base is not None:
        Path(FOLDER.name, "base.yaml").write_text(world.base, encoding="utf-8")
    policy, findings = check_policy(world.text, catalog=catalog, run_tests=False, folder=FOLDER.name)
    if policy is None:
        raise Refused("; ".join(f"{found.code} {found.message}" for found in findings))
    return policy


class Both:
    """A policy as both engines have it."""

    def __init__(self, world: World) -> None:
        self.world = world
        catalog = _layered(world.document)
        self._loaded = _compiled(world, catalog)
        self._catalog, self._environ = catalog, world.environ
        self._core = _core.Engine(self._loaded, environ=world.environ)
        self.policy = self.read()
        self.sessions = Sessions()
        self._state = self._lived(world.events)
        self._measuring: dict[str, _core.Engine] = {}
        files = [yaml.load(text, yaml.CSafeLoader) for text in (world.text, world.base) if text is not None]
        self._file: Row = files[0] if len(files) == 1 else policies.laid_over(*files)
        self._models: Row = self._file["models"]
        self._answered(world.answers)

    def read(self) -> Policy:
        """The policy as the reference reads it."""
        file = policies.read_file(self.world.text)
        if self.world.base is not None:
            file = policies.laid_over(file, policies.read_file(self.world.base))
        return policies.read_policy(file, policies.read_catalog(self.world.document))

    def is_one_file_alike(self) -> bool:
        """Whether what extends another file has the hash of the one file that says the same."""
        if self.world.base is None:
            return True
        text = yaml.dump(self._file, Dumper=Plain, sort_keys=False, width=10_000, allow_unicode=True)
        return _compiled(self.world._replace(text=text, base=None), self._catalog).hash == self._loaded.hash

    def _answered(self, answers: list[Answer]) -> None:
        """Lets sessions come to be with deployments, in both."""
        rules = {rule.name: rule for rule in self.policy.rules}
        self.sessions.clock_ms = max((event.at_ms for event in self.world.events), default=0)
        for answer in answers:
            call = Call({}, ASK, "openai-chat", answer.meta, self._environ, answer.at_ms, 0)
            decision = self._decided(self._core, call, self._state)
            attempts = decision.plan.attempts
            if not attempts:
                continue
            attempt = attempts[answer.place % len(attempts)]
            self._state.attempt_answered(attempt, now=answer.at_ms / 1000)
            sticky = rules[decision.rule].sticky
            whose = unit(call, sticky.by) if sticky else None
            if sticky and whose is not None:
                self.sessions.answered(sticky, whose, attempt.deployment, answer.at_ms)

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

    def _seen(self, bounds: Row, call: Call, state: _core.State) -> dict[str, Seen]:
        said: Row = json.loads(self._decided(self._engine_for(bounds), call, state).to_json())
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

    def _decided(self, engine: _core.Engine, call: Call, state: _core.State) -> _core.Decision:
        return engine.decide(
            call.raw,
            call.meta,
            now=call.now_ms / 1000,
            seed=call.seed,
            state=state,
            dialect=call.dialect,
            refused_ok=True,
        )

    def measured(self, call: Call, state: _core.State | None = None) -> Measured:
        """What the core measures of a call, for the reference to decide on."""
        found: Row = probe(call.raw, call.dialect)
        rows: dict[str, dict[str, Seen]] = {}

        def seen(rule: Rule | None, deployment: str) -> Seen:
            bounds = rule.set if rule else {}
            key = str(bounds)
            if key not in rows:
                rows[key] = self._seen(bounds, call, state or self._state)
            return rows[key][deployment]

        return Measured(found["estimates"], found["exact"], found["facts"], seen)

    def by_core(self, call: Call) -> str:
        """The core's decision in canonical form."""
        decision = self._decided(self._core, call, self._state)
        text = decision.to_json()
        # A decision of three is made again from its record.
        again = text if call.seed % 3 else self._core.redecide(text).to_json()
        if again != text:
            return json.dumps({"made again from its record": again, "before": text})
        said: Row = json.loads(text)
        return self._canonical({key: said[key] for key in COMPARED if key in said}, call)

    def by_reference(self, call: Call, measured: Measured) -> str:
        """The reference's decision in canonical form."""
        return self._canonical(decisions.decide(self.policy, call, measured, self.sessions).shown, call)

    def failing_by_core(self) -> dict[str, str]:
        """The tests of the file that do not hold, and what their expectation is instead."""
        return {failure.name: failure.held for failure in self._loaded.run_tests()}

    def failing_by_reference(self) -> dict[str, str]:
        """The same by the reference."""
        found = {}
        for test in self.policy.tests:
            call, state, sessions = self._given(test)
            decided = decisions.decide(self.policy, call, self.measured(call, state), sessions)
            held = decisions.expected_of(test, decided)
            if held is not True:
                found[test.name] = "unknown" if held is None else "false"
        return found

    def _given(self, test: policies.Test) -> tuple[Call, _core.State, Sessions]:
        """The call, the state and the sessions that a test gives. Its clock stands at noon, all keys are there."""
        row = next(row for row in self._file["tests"] if row["name"] == test.name)
        given: Row = row.get("given", {})
        rows = [(row, model) for model in self.policy.models.values() for row in model.deployments]

        def named(key: str) -> list[tuple[policies.Deployment, policies.Model]]:
            return [(row, model) for row, model in rows if {row.id, model.name} & {*given.get(key, [])}]

        now_ms = given.get("now", TEST_CLOCK_MS)
        if isinstance(now_ms, str):
            now_ms = int(datetime.datetime.fromisoformat(now_ms).timestamp() * 1000)
        state = _core.State()
        for row, model in named("cooling"):
            key = f"env:{row.key}" if row.key else "none"
            state.attempt_ended(row.id, key, model.provider, "not_found", now=now_ms / 1000)
        body = {"messages": [{"role": "user", "content": given["prompt"]}]}
        facts = {
            name: value if isinstance(value, str | bool) else exactly(str(value))
            for name, value in given.items()
            if name in GIVEN
        }
        keyless = frozenset(row.id for row, _ in named("without_key"))
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        call = Call(body, raw, "openai-chat", given.get("meta", {}), {}, now_ms, 0, keyless, facts)
        sessions = Sessions()
        for row in [row for row, model in rows if given.get("held") in (row.id, model.name)][:1]:
            for sticky in [rule.sticky for rule in self.policy.rules if rule.sticky]:
                if (whose := unit(call, sticky.by)) is not None:
                    sessions.known[sticky.by, whose] = Answered(row.id, now_ms + 1)
        return call, state, sessions

    def _canonical(self, said: Row, call: Call) -> str:
        # The forecast for the strongest model knows no ceiling, and no candidate reports one without: its cost is
        # compared where the ceiling does not bind.
        ceilings = [model.facts.get("max_output", 10**12) for model in self.policy.models.values()]
        asked = call.body.get("max_tokens")
        if said["strongest"] and asked is not None and asked > min(ceilings):
            said["strongest"]["cost_p50_usd_picos"] = "not compared"
        return json.dumps(said, sort_keys=True)


PROBE = _probe()
TERMS = ("service_tier", "speed", "inference_geo")
"""What a body says of its price alone; the models of the probe have one price."""
_PROBED: dict[tuple[bytes, str], Row] = {}


def probe(body: bytes, dialect: str) -> Row:
    """Token counts by vocabulary and the facts of the prompt. Bodies come again, so what was measured is kept."""
    if (body, dialect) not in _PROBED:
        parsed: Row = json.loads(body)
        asked = json.dumps({key: value for key, value in parsed.items() if key not in TERMS})
        said = json.loads(PROBE.decide(asked.encode(), now=0, seed=0, dialect=dialect, refused_ok=True).to_json())

        def counts(key: str) -> dict[str, Span | None]:
            rows: list[Any] = said["inputs"].get(key, [])
            found = dict.fromkeys(FAMILIES)
            for name, *count in rows:
                if count:
                    tokens, low, high, method = count
                    found[name] = Span(low, tokens, high, method)
            return found

        facts = {
            name: said["facts"].get(name) for name in ("task", "language", "difficulty", "code", "tool_loop", "turns")
        }
        for name in ("difficulty", "turns"):
            facts[name] = exactly(str(facts[name]))
        if len(_PROBED) > 5000:
            _PROBED.clear()
        _PROBED[body, dialect] = {"estimates": counts("tokens"), "exact": counts("exact"), "facts": facts}
    return _PROBED[body, dialect]
