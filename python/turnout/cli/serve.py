"""`turnout serve`: the gateway in front of existing code."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from turnout import Decision, Engine, Policy
from turnout.cli.inputs import CatalogOption, JsonOption, policy_path
from turnout.cli.render import heading, output
from turnout.cli.simulate import LabThread, LoopbackOnly, lab_keys, lab_urls
from turnout.policy import load_policy

if TYPE_CHECKING:
    from turnout.server import Settings

__all__ = ["serve"]


def serve(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="A file, or the name of a shipped policy.")],
    host: Annotated[
        str, typer.Option(help="The address to listen on; without keys only this machine's own.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 takes a free one.")] = 8080,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The keys that clients need, made by `turnout keys create`.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the record of each call goes; none is kept without it.")
    ] = None,
    counters: Annotated[
        str | None, typer.Option(metavar="URL", help="A Redis where several gateways count budgets together.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name that clients use for it; may be repeated."),
    ] = None,
    max_body: Annotated[int, typer.Option(min=1, metavar="MB", help="The largest request, in megabytes.")] = 32,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Load the policy anew when its file changes.")
    ] = True,
    lab: Annotated[bool, typer.Option("--lab", help="Let simulated providers answer: no key, no cost.")] = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a policy to clients of OpenAI Chat, OpenAI Responses and Anthropic Messages until Ctrl-C.

    Change a client's base URL, and leave the choice to the policy with `model: "auto"`. Keys of providers come from the
    environment.

    **Example:** `turnout serve balanced --lab`
    """
    from turnout.execute import Router
    from turnout.lab import LabSettings
    from turnout.server import Gateway, KeyStore, Settings
    from turnout.server.run import run_gateway

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if keys is not None:
        KeyStore.existing(keys)
    settings = Settings(host=host, port=port, keys=keys, hosts=tuple(allow_host or ()), max_body=max_body << 20)
    path = policy_path(policy)
    with contextlib.ExitStack() as stack:
        environ: Mapping[str, str] = os.environ
        urls: Mapping[str, str] | None = None
        if lab:
            loaded = load_policy(path, catalog=catalog)
            environ = lab_keys(loaded)
            running = stack.enter_context(LabThread(LabSettings()))
            urls = lab_urls(running.lab, _every_choice(loaded, environ))

        def make() -> Gateway:
            router = Router(
                path,
                transport=LoopbackOnly() if lab else None,
                ledger=ledger,
                counters=counters,
                environ=environ,
                base_urls=urls,
                catalog=catalog,
                watch=watch,
            )
            made.append(router)
            return Gateway(router, settings)

        made: list[Router] = []
        run_gateway(make, host, port, lambda url: _announce(url, made[0].engine.policy, settings, as_json=as_json))


def _every_choice(policy: Policy, environ: Mapping[str, str]) -> list[Decision]:
    """A decision for each model, so that the lab plays the provider of each."""
    engine = Engine(policy, environ=environ)
    bodies = [json.dumps({"model": each, "messages": [{"role": "user", "content": "hi"}]}) for each in policy.models]
    return [engine.decide_for_client(body.encode(), dialect="openai-chat") for body in bodies]


def _announce(url: str, policy: Policy, settings: Settings, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"url": url, "policy": policy.name, "policy_hash": policy.hash}), flush=True)
        return
    console = output()
    told = "clients need a key" if settings.keys else "open to this machine alone; Ctrl-C stops it"
    console.print(heading(f"policy {policy.name} is served", told))
    lines = [
        ("OpenAI clients", f"OPENAI_BASE_URL={url}/v1"),
        ("Anthropic clients", f"ANTHROPIC_BASE_URL={url}"),
        ("what can be asked for", f"curl {url}/v1/models"),
    ]
    for name, value in lines:
        console.print(Text.assemble((f"  {name:<24}", "dim"), (value, "cyan")), soft_wrap=True)
    example = (
        f"  curl {url}/v1/chat/completions -H 'content-type: application/json' \\\n"
        """    -d '{"model": "auto", "messages": [{"role": "user", "content": "hello"}]}'"""
    )
    console.print(Text(example), soft_wrap=True)
    console.file.flush()
