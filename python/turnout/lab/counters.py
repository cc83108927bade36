"""What the lab has seen: figures to assert on, and the last requests as they came."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field

__all__ = ["Closing", "Counters", "SeenRequest"]


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it came.

    Args:
        number: In the order of arrival, from 1.
        dialect: `anthropic` or `openai`.
        model: As the request names it; empty if it could not be read.
        is_stream: Whether a stream was asked for.
        fault: What the lab did; `ok` if nothing went wrong, `refused` if the provider would not take the request.
        path: With the query.
        headers: Names in lower case; not shown in the repr, for they hold the key.
        body: The bytes.
    """

    number: int
    dialect: str
    model: str
    is_stream: bool
    fault: str
    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Closing:
    """A connection that the client closed while an answer was under way.

    Args:
        at_s: When, on the clock of `time.monotonic`.
        bytes_out: Bytes of the answer that had been handed to the socket.
    """

    at_s: float
    bytes_out: int


@dataclass(slots=True)
class Counters:
    """Counts since the lab started.

    Args:
        connections: Connections accepted.
        open_connections: Connections open now.
        in_flight: Requests that are being answered now.
        most_in_flight: The most at one time.
        closed_by_client: Connections that the client closed while an answer was under way.
        bytes_in: Bytes received.
        bytes_out: Bytes handed to the socket.
        closings: The last connections that the client closed while an answer was under way.
    """

    connections: int = 0
    open_connections: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    closed_by_client: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    closings: deque[Closing] = field(default_factory=lambda: deque(maxlen=64))
    _requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def requests(self, model: str | None = None, fault: str | None = None, dialect: str | None = None) -> int:
        """Counts requests.

        Args:
            model: Of this model only.
            fault: With this fault only; `ok` and `refused` count as faults here.
            dialect: In this dialect only.

        Returns:
            How many there were.
        """
        return sum(
            count
            for (of_dialect, of_model, of_fault), count in self._requests.items()
            if model in (None, of_model) and fault in (None, of_fault) and dialect in (None, of_dialect)
        )

    def note_request(self, dialect: str, model: str, fault: str) -> None:
        """Counts one request."""
        self._requests[dialect, model, fault] += 1

    def note_close(self, bytes_out: int) -> None:
        """Notes that the client closed its connection in the middle of an answer."""
        self.closed_by_client += 1
        self.closings.append(Closing(time.monotonic(), bytes_out))

    def to_dict(self) -> dict[str, object]:
        """Returns all figures, for printing and for `GET /lab`."""
        return {
            "requests": [
                {"dialect": dialect, "model": model, "fault": fault, "count": count}
                for (dialect, model, fault), count in sorted(self._requests.items())
            ],
            "connections": self.connections,
            "open_connections": self.open_connections,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "closed_by_client": self.closed_by_client,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
        }
