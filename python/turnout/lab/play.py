"""Plays one answer, or one fault, onto a connection, at the pace of the model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from turnout.lab.connection import Connection
from turnout.lab.exchange import Answer, Dialect, Frame, Question, Reply

__all__ = ["Pace", "play", "send_reply"]

_SHORTEST_WAIT_S = 0.0005
"""Waits below this are skipped; the schedule is absolute, so none of them is lost."""

_HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"


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

    async def _until(self, after_ms: float) -> None:
        left = self.started_s + after_ms / 1000 / self.speed - asyncio.get_running_loop().time()
        if left > _SHORTEST_WAIT_S:
            await asyncio.sleep(left)


async def send_reply(connection: Connection, reply: Reply, content_type: str = "application/json") -> None:
    """Writes a whole answer."""
    length = ("content-length", str(len(reply.body)))
    connection.start(reply.status, (("content-type", content_type), length, *reply.headers))
    await connection.send(reply.body)
    connection.finish()


async def play(
    connection: Connection,
    dialect: Dialect,
    question: Question,
    answer: Answer,
    fault: str,
    request_id: str,
    pace: Pace,
    retry_after_s: int,
    created: int,
) -> None:
    """Answers one request, well or not.

    Args:
        connection: Where to write.
        dialect: How to write.
        question: What was asked.
        answer: What the model says.
        fault: A key of `FAULTS`.
        request_id: The provider's name for the request.
        pace: When what is due.
        retry_after_s: For a 429.
        created: Seconds since 1970.
    """
    headers = dialect.headers(request_id)
    match fault:
        case "stall":
            await asyncio.Event().wait()
        case "reset":
            connection.reset()
        case "401" | "404" | "429" | "500" | "529" | "overflow":
            await pace.head()
            await send_reply(connection, dialect.error(fault, "", request_id, retry_after_s))
        case "html200":
            await send_reply(connection, Reply(200, headers, _HTML), "text/html; charset=utf-8")
        case "empty200" if not question.is_stream:
            await send_reply(connection, Reply(200, headers, b""))
        case "error_first" | "error_mid" if not question.is_stream:
            error = dialect.error("529", "", request_id, retry_after_s)
            await send_reply(connection, Reply(200, headers, error.body))
        case _ if question.is_stream:
            frames = dialect.frames(answer, created, question.wants_usage)
            await _stream(connection, dialect, answer, frames, fault, request_id, pace)
        case _:
            await pace.token(answer.usage.output_text + answer.usage.reasoning)
            reply = dialect.whole(answer, request_id, created)
            if fault in ("cut", "cut_clean"):
                length = ("content-length", str(len(reply.body)))
                connection.start(reply.status, (("content-type", "application/json"), length, *reply.headers))
                await connection.send(reply.body[: len(reply.body) // 2])
                connection.cut()
            else:
                await send_reply(connection, reply)


async def _stream(
    connection: Connection,
    dialect: Dialect,
    answer: Answer,
    frames: list[Frame],
    fault: str,
    request_id: str,
    pace: Pace,
) -> None:
    await pace.head()
    head = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
    connection.start(200, (*head, *dialect.headers(request_id)))
    if fault == "error_first":
        frames = [dialect.error_frame(request_id)]
    elif fault == "empty200":
        frames = []
    content = sum(1 for frame in frames if frame.tokens)
    stop_after = max(1, content // 2) if fault in ("cut", "cut_clean", "error_mid") else content + 1
    # Tokens that no frame carries (reasoning that is not shown) pass before the first that does.
    due = answer.usage.output_text + answer.usage.reasoning - sum(frame.tokens for frame in frames)
    sent = 0
    for frame in frames:
        if frame.tokens:
            await pace.token(max(0, due))
            due += frame.tokens
            sent += 1
        await connection.send(frame.data)
        if sent >= stop_after:
            if fault == "cut":
                connection.cut()
                return
            if fault == "error_mid":
                await connection.send(dialect.error_frame(request_id).data)
            break
    connection.finish()
