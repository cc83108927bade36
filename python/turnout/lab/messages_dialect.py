"""The lab as Anthropic: POST /v1/messages, in whole answers and in streams.

Shapes as of the API version 2026-10-21 and before (the request's `anthropic-version` says which): under the newer one
the sampling parameters are refused, as they are by the provider.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from turnout.lab.exchange import (
    Answer,
    Frame,
    Question,
    Refused,
    Reply,
    canonical,
    field_of,
    items_of,
    on_wire,
    pieces_of,
    text_of,
)
from turnout.lab.schema import Json
from turnout.lab.text import tokens_of

__all__ = ["MessagesDialect"]

_ERRORS = {
    "400": (400, "invalid_request_error"),
    "401": (401, "authentication_error"),
    "402": (402, "billing_error"),
    "403": (403, "permission_error"),
    "404": (404, "not_found_error"),
    "413": (413, "request_too_large"),
    "429": (429, "rate_limit_error"),
    "quota": (429, "rate_limit_error"),
    "500": (500, "api_error"),
    "plain500": (500, "api_error"),
    "529": (529, "overloaded_error"),
    "overflow": (400, "invalid_request_error"),
}
_TEXTS = {
    "401": "invalid x-api-key",
    "402": "Your account has an unpaid invoice.",
    "403": "Your API key does not have permission to use the specified resource.",
    "404": "model: the requested model does not exist",
    "429": "This request would exceed your organization's rate limit of 50 requests per minute.",
    "413": "Request exceeds the maximum allowed number of bytes.",
    "quota": "enforced_spend_limit_reached",
    "plain500": "Internal server error",
    "500": "Internal server error",
    "529": "Overloaded",
    "overflow": "prompt is too long: 1000001 tokens > 1000000 maximum",
}
_STOP = {"end": "end_turn", "length": "max_tokens", "tool": "tool_use", "refusal": "refusal"}
_ENDINGS = {
    "length": "max_tokens",
    "refusal": "refusal",
    "pause": "pause_turn",
    "window": "model_context_window_exceeded",
    "unknown": "x_terminus",
}
_SAMPLING = ("temperature", "top_p", "top_k")
_STRICT_SINCE = "2026-10-21"


class MessagesDialect:
    """Anthropic's Messages."""

    name = "anthropic"
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    misplaced_frame = Frame(
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":7,"delta":{"type":"text_delta",'
        b'"text":"stray"}}\n\n'
    )
    strange_frames: Sequence[Frame] = (
        Frame(b'event: x_future\ndata: {"type":"x_future","a":[1]}\n\n'),
        Frame(
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
            b'{"type":"x_future_delta","a":1}}\n\n'
        ),
    )

    def read(self, headers: Mapping[str, str], body: bytes) -> Question:
        """Reads a request; raises `Refused` where the provider would."""
        version = headers.get("anthropic-version")
        if not version:
            raise Refused("400", "anthropic-version: header is required")
        try:
            asked: Json = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused("400", "The request body is not valid JSON") from None
        model = field_of(asked, "model")
        messages = items_of(field_of(asked, "messages"))
        limit = field_of(asked, "max_tokens")
        if not isinstance(model, str) or not model:
            raise Refused("400", "model: Field required")
        if not messages:
            raise Refused("400", "messages: at least one message is required")
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
            raise Refused("400", "max_tokens: Field required")
        if version >= _STRICT_SINCE:
            for name in _SAMPLING:
                if field_of(asked, name) is not None:
                    raise Refused("400", f"{name}: Extra inputs are not permitted")
        units, cached, is_1h = _units(asked, messages)
        return Question(
            model=model,
            is_stream=field_of(asked, "stream") is True,
            wants_usage=True,
            seed=hashlib.blake2b(
                canonical([model, field_of(asked, "system"), messages]).encode("utf-8", "surrogatepass")
            ).digest(),
            max_tokens=limit,
            units=units,
            cached_units=cached,
            cache_is_1h=is_1h,
            thinks=field_of(field_of(asked, "thinking"), "type") in ("enabled", "adaptive"),
            tool=_tool(asked, messages),
            schema=field_of(field_of(field_of(asked, "output_config"), "format"), "schema"),
        )

    def headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        """Returns the headers that each answer carries."""
        return (
            ("request-id", f"req_{request_id}"),
            ("anthropic-organization-id", "00000000-0000-4000-8000-00000000001a"),
            ("anthropic-ratelimit-requests-limit", "50000"),
            ("anthropic-ratelimit-requests-remaining", "49999"),
        )

    def whole(self, answer: Answer, request_id: str, created: int) -> Reply:
        """Writes an answer in one piece."""
        message = _message(answer, _blocks(answer), _STOP[answer.finish], _usage(answer, answer.usage.output_text))
        return Reply(200, self.headers(request_id), on_wire(message))

    def frames(self, answer: Answer, created: int, wants_usage: bool) -> list[Frame]:
        """Writes an answer as a stream's events, ending included."""
        frames = [_frame("message_start", {"message": _message(answer, [], None, _usage(answer, 1, is_first=True))})]
        for index, block in enumerate(_blocks(answer)):
            kind = field_of(block, "type")
            opening: dict[str, Json]
            if kind == "thinking":
                said, opening = answer.thinking or "", {"type": "thinking", "thinking": "", "signature": ""}
                delta, key = "thinking_delta", "thinking"
            elif kind == "tool_use" and answer.tool:
                said = answer.tool.arguments
                opening = {"type": "tool_use", "id": f"toolu_{answer.tool.id}", "name": answer.tool.name, "input": {}}
                delta, key = "input_json_delta", "partial_json"
            else:
                said, opening = answer.text or "", {"type": "text", "text": ""}
                delta, key = "text_delta", "text"
            frames.append(_frame("content_block_start", {"index": index, "content_block": opening}))
            if index == 0:
                frames.append(_frame("ping", {}))
            frames.extend(
                _frame("content_block_delta", {"index": index, "delta": {"type": delta, key: piece}}, tokens_of(piece))
                for piece in pieces_of(said)
            )
            if kind == "thinking":
                signed: Json = {"type": "signature_delta", "signature": _signature(answer)}
                frames.append(_frame("content_block_delta", {"index": index, "delta": signed}))
            frames.append(_frame("content_block_stop", {"index": index}))
        ending: Json = {
            "stop_reason": _STOP[answer.finish],
            "stop_sequence": None,
            "stop_details": _DECLINED if answer.finish == "refusal" else None,
        }
        usage = _usage(answer, answer.usage.output_text)
        frames.append(_frame("message_delta", {"delta": ending, "usage": usage}))
        frames.append(_frame("message_stop", {}))
        return frames

    def error(self, fault: str, message: str, request_id: str) -> Reply:
        """Writes an error as the provider does, headers included."""
        status, kind = _ERRORS[fault]
        headers = self.headers(request_id)
        if fault in ("500", "529"):
            headers = (*headers, ("x-should-retry", "true"))
        return Reply(status, headers, on_wire(_error(kind, message or _TEXTS.get(fault, fault), request_id)))

    def ended(self, body: Json, reason: str) -> Json:
        """Gives the JSON of an answer or an event another ending."""
        if not isinstance(body, Mapping):
            return body
        delta = body.get("delta")
        if isinstance(delta, Mapping) and delta.get("stop_reason"):
            return {**body, "delta": {**delta, "stop_reason": _ENDINGS[reason]}}
        return {**body, "stop_reason": _ENDINGS[reason]} if body.get("stop_reason") else body

    def emptied(self, body: Json) -> Json:
        """Takes all content out of a whole answer."""
        return {**body, "content": []} if isinstance(body, Mapping) else body

    def nulled(self, body: Json) -> Json:
        """Makes the content of a whole answer null."""
        return {**body, "content": None} if isinstance(body, Mapping) else body

    def strange(self, body: Json) -> Json:
        """Adds what no client knows to a whole answer."""
        if not isinstance(body, Mapping):
            return body
        return {**body, "content": [*items_of(body["content"]), {"type": "x_future", "a": 1}], "x_future": {"a": [1]}}

    def error_frame(self, request_id: str) -> Frame:
        """Writes an error as an event inside a stream."""
        return _frame("error", _error("overloaded_error", _TEXTS["529"], request_id))


