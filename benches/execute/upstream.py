"""A provider that costs next to nothing: canned answers over a raw protocol, in a process of its own.

`python benches/execute/upstream.py` prints its address and serves until its input closes.
"""

from __future__ import annotations

import asyncio
import json
import sys

WORDS = "The train reaches the next station by noon, and the guard signals the driver to wait at the red lamp. " * 4
USAGE = {"prompt_tokens": 260, "completion_tokens": 110, "total_tokens": 370}
HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt-6-luna"}
EVENTS = 22


def whole() -> bytes:
    message = {"role": "assistant", "content": WORDS[:400]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def events() -> list[bytes]:
    """A stream of 22 events: the role, 18 pieces, the reason, the usage, the end."""

    def chunk(delta: object, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _event({**HEAD, "object": "chat.completion.chunk", "choices": [choice], "usage": None})

    pieces = [chunk({"content": WORDS[at * 20 : at * 20 + 20]}) for at in range(EVENTS - 4)]
    usage = _event({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
    return [chunk({"role": "assistant", "content": ""}), *pieces, chunk({}, "stop"), usage, b"data: [DONE]\n\n"]


def _event(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


WHOLE = whole()
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNKS = [b"%x\r\n%b\r\n" % (len(event), event) for event in events()]


class Server(asyncio.Protocol):
    def __init__(self, gap_s: float) -> None:
        self.gap_s = gap_s
        self.data = b""
        self.transport: asyncio.Transport | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            lower = self.data[:end].lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            self.answer(b'"stream":true' in body or b'"stream": true' in body)

    def answer(self, streams: bool) -> None:
        assert self.transport is not None
        if not streams:
            self.transport.write(WHOLE)
        else:
            task = asyncio.get_running_loop().create_task(self.stream())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def stream(self) -> None:
        assert self.transport is not None
        if self.gap_s:
            await asyncio.sleep(0.05)
        self.transport.write(STREAM_HEAD)
        for chunk in CHUNKS:
            self.transport.write(chunk)
            await asyncio.sleep(self.gap_s)
        self.transport.write(b"0\r\n\r\n")


async def main(gap_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(gap_s), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
