"""What the benches of execution share: the upstream in its own process, requests, peers' interpreters, and versions."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import platform
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
PROMPT = "Explain how a railway turnout works, and what a driver must watch at one. " * 13
REQUEST = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": PROMPT[:900]}]}

POLICY = """
turnout: 1
name: bench
models:
  luna: openai/gpt-6-luna
  haiku: anthropic/claude-haiku-5-5
otherwise: { from: [luna, haiku], prefer: in_order }
"""


@contextmanager
def upstream(gap_s: float = 0.0) -> Iterator[str]:
    command = [sys.executable, str(HERE / "upstream.py"), str(gap_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


async def cpu_us(call: Callable[[], Awaitable[object]], calls: int, side_by_side: int) -> float:
    """CPU time of this process for one call, in microseconds, after a warm-up."""

    async def some(count: int) -> None:
        for _ in range(count):
            await call()

    await asyncio.gather(*(some(max(5, calls // side_by_side // 10)) for _ in range(side_by_side)))
    each = calls // side_by_side
    begun = time.process_time()
    await asyncio.gather(*(some(each) for _ in range(side_by_side)))
    return (time.process_time() - begun) / (each * side_by_side) * 1e6


def run_peer(python: str, name: str, *arguments: object) -> dict[str, object]:
    """Runs a peer in its own interpreter; it prints one line of JSON at its end."""
    command = [python, str(HERE / "peers.py"), name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def versions(*names: str) -> str:
    found = [f"{name} {importlib.metadata.version(name)}" for name in names]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return (
        f"{platform.machine()} Python {platform.python_version()}, {', '.join(found)}, commit {commit.stdout.strip()}"
    )
