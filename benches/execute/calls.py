"""CPU time of one routed call in process, 1 kB, beside the bare transport, LiteLLM's Router and TensorZero.

`python benches/execute/calls.py [--litellm PYTHON] [--tensorzero PYTHON]`: each peer is run by its own interpreter.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from kit import POLICY, REQUEST, cpu_us, run_peer, upstream, versions

from turnout import Router, parse_policy
from turnout.ledger import Ledger
from turnout.providers.transport import HttpRequest, TransportName, open_transport

BODY = json.dumps(REQUEST).encode()


async def routed(url: str, name: TransportName, calls: int, side_by_side: int) -> float:
    environ = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    async with Router(parse_policy(POLICY), environ=environ, base_urls={"openai": url}, transport=name) as router:
        return await cpu_us(lambda: router.complete(BODY), calls, side_by_side)


async def with_ledger(url: str, path: str, calls: int, side_by_side: int) -> float:
    environ = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    ledger = Ledger.open(path)
    async with Router(parse_policy(POLICY), environ=environ, base_urls={"openai": url}, ledger=ledger) as router:
        figure = await cpu_us(lambda: router.complete(BODY), calls, side_by_side)
    await ledger.close()
    return figure


async def bare(url: str, name: TransportName, calls: int, side_by_side: int) -> float:
    transport = open_transport(name=name)
    headers = (("content-type", "application/json"), ("authorization", "Bearer k"))
    request = HttpRequest("POST", f"{url}/chat/completions", headers, BODY)
    figure = await cpu_us(lambda: transport.send(request, 30.0), calls, side_by_side)
    await transport.aclose()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--litellm")
    parser.add_argument("--tensorzero")
    parser.add_argument("--calls", type=int, default=1500)
    options = parser.parse_args()
    print(versions("turnout", "aiohttp", "httpx2"))
    with upstream() as url:
        for side_by_side in (1, 32):
            calls = options.calls
            rows = {
                "bare transport, fast": asyncio.run(bare(url, "fast", calls, side_by_side)),
                "turnout, fast": asyncio.run(routed(url, "fast", calls, side_by_side)),
                "turnout, httpx2": asyncio.run(routed(url, "httpx2", calls, side_by_side)),
            }
            if options.tensorzero:
                peer = run_peer(options.tensorzero, "tensorzero", url, calls, side_by_side)
                rows[f"tensorzero {peer['version']}, embedded"] = float(str(peer["us"]))
            if options.litellm:
                peer = run_peer(options.litellm, "litellm", url, calls // 4, side_by_side)
                rows[f"litellm {peer['version']}, Router"] = float(str(peer["us"]))
            ours = rows["turnout, fast"]
            print(f"\n{side_by_side} at a time: CPU us per call, and as a multiple of `turnout, fast`")
            for name, figure in rows.items():
                print(f"  {name:<32} {figure:9.0f} {figure / ours:8.2f}x")


if __name__ == "__main__":
    main()
