"""The decision: facts, then eligibility, then the first rule that matches, then the choice.

The specification of `decide`: what follows from the policy, the catalogue, the request, what was measured, the clock,
the
seed and the keys.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from tests.reference.belonging import Sessions, arm_of, settle
from tests.reference.expressions import EPOCH, MUTATIONS, Interval, Value, names
from tests.reference.facts import Call, Candidate, Measured, Request, facts_of
from tests.reference.policies import Condition, Deployment, Model, Policy, Rule, Test
from tests.reference.prices import Row, Span, cost, expected, minute_and_day, next_edge, quote, region_of

UNKNOWN_WINDOW = 4096
"""What a local model opens unless it is told otherwise."""


class Choice(NamedTuple):
    """What a rule would do."""

    attempts: list[Candidate]
    rejected: list[Candidate]
    relaxed: list[str]
    experiment: Row | None = None
    sticky: Row | None = None


class Decided(NamedTuple):
    """A decision with what it was made of."""

    request: Request
    rule: Rule
    choice: Choice
    shown: Row


def decide(policy: Policy, call: Call, measured: Measured, sessions: Sessions) -> Decided:
    """Decides."""
    request = Request(policy, call, measured)

    def strength(choice: Choice) -> int:
        return policy.ranks[choice.attempts[0].model.name] if choice.attempts else 0

    trace: list[Row] = []
    doubtful: list[int] = []
    for place, rule in enumerate(policy.rules):
        held = True if rule.when is None else request.holds(rule.when)
        name = {True: "matched", False: "no", None: "unknown"}[held]
        trace.append({"name": rule.name, "held": name, "when": rule.when.text if rule.when else None})
        if held is None:
            doubtful.append(place)
        if held:
            break
    taken = place
    choice = _choose(request, rule, sessions)
    # Doubt goes up: an unknown rule above the first true one is taken if it chooses a stronger model. A rule that
    # matches and
    # has nothing eligible refuses the call; it makes no room for another.
    if policy.is_cautious and strength(choice) and "doubt-stays-down" not in MUTATIONS:
        for place in doubtful:
            other = _choose(request, policy.rules[place], sessions)
            if strength(other) > strength(choice):
                taken, choice = place, other
        if taken != len(trace) - 1:
            trace[taken]["held"], trace[-1]["held"] = "unknown-but-stronger", "outranked"
    chosen = choice.attempts[0] if choice.attempts else None
    rows = [_shown(policy, candidate, place) for place, candidate in enumerate(choice.attempts, 1)]
    optional = {"experiment": choice.experiment, "sticky": choice.sticky}
    shown: Row = {key: value for key, value in optional.items() if value is not None} | {
        "rule": policy.rules[taken].name,
        "model": chosen.model.name if chosen else None,
        "deployment": chosen.deployment.id if chosen else None,
        "rules": trace,
        "facts": _facts_shown(request),
        "candidates": rows + [_shown(policy, candidate, None) for candidate in choice.rejected],
        "relaxed": choice.relaxed,
        "strongest": _strongest(request),
    }
    return Decided(request, policy.rules[taken], choice, shown)


def expected_of(test: Test, decided: Decided) -> bool | None:
    """Whether the expectation of a test holds for a decision. A refusal has no candidate whose facts were known."""
    request, choice = decided.request, decided.choice
    chosen = choice.attempts[0] if choice.attempts else None
    known = facts_of(request.policy, chosen, request) if chosen else dict.fromkeys(OF_CANDIDATES, lambda: None)
    said: dict[str, Callable[[], Value]] = {"rule": lambda: decided.rule.name, "refused": lambda: chosen is None}
    return request.decided(test.expect, {**known, **said})


def _choose(request: Request, rule: Rule, sessions: Sessions) -> Choice:
    """Filters the candidates of a rule, then ranks what is left."""
    candidates = _candidates(request, rule)
    # The arm of the rule's experiment goes before wishes and preference: its other models are for when it fails.
    arm = arm_of(rule.experiment, request.call) if rule.experiment else None
    for candidate in candidates:
        candidate.rejected = _rejection(request, rule, candidate)
        candidate.is_other_arm = arm is not None and candidate.model.name != arm
        if request.policy.asks_about_prompt:
            candidate.quality = request.quality(candidate.model)
    attempts = [candidate for candidate in candidates if candidate.rejected is None]
    rejected = [candidate for candidate in candidates if candidate.rejected]

    def group(candidate: Candidate) -> tuple[int, bool, bool]:
        standing = 0 if "cooling-is-ignored" in MUTATIONS else candidate.seen.standing
        return standing, candidate.is_else, candidate.is_other_arm

    def meets(candidate: Candidate, wants: list[Condition]) -> bool:
        return all(request.holds(want, candidate) for want in wants)

    # Wishes are given up from the right until one of those that are tried first meets what is left.
    first = [candidate for candidate in attempts if group(candidate) == min(map(group, attempts))]
    kept = list(rule.want)
    while first and not any(meets(candidate, kept) for candidate in first):
        kept.pop(0 if "gives-up-from-the-left" in MUTATIONS else -1)
    for candidate in attempts:
        candidate.meets_wants = meets(candidate, kept)

    def preference(candidate: Candidate) -> tuple[float, int]:
        value: int | None = 0
        if rule.prefer == "cheapest":
            value = candidate.cost.p90 if "cheapest-by-p90" in MUTATIONS else candidate.cost.p50
        elif rule.prefer == "fastest":
            value = candidate.seen.ttft_p50_ms
        elif rule.prefer == "best":
            return -request.quality(candidate.model)[0], -request.policy.ranks[candidate.model.name]
        return float("inf") if value is None else value, 0

    attempts.sort(key=lambda each: (*group(each), not each.meets_wants, preference(each), each.place))
    relaxed = [want.text for want in reversed(rule.want[len(kept) :])] if attempts else []
    sticky = None
    if rule.sticky:
        sticky = settle(request, rule, attempts, rejected, sessions.held(rule.sticky, request.call))
    return Choice(attempts, rejected, relaxed, _assigned(rule, arm, attempts), sticky)


def _assigned(rule: Rule, arm: str | None, attempts: list[Candidate]) -> Row | None:
    """What a decision shows of the experiment in its rule."""
    if rule.experiment is None:
        return None
    is_followed = arm is not None and bool(attempts) and attempts[0].model.name == arm
    by = f"meta.{rule.experiment.by}"
    return {"name": rule.experiment.name, "by": by, "arm": arm, "followed": is_followed}


def _candidates(request: Request, rule: Rule) -> list[Candidate]:
    found: list[Candidate] = []
    for name in rule.first + rule.after:
        model = request.policy.models[name]
        bounds = [bound for bound in (request.max_tokens, rule.max_tokens) if bound is not None]
        ceiling = model.facts.get("max_output")
        # The smaller bound of the client's and the rule's is sent, and never more than the model can give.
        bound = min([*bounds, ceiling] if ceiling is not None else bounds) if bounds else None
        for deployment in _by_weight(request, rule, model):
            terms, assumed = _terms(request, model, deployment)
            priced = quote(model.prices, model.factor, terms, request.call.now_ms)
            span = _input(request, model)
            edge = next_edge(priced, span.low)
            if edge is not None and span.high >= edge:  # a tier that the estimate leaves open is worth an exact count
                span = request.exactly(model.facts.get("tokenizer", "unknown")) or span
            seen = request.measured.seen(rule, deployment.id)
            cost_of = expected(priced, span, seen.out_p50, seen.out_p90)
            found.append(
                Candidate(model, deployment, name in rule.after, len(found), span, bound, seen, cost_of, assumed)
            )
    return found


def _input(request: Request, model: Model) -> Span:
    return request.measured.estimates[model.facts.get("tokenizer", "unknown")]


def _by_weight(request: Request, rule: Rule, model: Model) -> list[Deployment]:
    """First the deployment on whose share of the weights the seed falls, of those that stand best; then the others."""

    def standing(row: Deployment) -> int:
        return request.measured.seen(rule, row.id).standing

    rows = sorted(model.deployments, key=lambda row: (standing(row), -row.weight))
    shares = [row for row in model.deployments if standing(row) == standing(rows[0]) for _ in range(row.weight)]
    if len(rows) == 1 or not shares:
        return rows
    first = shares[request.call.seed % len(shares)]
    return [first, *(row for row in rows if row is not first)]


def _terms(request: Request, model: Model, deployment: Deployment) -> tuple[dict[str, str], str | None]:
    """The terms that the attempt will ask for, and the region that is assumed: a field of the request goes to
    upstreams of its own dialect alone."""
    body, terms = request.call.body, {}
    if request.call.dialect == model.dialect:
        fields = {"service_tier": "service_tier"}
        if model.dialect == "anthropic-messages":
            fields |= {"speed": "speed", "region": "inference_geo"}
        terms = {key: body[name] for key, name in fields.items() if name in body}
        if terms.get("service_tier") == "standard_only":
            del terms["service_tier"]
    place = terms.get("region", deployment.region)
    found = None if place is None else region_of(model.prices, model.factor, place, request.call.now_ms)
    assumed = None
    if found is not None:
        terms["region"] = found[0]
        assumed = found[0] if found[1] else None
    return terms, assumed


def _rejection(request: Request, rule: Rule, candidate: Candidate) -> tuple[str, str, bool] | None:
    """The first filter that a candidate fails: code, reason, and whether the safe side of an edge was taken."""
    model, facts, body = candidate.model, candidate.model.facts, request.call.body
    key, tools = candidate.deployment.key, request.tools
    if request.call.keyless is not None:
        if candidate.deployment.id in request.call.keyless:
            return "no-key", "", False
    elif key is not None and not request.call.environ.get(key):
        return "no-key", f"{key} is not set", False
    today = EPOCH + datetime.timedelta(days=minute_and_day(request.call.now_ms)[1])
    if facts.get("status") == "deprecated" and facts.get("retires_on", "9999") <= today.isoformat():
        return "retired", f"retired on {facts['retires_on']}", False
    if tools and not model.takes("tools"):
        return "no-tools", "the request offers tools", False
    if request.forces_tool and facts["caps"].get("forced_tool_use", True) is not True:
        return "no-forced-tool", "the request forces a tool call", False
    if request.images and not model.takes("vision"):
        return "no-images", "the request holds pictures", False
    if request.documents and not model.takes("pdf"):
        return "no-documents", "the request holds files", False
    if request.format == "json_schema" and not model.takes("structured"):
        return "no-schema", "the request asks for JSON of a schema", False
    if body.get("n", 1) > 1 and model.dialect != "openai-chat":
        return "no-choices", f"the request asks for {body['n']} answers", False
    if candidate.seen.untranslatable is not None:
        return "untranslatable", candidate.seen.untranslatable, False
    return (
        _too_long(request, candidate) or _unpriced(request.policy, rule, candidate) or _unmet(request, rule, candidate)
    )


def _too_long(request: Request, candidate: Candidate) -> tuple[str, str, bool] | None:
    """Prompt and answer must fit the window; what an estimate leaves open is counted, and doubt excludes."""
    facts = candidate.model.facts
    window = facts.get("context", UNKNOWN_WINDOW)
    # Each of several answers has the window to itself.
    of_one = candidate.seen.out_p50 // request.call.body.get("n", 1)
    answer = of_one if candidate.max_tokens is None else candidate.max_tokens

    def fits(tokens: int) -> bool:
        return tokens + answer <= window and tokens <= facts.get("max_input", tokens)

    span = candidate.input
    if fits(span.high):
        return None
    is_open = fits(span.low)
    exact = request.exactly(facts.get("tokenizer", "unknown")) if is_open else None
    if exact and fits(exact.high):
        return None
    return "window", f"{(exact or span).high} tokens in and {answer} out do not fit {window}", is_open and not exact


def _unpriced(policy: Policy, rule: Rule, candidate: Candidate) -> tuple[str, str, bool] | None:
    """Where money is asked about, a candidate of unknown price must neither win nor be tried unbounded."""
    asked = set().union(*(names(each.keep.tree) for each in policy.require + rule.require))
    asked |= set().union(*(names(want.tree) for want in rule.want))
    asks = rule.prefer == "cheapest" or rule.has_spend or not asked.isdisjoint({"cost.p50", "cost.p90"})
    price = candidate.cost
    if (asks and price.p50 is None) or ("cost.p90" in asked and price.p90 is None):
        return "unknown-price", str(price.unknown), False
    return None


def _unmet(request: Request, rule: Rule, candidate: Candidate) -> tuple[str, str, bool] | None:
    """Doubt excludes: an unknown `when` applies, an unknown `keep` rejects."""

    for each in request.policy.require + rule.require:
        applies = True if each.when is None else request.holds(each.when)
        if applies is False or (applies is None and "unknown-when-passes" in MUTATIONS):
            continue
        held = request.holds(each.keep, candidate)
        if not held:
            reason = f"`{each.keep.text}` {'is not known to hold' if held is None else 'does not hold'}"
            if applies is None and each.when:
                reason += f"; `{each.when.text}` is not known, and in doubt the filter applies"
            return f"require:{each.name}", reason, False
    return None


def _strongest(request: Request) -> Row | None:
    """What the strongest model that a rule can choose would cost: the last of the first pool that has one, else by
    rank."""
    policy, call = request.policy, request.call
    used = {model for rule in policy.rules for model in rule.first + rule.after}
    of_pools = [model for pool in policy.pools.values() for model in reversed(pool) if model in used]
    by_rank = sorted((policy.ranks[name], place, name) for place, name in enumerate(policy.models) if name in used)
    model = policy.models[of_pools[0] if of_pools else by_rank[-1][2]]
    priced = quote(model.prices, model.factor, {}, call.now_ms)
    seen = request.measured.seen(None, model.deployments[0].id)
    amount = cost(priced, _input(request, model).likely, seen.out_p50)
    return None if isinstance(amount, str) else {"model": model.name, "cost_p50_usd_picos": amount}


def _shown(policy: Policy, candidate: Candidate, place: int | None) -> Row:
    row: Row = {
        "deployment": candidate.deployment.id,
        "model": candidate.model.name,
        "rank": policy.ranks[candidate.model.name],
        "else": candidate.is_else,
        "meets_wants": candidate.meets_wants,
        "standing": candidate.seen.standing,
        "input_tokens": candidate.input.likely,
        "input_tokens_low": candidate.input.low,
        "input_tokens_high": candidate.input.high,
        "input_method": candidate.input.method,
        "output_tokens_p50": candidate.seen.out_p50,
        "output_tokens_p90": candidate.seen.out_p90,
        "cost_p50_usd_picos": candidate.cost.p50,
        "cost_p90_usd_picos": candidate.cost.p90,
        "ttft_p50_ms": candidate.seen.ttft_p50_ms,
        "ttft_p95_ms": candidate.seen.ttft_p95_ms,
    }
    if place is not None:
        row |= {"status": "chosen" if place == 1 else "ranked", "place": place}
    elif candidate.rejected:
        code, reason, is_edge = candidate.rejected
        row |= {"status": "rejected", "code": code, "reason": reason, "edge": is_edge}
    optional = {
        "region_assumed": candidate.assumed_region,
        "cost_unknown": candidate.cost.unknown,
        "tier_edge": candidate.cost.edge,
        "quality": candidate.quality
        and {"low": _share(candidate.quality[0]), "high": _share(candidate.quality[1]), "from": "prior"},
    }
    return row | {key: value for key, value in optional.items() if value is not None}


def _share(millionths: int) -> float:
    return millionths / 1_000_000 if millionths % 1_000_000 else millionths // 1_000_000


OF_CANDIDATES = (
    *("model", "model.name", "model.provider", "model.context", "model.max_output", "model.rank", "quality", "warm"),
    *("deployment.name", "deployment.region", "cost.p50", "cost.p90", "ttft.p50", "ttft.p95"),
)
OF_THE_REQUEST = (
    *("tokens", "max_tokens", "turns", "tools", "images", "documents", "stream", "schema", "tool_loop", "requested"),
    *("time", "weekday", "date"),
)


def _facts_shown(request: Request) -> Row:
    """The facts at hand: those that cost nothing, the policy's own that were asked for, and all of `meta` that it
    names."""
    request.is_exact = request.was_exact
    read = set(request.read)
    shown = [*OF_THE_REQUEST, *read, *request.policy.meta]
    if request.policy.asks_about_prompt:
        shown += ["task", "difficulty", "code"]
    return {name: _fact_shown(request.see(name)) for name in shown}


def _fact_shown(value: Value) -> Any:
    if not isinstance(value, Interval):
        return value
    low, high = value.low, value.high
    if value.unit == "number":
        ends = [int(end) if end == int(end) else float(end) for end in (low, high)]
        return ends[0] if low == high else ends
    if value.unit == "time":
        return f"{int(low) // 60:02}:{int(low) % 60:02} UTC"
    if value.unit == "date":
        return (EPOCH + datetime.timedelta(days=int(low))).isoformat()
    return f"{int(low)} ms" if value.unit == "duration" else _money(low)


def _money(dollars: Decimal) -> str:
    whole, picos = divmod(int(dollars * 10**12), 10**12)
    digits = f"{picos:012}"
    return f"${whole}.{digits[:2]}{digits[2:].rstrip('0')}"
