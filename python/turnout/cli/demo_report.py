"""What `turnout demo` has to say, as one document: the screen and `--json` both come from here."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from turnout import Decision
from turnout.cli.demo_run import DemoCall, DemoResult
from turnout.cli.render import bounds_of, shown_in_one_line
from turnout.lab.corpus import DemoRequest
from turnout.ledger import CallRecord
from turnout.providers.outcome import ANSWERS

__all__ = ["Effort", "effort_of", "report_of"]

NEXT: Final = (
    ('turnout explain balanced --prompt "Prove that 97 is prime"', "why a model is chosen, and why the others are not"),
    ('turnout ask "What is a railway turnout?" --lab', "one answer; without --lab from a real provider, with your key"),
    ("turnout test balanced", "the tests inside the policy; copy the file, change a rule, and run them again"),
)
_PICOS_PER_USD: Final = 10**12
_EXAMPLES: Final = 3
_PROMPT_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Effort:
    """What it took to get one answer.

    Args:
        retries: Attempts at the same deployment after a failure.
        fallbacks: Attempts at another deployment after a failure.
        escalations: Attempts at a stronger model after a poor answer.
    """

    retries: int
    fallbacks: int
    escalations: int


def effort_of(record: CallRecord) -> Effort:
    """Counts why each attempt after the first was made."""
    retries = fallbacks = escalations = 0
    for before, after in zip(record.attempts, record.attempts[1:], strict=False):
        if before.outcome in ANSWERS:
            escalations += 1
        elif before.deployment == after.deployment:
            retries += 1
        else:
            fallbacks += 1
    return Effort(retries, fallbacks, escalations)


def report_of(result: DemoResult, ledger_path: str | None) -> dict[str, object]:
    """Builds the document.

    Args:
        result: What happened.
        ledger_path: Where the ledger stays; None if it is thrown away.
    """
    records = [call.record for call in result.calls if call.record is not None]
    settings = result.settings
    return {
        "policy": {"name": settings.policy.name, "hash": settings.policy.hash},
        "requests": len(result.calls),
        "seconds": round(result.seconds, 2),
        "seed": settings.seed,
        "speed": settings.speed,
        "at_once": settings.at_once,
        "sdk": result.sdk,
        "largest_request_bytes": max((_size(call.asked) for call in result.calls), default=0),
        "examples": _examples(result.calls),
        "models": _groups(records, [record.model or "none" for record in records], "model"),
        "rules": _groups(records, [record.rule or "none" for record in records], "rule"),
        "cost": _cost(records),
        "decision_us": _decision_times(result.calls),
        "failures": _failures(result, records),
        "ledger": _ledger(result, records, ledger_path),
        "next": [command for command, _ in NEXT],
    }


def _groups(records: Sequence[CallRecord], keys: Sequence[str], name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    total = sum(record.cost_usd_picos or 0 for record in records)
    for key, count in Counter(keys).most_common():
        group = [record for record, of in zip(records, keys, strict=True) if of == key]
        cost = sum(record.cost_usd_picos or 0 for record in group)
        row: dict[str, object] = {
            name: key,
            "requests": count,
            "share": round(count / len(records), 4),
            "input_tokens": sum(record.usage.input_total for record in group),
            "output_tokens": sum(record.usage.output_total for record in group),
            "cost_usd_picos": cost,
            "cost_usd": _usd(cost),
            "cost_share": round(cost / total, 4) if total else 0.0,
        }
        if name == "rule":
            row["models"] = dict(Counter(record.model or "none" for record in group).most_common())
        rows.append(row)
    return rows


def _cost(records: Sequence[CallRecord]) -> dict[str, object]:
    """Both sums over the calls whose two costs are known, so that they can be compared."""
    known = [
        (record.cost_usd_picos, record.strongest_cost_usd_picos)
        for record in records
        if record.cost_usd_picos is not None and record.strongest_cost_usd_picos is not None
    ]
    cost, strongest = sum(each for each, _ in known), sum(each for _, each in known)
    names = Counter(name for record in records if (name := _strongest(record)))
    return {
        "calls": len(known),
        "calls_without_price": len(records) - len(known),
        "cost_usd_picos": cost,
        "cost_usd": _usd(cost),
        "strongest_model": names.most_common(1)[0][0] if names else None,
        "strongest_usd_picos": strongest,
        "strongest_usd": _usd(strongest),
        "saved_percent": round(100 * (strongest - cost) / strongest, 1) if strongest else None,
    }


def _strongest(record: CallRecord) -> str | None:
    shown = json.loads(record.record_json).get("strongest")
    return str(shown["model"]) if isinstance(shown, dict) else None


def _decision_times(calls: Iterable[DemoCall]) -> dict[str, float]:
    times = sorted(call.decide_us for call in calls)
    return {
        "p50": round(_percentile(times, 50), 1),
        "p90": round(_percentile(times, 90), 1),
        "p99": round(_percentile(times, 99), 1),
        "max": round(times[-1], 1) if times else 0.0,
    }


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0


def _failures(result: DemoResult, records: Sequence[CallRecord]) -> dict[str, object]:
    efforts = [(record, effort_of(record)) for record in records]
    saved = [record for record, effort in efforts if record.outcome in ANSWERS and effort.retries + effort.fallbacks]
    return {
        "injected": {name: count for name, count in result.faults.items() if count},
        "injected_total": sum(result.faults.values()),
        "upstream_requests": result.lab_requests,
        "retries": sum(effort.retries for _, effort in efforts),
        "fallbacks": sum(effort.fallbacks for _, effort in efforts),
        "saved_requests": len(saved),
        "escalations": sum(effort.escalations for _, effort in efforts),
        "poor_answers": sum(call.error is None and not call.was_accepted for call in result.calls),
    }


def _ledger(result: DemoResult, records: Sequence[CallRecord], path: str | None) -> dict[str, object]:
    lost = [call.asked.id for call in result.calls if call.record is None or not call.record.outcome]
    return {
        "path": path,
        "asked": len(result.calls),
        "records": result.records,
        "lost": lost,
        "nothing_lost": not lost and result.records == len(result.calls),
        "outcomes": dict(Counter(record.outcome for record in records).most_common()),
        "attempts": sum(len(record.attempts) for record in records),
        "errors": [_error_row(call) for call in result.calls if call.error is not None],
    }


def _error_row(call: DemoCall) -> dict[str, object]:
    error = call.error
    attempts = call.record.attempts if call.record else ()
    return {
        "id": call.asked.id,
        "outcome": call.record.outcome if call.record else None,
        "code": getattr(error, "code", type(error).__name__),
        "message": str(getattr(error, "message", error)),
        "stream": call.asked.stream,
        "answer_had_begun": call.record is not None and call.record.ttft_ms is not None,
        "attempts": [f"{attempt.deployment}: {attempt.outcome}" for attempt in attempts],
    }


def _examples(calls: Sequence[DemoCall]) -> list[dict[str, object]]:
    """One request of each of the busiest rules, preferably one whose text fits a line."""
    order = [rule for rule, _ in Counter(call.decision.rule for call in calls).most_common()]
    found = []
    for rule in order:
        of_rule = [(call, text) for call in calls if call.decision.rule == rule and (text := asked_text(call.asked))]
        of_rule = [(call, text) for call, text in of_rule if call.decision.model is not None]
        if of_rule:
            found.append(min(of_rule, key=lambda pair: abs(len(pair[1]) - _PROMPT_CHARS)))
    return [_example(call, text) for call, text in found[:_EXAMPLES]]


def _example(call: DemoCall, text: str) -> dict[str, object]:
    expected = call.decision.expected_cost
    return {
        "id": call.asked.id,
        "kind": call.asked.kind,
        "prompt": shown_in_one_line(text, _PROMPT_CHARS + 20),
        "model": call.decision.model,
        "rule": call.decision.rule,
        "because": because(call.decision),
        "expected_cost_usd_picos": expected.p50.usd_picos if expected else None,
    }


_NAME: Final = re.compile(r'"[^"]*"|[a-z_][a-z0-9_]*(?:\.[a-z0-9_]+)*')
_TELLING: Final = ("task", "difficulty")


def because(decision: Decision) -> str:
    """Returns the facts that the matched rule speaks of, with their values; without `when`, the telling ones."""
    shown = decision.to_dict()
    facts, rules = shown.get("facts"), shown.get("rules")
    if not isinstance(facts, dict) or not isinstance(rules, list):
        return ""
    when = next(
        (rule.get("when") for rule in rules if isinstance(rule, dict) and rule.get("name") == decision.rule), None
    )
    names = [name for name in dict.fromkeys(_NAME.findall(when or "")) if facts.get(name) not in (None, False)]
    if all(facts[name] is True for name in names):  # that `hard` holds says little yet
        names += [name for name in _TELLING if name not in names and facts.get(name) is not None]
    return ", ".join(f"{name} {bounds_of(facts[name])}" for name in names)


def _size(asked: DemoRequest) -> int:
    if isinstance(asked.request, bytes):
        return len(asked.request)
    text = asked.request if isinstance(asked.request, str) else json.dumps(asked.request, ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass"))


def asked_text(asked: DemoRequest) -> str:
    """Returns the last words of the user, empty if there are none to show."""
    if isinstance(asked.request, str):
        return asked.request.strip()
    try:
        body = json.loads(asked.request) if isinstance(asked.request, bytes) else asked.request
    except ValueError:
        return ""
    messages = body.get("messages") if isinstance(body, Mapping) else None
    for message in reversed(messages if isinstance(messages, list) else []):
        if (
            isinstance(message, Mapping)
            and message.get("role") == "user"
            and (text := _text_of(message.get("content")))
        ):
            return text
    return ""


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else []
    texts = [part["text"] for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str)]
    return " ".join(texts).strip()


def _usd(picos: int) -> str:
    return f"{Decimal(picos) / _PICOS_PER_USD:f}"
