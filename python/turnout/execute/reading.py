"""What reads the stream of an attempt: into events for a program, or into a client's own bytes for the gateway.

Promises: one call into the core for each read of the network; both say alike whether content came. Refuses: to hand out
anything after the end. To break it, give both the same bytes in other pieces, and compare what each says of content.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from turnout._core import Answer, StreamEnd, StreamEvent, StreamReader, StreamTranslator

__all__ = ["EventReader", "Reader", "T", "TranslatingReader"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reader(Protocol[T_co]):
    """Reads one stream; `T_co` is what it makes of a read."""

    @property
    def nothing(self) -> T_co:
        """What a read without anything to tell is."""

    @property
    def brought_content(self) -> bool:
        """Whether the last read brought content; pings and headings are none."""

    @property
    def is_over(self) -> bool:
        """Whether the stream has had its end."""

    def feed(self, data: bytes) -> T_co:
        """Takes the bytes of one read."""

    def finish(self, broke: tuple[str, str] | None = None) -> tuple[T_co, StreamEnd]:
        """Takes the end of the connection.

        Args:
            broke: How it broke, if it did: the outcome and a sentence. It is not told where the stream had its end.
        """

    def answer(self) -> Answer:
        """Returns the answer so far."""


class EventReader:
    """Reads a stream into its events, without the error that may end it: that is raised, after what came.

    Args:
        dialect: Of the stream.
    """

    def __init__(self, dialect: str) -> None:
        self._reader = StreamReader(dialect)
        self.brought_content = False

    @property
    def nothing(self) -> list[StreamEvent]:
        """No event."""
        return []

    @property
    def is_over(self) -> bool:
        """Whether the stream has had its end."""
        return self._reader.is_over

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Takes the bytes of one read."""
        return self._told(self._reader.feed(data))

    def finish(self, broke: tuple[str, str] | None = None) -> tuple[list[StreamEvent], StreamEnd]:
        """Takes the end of the connection; what broke is raised by whoever reads the events."""
        events, end = self._reader.finish()
        return self._told(events), end

    def answer(self) -> Answer:
        """Returns the answer so far."""
        return self._reader.answer()

    def _told(self, events: list[StreamEvent]) -> list[StreamEvent]:
        self.brought_content = any(event.is_content for event in events)
        return [event for event in events if event.kind != "error"]


class TranslatingReader:
    """Reads a stream into bytes of the client's dialect, whose last event says how it ended.

    Args:
        upstream: The dialect of the stream.
        client: The dialect of the client.
        answer_id: What the answer is called, where the upstream's own name for it is not handed on.
        created_s: When it began, in seconds since 1970.
        model: The model's name for the client, where the upstream's own is not handed on.
        include_usage: Whether a Chat client asked for its usage.
    """

    nothing = b""

    def __init__(
        self, upstream: str, client: str, *, answer_id: str, created_s: int, model: str, include_usage: bool
    ) -> None:
        self._translator = StreamTranslator(
            upstream, client, answer_id=answer_id, created_s=created_s, model=model, include_usage=include_usage
        )

    @property
    def brought_content(self) -> bool:
        """Whether the last read brought content."""
        return self._translator.brought_content

    @property
    def is_over(self) -> bool:
        """Whether the stream has had its end."""
        return self._translator.is_over

    def feed(self, data: bytes) -> bytes:
        """Takes the bytes of one read."""
        return self._translator.feed(data)

    def finish(self, broke: tuple[str, str] | None = None) -> tuple[bytes, StreamEnd]:
        """Takes the end of the connection."""
        return self._translator.finish(broke)

    def answer(self) -> Answer:
        """Returns the answer so far."""
        return self._translator.answer()
