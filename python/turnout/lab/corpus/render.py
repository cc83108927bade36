"""Neutral conversations in, bodies of OpenAI Chat and Anthropic Messages out."""

from __future__ import annotations

import base64
import json

from .request import Call, Conversation, File, Picture, Result, Turn

# Anthropic Messages requires `max_tokens`; this is what most examples and SDK users send.
USUAL_MAX_TOKENS = 4096
# `thinking.budget_tokens` by effort: at least 1024 and below `max_tokens` (Anthropic Messages, extended thinking).
THINKING_BUDGET_TOKENS = {"low": 1024, "medium": 4096, "high": 12_000}


def prompt(conversation: Conversation) -> str | None:
    """The conversation as a plain prompt, or None when it says more than one text can."""
    bare = Conversation(turns=conversation.turns, model=conversation.model)
    if conversation != bare or len(conversation.turns) != 1:
        return None
    turn = conversation.turns[0]
    return None if turn.pictures or turn.files else turn.text


def openai_chat(conversation: Conversation, *, stream: bool, developer: bool = False) -> dict[str, object]:
    """The body for `POST /v1/chat/completions`; `developer` names the role that carries the system prompt."""
    messages: list[dict[str, object]] = []
    if conversation.system:
        messages.append({"role": "developer" if developer else "system", "content": conversation.system})
    for turn in conversation.turns:
        messages.extend(_openai_messages(turn))
    body: dict[str, object] = {"model": conversation.model, "messages": messages}
    if conversation.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in conversation.tools
        ]
    if conversation.tool_choice:
        body["tool_choice"] = {"type": "function", "function": {"name": conversation.tool_choice}}
    if conversation.schema is not None:
        wanted = {"name": "answer", "strict": True, "schema": conversation.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    elif conversation.json_object:
        body["response_format"] = {"type": "json_object"}
    if conversation.effort:
        body["reasoning_effort"] = conversation.effort
    if conversation.max_tokens is not None:
        body["max_completion_tokens"] = conversation.max_tokens
    if conversation.temperature is not None:
        body["temperature"] = conversation.temperature
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def anthropic_messages(conversation: Conversation, *, stream: bool, cached: bool = False) -> dict[str, object]:
    """The body for `POST /v1/messages`; `cached` marks the system prompt as a cache breakpoint."""
    body: dict[str, object] = {"model": conversation.model, "max_tokens": conversation.max_tokens or USUAL_MAX_TOKENS}
    if conversation.system:
        block: dict[str, object] = {"type": "text", "text": conversation.system}
        if cached:
            block["cache_control"] = {"type": "ephemeral"}
        body["system"] = [block] if cached else conversation.system
    body["messages"] = [_anthropic_message(turn) for turn in conversation.turns]
    if conversation.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in conversation.tools
        ]
    if conversation.tool_choice:
        body["tool_choice"] = {"type": "tool", "name": conversation.tool_choice}
    if conversation.schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": conversation.schema}}
    if conversation.effort:
        budget = THINKING_BUDGET_TOKENS[conversation.effort]
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
        body["max_tokens"] = budget + (conversation.max_tokens or USUAL_MAX_TOKENS)
    if stream:
        body["stream"] = True
    return body


def _openai_messages(turn: Turn) -> list[dict[str, object]]:
    """OpenAI Chat gives each tool result a message of its own."""
    if turn.role == "tool":
        messages: list[dict[str, object]] = []
        for result in turn.results:
            text = f"error: {result.text}" if result.failed else result.text
            messages.append({"role": "tool", "tool_call_id": f"call_{result.id}", "content": text})
        if turn.text:
            messages.append({"role": "user", "content": turn.text})
        return messages
    if turn.role == "assistant":
        message: dict[str, object] = {"role": "assistant", "content": turn.text or None}
        if turn.calls:
            message["tool_calls"] = [_openai_call(call) for call in turn.calls]
        return [message]
    if not turn.pictures and not turn.files:
        return [{"role": "user", "content": turn.text}]
    parts: list[dict[str, object]] = [{"type": "text", "text": turn.text}]
    parts.extend(_openai_picture(picture) for picture in turn.pictures)
    parts.extend(_openai_file(file) for file in turn.files)
    return [{"role": "user", "content": parts}]


def _openai_call(call: Call) -> dict[str, object]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": f"call_{call.id}", "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _openai_picture(picture: Picture) -> dict[str, object]:
    url = picture.url or f"data:{picture.media_type};base64,{picture.data}"
    image = {"url": url, "detail": picture.detail} if picture.detail else {"url": url}
    return {"type": "image_url", "image_url": image}


def _openai_file(file: File) -> dict[str, object]:
    data = file.data or base64.b64encode(file.text.encode()).decode()
    return {"type": "file", "file": {"filename": file.name, "file_data": f"data:{file.media_type};base64,{data}"}}


def _anthropic_message(turn: Turn) -> dict[str, object]:
    """Anthropic puts all results of a round, and what the user adds to them, into one user message."""
    if turn.role == "tool":
        blocks = [_anthropic_result(result) for result in turn.results]
        if turn.text:
            blocks.append({"type": "text", "text": turn.text})
        return {"role": "user", "content": blocks}
    if turn.role == "assistant":
        if not turn.calls and not turn.thinking:
            return {"role": "assistant", "content": turn.text}
        blocks = []
        if turn.thinking:
            blocks.append({"type": "thinking", "thinking": turn.thinking, "signature": _signature(turn.thinking)})
        if turn.text:
            blocks.append({"type": "text", "text": turn.text})
        for call in turn.calls:
            blocks.append({"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": call.arguments})
        return {"role": "assistant", "content": blocks}
    if not turn.pictures and not turn.files:
        return {"role": "user", "content": turn.text}
    # Pictures and files before the question, as the vendor advises.
    blocks = [_anthropic_picture(picture) for picture in turn.pictures]
    blocks.extend(_anthropic_file(file) for file in turn.files)
    blocks.append({"type": "text", "text": turn.text})
    return {"role": "user", "content": blocks}


def _anthropic_result(result: Result) -> dict[str, object]:
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": f"toolu_{result.id}", "content": result.text}
    if result.failed:
        block["is_error"] = True
    return block


def _anthropic_picture(picture: Picture) -> dict[str, object]:
    if picture.url:
        return {"type": "image", "source": {"type": "url", "url": picture.url}}
    source = {"type": "base64", "media_type": picture.media_type, "data": picture.data}
    return {"type": "image", "source": source}


def _anthropic_file(file: File) -> dict[str, object]:
    source: dict[str, object]
    if file.url:
        source = {"type": "url", "url": file.url}
    elif file.data:
        source = {"type": "base64", "media_type": file.media_type, "data": file.data}
    else:
        source = {"type": "text", "media_type": "text/plain", "data": file.text}
    return {"type": "document", "source": source, "title": file.name}


def _signature(thinking: str) -> str:
    """A stand-in of realistic shape: opaque base64 that only its vendor could check."""
    return base64.b64encode(thinking.encode()[::-1] * 3).decode()[:344]
