"""What the lab's two dialects have in common: a question, the answer to it, and the frames it goes out in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from turnout.lab.models import SimulatedModel
from turnout.lab.schema import Json, fill_schema
from turnout.lab.text import Draw, cut_to_tokens, prose, tokens_of

__all__ = [
    "Answer",
    "Dialect",
    "Frame",
    "PromptCache",
    "Question",
    "Refused",
    "Reply",
    "ToolCall",
    "Usage",
    "canonical",
    "field_of",
    "items_of",
    "make_answer",
    "on_wire",
    "pieces_of",
    "text_of",
]

Finish = Literal["end", "length", "tool", "refusal"]

_MOST_TOKENS = 1_000_000
_TTFT_SPREAD_PERCENT = 20


@dataclass(frozen=True, slots=True)
class Question:
    """A request, read from either dialect.

    Args:
        model: As the request names it.
        is_stream: Whether the answer goes out in frames.
        wants_usage: Whether a stream ends with the usage.
        seed: Hash of the request; the answer follows from it.
        max_tokens: Upper limit of the answer, if the request has one.
        units: The prompt in pieces, each with its text; caching works on whole pieces.
        cached_units: How many leading units the client asked to be cached; None for a provider that caches by itself.
        cache_is_1h: Whether the client asked for the long cache.
        thinks: Whether the model is asked to think first.
        tool: Name and argument schema of the tool to call, if it is to be called.
        schema: The schema of a JSON answer, if one is asked for.
    """

    model: str
    is_stream: bool
    wants_usage: bool
    seed: bytes
    max_tokens: int | None
    units: tuple[str, ...]
    cached_units: int | None
    cache_is_1h: bool
    thinks: bool
    tool: tuple[str, Json] | None
    schema: Json


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer used, in classes that do not overlap, by the lab's own token rule."""

    input_uncached: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output_text: int
    reasoning: int


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call with its arguments as compact JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """All of an answer, before it is put into a dialect."""

    id: str
    model: str
    thinking: str | None
    text: str | None
    tool: ToolCall | None
    finish: Finish
    usage: Usage
    ttft_ms: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream.

    Args:
        data: The bytes, blank line included.
        tokens: Output tokens that it carries, which pace it; 0 for a frame without content.
        kind: `start`, `open` (of a block), `content`, `close`, `finish` (why it ends), `usage`, `end`.
    """

    data: bytes
    tokens: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Refused(Exception):
    """The request is not one that the provider would take.

    Args:
        fault: Which of the dialect's errors to answer with.
        message: The provider's words.
    """

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message


class Dialect(Protocol):
    """One provider's way of asking and answering."""

    name: str
    ping: bytes
    misplaced_frame: Frame
    strange_frames: Sequence[Frame]

    def read(self, headers: Mapping[str, str], body: bytes) -> Question:
        """Reads a request; raises `Refused` where the provider would."""
        ...

    def whole(self, answer: Answer, request_id: str, created: int) -> Reply:
        """Writes an answer in one piece."""
        ...

    def frames(self, answer: Answer, created: int, wants_usage: bool) -> list[Frame]:
        """Writes an answer as a stream's events, ending included."""
        ...

    def error(self, fault: str, message: str, request_id: str) -> Reply:
        """Writes an error as the provider does, headers included."""
        ...

    def error_frame(self, request_id: str) -> Frame:
        """Writes an error as an event inside a stream."""
        ...

    def headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        """Returns the headers that each answer of the provider carries."""
        ...

    def ended(self, body: Json, reason: str) -> Json:
        """Gives the JSON of an answer or an event another ending: `length`, `refusal`, `pause`, `window`, `unknown`."""
        ...

    def emptied(self, body: Json) -> Json:
        """Takes all content out of a whole answer."""
        ...

    def nulled(self, body: Json) -> Json:
        """Makes the content of a whole answer null."""
        ...

    def strange(self, body: Json) -> Json:
        """Adds what no client knows to a whole answer."""
        ...


