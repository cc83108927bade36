"""What goes onto the wire for one answer, well or not, and the player that puts it there at the model's pace.

Promises: a performance says every byte and every ending; the player adds nothing. To break it, read the socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from turnout.lab.connection import Connection, Headers
from turnout.lab.exchange import Answer, Dialect, Frame, Question, Reply

__all__ = ["JSON_TYPE", "SSE_TYPE", "Do", "Pace", "Performance", "Scene", "perform", "send_reply", "streamed", "whole"]

JSON_TYPE: Final = "application/json"
SSE_TYPE: Final = "text/event-stream; charset=utf-8"

_SHORTEST_WAIT_S: Final = 0.0005
"""Waits below this are skipped; the schedule is absolute, so none of them is lost."""

_PING_MS: Final = 5_000.0
_LAST_BYTES_ARRIVE_S: Final = 0.02
"""Before a reset: what is still in the sender's buffer would be lost with it, which another machine would have read."""


class Do(Enum):
    """What the player does between two pieces of an answer."""

    CUT = "close the connection here"
    RESET = "reset the connection here"
    STALL = "send nothing more, and keep the connection open"
    PING = "send signs of life and nothing else, for ever"
    STALE = "close the connection as soon as the client writes to it again"


@dataclass(slots=True)
class Pace:
    """When which token is due.

    Args:
        started_s: The loop's time at the request's end.
        speed: How many times faster than life.
        ttft_ms: Until the first token.
        tokens_per_s: After the first token.
        late_ms: What a fault adds before the first token.
    """

    started_s: float
    speed: float
    ttft_ms: float
    tokens_per_s: float
    late_ms: float = 0.0

    async def head(self) -> None:
        """Waits until the answer's head is due: half the way to the first token."""
        await self._until(self.ttft_ms / 2)

    async def token(self, tokens_before: int) -> None:
        """Waits until a token is due, given the tokens before it."""
        await self._until(self.ttft_ms + self.late_ms + 1000 * tokens_before / self.tokens_per_s)

    async def pause(self, ms: float) -> None:
        """Waits, by the lab's speed."""
        await asyncio.sleep(ms / 1000 / self.speed)

    async def _until(self, after_ms: float) -> None:
        left = self.started_s + after_ms / 1000 / self.speed - asyncio.get_running_loop().time()
        if left > _SHORTEST_WAIT_S:
            await asyncio.sleep(left)


@dataclass(frozen=True, slots=True)
class Scene:
    """One request that is to be answered.

    Args:
        dialect: How to write.
        question: What was asked.
        answer: What the model says.
        request_id: The provider's name for the request.
        created: Seconds since 1970.
        retry_after_s: What a 429 asks for.
        slow_ms: How late a slow first token is.
    """

    dialect: Dialect
    question: Question
    answer: Answer
    request_id: str
    created: int
    retry_after_s: int
    slow_ms: float

    def reply(self) -> Reply:
        """Returns the right whole answer."""
        return self.dialect.whole(self.answer, self.request_id, self.created)

    def frames(self) -> list[Frame]:
        """Returns the events of the right stream."""
        return self.dialect.frames(self.answer, self.created, self.question.wants_usage)


@dataclass(frozen=True, slots=True)
class Performance:
    """What is put on the wire.

    Args:
        steps: Pieces of the body, and what happens between them.
        status: The HTTP status.
        headers: Beside `content-type` and `content-length`.
        content_type: None leaves the header out.
        length: The `content-length` that is stated, true or not; None sends chunks.
        head: The head in its very bytes, instead of all of the above; the connection closes after the answer.
        early: Statuses 1xx that go before.
        piece_bytes: The most bytes of one write.
        gap_ms: The pause after each write, divided by the lab's speed.
        late_ms: How much later the first token comes.
    """

    steps: Sequence[Frame | Do] = ()
    status: int = 200
    headers: Headers = ()
    content_type: str | None = JSON_TYPE
    length: int | None = None
    head: bytes | None = None
    early: tuple[int, ...] = ()
    piece_bytes: int | None = None
    gap_ms: float = 0.0
    late_ms: float = 0.0


