"""`turnout explain`: one decision, drawn for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from turnout import Decision
from turnout.cli.inputs import (
    FIXED_NOW,
    CatalogOption,
    DialectOption,
    EnvOption,
    JsonOption,
    MetaOption,
    NowOption,
    PromptOption,
    RequestOption,
    SeedOption,
    engine_for,
    known_model,
    policy_from,
    question_from,
)
from turnout.cli.reference import print_facts, print_outcomes
from turnout.cli.render import (
    bounds_of,
    cells,
    field,
    heading,
    mark,
    money_of,
    output,
    print_json,
    printable,
    table,
)

__all__ = ["explain"]


def explain(
    policy: Annotated[
        str | None, typer.Argument(metavar="POLICY", help="A file, or the name of a shipped policy.")
    ] = None,
    prompt: PromptOption = None,
    request: RequestOption = None,
    why_not: Annotated[
        str | None, typer.Option("--why-not", metavar="MODEL", help="Say in one line why this model was not chosen.")
    ] = None,
    meta: MetaOption = None,
    now: NowOption = FIXED_NOW,
    dialect: DialectOption = None,
    seed: SeedOption = 0,
    catalog: CatalogOption = None,
    env: EnvOption = False,
    as_json: JsonOption = False,
    facts: Annotated[bool, typer.Option("--facts", help="Print every fact that a policy can name.")] = False,
    outcomes: Annotated[
        bool, typer.Option("--outcomes", help="Print every outcome of an attempt, and what follows from it.")
    ] = False,
) -> None:
    """Show which model a policy chooses for a request, and why.

    Assumes that every key is present. A policy whose tests fail is shown too. Exit code 1 if the policy refuses.

    **Example:** `turnout explain balanced --prompt "Prove that 7 is prime" --why-not opus`
    """
    if facts or outcomes:
        if facts:
            print_facts(as_json=as_json)
        if outcomes:
            print_outcomes(as_json=as_json)
        return
    if policy is None:
        raise typer.BadParameter("name a policy file, or a shipped policy such as `balanced`", param_hint="POLICY")
    question = question_from(prompt, request, meta, now, seed, dialect)
    loaded = policy_from(policy, catalog, run_tests=False)
    model = None if why_not is None else known_model(loaded, why_not)
    decision = question.decide(engine_for(loaded, use_env=env))
    if as_json:
        shown = decision.to_dict()
        print_json(
            shown if model is None else {**shown, "why_not": {"model": model, "reason": decision.why_not(model)}}
        )
    elif model is not None:
        print(printable(decision.why_not(model)))
    else:
        draw(output(), decision)
    if decision.model is None:
        raise typer.Exit(1)


def draw(console: Console, decision: Decision) -> None:
    """Prints a decision: the choice, the rules, the facts, the candidates."""
    shown = decision.to_dict()
    expected = decision.expected_cost
    if decision.model is None:
        console.print(Text.assemble(("refused", "bold red"), f": no candidate of rule `{decision.rule}` is eligible"))
    else:
        line = Text.assemble((str(decision.deployment), "bold green"), " by rule ", (decision.rule, "bold"))
        if expected is not None:
            row = {"p50": expected.p50.usd_picos, "p90": expected.p90.usd_picos}
            line.append(f", expected cost {money_of(row, 'p50')} (nine of ten below {money_of(row, 'p90')})")
        console.print(line)
    for wish in decision.relaxed:
        console.print(Text(f"given up: {printable(wish)}", style="yellow"))
    console.print()
    _rules(console, _list(shown, "rules"), decision.rule)
    console.print()
    _facts(console, shown.get("facts"))
    console.print()
    _candidates(console, _list(shown, "candidates"))
    # Arm and session have one wording, the core's.
    for said in decision.explain().splitlines():
        if said.startswith(("experiment `", "session by `")):
            console.print(Text(printable(said)))
    console.print(
        Text(
            f"policy {decision.policy} {decision.policy_hash[:12]}, catalogue {decision.catalog_hash[:12]}", style="dim"
        )
    )


def _list(shown: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
    rows = shown.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _rules(console: Console, rules: Sequence[Mapping[str, object]], matched: str) -> None:
    console.print(heading("rules", "the first that holds decides"))
    verdicts = {
        "matched": ("holds", "green"),
        "no": ("does not hold", "dim"),
        "unknown": ("unknown", "yellow"),
        "outranked": ("holds, but an open rule above it chooses a stronger model", "dim"),
    }
    width = max((len(field(rule, "name")) for rule in rules), default=0)
    for rule in rules:
        name, held = field(rule, "name"), field(rule, "held")
        is_chosen = name == matched
        verdict, style = verdicts.get(held, ("unknown, and stronger: doubt goes up", "yellow"))
        condition = printable(field(rule, "when")) or "always"
        symbol = mark(console, "\N{BLACK RIGHT-POINTING TRIANGLE}", ">") if is_chosen else " "
        look = "bold" if is_chosen else "dim"
        console.print(
            Text.assemble((f" {symbol} {name.ljust(width)}  ", look), (f"{condition}  ", ""), (verdict, style))
        )


def _facts(console: Console, facts: object) -> None:
    console.print(heading("facts"))
    if not isinstance(facts, dict):
        return
    known = [(str(name), bounds_of(value)) for name, value in facts.items() if value is not None]
    unknown = [str(name) for name, value in facts.items() if value is None]
    wide = max((len(name) + len(value) + 3 for name, value in known), default=1) + 2
    columns = max(1, (console.width - 3) // wide)
    height = -(-len(known) // columns)
    for line in range(height):
        text = Text("   ")
        for name, value in known[line::height]:
            text.append(name, style="cyan")
            text.append(f" = {value}".ljust(wide - len(name)))
        console.print(text, no_wrap=True, overflow="fold")
    if unknown:
        console.print(Text(f"   unknown: {', '.join(unknown)}", style="dim"))


def _candidates(console: Console, candidates: Sequence[Mapping[str, object]]) -> None:
    console.print(heading("candidates", "the plan tries them from the top"))
    rows = []
    # Quality is shown where the policy asks for it.
    has_quality = any("quality" in each for each in candidates)
    for each in candidates:
        status = field(each, "status")
        is_out = status == "rejected"
        place = (
            Text("-", style="dim")
            if is_out
            else Text(field(each, "place"), style="bold green" if status == "chosen" else "")
        )
        rows.append(
            cells(
                place,
                field(each, "deployment"),
                Text("" if is_out else money_of(each, "cost_p50_usd_picos")),
                Text("" if is_out else money_of(each, "cost_p90_usd_picos")),
                Text("" if is_out else field(each, "input_tokens")),
                Text("" if is_out else field(each, "output_tokens_p50")),
                *([Text("" if is_out else _quality(each))] if has_quality else []),
                _remark(each),
            )
        )
    quality = ["quality"] if has_quality else []
    heads = ["", "deployment", "cost p50", "cost p90", "in", "out", *quality, ""]
    console.print(table(heads, rows, right=[2, 3, 4, 5]))


def _quality(candidate: Mapping[str, object]) -> str:
    quality = candidate.get("quality")
    if not isinstance(quality, Mapping):
        return ""
    low, high = quality.get("low"), quality.get("high")
    return f"{low if low == high else f'{low}..{high}'} ({quality.get('from')})"


def _remark(candidate: Mapping[str, object]) -> Text:
    if field(candidate, "status") == "rejected":
        edge = ", at the edge: the safe side was taken" if candidate.get("edge") is True else ""
        return Text(printable(f"{field(candidate, 'reason')} ({field(candidate, 'code')}{edge})"), style="red")
    remarks = ["chosen"] if field(candidate, "status") == "chosen" else []
    if candidate.get("else") is True:
        remarks.append("only after failure of all before it")
    if candidate.get("standing") not in (0, None):
        remarks.append("put last: cooling down")
    if candidate.get("meets_wants") is False:
        remarks.append("does not meet what is wanted")
    if "cost_unknown" in candidate:
        remarks.append(field(candidate, "cost_unknown"))
    if "region_assumed" in candidate:
        remarks.append(f"at the price of region `{field(candidate, 'region_assumed')}`, the dearest")
    cache, tier = candidate.get("cache"), candidate.get("tier_edge")
    if isinstance(cache, dict) and cache.get("read_tokens"):
        remarks.append(f"{cache['read_tokens']} tokens from the prompt cache")
    if isinstance(tier, dict):
        remarks.append(f"near the price tier that begins at {tier.get('threshold_tokens')} tokens")
    return Text(printable(", ".join(remarks)), style="green" if remarks == ["chosen"] else "dim")
