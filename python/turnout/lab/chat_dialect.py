"""The lab as OpenAI: POST /v1/chat/completions, in whole answers and in streams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

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

__all__ = ["ChatDialect"]

_ERRORS: dict[str, tuple[int, str, str | None]] = {
    "400": (400, "invalid_request_error", None),
    "401": (401, "invalid_request_error", "invalid_api_key"),
    "402": (402, "billing_error", "billing_hard_limit_reached"),
    "403": (403, "permission_error", "insufficient_permissions"),
    "404": (404, "invalid_request_error", "model_not_found"),
    "413": (413, "invalid_request_error", None),
    "429": (429, "requests", "rate_limit_exceeded"),
    "quota": (429, "insufficient_quota", "insufficient_quota"),
    "500": (500, "server_error", None),
    "plain500": (500, "server_error", None),
    "529": (503, "server_error", "overloaded"),
    "overflow": (400, "invalid_request_error", "context_length_exceeded"),
}
_TEXTS = {
    "401": "Incorrect API key provided.",
    "402": "Your account has an unpaid invoice.",
    "403": "You have insufficient permissions for this operation.",
    "404": "The model does not exist or you do not have access to it.",
    "429": "Rate limit reached for requests per min (RPM): Limit 50, Used 50, Requested 1.",
    "413": "Request body is too large.",
    "quota": "You exceeded your current quota, please check your plan and billing details.",
    "plain500": "The server had an error while processing your request.",
    "500": "The server had an error while processing your request.",
    "529": "The engine is currently overloaded, please try again later.",
    "overflow": "This model's maximum context length is 400000 tokens. Your messages resulted in 400001 tokens.",
}
_FINISH = {"end": "stop", "length": "length", "tool": "tool_calls", "refusal": "content_filter"}
_ANY_OBJECT: Json = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
_ENDINGS = {
    "length": "length",
    "refusal": "content_filter",
    "pause": "pause_turn",
    "window": "model_context_window_exceeded",
    "unknown": "x_terminus",
}
_CACHE_STEP_TOKENS = 128
"""OpenAI counts cached tokens in steps of 128 from 1024 on."""


class ChatDialect:
    """OpenAI's Chat Completions."""

    name = "openai"
    ping = b": OPENROUTER PROCESSING\n\n"
    misplaced_frame = Frame(
        b'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":'
        b'[{"index":3,"function":{"arguments":"{}"}}]},"finish_reason":null}]}\n\n'
    )
    strange_frames: Sequence[Frame] = (
        Frame(b'event: x.future\ndata: {"object":"x.future","choices":[],"x":[1]}\n\n'),
        Frame(b'data: {"choices":[{"index":0,"delta":{"x_future":{"a":1}},"finish_reason":null}]}\n\n'),
    )

    def read(self, headers: Mapping[str, str], body: bytes) -> Question:
        """Reads a request; raises `Refused` where the provider would."""
        try:
            asked: Json = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused("400", "We could not parse the JSON body of your request.") from None
        model = field_of(asked, "model")
        messages = items_of(field_of(asked, "messages"))
        if not isinstance(model, str) or not model:
            raise Refused("400", "you must provide a model parameter")
        if not messages:
            raise Refused("400", "Missing required parameter: 'messages'.")
        limit = field_of(asked, "max_completion_tokens")
        limit = field_of(asked, "max_tokens") if limit is None else limit
        tools = items_of(field_of(asked, "tools"))
        effort = field_of(asked, "reasoning_effort")
        return Question(
            model=model,
            is_stream=field_of(asked, "stream") is True,
            wants_usage=field_of(field_of(asked, "stream_options"), "include_usage") is True,
            seed=hashlib.blake2b(canonical([model, messages]).encode("utf-8", "surrogatepass")).digest(),
            max_tokens=limit if isinstance(limit, int) and not isinstance(limit, bool) else None,
            units=tuple(text_of(tool) for tool in tools)
            + tuple(
                text_of(field_of(m, "content") if isinstance(field_of(m, "content"), str) else m) for m in messages
            ),
            cached_units=None,
            cache_is_1h=False,
            thinks=isinstance(effort, str) and effort != "none",
            tool=_tool(asked, messages),
            schema=_schema(field_of(asked, "response_format")),
        )

    def headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        """Returns the headers that each answer carries."""
        return (
            ("x-request-id", f"req_{request_id}"),
            ("openai-processing-ms", "1"),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", "30000"),
            ("x-ratelimit-remaining-requests", "29999"),
            ("x-ratelimit-reset-requests", "120ms"),
        )

    def whole(self, answer: Answer, request_id: str, created: int) -> Reply:
        """Writes an answer in one piece."""
        said: dict[str, Json] = {"role": "assistant", "content": answer.text, "refusal": None}
        if answer.finish == "refusal":
            said = {"role": "assistant", "content": None, "refusal": answer.text}
        if answer.tool is not None:
            said["tool_calls"] = [_call(answer, answer.tool.arguments)]
        body: Json = {
            **_head(answer, "chat.completion", created),
            "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": _FINISH[answer.finish]}],
            "usage": _usage(answer),
        }
        return Reply(200, self.headers(request_id), on_wire(body))

    def frames(self, answer: Answer, created: int, wants_usage: bool) -> list[Frame]:
        """Writes an answer as a stream's events, ending included."""
        head = _head(answer, "chat.completion.chunk", created)
        # With include_usage each chunk has the field, null until the last.
        extra: dict[str, Json] = {"usage": None} if wants_usage else {}

        def chunk(delta: Json, finish: str | None = None, tokens: int = 0, kind: str = "content") -> Frame:
            choice: Json = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return _frame({**head, "choices": [choice], **extra}, tokens, kind)

        first: Json = {"role": "assistant", "content": None if answer.tool else "", "refusal": None}
        frames = [chunk(first, kind="start")]
        if answer.tool is not None:
            frames.append(chunk({"tool_calls": [{"index": 0, **_call(answer, "")}]}, kind="open"))
            for piece in pieces_of(answer.tool.arguments):
                part: Json = {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
                frames.append(chunk(part, tokens=tokens_of(piece)))
        key = "refusal" if answer.finish == "refusal" else "content"
        frames.extend(chunk({key: piece}, tokens=tokens_of(piece)) for piece in pieces_of(answer.text or ""))
        frames.append(chunk({}, _FINISH[answer.finish], kind="finish"))
        if wants_usage:
            frames.append(_frame({**head, "choices": [], "usage": _usage(answer)}, kind="usage"))
        frames.append(Frame(b"data: [DONE]\n\n", kind="end"))
        return frames

    def error(self, fault: str, message: str, request_id: str) -> Reply:
        """Writes an error as the provider does, headers included."""
        status, _, _ = _ERRORS[fault]
        return Reply(status, self.headers(request_id), on_wire(_error(fault, message)))

    def ended(self, body: Json, reason: str) -> Json:
        """Gives the JSON of an answer or an event another ending."""
        return _choices(body, lambda each: {**each, "finish_reason": each["finish_reason"] and _ENDINGS[reason]})

    def emptied(self, body: Json) -> Json:
        """Takes all content out of a whole answer."""
        return {**body, "choices": []} if isinstance(body, Mapping) else body

    def nulled(self, body: Json) -> Json:
        """Makes the content of a whole answer null."""
        said: Json = {"role": "assistant", "content": None, "refusal": None}
        return _choices(body, lambda each: {**each, "message": said})

    def strange(self, body: Json) -> Json:
        """Adds what no client knows to a whole answer."""
        return _choices({**body, "x_future": {"a": [1]}} if isinstance(body, Mapping) else body, _with_stranger)

    def error_frame(self, request_id: str) -> Frame:
        """Writes an error as an event inside a stream."""
        return _frame(_error("529", ""))


def _choices(body: Json, change: Callable[[Mapping[str, Json]], Json]) -> Json:
    """Changes each choice of an answer or a chunk."""
    if not isinstance(body, Mapping) or "choices" not in body:
        return body
    return {**body, "choices": [change(each) for each in items_of(body["choices"]) if isinstance(each, Mapping)]}


def _with_stranger(choice: Mapping[str, Json]) -> Json:
    message = field_of(choice, "message")
    said = {**message, "x_future": {"a": [1]}} if isinstance(message, Mapping) else message
    return {**choice, "message": said, "x_future": None}


def _error(fault: str, message: str) -> Mapping[str, Json]:
    _, kind, code = _ERRORS[fault]
    param = "messages" if fault == "overflow" else None
    return {"error": {"message": message or _TEXTS.get(fault, fault), "type": kind, "param": param, "code": code}}


def _frame(body: Mapping[str, Json], tokens: int = 0, kind: str = "") -> Frame:
    return Frame(b"data: " + on_wire(body) + b"\n\n", tokens, kind)


def _head(answer: Answer, kind: str, created: int) -> dict[str, Json]:
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": kind,
        "created": created,
        "model": answer.model,
        "service_tier": "default",
        "system_fingerprint": "fp_lab",
    }


