"""Assembles the shipped set: drafts take a dialect and a caller, then the kinds are mixed."""

from __future__ import annotations

import functools
import zlib
from dataclasses import replace

from .awkward import awkward_requests
from .grown import agent_drafts, paper_drafts
from .render import anthropic_messages, openai_chat, prompt
from .request import DemoRequest, Dialect, Draft
from .written import written_drafts

TEAMS = ("search", "support", "research")
URGENCIES = ("low", "normal", "high")


def demo_requests() -> tuple[DemoRequest, ...]:
    """The requests of `turnout demo`, the same ones in the same order each time.

    Returns:
        At least 240 requests; kinds alternate, so that any first part of the set is a fair sample of it. The bodies are
        fresh dicts: a caller may change them.

    Example:
        >>> requests = demo_requests()
        >>> len(requests) >= 240
        True
    """
    drafts = [*written_drafts(), *paper_drafts(), *agent_drafts()]
    requests = [_finish(draft) for draft in drafts]
    requests += [replace(request, meta=_meta(request.id, {})) for request in awkward_requests()]
    return tuple(_mixed(requests))


@functools.cache
def kinds() -> tuple[str, ...]:
    """The kinds of requests, in alphabetical order."""
    return tuple(sorted({request.kind for request in demo_requests()}))


def _finish(draft: Draft) -> DemoRequest:
    """The draft in its dialect, with its caller."""
    stream = _share(f"stream {draft.id}", 3) == 0 if draft.stream is None else draft.stream
    conversation = draft.conversation
    body: str | dict[str, object] | None = None
    dialect = draft.dialect or _dialect(draft.id)
    if dialect == "plain":
        body = prompt(conversation)
    if dialect == "anthropic":
        cached = len(conversation.system) > 4000 or bool(conversation.tools)
        body = anthropic_messages(conversation, stream=stream, cached=cached)
    if body is None:
        body = openai_chat(conversation, stream=stream, developer=_share(f"developer {draft.id}", 4) == 0)
    name = None if isinstance(body, str) else "anthropic-messages" if dialect == "anthropic" else "openai-chat"
    return DemoRequest(draft.id, draft.kind, body, _meta(draft.id, draft.meta), stream, name)


def _dialect(name: str) -> Dialect:
    """Of twenty, one is a plain prompt where it can be one, seven are Anthropic Messages, the rest OpenAI Chat."""
    place = _share(f"dialect {name}", 20)
    if place == 0:
        return "plain"
    return "anthropic" if place <= 7 else "openai"


def _meta(name: str, said: dict[str, str]) -> dict[str, str]:
    """What is said, a team for everybody, and an urgency for two of five."""
    meta = dict(said)
    meta.setdefault("team", TEAMS[_share(f"team {name}", len(TEAMS))])
    place = _share(f"urgency {name}", 15)
    if place < 6:
        meta.setdefault("urgency", URGENCIES[place // 2])
    return meta


def _share(text: str, parts: int) -> int:
    """A number below `parts` that depends on nothing but the text."""
    return zlib.crc32(text.encode()) % parts


def _mixed(requests: list[DemoRequest]) -> list[DemoRequest]:
    """Each kind spread evenly over the whole, at the middle of its equal parts."""
    groups: dict[str, list[DemoRequest]] = {}
    for request in requests:
        groups.setdefault(request.kind, []).append(request)
    placed: list[tuple[float, str, DemoRequest]] = []
    for kind, group in groups.items():
        placed.extend(((index + 0.5) / len(group), kind, request) for index, request in enumerate(group))
    placed.sort(key=lambda item: item[:2])
    return [request for _, _, request in placed]
