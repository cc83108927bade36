"""What the suites of the gateway share: one that serves a policy whose providers are the lab, over real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from tests.integration.execute_kit import KEYS, urls

from turnout import Router, parse_policy
from turnout.lab import Lab
from turnout.server import Gateway, Settings
from turnout.server.run import config_for

POLICY = """
turnout: 1
name: gateway
models:
  claude: anthropic/claude-haiku-5-5
  gpt: openai/gpt-6-luna
  top: anthropic/claude-opus-5-5
pools: {{ all: [gpt, claude, top] }}
rules:
  - {{ name: hard, when: 'contains(prompt, "prove")', from: [top] }}
  - {{ name: openai-only, when: meta.only == "openai", from: [gpt] }}
otherwise: {{ from: [claude, gpt], prefer: in_order }}
run: {{ deadline: {deadline}, ttft: {deadline} }}
{more}
"""


@dataclass
class Served:
    """A gateway that listens."""

    url: str
    lab: Lab
    router: Router
    server: uvicorn.Server


class _Server(uvicorn.Server):
    """One that leaves signals to the test runner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def gateway(
    lab: Lab,
    *,
    more: str = "",
    deadline: str = "5s",
    settings: Settings | None = None,
    ledger: Path | None = None,
    fault: str | Mapping[str, str] | None = None,
    drain_s: int = 30,
) -> AsyncIterator[Served]:
    """Serves the policy; with a fault, each provider of it has that one, or its own."""
    policy = parse_policy(POLICY.format(more=more, deadline=deadline))
    bases = urls(lab, policy)
    if fault is not None:
        faults = dict.fromkeys(bases, fault) if isinstance(fault, str) else fault
        bases = {name: url.replace(lab.base_url, f"{lab.base_url}/f/{faults[name]}") for name, url in bases.items()}
    router = Router(policy, environ=KEYS, base_urls=bases, ledger=ledger)
    app = Gateway(router, settings or Settings())
    listening = socket.create_server(("127.0.0.1", 0))
    server = _Server(config_for(app, drain_s=drain_s))
    with contextlib.ExitStack() as stack:
        stack.callback(listening.close)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        async with asyncio.timeout(5):
            while not server.started:
                await asyncio.sleep(0.005)
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", lab, router, server)
        finally:
            server.should_exit = True
            await task
