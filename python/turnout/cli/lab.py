"""`turnout lab`: simulated and faulty providers, to point any client at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from turnout.cli.inputs import JsonOption
from turnout.cli.render import cells, count, heading, output, printable, table

if TYPE_CHECKING:
    from turnout.lab import Counters, Lab

__all__ = ["lab"]


def lab(
    port: Annotated[int, typer.Option(help="Where to listen on 127.0.0.1; 0 takes a free port.")] = 8765,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="NAME=RATE%", help="Such as 529=10%, or cut=5%@claude-*; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Another seed, other answers and other faults.")] = 0,
    speed: Annotated[float, typer.Option(help="How many times faster than life.")] = 1.0,
    faults: Annotated[bool, typer.Option("--faults", help="List the faults, and what each does, instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run simulated, faulty providers on this machine until Ctrl-C.

    **Example:** `turnout lab --fault 529=10% --fault cut=5% --speed 10`
    """
    from turnout.lab import FaultPlan, LabSettings, parse_rate, run_lab

    if faults:
        _list_faults(as_json=as_json)
        return
    settings = LabSettings(
        port=port, seed=seed, speed=speed, faults=FaultPlan(seed, tuple(map(parse_rate, fault or ())))
    )
    console = output()

    def announce(running: Lab) -> None:
        if as_json:
            urls = {name: running.url_for(name) for name in ("anthropic", "openai")}
            print(json.dumps({"base_urls": urls, "counters_url": f"{running.base_url}/lab"}), flush=True)
        else:
            _introduce(console, running)

    counters = run_lab(settings, announce)
    if as_json:
        print(json.dumps(counters.to_dict()), flush=True)
    else:
        _sum_up(console, counters)


def _list_faults(*, as_json: bool) -> None:
    from turnout.lab import FAULTS

    if as_json:
        print(json.dumps({name: {"rows": each.rows.split(), "meaning": each.meaning} for name, each in FAULTS.items()}))
        return
    rows = [cells(name, each.rows, each.meaning) for name, each in FAULTS.items()]
    output().print(table(["fault", "rows", "what happens"], rows))


def _introduce(console: Console, running: Lab) -> None:
    anthropic, openai = running.url_for("anthropic"), running.url_for("openai")
    console.print(heading("the lab is open", "any key is accepted; Ctrl-C stops it and prints what it saw"))
    lines = [
        ("Anthropic Messages", f"ANTHROPIC_BASE_URL={anthropic}"),
        ("OpenAI Chat", f"OPENAI_BASE_URL={openai}"),
        ("counters", f"curl {running.base_url}/lab"),
        ("one fault on every call", f"{running.base_url}/f/529/v1/messages"),
    ]
    for name, value in lines:
        console.print(Text.assemble((f"  {name:<24}", "dim"), (value, "cyan")), soft_wrap=True)
    example = (
        f"  curl {openai}/chat/completions -H 'content-type: application/json' \\\n"
        """    -d '{"model": "gpt-6-luna", "messages": [{"role": "user", "content": "hello"}]}'"""
    )
    console.print(Text(example), soft_wrap=True)
    console.print(Text("  faults: turnout lab --faults", style="dim"))
    console.file.flush()


def _sum_up(console: Console, counters: Counters) -> None:
    seen = counters.to_dict()
    requests = seen["requests"]
    console.print()
    if not isinstance(requests, list) or not requests:
        console.print("the lab saw no request")
        return
    rows = [
        cells(
            printable(each["model"] or "-"),
            each["dialect"],
            Text(each["fault"], "" if each["fault"] == "ok" else "yellow"),
            count(each["count"]),
        )
        for each in requests
    ]
    console.print(table(["model", "dialect", "fault", "requests"], rows, right=[3]))
    console.print(
        Text(
            f"{count(counters.connections)} connections, at most {counters.most_in_flight} requests at once, "
            f"{counters.closed_by_client} closed by the client early",
            style="dim",
        )
    )
