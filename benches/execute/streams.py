"""Streams of 22 events: added time to the first token, and CPU per stream, beside the bare transport in the same run.

`python benches/execute/streams.py`
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable

from kit import POLICY, REQUEST, cpu_us, upstream, versions

from turnout import Router, parse_policy
from turnout.providers.transport import HttpRequest, Transport, open_transport

BODY = json.dumps({**REQUEST, "stream": True, "stream_options": {"include_usage": True}}).encode()


async def through(transport: Transport, url: str) -> float:
    headers = (("content-type", "application/json"), ("authorization", "Bearer k"))
    request = HttpRequest("POST", f"{url}/chat/completions", headers, BODY)
    begun, first = time.perf_counter(), 0.0
    async with transport.stream(request, 30.0) as stream:
        while chunk := await stream.read():
            if not first and b'"content": "The' in chunk:
                first = time.perf_counter() - begun
    return first


async def routed(router: Router) -> float:
    begun, first = time.perf_counter(), 0.0
    async with router.stream(BODY) as stream:
        while await stream.batch():
            first = first or time.perf_counter() - begun
    return first


async def first_ms(call: Callable[[], Awaitable[float]], times: int) -> float:
    await call()
    return statistics.median([await call() for _ in range(times)]) * 1000


async def main() -> None:
    print(versions("turnout", "aiohttp"))
    environ = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    for gap_s, text in ((0.002, "50 ms and then 2 ms an event"), (0.0, "no gaps")):
        with upstream(gap_s) as url:
            transport = open_transport(name="fast")
            async with Router(
                parse_policy(POLICY), environ=environ, base_urls={"openai": url}, transport=transport
            ) as router:
                if gap_s:
                    bare = await first_ms(lambda: through(transport, url), 60)  # noqa: B023
                    ours = await first_ms(lambda: routed(router), 60)
                    print(f"first token, p50, {text}: bare {bare:.2f}, routed {ours:.2f}, added {ours - bare:.2f} ms")
                else:
                    for side_by_side in (1, 32):
                        bare = await cpu_us(lambda: through(transport, url), 1500, side_by_side)  # noqa: B023
                        ours = await cpu_us(lambda: routed(router), 1500, side_by_side)
                        print(
                            f"CPU per stream, {text}, {side_by_side} at a time: bare {bare:.0f}, routed {ours:.0f} us, "
                            f"{ours / bare:.2f}x"
                        )
            await transport.aclose()


if __name__ == "__main__":
    asyncio.run(main())
