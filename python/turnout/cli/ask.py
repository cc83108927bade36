"""`turnout ask`: route one prompt and answer it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from turnout import Engine, Policy
from turnout.cli.inputs import CatalogOption, JsonOption, MetaOption, meta_from, policy_from
from turnout.cli.render import count, errors_console, mark, money, print_json, printable
from turnout.cli.simulate import LabThread, LoopbackOnly, lab_keys, lab_urls
from turnout.errors import DecisionError
from turnout.ledger import CallRecord

if TYPE_CHECKING:
    from turnout.execute import Router

__all__ = ["ask"]

_Meta = dict[str, str | int | float | bool | None]


def ask(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to ask; - reads stdin.")],
    policy: Annotated[
        str, typer.Option("--policy", metavar="POLICY", help="A file, or the name of a shipped policy.")
    ] = "balanced",
    stream: Annotated[
        bool | None,
        typer.Option("--stream/--no-stream", help="Print the answer as it comes; on a terminal it does by itself."),
    ] = None,
    lab: Annotated[bool, typer.Option("--lab", help="Let simulated providers answer: no key, no cost.")] = False,
    meta: MetaOption = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Route one prompt, and answer it by the provider that the policy chooses.

    Keys come from the environment, such as ANTHROPIC_API_KEY and OPENAI_API_KEY. The answer goes to stdout; the line
    about model, rule, tokens, cost and time to stderr.

    **Example:** `turnout ask "What is a railway turnout?" --lab`
    """
    text = sys.stdin.read() if prompt == "-" else prompt
    values = meta_from(meta)
    loaded = policy_from(policy, catalog)
    wants_stream = False if as_json else sys.stdout.isatty() if stream is None else stream
    asyncio.run(_ask(loaded, text, values, wants_stream=wants_stream, lab=lab, as_json=as_json))


async def _ask(policy: Policy, text: str, meta: _Meta, *, wants_stream: bool, lab: bool, as_json: bool) -> None:
    environ: Mapping[str, str] = lab_keys(policy) if lab else os.environ
    _check_keys(policy, environ, text, meta)
    opened = _simulated_router(policy, environ, text, meta) if lab else _real_router(policy)
    started = time.perf_counter()
    answer = ""
    async with opened as router:
        if wants_stream:
            record = await _stream(router, text, meta)
        else:
            response = await router.complete(text, meta)
            record, answer = response.record, response.text or response.refusal or ""
    seconds = time.perf_counter() - started
    if as_json:
        print_json({"text": answer, **_row(record), "simulated": lab})
        return
    if not wants_stream:
        print(_shown(answer))
    console = errors_console()
    console.print(Text(_summary(console, record, seconds, lab=lab), style="dim"), soft_wrap=True)


def _check_keys(policy: Policy, environ: Mapping[str, str], text: str, meta: _Meta) -> None:
    """Refuses with advice when there is no key for any model that may answer; other refusals speak for themselves."""
    decision = Engine(policy, environ=environ).decide(text, meta, refused_ok=True)
    missing = [each for each in decision.candidates if each.code == "no-key"]
    if decision.model is not None or not missing:
        return
    names = dict.fromkeys(name for each in missing for name in policy.keys.get(each.deployment, ()))
    raise DecisionError(
        "no-eligible-model",
        f"no key in the environment for any model of rule `{decision.rule}`",
        f"set {' or '.join(names)}; or without a key: `turnout ask ... --lab` for a simulated answer, `turnout demo`",
        [(each.deployment, each.reason or "") for each in missing],
    )


@asynccontextmanager
async def _real_router(policy: Policy) -> AsyncIterator[Router]:
    from turnout.execute import Router

    async with Router(policy) as router:
        yield router


@asynccontextmanager
async def _simulated_router(
    policy: Policy, environ: Mapping[str, str], text: str, meta: _Meta
) -> AsyncIterator[Router]:
    from turnout.execute import Router
    from turnout.lab import LabSettings

    decision = Engine(policy, environ=environ).decide(text, meta, refused_ok=True)
    transport = LoopbackOnly()
    with LabThread(LabSettings(speed=2.0)) as running:
        try:
            urls = lab_urls(running.lab, [decision])
            async with Router(policy, transport=transport, environ=environ, base_urls=urls) as router:
                yield router
        finally:
            await transport.aclose()


async def _stream(router: Router, text: str, meta: _Meta) -> CallRecord | None:
    stream = router.stream(text, meta)
    has_text = False
    try:
        async with stream:
            async for event in stream:
                if event.kind in ("text", "refusal"):
                    sys.stdout.write(_shown(event.text))
                    sys.stdout.flush()
                    has_text = True
    finally:
        if has_text:
            with contextlib.suppress(BrokenPipeError):
                print(flush=True)
    return stream.record


def _shown(text: str) -> str:
    """A pipe gets what the model said; a terminal gets nothing that could drive it."""
    return printable(text) if sys.stdout.isatty() else text


def _row(record: CallRecord | None) -> dict[str, object]:
    if record is None:
        return {}
    return {
        "id": record.id,
        "outcome": record.outcome,
        "model": record.model,
        "deployment": record.deployment,
        "provider": record.provider,
        "rule": record.rule,
        "input_tokens": record.usage.input_total,
        "output_tokens": record.usage.output_total,
        "cost_usd_picos": record.cost_usd_picos,
        "ttft_ms": record.ttft_ms,
        "total_ms": record.total_ms,
        "attempts": [
            {"deployment": each.deployment, "outcome": each.outcome, "status": each.status, "total_ms": each.total_ms}
            for each in record.attempts
        ],
    }


def _summary(console: Console, record: CallRecord | None, seconds: float, *, lab: bool) -> str:
    if record is None:
        return f"{seconds:.1f} s"
    others = [f"{each.deployment} {each.outcome}" for each in record.attempts[:-1]]
    parts = [
        f"{record.model} by rule {record.rule}",
        f"{count(record.usage.input_total)} tokens in, {count(record.usage.output_total)} out",
        money(record.cost_usd_picos),
        f"{seconds:.1f} s",
        f"after {', '.join(others)}" if others else "first attempt",
    ]
    if lab:
        parts.append("simulated: no model was asked")
    return mark(console, " \N{MIDDLE DOT} ", " | ").join(parts)
