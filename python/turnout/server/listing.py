"""What clients may ask for: `/v1/models` in the shape of OpenAI, or of Anthropic where the client speaks that."""

from __future__ import annotations

import json
from typing import Final

from turnout._core import Policy
from turnout.server.errors import Problem
from turnout.server.http import Request
from turnout.server.keys import Key

__all__ = ["models_answer"]

_EPOCH: Final = "1970-01-01T00:00:00Z"
"""A name of a policy has no date; the field must be there."""


def models_answer(policy: Policy, request: Request, key: Key | None, name: str | None = None) -> bytes:
    """Returns the list of names, or what is known of one, as JSON.

    Args:
        policy: The policy.
        request: Who asks, and in which dialect.
        key: Whose request it is; names that it may not ask for are left out.
        name: The one that is asked about; None for all.

    Raises:
        Problem: There is no such name.
    """
    offers = policy.offers()
    rows: dict[str, dict[str, object]] = {}
    for each, models in policy.names():
        if each not in rows and (key is None or not key.models or each in key.models):
            rows[each] = {"models": {model: offers[model] for model in models}}
    is_anthropic = b"anthropic-version" in request.headers
    shaped = {each: _row(each, told, is_anthropic=is_anthropic) for each, told in rows.items()}
    if name is not None:
        if name not in shaped:
            raise Problem(404, "unknown-model-name", "there is no such model here", "`GET /v1/models` lists the names")
        return _json(shaped[name])
    listed = list(shaped.values())
    if is_anthropic:
        names: list[str | None] = [*shaped] or [None]
        return _json({"data": listed, "has_more": False, "first_id": names[0], "last_id": names[-1]})
    return _json({"object": "list", "data": listed})


def _row(name: str, told: dict[str, object], *, is_anthropic: bool) -> dict[str, object]:
    if is_anthropic:
        return {"type": "model", "id": name, "display_name": name, "created_at": _EPOCH, "turnout": told}
    return {"id": name, "object": "model", "created": 0, "owned_by": "turnout", "turnout": told}


def _json(told: object) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
