"""How long a decision holds an event loop, and a batch the interpreter's lock: `make bench`.

- An event loop decides between other work, on requests just below 100 kB of every shape: the longest time, and the
  99.9th percentile, in which nothing else ran.
- A second thread counts while `decide_batch` runs: how much of the time it ran, and how long it waited at most.

The longest of each holds what the machine itself adds: the same loop without decisions stands beside it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import threading
import time

import turnout

KEYS = {"ANTHROPIC_API_KEY": "bench", "OPENAI_API_KEY": "bench"}
SIZE_BYTES = 99_000
DECISIONS = 400
PASSAGE = "The night job locks the ledger before it reads the queue. Explain why both wait for ever.\n"


def bodies() -> dict[str, bytes]:
    """One long message of prose, one that is all escapes, one of another script, and an agent's turn."""

    def of(unit: str) -> bytes:
        each = len(json.dumps(unit)) - 2
        return json.dumps({"messages": [{"role": "user", "content": unit * (SIZE_BYTES // each)}]}).encode()

    tool = {"name": "read_file", "arguments": json.dumps({"path": "a.py"})}
    turns: list[dict[str, object]] = [{"role": "user", "content": "Find the deadlock and fix it."}]
    while len(json.dumps(turns)) < SIZE_BYTES - 600:
        call = {"id": f"c{len(turns)}", "type": "function", "function": tool}
        turns.append({"role": "assistant", "content": None, "tool_calls": [call]})
        turns.append({"role": "tool", "tool_call_id": f"c{len(turns) - 1}", "content": "def f(x):\n    return x\n" * 9})
    agent = json.dumps({"messages": turns}).encode()
    return {
        "prose": of(PASSAGE),
        "escapes": of('"\\\n\t'),
        "Japanese": of("\u65e5\u672c\u8a9e\u306e\u6587"),
        "agent": agent,
    }


async def gaps_ms(engine: turnout.Engine | None, body: bytes) -> list[float]:
    """The times between two looks of a task at the clock, while another decides."""
    gaps: list[float] = []
    is_over = False

    async def look() -> None:
        last = time.perf_counter()
        while not is_over:
            await asyncio.sleep(0)
            now = time.perf_counter()
            gaps.append((now - last) * 1000)
            last = now

    looking = asyncio.create_task(look())
    for number in range(DECISIONS):
        await asyncio.sleep(0)
        if engine is not None:
            engine.decide(body, now=1_767_614_400, seed=number)
    is_over = True
    await looking
    return sorted(gaps)


def of_batch(engine: turnout.Engine) -> tuple[float, float]:
    """How much of a batch's time another thread ran, and its longest wait in milliseconds."""
    requests = [PASSAGE * 6] * 20_000
    looks: list[float] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            looks.append(time.perf_counter())

    thread = threading.Thread(target=look)
    thread.start()
    start = time.perf_counter()
    engine.decide_batch(requests, now=1_767_614_400, seed=1)
    end = time.perf_counter()
    is_over.set()
    thread.join()
    during = [start, *(at for at in looks if start < at < end), end]
    waits = [later - earlier for earlier, later in itertools.pairwise(during)]
    # Two looks that lie close are one stretch of running.
    ran = sum(wait for wait in waits if wait < 0.0001)
    return ran / (end - start), max(waits) * 1000


def main() -> None:
    engine = turnout.Engine(turnout.load_policy(turnout.shipped_policy("balanced")), environ=KEYS)
    engine.warm()
    print(f"{'event loop held, ms':24}{'median':>10}{'p99.9':>10}{'longest':>10}   (bound: 1 ms)")
    rows: list[tuple[str, turnout.Engine | None, bytes]] = [("nothing decided", None, b"")]
    rows += [(f"{name}, {len(body):,} bytes", engine, body) for name, body in bodies().items()]
    for name, of, body in rows:
        gaps = asyncio.run(gaps_ms(of, body))
        # The looks without a decision between them tell nothing: the longer half has one.
        held = gaps[-DECISIONS:]
        print(f"{name:24}{held[len(held) // 2]:10.3f}{held[int(len(held) * 0.999)]:10.3f}{held[-1]:10.3f}")
    share, longest_ms = of_batch(engine)
    print(f"decide_batch: another thread ran {share:.0%} of the time and waited {longest_ms:.1f} ms at most")
    print(f"Python {sys.version.split()[0]}, switch interval {sys.getswitchinterval() * 1000:.0f} ms")


if __name__ == "__main__":
    main()
