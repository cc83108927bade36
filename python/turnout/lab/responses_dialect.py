"""The lab as OpenAI: POST /v1/responses, in whole answers and in streams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from turnout.lab.chat_dialect import ChatDialect
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

__all__ = ["ResponsesDialect"]

_STATUS = {"end": "completed", "tool": "completed", "length": "incomplete", "refusal": "completed"}
_ENDINGS = {
    "length": ("incomplete", "max_output_tokens"),
    "refusal": ("incomplete", "content_filter"),
    "pause": ("incomplete", "max_output_tokens"),
    "window": ("incomplete", "max_output_tokens"),
    "unknown": ("completed", None),
}
"""Responses ends in a status: what another dialect says in a word of its own is `incomplete` here."""

_ANY_OBJECT: Json = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
_CACHE_STEP_TOKENS = 128


class ResponsesDialect:
    """OpenAI's Responses."""

    name = "responses"
    ping = b": keep-alive\n\n"
    misplaced_frame = Frame(
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_stray",'
        b'"output_index":7,"content_index":0,"delta":"stray"}\n\n'
    )
    strange_frames: Sequence[Frame] = (
        Frame(b'event: response.x_future\ndata: {"type":"response.x_future","a":[1]}\n\n'),
        Frame(b'event: x_future\ndata: {"type":"x_future"}\n\n'),
    )

    def read(self, headers: Mapping[str, str], body: bytes) -> Question:
        """Reads a request; raises `Refused` where the provider would."""
        try:
            asked: Json = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused("400", "We could not parse the JSON body of your request.") from None
        model, given = field_of(asked, "model"), field_of(asked, "input")
        if not isinstance(model, str) or not model:
            raise Refused("400", "Missing required parameter: 'model'.")
        if not given:
            raise Refused("400", "Missing required parameter: 'input'.")
        turns = [given] if isinstance(given, str) else list(items_of(given))
        limit, effort = field_of(asked, "max_output_tokens"), field_of(field_of(asked, "reasoning"), "effort")
        instructions = field_of(asked, "instructions")
        tools = items_of(field_of(asked, "tools"))
        return Question(
            model=model,
            is_stream=field_of(asked, "stream") is True,
            wants_usage=True,
            seed=hashlib.blake2b(canonical([model, instructions, turns]).encode("utf-8", "surrogatepass")).digest(),
            max_tokens=limit if isinstance(limit, int) and not isinstance(limit, bool) else None,
            units=tuple(text_of(each) for each in (*tools, *([instructions] if instructions else []), *turns)),
            cached_units=None,
            cache_is_1h=False,
            thinks=isinstance(effort, str) and effort != "none",
            tool=_tool(asked, turns),
            schema=_schema(field_of(field_of(asked, "text"), "format")),
        )

    def headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        """Returns the headers that each answer carries."""
        return ChatDialect().headers(request_id)

    def whole(self, answer: Answer, request_id: str, created: int) -> Reply:
        """Writes an answer in one piece."""
        return Reply(200, self.headers(request_id), on_wire(_response(answer, created, _items(answer))))

    def frames(self, answer: Answer, created: int, wants_usage: bool) -> list[Frame]:
        """Writes an answer as a stream's events, ending included."""
        begun = {**_response(answer, created, []), "status": "in_progress", "usage": None, "incomplete_details": None}
        numbers = iter(range(1_000_000))

        def event(kind: str, fields: Mapping[str, Json], of: str, tokens: int = 0) -> Frame:
            body = {"type": kind, "sequence_number": next(numbers), **fields}
            return Frame(b"event: " + kind.encode() + b"\ndata: " + on_wire(body) + b"\n\n", tokens, of)

        frames = [event(f"response.{each}", {"response": begun}, "start") for each in ("created", "in_progress")]
        for index, item in enumerate(_items(answer)):
            place: dict[str, Json] = {"item_id": item["id"], "output_index": index}
            kind, said = str(item["type"]), _said(answer, item)
            empty = {**item, "status": "in_progress", **_EMPTY[kind]}
            frames.append(event("response.output_item.added", {"output_index": index, "item": empty}, "open"))
            if kind == "message":
                part = {**place, "content_index": 0}
                blank = _part(answer, "")
                frames.append(event("response.content_part.added", {**part, "part": blank}, "open"))
            else:
                part = {**place, "summary_index": 0} if kind == "reasoning" else place
            name = _DELTAS["refusal" if kind == "message" and answer.finish == "refusal" else kind]
            frames.extend(
                event(f"response.{name}.delta", {**part, "delta": piece}, "content", tokens_of(piece))
                for piece in pieces_of(said)
            )
            frames.append(event(f"response.{name}.done", {**part, _DONE.get(name, "text"): said}, "close"))
            frames.append(event("response.output_item.done", {"output_index": index, "item": item}, "close"))
        status = _STATUS[answer.finish]
        frames.append(event(f"response.{status}", {"response": _response(answer, created, _items(answer))}, "end"))
        return frames

    def error(self, fault: str, message: str, request_id: str) -> Reply:
        """Writes an error as the provider does, headers included."""
        return ChatDialect().error(fault, message, request_id)

    def error_frame(self, request_id: str) -> Frame:
        """Writes an error as an event inside a stream."""
        said = field_of(json.loads(self.error("529", "", request_id).body), "error")
        body = {"type": "error", "code": field_of(said, "code"), "message": field_of(said, "message"), "param": None}
        return Frame(b"event: error\ndata: " + on_wire(body) + b"\n\n")

    def ended(self, body: Json, reason: str) -> Json:
        """Gives the JSON of an answer or an event another ending."""
        status, why = _ENDINGS[reason]
        inner = field_of(body, "response")
        if isinstance(body, Mapping) and isinstance(inner, Mapping):
            if field_of(body, "type") != "response.completed":
                return body
            return {**body, "type": f"response.{status}", "response": self.ended(inner, reason)}
        if not isinstance(body, Mapping) or "status" not in body or "output" not in body:
            return body
        return {**body, "status": status, "incomplete_details": {"reason": why} if why else None}

    def emptied(self, body: Json) -> Json:
        """Takes all content out of a whole answer."""
        return {**body, "output": []} if isinstance(body, Mapping) else body

    def nulled(self, body: Json) -> Json:
        """Makes the content of a whole answer null."""
        if not isinstance(body, Mapping):
            return body
        output = [{**item, "content": None} for item in items_of(body["output"]) if isinstance(item, Mapping)]
        return {**body, "output": output}

    def strange(self, body: Json) -> Json:
        """Adds what no client knows to a whole answer."""
        if not isinstance(body, Mapping):
            return body
        return {**body, "output": [*items_of(body["output"]), {"type": "x_future", "id": "x"}], "x_future": {"a": [1]}}


