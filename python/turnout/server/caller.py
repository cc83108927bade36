"""Who calls: the key that a request brings, and what its headers say of it.

Promises: one reading of the credential for all endpoints; two that differ are refused; what a key is bound to stands
above anything that the client says of itself. Refuses: a name or a value that a policy could not have asked for. To
break it, send a credential in each place a client may use, and the `user` of another tenant.
"""

from __future__ import annotations

import json
from typing import Final

from turnout.execute.prepare import Meta
from turnout.server.errors import Problem
from turnout.server.http import Request
from turnout.server.keys import Key, KeyRing

__all__ = ["caller_of", "key_of", "token_of"]

_CREDENTIALS: Final = (b"x-api-key", b"api-key", b"x-goog-api-key")
_MOST_CHARS: Final = 256
_MOST_NUMBER: Final = 9.0e12
"""The largest number that a policy can ask for."""

_SESSIONS: Final = (b"x-turnout-session", b"x-litellm-session-id", b"x-claude-code-session-id", b"x-portkey-trace-id")
_TAGS: Final = (b"x-turnout-tags", b"x-litellm-tags")
_METADATA: Final = (b"x-turnout-metadata", b"x-portkey-metadata")


def token_of(request: Request) -> str | None:
    """Returns the credential that a request brings; None if it brings none.

    Raises:
        Problem: It brings two that differ.
    """
    found = {value.decode("latin-1").strip() for name in _CREDENTIALS for value in request.all(name)}
    for value in request.all(b"authorization"):
        scheme, _, token = value.decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Problem(401, "unknown-key", "the `Authorization` header holds no `Bearer` key")
        found.add(token.strip())
    if len(found) > 1:
        raise Problem(400, "two-keys", "the request brings two different keys", "send one, in one header")
    return found.pop() if found else None


def key_of(request: Request, ring: KeyRing | None, now_s: float) -> Key | None:
    """Returns whose request it is; None where no keys are asked for.

    Args:
        request: The request.
        ring: The keys; None asks for none.
        now_s: Seconds since 1970.

    Raises:
        Problem: There is no key, an unknown one, or one that is no longer good.
    """
    if ring is None:
        return None
    token = token_of(request)
    if token is None:
        raise Problem(401, "missing-key", "this gateway asks for a key", "send `Authorization: Bearer <key>`")
    key = ring.find(token)
    if key is None:
        raise Problem(401, "unknown-key", "this key is not one of this gateway's")
    if not key.is_good(now_s):
        raise Problem(401, "expired-key", f"the key `{key.name}` is no longer good", "ask for a new one")
    return key


def caller_of(request: Request, key: Key | None) -> dict[str, str | int | float | bool | None]:
    """Returns what a policy may ask about the caller (`meta`), without what the body says.

    Args:
        request: The request.
        key: Whose it is.

    Raises:
        Problem: A header with metadata cannot be read.
    """
    headers = request.headers
    meta: dict[str, str | int | float | bool | None] = {}
    for name in _METADATA:
        if name in headers:
            meta.update(_metadata(headers[name]))
    for name in _TAGS:
        if name in headers:
            meta["tags"] = _text(headers[name], "tags")
    for name in _SESSIONS:
        if name in headers:
            meta["session"] = _text(headers[name], "session")
            break
    if key is not None:
        meta.update(key.meta)
        meta["key"] = key.id
    else:
        meta.pop("key", None)
    return meta


def _text(value: bytes, name: str) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable(name, "it is not UTF-8") from None
    if len(text) > _MOST_CHARS or not text.isprintable():
        raise _unreadable(name, f"it is longer than {_MOST_CHARS} characters, or holds one that cannot be shown")
    return text


def _metadata(value: bytes) -> Meta:
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        raise _unreadable("metadata", "it is no JSON") from None
    if not isinstance(read, dict):
        raise _unreadable("metadata", "it is no JSON object")
    # A name of dots or dashes is none that a policy can ask for.
    told = {
        name.removeprefix("_"): each
        for name, each in read.items()
        if name.removeprefix("_").isidentifier() and isinstance(each, str | int | float | bool)
    }
    # `not <=` also refuses what is no number at all, which Python's reader takes for JSON.
    if any(isinstance(each, int | float) and not abs(each) <= _MOST_NUMBER for each in told.values()):
        raise _unreadable("metadata", "it holds a number that is none, or is beyond 9e12")
    return told


def _unreadable(name: str, why: str) -> Problem:
    return Problem(400, "bad-metadata", f"the header with the {name} cannot be read: {why}")
