"""The one row that a call leaves in the ledger: facts, counts and money, never the prompt or the answer."""

from __future__ import annotations

import json
from typing import Final

from turnout.errors import MoneyError
from turnout.execute.call import Call, Tried
from turnout.ledger import CallRecord, TokenCounts

__all__ = ["record_of", "save"]

_USAGE_FIELDS: Final = tuple(TokenCounts.__dataclass_fields__)


def record_of(call: Call, outcome: str, ttft_ms: int | None = None) -> CallRecord:
    """Builds the record of a call that is over.

    Args:
        call: The call.
        outcome: How it ended.
        ttft_ms: From the call to the first token that the caller got.
    """
    decision = call.decision
    text = decision.to_json()
    whole = json.loads(text)
    expected = decision.expected_cost
    last = call.tried[-1] if call.tried else None
    final = call.best or last
    others = [each for each in call.tried if each is not final or not each.ended.is_answer]
    failed = sum(each.cost_usd_picos or 0 for each in others if not each.ended.is_answer)
    poor = sum(each.cost_usd_picos or 0 for each in others if each.ended.is_answer)
    facts = whole.get("facts", {})
    return CallRecord(
        id=call.id,
        time_ms=call.time_ms,
        policy_hash=decision.policy_hash,
        catalog_hash=decision.catalog_hash,
        outcome=outcome,
        rule=decision.rule,
        model=final.attempt.model if final else decision.model,
        deployment=final.attempt.deployment if final else decision.deployment,
        provider=final.attempt.provider if final else None,
        usage=_total(call),
        cost_usd_picos=None if call.cost is None else call.cost.usd_picos,
        expected_cost_p50_usd_picos=expected.p50.usd_picos if expected else None,
        expected_cost_p90_usd_picos=expected.p90.usd_picos if expected else None,
        strongest_cost_usd_picos=_strongest(whole.get("strongest"), final, call),
        ttft_ms=ttft_ms,
        total_ms=call.deadline.elapsed_ms(),
        facts_json=json.dumps(facts, ensure_ascii=False, separators=(",", ":")),
        record_json=text,
        attempts=tuple(sorted(call.records, key=lambda each: each.number)),
        failed_cost_usd_picos=failed,
        escalated_cost_usd_picos=poor,
        meta_json=json.dumps(
            {key[5:]: value for key, value in facts.items() if key.startswith("meta.")},
            ensure_ascii=False,
            separators=(",", ":"),
        ),
        cost_doubt=min((each.cost_doubt for each in call.records if each.cost_doubt), default=None),
    )


async def save(call: Call, outcome: str, ttft_ms: int | None = None) -> CallRecord:
    """Builds the record and writes it to the ledger, if there is one; returns once it is on disk.

    Args:
        call: The call.
        outcome: How it ended.
        ttft_ms: From the call to the first token that the caller got.

    Raises:
        LedgerError: If it cannot be written.
    """
    if call.record is not None:  # whoever asked first was cancelled while the row was being written
        return call.record
    call.record = record = record_of(call, outcome, ttft_ms)
    await call.services.desk.keep(record, call.held)
    return record


def _total(call: Call) -> TokenCounts:
    if len(call.records) == 1:
        return call.records[0].usage
    return TokenCounts(**{name: sum(getattr(each.usage, name) for each in call.records) for name in _USAGE_FIELDS})


def _strongest(strongest: dict[str, object] | None, final: Tried | None, call: Call) -> int | None:
    """What the same tokens would have cost at the policy's strongest model.

    Where that model is in the plan, the answer's own tokens are priced there. Where not, the decision's forecast for it
    is scaled by how far the answer's cost is from its own forecast.
    """
    if strongest is None or final is None or not final.ended.is_answer:
        return None
    try:
        for other in call.plan.attempts:
            if other.model == strongest["model"]:
                return other.cost(final.usage, at_ms=call.time_ms).usd_picos
        actual = final.attempt.cost(final.usage, at_ms=call.time_ms).usd_picos
    except MoneyError:
        return None
    forecast, expected = strongest["cost_p50_usd_picos"], final.attempt.expected_cost
    if not isinstance(forecast, int) or expected is None:
        return None
    return forecast * actual // expected.p50.usd_picos if expected.p50.usd_picos > 0 else forecast
