"""What faults cost: deadlines that are overrun, time to switch, extra load in an outage, streams that were cut.

`python benches/execute/outage.py [--streams 100000]`
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time

from kit import versions

from turnout import Policy, ProviderError, Router, parse_policy
from turnout._core import StreamReader
from turnout.lab import Lab, LabSettings, SimulatedModel
from turnout.lab.chat_dialect import ChatDialect
from turnout.lab.exchange import Answer, ToolCall, Usage
from turnout.lab.messages_dialect import MessagesDialect
from turnout.providers.transport import open_transport

KEYS = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
POLICY = """
turnout: 1
name: outage
models: {{ first: {first}, second: {second} }}
otherwise: {{ from: [first, second], prefer: in_order }}
run: {{ deadline: 500ms, ttft: 400ms, idle: 400ms, attempts: 3 }}
"""
LATE = ["stall", "stall_first", "stall_mid", "dribble", "pings", "pings_mid", "429_long", "503_wait", "reset", "529"]
TERSE = (SimulatedModel("*", answer_tokens=24, context_tokens=1_000_000),)


def policy(first: str = "openai/gpt-6-luna", second: str = "anthropic/claude-haiku-5-5") -> Policy:
    return parse_policy(POLICY.format(first=first, second=second))


async def one(router: Router, streams: bool) -> float:
    begun = time.perf_counter()
    try:
        if streams:
            async with router.stream("hello there") as stream:
                while await stream.batch():
                    pass
        else:
            await router.complete("hello there")
    except ProviderError:
        pass
    return time.perf_counter() - begun


async def overrun() -> float:
    """The worst milliseconds beyond a deadline of 500 ms, all targets being late."""
    worst = 0.0
    async with Lab(LabSettings(speed=1000, models=TERSE)) as lab:
        for name in ("fast", "httpx2"):
            for fault in LATE:
                urls = {each: lab.url_for(each, fault) for each in ("openai", "anthropic")}
                for streams in (False, True):
                    transport = open_transport(name=name)  # type: ignore[arg-type]
                    async with Router(policy(), environ=KEYS, base_urls=urls, transport=transport) as router:
                        for _ in range(2):
                            worst = max(worst, await one(router, streams) - 0.5)
                    await transport.aclose()
    return worst * 1000


async def switch(fault: str, times: int) -> list[float]:
    """Milliseconds that a call takes longer because its first target fails at once, and its second answers at once."""
    async with Lab(LabSettings(speed=float("inf"), models=TERSE, retry_after_s=30)) as lab:
        good = lab.url_for("anthropic")
        first = "http://127.0.0.1:9/v1" if fault == "refused" else lab.url_for("openai", fault)
        transport = open_transport()
        plain = {"anthropic": good, "openai": lab.url_for("openai")}
        async with Router(policy(), environ=KEYS, base_urls=plain, transport=transport) as router:
            usual = statistics.median([await one(router, False) for _ in range(50)])
        took = []
        for _ in range(times):
            # A router of its own for each call: the next one would not even try the target that failed.
            async with Router(
                policy(), environ=KEYS, base_urls={"anthropic": good, "openai": first}, transport=transport
            ) as router:
                await router.decide("hello there")
                took.append((await one(router, False) - usual) * 1000)
        await transport.aclose()
    return sorted(took)


async def extra_load(calls: int) -> float:
    """Requests per call while everything answers 500."""
    async with Lab(LabSettings(speed=float("inf"), models=TERSE)) as lab:
        urls = {each: lab.url_for(each, "500") for each in ("openai", "anthropic")}
        rules = POLICY.format(first="openai/gpt-6-luna", second="anthropic/claude-haiku-5-5").replace("500ms", "5s")
        async with Router(parse_policy(rules), environ=KEYS, base_urls=urls) as router:
            for _ in range(calls):
                await one(router, False)
        return lab.counters.requests() / calls


def cut_streams(count: int) -> tuple[int, int]:
    """Cuts streams anywhere, in reads of any size; counts those short of their end that are called an answer."""
    draw = random.Random(7)
    usage = Usage(20, 0, 0, 0, 30, 0)
    wrong = short = 0
    dialects = [
        ("openai-chat", ChatDialect(), b'finish_reason":"'),
        ("anthropic-messages", MessagesDialect(), b"message_stop"),
    ]
    texts = ["a few words of an answer " * n for n in (1, 3, 8)]
    for _ in range(count):
        name, dialect, last = draw.choice(dialects)
        tool = ToolCall("id", "look_up", '{"station": "Old Town", "hours": [1, 2, 3]}') if draw.random() < 0.3 else None
        text = None if tool else draw.choice(texts)
        answer = Answer("x", "m", None, text, tool, "tool" if tool else "end", usage, 1.0, 1.0)
        data = b"".join(frame.data for frame in dialect.frames(answer, 1, True))
        end = data.rindex(last)
        cut = draw.randrange(end)
        reader = StreamReader(name)
        at = 0
        while at < cut:
            size = draw.choice((1, 7, 64, 4096))
            reader.feed(data[at : min(cut, at + size)])
            at += size
        _, ended = reader.finish()
        short += 1
        wrong += ended.outcome in ("complete", "incomplete", "refused")
    return wrong, short


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100_000)
    options = parser.parse_args()
    print(versions("turnout", "aiohttp", "httpx2"))
    print(f"deadline overrun, worst of {2 * 2 * len(LATE) * 2} calls: {await overrun():.1f} ms")
    for fault in ("refused", "429", "529"):
        took = await switch(fault, 200)
        p99 = took[int(len(took) * 0.99) - 1]
        print(f"time to switch on {fault}: p50 {took[len(took) // 2]:.1f} ms, p99 {p99:.1f} ms")
    print(f"extra load in a total outage: {await extra_load(1000):.3f} requests a call")
    begun = time.perf_counter()
    wrong, short = cut_streams(options.streams)
    print(f"streams cut short: {short}, called an answer: {wrong} ({time.perf_counter() - begun:.0f} s)")


if __name__ == "__main__":
    asyncio.run(main())
