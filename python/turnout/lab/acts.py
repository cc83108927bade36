"""What can be done to an answer: the building blocks of the table of faults."""

from __future__ import annotations

import dataclasses
import gzip
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from turnout.lab.connection import Headers
from turnout.lab.exchange import Frame, Reply, ToolCall, on_wire
from turnout.lab.scene import JSON_TYPE, SSE_TYPE, Do, Performance, Scene, streamed, whole
from turnout.lab.schema import Json

__all__ = [
    "HTML",
    "LEFT_OUT",
    "Act",
    "bomb",
    "both",
    "break_frame",
    "change_bytes",
    "change_frames",
    "change_json",
    "cut_tool_call",
    "encoded",
    "endless",
    "error_body",
    "error_frame",
    "fine",
    "first_chunks",
    "framed",
    "gzipped",
    "halves",
    "html",
    "in_pieces",
    "insert_first",
    "lines",
    "marked",
    "more_after_end",
    "nothing",
    "over_head",
    "page",
    "said_nothing",
    "several_lines",
    "stale",
    "status",
    "text_type",
    "until_content",
    "wait_until",
    "walk",
]

Act = Callable[[Scene], Performance]

HTML: Final = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"
)
_MIB: Final = 1 << 20


def fine(scene: Scene) -> Performance:
    """Nothing goes wrong."""
    return streamed(scene, scene.frames()) if scene.question.is_stream else whole(scene, scene.reply())


def both(on_whole: Act, on_stream: Act) -> Act:
    """Does one thing to whole answers and another one to streams."""
    return lambda scene: (on_stream if scene.question.is_stream else on_whole)(scene)


def status(kind: str, headers: Headers = (), message: str = "", code: int | None = None) -> Act:
    """Answers with an error of the provider.

    Args:
        kind: One of the dialects' errors.
        headers: Beside the provider's own.
        message: Instead of the provider's own.
        code: The HTTP status, if another one than the error's.
    """

    def act(scene: Scene) -> Performance:
        reply = scene.dialect.error(kind, message, scene.request_id)
        return whole(scene, Reply(code or reply.status, (*reply.headers, *headers), reply.body), tokens=False)

    return act


def wait_until(seconds: int) -> Act:
    """Answers 429 with a date in Retry-After, so many seconds after the answer's own `Date`."""

    def act(scene: Scene) -> Performance:
        now = datetime.fromtimestamp(scene.created, tz=UTC)
        # The answer's own clock is an hour wrong: only the difference to its `Date` counts.
        date = now - timedelta(hours=1)
        headers = (
            ("date", format_datetime(date, usegmt=True)),
            ("retry-after", format_datetime(date + timedelta(seconds=seconds), usegmt=True)),
        )
        return status("429", headers)(scene)

    return act


def nothing(*steps: Do) -> Act:
    """Sends no byte of an answer."""
    return lambda _: Performance(steps, content_type=None)


def over_head(head: bytes, body: bytes = b"") -> Act:
    """Answers with these very bytes and closes."""
    return lambda _: Performance((Frame(body),) if body else (), head=head)


def html(scene: Scene) -> Performance:
    """A page of some proxy in between, with status 200."""
    headers = scene.dialect.headers(scene.request_id)
    return whole(scene, Reply(200, headers, HTML), tokens=False, content_type="text/html; charset=utf-8")


def error_body(scene: Scene) -> Performance:
    """The provider's error as a body with status 200."""
    error = scene.dialect.error("529", "", scene.request_id)
    return whole(scene, Reply(200, scene.dialect.headers(scene.request_id), error.body), tokens=False)


def change_bytes(change: Callable[[bytes], bytes]) -> Act:
    """Changes a whole answer's body, or each event's bytes; framed rightly all the same."""

    def act(scene: Scene) -> Performance:
        if scene.question.is_stream:
            return streamed(scene, [Frame(change(each.data), each.tokens, each.kind) for each in scene.frames()])
        reply = scene.reply()
        return whole(scene, Reply(reply.status, reply.headers, change(reply.body)))

    return act


def change_json(change: Callable[[Scene, Json], Json]) -> Act:
    """Changes the JSON of a whole answer, or of each event."""

    def act(scene: Scene) -> Performance:
        if not scene.question.is_stream:
            reply = scene.reply()
            return whole(scene, Reply(reply.status, reply.headers, on_wire(change(scene, json.loads(reply.body)))))
        return streamed(scene, [_edited(scene, frame, change) for frame in scene.frames()])

    return act


