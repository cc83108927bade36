"""The headers of an attempt: what the body is, who asks, and the key in the place where the provider looks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnout import _core
from turnout.errors import SecretError
from turnout.providers.secret import Secret

__all__ = ["ANTHROPIC_VERSION", "headers_for", "key_for"]

ANTHROPIC_VERSION: Final = "2023-06-01"
"""The version that every model of the dialect takes; 2026-10-21 refuses sampling parameters."""

_AGENT: Final = f"turnout/{_core.__version__}"


def key_for(attempt: _core.Attempt, environ: Mapping[str, str]) -> Secret | None:
    """Reads the key of an attempt; the first variable that is set wins.

    Args:
        attempt: Which call.
        environ: Where keys are.

    Returns:
        The key, or None if the provider takes none.

    Raises:
        SecretError: `secret-missing` if no variable is set, `secret-value` if it holds no usable key.
    """
    names = attempt.key_names
    if attempt.auth == "none" or not names:
        return None
    name = next((name for name in names if environ.get(name, "").strip()), None)
    if name is None:
        shown = " or ".join(f"`{each}`" for each in names)
        raise SecretError("secret-missing", f"`{attempt.deployment}` needs a key", f"set {shown} to it")
    return Secret.from_reference(f"env:{name}", environ)


def headers_for(attempt: _core.Attempt, key: Secret | None, *, is_stream: bool) -> tuple[tuple[str, str | Secret], ...]:
    """Returns the headers of one request, in order.

    Args:
        attempt: Which call.
        key: As `key_for` gave it.
        is_stream: Whether the answer comes as a stream.
    """
    headers: list[tuple[str, str | Secret]] = [
        ("content-type", "application/json"),
        ("accept", "text/event-stream" if is_stream else "application/json"),
        ("user-agent", _AGENT),
    ]
    if attempt.dialect == "anthropic-messages":
        headers.append(("anthropic-version", ANTHROPIC_VERSION))
    if key is not None:
        match attempt.auth:
            case "bearer":
                headers.append(("authorization", key.prefixed("Bearer ")))
            case "x-api-key" | "api-key":
                headers.append((attempt.auth, key))
            case other:
                raise SecretError("secret-reference", f"`{attempt.deployment}` wants its key as `{other}`")
    return tuple(headers)
