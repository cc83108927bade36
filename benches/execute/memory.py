"""Memory over many requests, a fifth of them faulted: the slope of RSS, in MB for 100,000 requests.

`python benches/execute/memory.py [--requests 200000]`; the lab runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from pathlib import Path

from kit import versions

from turnout import ProviderError, Router, parse_policy

KEYS = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
FAULTS = ["529=4%", "cut=4%", "429_ms=4%", "reset=4%", "html200=4%"]
POLICY = """
turnout: 1
name: memory
models: { first: openai/gpt-6-luna, second: anthropic/claude-haiku-5-5 }
otherwise: { from: [first, second], prefer: in_order }
run: { deadline: 20s }
"""
PAGE_MB = 4096 / 1e6


def rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    options = parser.parse_args()
    print(versions("turnout", "aiohttp"))
    rates = [part for fault in FAULTS for part in ("--fault", fault)]
    command = [sys.executable, "-m", "turnout", "lab", "--port", "0", "--speed", "100000", "--json", *rates]
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  # nothing else runs yet
    assert lab.stdout is not None
    urls = json.loads(lab.stdout.readline())["base_urls"]
    known = {name: urls[name] for name in ("openai", "anthropic")}
    done = 0
    samples: list[tuple[int, float]] = []
    async with Router(parse_policy(POLICY), environ=KEYS, base_urls=known) as router:

        async def some() -> None:
            nonlocal done
            while done < options.requests:
                done += 1
                number = done
                try:
                    if number % 4 == 0:
                        async with router.stream(f"hello {number}") as stream:
                            while await stream.batch():
                                pass
                    else:
                        await router.complete(f"hello {number}")
                except ProviderError:
                    pass
                if number % (options.requests // 40) == 0:
                    samples.append((number, rss_mb()))

        await asyncio.gather(*(some() for _ in range(16)))
    lab.terminate()
    lab.wait()
    # The first half warms up: pools, histograms, prompt-cache prefixes up to their bounds.
    late = samples[len(samples) // 2 :]
    mean_x = sum(x for x, _ in late) / len(late)
    mean_y = sum(y for _, y in late) / len(late)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in late) / sum((x - mean_x) ** 2 for x, _ in late)
    print(f"{options.requests} requests, RSS {samples[0][1]:.1f} -> {late[0][1]:.1f} -> {late[-1][1]:.1f} MB")
    print(f"slope over the second half: {slope * 100_000:.2f} MB for 100,000 requests")


if __name__ == "__main__":
    asyncio.run(main())