def _edited(scene: Scene, frame: Frame, change: Callable[[Scene, Json], Json]) -> Frame:
    head, mark, data = frame.data.partition(b"data: ")
    if not data.startswith(b"{"):
        return frame
    return Frame(head + mark + on_wire(change(scene, json.loads(data))) + b"\n\n", frame.tokens, frame.kind)


def walk(value: Json, key: str, change: Callable[[Json], Json]) -> Json:
    """Changes the value of a key wherever it stands; `LEFT_OUT` from `change` leaves the key out."""
    if isinstance(value, Mapping):
        changed = {name: change(each) if name == key else walk(each, key, change) for name, each in value.items()}
        return {name: each for name, each in changed.items() if not (name == key and each is LEFT_OUT)}
    if isinstance(value, str) or not isinstance(value, list):
        return value
    return [walk(each, key, change) for each in value]


LEFT_OUT: Final[Json] = "\0left out"
"""What a change gives back where the key should go."""


def change_frames(change: Callable[[Scene, list[Frame]], list[Frame | Do]]) -> Act:
    """Changes the events of a stream; a whole answer stays as it is."""
    return lambda scene: (
        streamed(scene, change(scene, scene.frames())) if scene.question.is_stream else whole(scene, scene.reply())
    )


def halves(*steps: Frame | Do | str) -> Act:
    """Goes well for half of the content, and then does this: `error`, `raw_error`, `bad`, or a step."""

    def act(scene: Scene) -> Performance:
        frames = scene.frames()
        content = [at for at, frame in enumerate(frames) if frame.tokens]
        cut = content[max(0, (len(content) - 1) // 2)] + 1 if content else len(frames)
        error = scene.dialect.error("529", "", scene.request_id).body
        named = {
            "error": scene.dialect.error_frame(scene.request_id),
            "raw_error": Frame(error + b"\n"),
        }
        return streamed(scene, [*frames[:cut], *(named[step] if isinstance(step, str) else step for step in steps)])

    return act


def until_content(*steps: Frame | Do) -> Act:
    """Sends what comes before the first content, and then does this."""

    def act(scene: Scene) -> Performance:
        frames = scene.frames()
        first = next((at for at, frame in enumerate(frames) if frame.tokens), len(frames))
        return streamed(scene, [*frames[:first], *steps])

    return act


def framed(*steps: Frame | Do) -> Act:
    """Sends a stream of these events."""
    return lambda scene: streamed(scene, steps)


def first_chunks(share: float, *steps: Do, says_length: bool = True) -> Act:
    """Sends a share of a whole answer's body under the length of all of it."""

    def act(scene: Scene) -> Performance:
        reply = scene.reply()
        body = reply.body[: int(len(reply.body) * share)]
        act = whole(scene, Reply(reply.status, reply.headers, body))
        return dataclasses.replace(
            act, steps=(*act.steps, *steps), length=len(reply.body) if says_length else len(body)
        )

    return act


def stale(scene: Scene) -> Performance:
    """Answers well, and closes the connection once the client uses it again."""
    act = fine(scene)
    return dataclasses.replace(act, steps=(*act.steps, Do.STALE))


def in_pieces(piece_bytes: int, gap_ms: float = 0.0) -> Act:
    """Answers well, in writes of so many bytes."""
    return lambda scene: dataclasses.replace(fine(scene), piece_bytes=piece_bytes, gap_ms=gap_ms)


def text_type(scene: Scene) -> Performance:
    """Answers well under the wrong content type."""
    return dataclasses.replace(
        fine(scene), content_type=JSON_TYPE if scene.question.is_stream else "text/plain; charset=utf-8"
    )


def said_nothing(scene: Scene) -> Performance:
    """An answer without any content that ends as if all were well."""
    if scene.question.is_stream:
        left = [frame for frame in scene.frames() if frame.kind not in ("open", "content", "close")]
        return streamed(scene, [_edited(scene, frame, _emptied) if frame.kind == "end" else frame for frame in left])
    reply = scene.reply()
    empty = scene.dialect.emptied(json.loads(reply.body))
    return whole(scene, Reply(reply.status, reply.headers, on_wire(empty)))


def _emptied(scene: Scene, body: Json) -> Json:
    return walk(body, "output", lambda _: [])


def cut_tool_call(scene: Scene) -> Performance:
    """A tool call whose arguments stop in the middle, under the ending of a call that is whole."""
    tool = ToolCall(scene.answer.id[:16], "look_up", '{"station": "Old To')
    answer = dataclasses.replace(scene.answer, text=None, tool=tool, finish="tool")
    return fine(dataclasses.replace(scene, answer=answer))


def lines(end: bytes, before: bytes = b"") -> Act:
    """Ends the lines of a stream in another way, and puts lines before each event."""
    return change_frames(
        lambda _, frames: [Frame((before + each.data).replace(b"\n", end), each.tokens, each.kind) for each in frames]
    )


def encoded(name: str, encode: Callable[[bytes], bytes]) -> Act:
    """Sends the body in a content encoding."""

    def act(scene: Scene) -> Performance:
        good = fine(scene)
        body = b"".join(step.data for step in good.steps if isinstance(step, Frame))
        packed = encode(body)
        return Performance(
            (Frame(packed, 1),), 200, (*good.headers, ("content-encoding", name)), good.content_type, len(packed)
        )

    return act


def bomb(mebibytes: int) -> Act:
    """Sends gzip that grows a thousandfold: an event or a JSON text that never ends. Its trailer is never reached."""

    def encode(_: bytes) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        start = packer.compress(b'data: {"pad":"') + packer.flush(zlib.Z_FULL_FLUSH)
        # A piece between two full flushes stands by itself, and can be repeated.
        piece = packer.compress(b"0" * _MIB) + packer.flush(zlib.Z_FULL_FLUSH)
        return start + piece * mebibytes

    return encoded("gzip", encode)


def endless(mebibytes: int) -> Act:
    """Sends a body that does not fit anywhere."""

    def act(scene: Scene) -> Performance:
        is_stream = scene.question.is_stream
        start = Frame(b'data: {"pad":"' if is_stream else b'{"pad":"')
        steps = (start, *(Frame(b"0" * _MIB) for _ in range(mebibytes)))
        return Performance(steps, content_type=SSE_TYPE if is_stream else JSON_TYPE)

    return act


def gzipped(body: bytes) -> bytes:
    """Returns gzip without a date in it."""
    return gzip.compress(body, mtime=0)


def insert_first(frames: list[Frame], extra: Sequence[Frame]) -> list[Frame | Do]:
    """Puts events before the first content."""
    first = next((at for at, frame in enumerate(frames) if frame.tokens), len(frames))
    return [*frames[:first], *extra, *frames[first:]]


def page(code: int) -> Act:
    """Answers with an error page of some proxy in between."""

    def act(scene: Scene) -> Performance:
        headers = scene.dialect.headers(scene.request_id)
        return whole(scene, Reply(code, headers, HTML), tokens=False, content_type="text/html; charset=utf-8")

    return act


def error_frame(scene: Scene) -> Performance:
    """A stream whose first event is an error."""
    return streamed(scene, [scene.dialect.error_frame(scene.request_id)])


def break_frame(scene: Scene) -> Performance:
    """A stream of which one event of content, in the middle, is broken JSON."""
    frames = scene.frames()
    content = [at for at, frame in enumerate(frames) if frame.tokens]
    at = content[len(content) // 2]
    frames[at] = Frame(frames[at].data[: len(frames[at].data) // 2] + b"\n\n", frames[at].tokens)
    return streamed(scene, frames)


def marked(scene: Scene) -> Performance:
    """A stream that begins with a byte order mark, with `id:` and `retry:` in each event."""
    act = lines(b"\n", b"id: 7\nretry: 3000\n")(scene)
    return dataclasses.replace(act, steps=(Frame(b"\xef\xbb\xbf"), *act.steps)) if scene.question.is_stream else act


def several_lines(scene: Scene) -> Performance:
    """A stream whose events have their data in two lines."""

    def broken(frame: Frame) -> Frame:
        return Frame(frame.data.replace(b"data: {", b"data: {\ndata: ", 1), frame.tokens, frame.kind)

    return change_frames(lambda _, frames: [broken(frame) for frame in frames])(scene)


def more_after_end(scene: Scene) -> Performance:
    """A stream that goes on after its last event."""

    def change(_: Scene, frames: list[Frame]) -> list[Frame | Do]:
        content = next((frame for frame in frames if frame.tokens), None)
        return [*frames, *([Frame(content.data)] if content else [])]

    return change_frames(change)(scene)
