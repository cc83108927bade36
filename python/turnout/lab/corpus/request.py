"""What a demo request is, and the neutral form in which requests are written before they take a dialect's shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Dialect = Literal["openai", "anthropic", "plain"]
Role = Literal["user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """One request of the shipped set, as a client of the router would hand it over.

    Args:
        id: Unique and stable; begins with the kind.
        kind: One of `kinds()`.
        request: A plain prompt, the bytes of a body, or a body of OpenAI Chat or Anthropic Messages.
        meta: What the caller says about itself (`team`, and on some `residency`, `urgency`, `locale`).
        stream: Whether the answer is wanted as a stream; bodies say the same.
        dialect: `openai-chat` or `anthropic-messages`, None for a plain prompt. A short body is often valid in both, so
            only its sender knows.
    """

    id: str
    kind: str
    request: str | bytes | dict[str, object]
    meta: dict[str, str]
    stream: bool
    dialect: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """An image at `url`, or inline as base64 `data` of `media_type`."""

    url: str = ""
    media_type: str = ""
    data: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file called `name`: at `url`, as plain `text`, or as base64 `data` of `media_type`."""

    name: str
    media_type: str = ""
    text: str = ""
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool on offer; `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """The model asks for a tool; `id` gets the dialect's prefix when it is rendered."""

    id: str
    name: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True)
class Result:
    """A tool's answer to the call with that `id`."""

    id: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation in neutral form."""

    role: Role
    text: str = ""
    pictures: tuple[Picture, ...] = ()
    files: tuple[File, ...] = ()
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole request in neutral form.

    Args:
        turns: Messages, oldest first; the last one is the user's or a tool's.
        system: System prompt, empty when there is none.
        tools: Tools on offer.
        tool_choice: The one tool that must be called, empty when the model may choose.
        schema: JSON Schema of the answer as an object, or None.
        json_object: Whether any JSON object is wanted.
        effort: `low`, `medium`, `high`, or empty when nothing is said.
        max_tokens: Bound on the answer in tokens, or None for the dialect's usual one.
        temperature: Sampling temperature, or None.
        model: The model that the client names.
    """

    turns: tuple[Turn, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: str = ""
    schema: dict[str, object] | None = None
    json_object: bool = False
    effort: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    model: str = "auto"


@dataclass(frozen=True, slots=True)
class Draft:
    """A conversation on its way to become a `DemoRequest`; what is None is chosen by the id's checksum."""

    id: str
    kind: str
    conversation: Conversation
    dialect: Dialect | None = None
    stream: bool | None = None
    meta: dict[str, str] = field(default_factory=dict)
