"""What the gateway costs: CPU of its process for a request, beside a bare passthrough on the same server and transport.

`python benches/gateway/cost.py [--requests N]`. The load comes from here, the provider is a third process; the kinds
are measured in turns, and the medians printed. CPU is the server's own, from /proc, so that a busy machine changes it
little.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "execute"))
from kit import REQUEST, upstream, versions  # noqa: E402

KINDS = ("passthrough", "gateway", "ledger", "limits")
TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(kind: str, url: str) -> Iterator[tuple[int, int]]:
    """Yields the port and the process id."""
    command = [sys.executable, str(HERE / "served.py"), kind, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline().strip().rpartition(":")[2]), server.pid
        finally:
            server.terminate()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def client(port: int, data: bytes, count: int, waits_ms: list[float]) -> None:
    """Sends the same request over one connection, one after another."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        begun = time.perf_counter()
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        lower = head.lower()
        if b"chunked" in lower:
            await reader.readuntil(b"0\r\n\r\n")
        else:
            await reader.readexactly(int(lower.partition(b"content-length: ")[2].split(b"\r\n", 1)[0]))
        waits_ms.append((time.perf_counter() - begun) * 1000)
    writer.close()


async def load(port: int, data: bytes, count: int, side_by_side: int) -> tuple[float, list[float]]:
    """Returns requests a second, and how long each took."""
    waits_ms: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(client(port, data, count // side_by_side, waits_ms) for _ in range(side_by_side)))
    return len(waits_ms) / (time.perf_counter() - begun), waits_ms


def request_of(streams: bool) -> bytes:
    body = json.dumps({**REQUEST, **({"stream": True} if streams else {})}, separators=(",", ":")).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
    return f"{head}content-type: application/json\r\n\r\n".encode() + body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(versions("turnout", "uvicorn", "uvloop", "httptools", "aiohttp"))
    for streams in (False, True):
        data, count = request_of(streams), options.requests // (4 if streams else 1)
        figures: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
        with upstream() as url, contextlib.ExitStack() as stack:
            servers = {kind: stack.enter_context(served(kind, url)) for kind in KINDS}
            time.sleep(1.5)
            for port, _ in servers.values():
                asyncio.run(load(port, data, 400, 16))
            for _ in range(options.rounds):
                for kind, (port, pid) in servers.items():
                    before = cpu_s(pid)
                    rate, waits_ms = asyncio.run(load(port, data, count, 16))
                    figures[kind].append(((cpu_s(pid) - before) / count * 1e6, rate, statistics.median(waits_ms)))
        print(f"\n{'a stream of 22 events' if streams else 'a whole answer'}, 1 kB, 16 side by side")
        print(f"{'':<14}{'CPU us':>10}{'beside':>10}{'requests/s':>12}{'p50 ms':>9}")
        base = statistics.median(row[0] for row in figures["passthrough"])
        for kind, rows in figures.items():
            cpu, rate, wait_ms = (statistics.median(row[at] for row in rows) for at in range(3))
            print(f"{kind:<14}{cpu:>10.0f}{cpu - base:>+10.0f}{rate:>12.0f}{wait_ms:>9.2f}")


if __name__ == "__main__":
    main()