_EMPTY: Mapping[str, Mapping[str, Json]] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "reasoning": {"summary": []},
}
_DELTAS = {
    "message": "output_text",
    "refusal": "refusal",
    "function_call": "function_call_arguments",
    "reasoning": "reasoning_summary_text",
}
_DONE = {"function_call_arguments": "arguments", "refusal": "refusal"}


def _items(answer: Answer) -> list[dict[str, Json]]:
    items: list[dict[str, Json]] = []
    if answer.thinking is not None:
        summary: Json = [{"type": "summary_text", "text": answer.thinking}]
        items.append({"id": f"rs_{answer.id}", "type": "reasoning", "summary": summary})
    if answer.text is not None:
        content: Json = [_part(answer, answer.text)]
        items.append(
            {
                "id": f"msg_{answer.id}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        )
    if answer.tool is not None:
        items.append(
            {
                "id": f"fc_{answer.id}",
                "type": "function_call",
                "status": "completed",
                "call_id": f"call_{answer.tool.id}",
                "name": answer.tool.name,
                "arguments": answer.tool.arguments,
            }
        )
    return items


def _part(answer: Answer, text: str) -> Json:
    if answer.finish == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": []}


def _said(answer: Answer, item: Mapping[str, Json]) -> str:
    match item["type"]:
        case "reasoning":
            return answer.thinking or ""
        case "function_call":
            return answer.tool.arguments if answer.tool else ""
        case _:
            return answer.text or ""


def _response(answer: Answer, created: int, items: Sequence[Json]) -> dict[str, Json]:
    status = _STATUS[answer.finish]
    used = answer.usage
    given, made = used.input_uncached + used.cache_read, used.output_text + used.reasoning
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "model": answer.model,
        "output": list(items),
        "service_tier": "default",
        "usage": {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": used.cache_read // _CACHE_STEP_TOKENS * _CACHE_STEP_TOKENS},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": used.reasoning},
            "total_tokens": given + made,
        },
    }


def _schema(form: Json) -> Json:
    match field_of(form, "type"):
        case "json_schema":
            return field_of(form, "schema")
        case "json_object":
            return _ANY_OBJECT
        case _:
            return None


def _tool(asked: Json, turns: Sequence[Json]) -> tuple[str, Json] | None:
    """Picks the tool to call: the forced one; else the first, unless the last item brings a tool's result."""
    tools = [tool for tool in items_of(field_of(asked, "tools")) if field_of(tool, "type") == "function"]
    choice = field_of(asked, "tool_choice")
    if not tools or choice == "none":
        return None
    named = field_of(choice, "name")
    if named is not None:
        tools = [tool for tool in tools if field_of(tool, "name") == named]
        if not tools:
            raise Refused("400", "tool_choice: the named function is not in tools")
    elif choice != "required" and field_of(turns[-1], "type") == "function_call_output":
        return None
    schema = field_of(tools[0], "parameters")
    return str(field_of(tools[0], "name")), {"type": "object"} if schema is None else schema