def _call(answer: Answer, arguments: str) -> Mapping[str, Json]:
    name = answer.tool.name if answer.tool else ""
    return {"id": f"call_{answer.id[:16]}", "type": "function", "function": {"name": name, "arguments": arguments}}


def _usage(answer: Answer) -> Json:
    """OpenAI's shape: prompt tokens with those of the cache, completion tokens with those of reasoning."""
    used = answer.usage
    prompt = used.input_uncached + used.cache_read
    completion = used.output_text + used.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": used.cache_read // _CACHE_STEP_TOKENS * _CACHE_STEP_TOKENS,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {"reasoning_tokens": used.reasoning, "audio_tokens": 0},
    }


def _schema(form: Json) -> Json:
    match field_of(form, "type"):
        case "json_schema":
            return field_of(field_of(form, "json_schema"), "schema")
        case "json_object":
            return _ANY_OBJECT
        case _:
            return None


def _tool(asked: Json, messages: Json) -> tuple[str, Json] | None:
    """Picks the tool to call: the forced one; else the first, unless the last message brings a tool's result."""
    tools = [field_of(tool, "function") for tool in items_of(field_of(asked, "tools"))]
    tools = [tool for tool in tools if field_of(tool, "name") is not None]
    choice = field_of(asked, "tool_choice")
    if not tools or choice == "none":
        return None
    named = field_of(field_of(choice, "function"), "name")
    if named is not None:
        tools = [tool for tool in tools if field_of(tool, "name") == named]
        if not tools:
            raise Refused("400", "tool_choice: the named function is not in tools")
    elif choice != "required" and field_of(items_of(messages)[-1], "role") == "tool":
        return None
    schema = field_of(tools[0], "parameters")
    return str(field_of(tools[0], "name")), {"type": "object"} if schema is None else schema