_DECLINED: Json = {"type": "refusal", "category": None, "explanation": None}


def _error(kind: str, message: str, request_id: str) -> dict[str, Json]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": f"req_{request_id}"}


_KINDS = {
    "message_start": "start",
    "content_block_start": "open",
    "content_block_delta": "content",
    "content_block_stop": "close",
    "message_delta": "finish",
    "message_stop": "end",
}


def _frame(event: str, fields: Mapping[str, Json], tokens: int = 0) -> Frame:
    data = b"event: " + event.encode() + b"\ndata: " + on_wire({"type": event, **fields}) + b"\n\n"
    return Frame(data, tokens, _KINDS.get(event, ""))


def _signature(answer: Answer) -> str:
    return hashlib.blake2b((answer.thinking or "").encode(), digest_size=32).hexdigest()


def _blocks(answer: Answer) -> list[Json]:
    blocks: list[Json] = []
    if answer.thinking is not None:
        blocks.append({"type": "thinking", "thinking": answer.thinking, "signature": _signature(answer)})
    if answer.text is not None and answer.finish != "refusal":
        blocks.append({"type": "text", "text": answer.text})
    if answer.tool is not None:
        try:
            arguments: Json = json.loads(answer.tool.arguments)
        except ValueError:
            arguments = {}  # cut by max_tokens; the provider too has no parsed input then
        blocks.append(
            {"type": "tool_use", "id": f"toolu_{answer.tool.id}", "name": answer.tool.name, "input": arguments}
        )
    return blocks