class PromptCache:
    """The provider's prompt cache: which beginnings of a prompt it has seen.

    Args:
        smallest_tokens: Shorter beginnings are not cached.
        most_entries: The oldest beginning is dropped beyond this.
    """

    def __init__(self, smallest_tokens: int = 1024, most_entries: int = 10_000) -> None:
        self._smallest_tokens = smallest_tokens
        self._most_entries = most_entries
        self._seen: dict[bytes, None] = {}

    def use(self, question: Question) -> tuple[int, int]:
        """Looks a prompt up and remembers it.

        Args:
            question: The prompt; only its first `cached_units` take part.

        Returns:
            Tokens read from the cache, and tokens newly written to it.
        """
        units = question.units if question.cached_units is None else question.units[: question.cached_units]
        digest = hashlib.blake2b(question.model.encode(), digest_size=16)
        read = total = 0
        keys: list[bytes] = []
        for unit in units:
            digest.update(len(unit).to_bytes(8, "big") + unit.encode("utf-8", "surrogatepass"))
            total += tokens_of(unit)
            if total >= self._smallest_tokens:
                keys.append(digest.copy().digest())
                read = total if keys[-1] in self._seen else read
        for key in keys:
            self._seen[key] = None
        while len(self._seen) > self._most_entries:
            del self._seen[next(iter(self._seen))]
        return read, (total if keys else 0) - read


def make_answer(question: Question, model: SimulatedModel, cache: PromptCache, lab_seed: int) -> Answer:
    """Makes the answer to a question; the same seed and request give the same answer.

    Args:
        question: What was asked.
        model: How the model behaves.
        cache: The provider's prompt cache; the one thing that remembers earlier requests.
        lab_seed: The lab's own seed.

    Returns:
        The answer.
    """
    draw = Draw(question.seed + lab_seed.to_bytes(8, "big", signed=True))
    answer_id = "".join(draw.pick("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(24))
    spread = 100 + draw.below(2 * _TTFT_SPREAD_PERCENT + 1) - _TTFT_SPREAD_PERCENT
    refuses = draw.below(1_000_000) < model.refusal_rate * 1_000_000
    length = max(1, model.answer_tokens // 2 + draw.below(model.answer_tokens + 1))
    room = min(_MOST_TOKENS, _MOST_TOKENS if question.max_tokens is None else max(1, question.max_tokens))

    thinking = text = None
    tool: ToolCall | None = None
    finish: Finish = "end"
    if question.thinks and not refuses:
        thinking = cut_to_tokens(prose(draw, max(8, length // 3)), max(1, room // 2))
        room = max(1, room - tokens_of(thinking))
    if refuses:
        text, finish = "I cannot help with that.", "refusal"
    elif question.tool is not None:
        name, schema = question.tool
        tool, finish = ToolCall(answer_id[:16], name, canonical(fill_schema(schema, draw))), "tool"
    elif question.schema is not None:
        text = canonical(fill_schema(question.schema, draw))
    else:
        text = prose(draw, length)
    said = tool.arguments if tool else text or ""
    if tokens_of(said) > room:
        said, finish = cut_to_tokens(said, room), "length"
        tool, text = (ToolCall(tool.id, tool.name, said), None) if tool else (None, said)

    total = sum(tokens_of(unit) for unit in question.units)
    read, written = cache.use(question) if question.cached_units != 0 else (0, 0)
    written = 0 if question.cached_units is None else written
    usage = Usage(
        input_uncached=total - read - written,
        cache_read=read,
        cache_write_5m=0 if question.cache_is_1h else written,
        cache_write_1h=written if question.cache_is_1h else 0,
        output_text=tokens_of(said),
        reasoning=tokens_of(thinking) if thinking else 0,
    )
    return Answer(
        answer_id, question.model, thinking, text, tool, finish, usage, model.ttft_ms * spread / 100, model.tokens_per_s
    )


def pieces_of(text: str) -> list[str]:
    """Cuts a text into the pieces a stream sends, about three tokens each, at spaces where there are some.

    Args:
        text: What the model says.

    Returns:
        The pieces in order; together they are the text.
    """
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = text.find(" ", start + 8)
        end = len(text) if end == -1 else end
        end = min(end, start + 24)
        pieces.append(text[start:end])
        start = end
    return pieces


def canonical(value: Json) -> str:
    """Returns compact JSON, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def on_wire(value: Json) -> bytes:
    """Returns the JSON's bytes; a lone surrogate that a request smuggled in comes back as `?`."""
    return canonical(value).encode("utf-8", "replace")


def field_of(value: Json, name: str) -> Json:
    """Returns a field of an object, or None if there is none or this is no object."""
    return value.get(name) if isinstance(value, Mapping) else None


def items_of(value: Json) -> Sequence[Json]:
    """Returns a list's items, or nothing if this is no list."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def text_of(content: Json) -> str:
    """Returns the text that a message's content counts as: strings as they are, anything else as JSON."""
    return content if isinstance(content, str) else canonical(content)