def whole(scene: Scene, reply: Reply, *, tokens: bool = True, content_type: str = JSON_TYPE) -> Performance:
    """Performs a whole answer as it should be.

    Args:
        scene: The request.
        reply: Status, headers and body.
        tokens: Whether the model has worked for it, and it takes its time.
        content_type: Of the body.
    """
    used = scene.answer.usage.output_text + scene.answer.usage.reasoning if tokens else 0
    return Performance(
        (Frame(reply.body, used),), reply.status, reply.headers, content_type=content_type, length=len(reply.body)
    )


def streamed(scene: Scene, steps: Sequence[Frame | Do], content_type: str = SSE_TYPE) -> Performance:
    """Performs a stream of these events.

    Args:
        scene: The request.
        steps: Events, and what happens between them.
        content_type: Of the body.
    """
    headers = (("cache-control", "no-cache"), *scene.dialect.headers(scene.request_id))
    return Performance(steps, 200, headers, content_type=content_type)


async def send_reply(connection: Connection, reply: Reply) -> None:
    """Writes a whole answer at once."""
    length = ("content-length", str(len(reply.body)))
    connection.start(reply.status, (("content-type", JSON_TYPE), length, *reply.headers))
    await connection.send(reply.body)
    connection.finish()


async def perform(connection: Connection, scene: Scene, act: Performance, pace: Pace) -> None:
    """Puts a performance on the wire.

    Args:
        connection: Where to write.
        scene: The request.
        act: What to write.
        pace: When what is due.
    """
    pace.late_ms = act.late_ms
    if not act.steps or isinstance(act.steps[0], Frame):
        await pace.head()
    for status in act.early:
        connection.inform(status)
    if _starts(act):
        _start(connection, act)
    frames = [step for step in act.steps if isinstance(step, Frame)]
    # Tokens that no frame carries (reasoning that is not shown) pass before the first that does.
    used = scene.answer.usage.output_text + scene.answer.usage.reasoning
    is_whole = act.length is not None or len(frames) == 1
    due = used if is_whole else used - sum(frame.tokens for frame in frames)
    for step in act.steps:
        match step:
            case Frame():
                if step.tokens:
                    await pace.token(max(0, due))
                    due += 0 if is_whole else step.tokens
                await _write(connection, step.data, act, pace)
            case _:
                await _do(step, connection, scene, act, pace)
                if step in (Do.CUT, Do.RESET):
                    return
    if act.head is None:
        connection.finish()
    else:
        connection.cut()


async def _do(step: Do, connection: Connection, scene: Scene, act: Performance, pace: Pace) -> None:
    match step:
        case Do.CUT:
            connection.cut()
        case Do.RESET:
            if connection.has_written:
                await asyncio.sleep(_LAST_BYTES_ARRIVE_S)
            connection.reset()
        case Do.STALL:
            await asyncio.Event().wait()
        case Do.PING:
            while True:
                await _write(connection, scene.dialect.ping, act, pace)
                await pace.pause(_PING_MS)
        case Do.STALE:
            connection.close_on_next_bytes()


def _starts(act: Performance) -> bool:
    """Whether there is a head at all: a reset or a stall before everything has none."""
    return act.head is not None or not act.steps or isinstance(act.steps[0], Frame) or act.content_type is not None


def _start(connection: Connection, act: Performance) -> None:
    if act.head is not None:
        connection.raw(act.head)
        return
    headers = act.headers
    if act.length is not None:
        headers = (("content-length", str(act.length)), *headers)
    if act.content_type is not None:
        headers = (("content-type", act.content_type), *headers)
    connection.start(act.status, headers)


async def _write(connection: Connection, data: bytes, act: Performance, pace: Pace) -> None:
    size = act.piece_bytes or len(data)
    for start in range(0, len(data), size or 1):
        piece = data[start : start + size]
        await (connection.send(piece) if act.head is None else connection.send_raw(piece))
        if act.gap_ms:
            await pace.pause(act.gap_ms)
        elif act.piece_bytes:
            await asyncio.sleep(0)  # one write, one segment