def _message(answer: Answer, content: list[Json], stop: str | None, usage: Json) -> Json:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": _DECLINED if stop == "refusal" else None,
        "usage": usage,
    }


def _usage(answer: Answer, output_text: int, is_first: bool = False) -> Json:
    """Anthropic's shape: input tokens without those of the cache, output tokens with those of thinking."""
    used = answer.usage
    reasoning = 0 if is_first else used.reasoning
    return {
        "input_tokens": used.input_uncached,
        "cache_read_input_tokens": used.cache_read,
        "cache_creation_input_tokens": used.cache_write_5m + used.cache_write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.cache_write_5m,
            "ephemeral_1h_input_tokens": used.cache_write_1h,
        },
        "output_tokens": output_text + reasoning,
        "output_tokens_details": {"thinking_tokens": reasoning},
        "service_tier": "standard",
    }


def _units(asked: Json, messages: Json) -> tuple[tuple[str, ...], int, bool]:
    """Cuts the prompt at the blocks that a cache mark may follow: tools, then system, then messages."""
    units: list[str] = []
    cached, is_1h = 0, False
    blocks: list[Json] = [*items_of(field_of(asked, "tools"))]
    system = field_of(asked, "system")
    blocks.extend(items_of(system) if not isinstance(system, str) else [system])
    for message in items_of(messages):
        content = field_of(message, "content")
        blocks.extend(items_of(content) if not isinstance(content, str) else [content])
    for block in blocks:
        said = field_of(block, "text")
        units.append(text_of(said if isinstance(said, str) else block))
        mark = field_of(block, "cache_control")
        if field_of(mark, "type") == "ephemeral":
            cached, is_1h = len(units), field_of(mark, "ttl") == "1h"
    mark = field_of(asked, "cache_control")
    if field_of(mark, "type") == "ephemeral":
        cached, is_1h = len(units), field_of(mark, "ttl") == "1h"
    return tuple(units), cached, is_1h


def _tool(asked: Json, messages: Json) -> tuple[str, Json] | None:
    """Picks the tool to call: the forced one; else the first, unless the last message brings a tool's result."""
    tools = [tool for tool in items_of(field_of(asked, "tools")) if field_of(tool, "input_schema") is not None]
    choice = field_of(asked, "tool_choice")
    how = field_of(choice, "type") or "auto"
    if not tools or how == "none":
        return None
    if how == "tool":
        tools = [tool for tool in tools if field_of(tool, "name") == field_of(choice, "name")]
        if not tools:
            raise Refused("400", "tool_choice: the named tool is not in tools")
    elif how == "auto":
        last = field_of(items_of(messages)[-1], "content")
        if any(field_of(block, "type") == "tool_result" for block in items_of(last)):
            return None
    return str(field_of(tools[0], "name")), field_of(tools[0], "input_schema")
