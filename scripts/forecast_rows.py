"""Recorded calls as the core sees them: what `fit_forecast.py` fits on and `benches/forecast_error.py` scores.

A row of `tokens/*.jsonl.gz` is a request in its provider's dialect and the usage that the provider reported. `read` says it in
the Chat Completions dialect, which the core reads, and keeps what the answer took. Output is what is billed: thinking counts,
whether the provider reports it inside its output (most) or beside it (Gemini, xAI).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

Json = dict[str, Any]
"""JSON of a foreign shape: what is read from it is checked where it is used."""

APIS = (
    "openai_chat",
    "openai_responses",
    "anthropic_messages",
    "gemini",
    "bedrock_converse",
    "cohere",
    "ollama",
    "openai_completions",
)
SILENT_LABS = ("anthropic", "amazon", "mistral", "cohere")
"""Labs whose models think only when asked, as `thinks_unasked` of the core has it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One recorded call."""

    group: str
    source: str
    api: str
    model: str
    body: Json
    """The request in the Chat Completions dialect."""
    thinks_unasked: bool
    """Whether the model thinks when nothing is asked, by what the catalogue says of it."""
    output_tokens: int
    """Billed output, thinking included."""
    reasoning_tokens: int | None
    """Of these, thinking; none where the provider does not say."""
    was_cut: bool
    """Whether the answer ended at its bound."""


def read(data: Path) -> list[Row]:
    """Return every generation that has a usage, in the order of the files."""
    thinks = _thinkers(data / "catalog" / "models.jsonl")
    rows: list[Row] = []
    for path in sorted((data / "tokens").glob("*.jsonl.gz")):
        for row in _lines(path):
            rows.extend([_row(row, thinks)] if row["api"] in APIS and row.get("output_tokens") else [])
    return rows


def _lines(path: Path) -> Iterator[Json]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield cast("Json", json.loads(line))


def _row(row: Json, thinks: Mapping[str, bool]) -> Row:
    output, reasoning = int(row["output_tokens"]), row.get("reasoning_tokens")
    total = (row.get("usage_raw") or {}).get("total_tokens")
    is_beside = row["api"] == "gemini" or (
        reasoning and (output < reasoning or total == (row.get("input_tokens") or 0) + output + reasoning)
    )
    if reasoning and is_beside:
        output += reasoning
    model = str(row["model"]).lower()
    stop = str(row.get("stop_reason")).lower()
    return Row(
        group=row["group"],
        source=row["source_repo"],
        api=row["api"],
        model=row["model"],
        body=chat(row["api"], row["request"]),
        thinks_unasked=thinks.get(model, thinks.get(model.split("/")[-1], False)),
        output_tokens=output,
        reasoning_tokens=reasoning,
        was_cut=stop in ("length", "max_tokens", "incomplete"),
    )


def _thinkers(path: Path) -> dict[str, bool]:
    """Return, by lower-case id, whether a model thinks unasked; the curated rows of its own lab come first."""
    with path.open(encoding="utf-8") as lines:
        models = [json.loads(line) for line in lines]
    models.sort(key=lambda row: (row["provider"] == row.get("lab"), bool(row["curated"]), bool(row.get("reasoning"))))
    thinks: dict[str, bool] = {}
    for row in models:
        for name in (row["id"], *row.get("aliases", ())):
            thinks[name.lower()] = thinks_unasked(row)
    return thinks


def thinks_unasked(model: Json) -> bool:
    """Return what `thinks_unasked` of the core says of a catalogue row."""
    reasoning = model.get("reasoning") or {}
    if reasoning.get("always_on") or reasoning.get("default_effort", "none") != "none":
        return True
    if not (model.get("caps") or {}).get("reasoning") or model.get("lab") in SILENT_LABS:
        return False
    return not (model.get("lab") == "openai" and "none" in reasoning.get("efforts", ()))


def chat(api: str, request: Json) -> Json:
    """Return a request in the Chat Completions dialect: texts, tool calls and results, tools, bounds, format, thinking."""
    body: Json = {"messages": _messages(api, request)}
    tools = list(_tools(request))
    if tools:
        body["tools"] = tools
        body["tool_choice"] = _tool_choice(request)
    bound = _bound(request)
    if bound:
        body["max_tokens"] = bound
    schema = _schema(request)
    if schema is not None:
        body["response_format"] = schema
    body.update(_thinking(request))
    return body


def _of(holder: Json, *keys: str) -> Json:
    for key in keys:
        value = holder.get(key)
        if isinstance(value, dict):
            return cast("Json", value)
    return {}


def _bound(request: Json) -> int | None:
    places = (request, _of(request, "generationConfig"), _of(request, "inferenceConfig"), _of(request, "options"))
    names = (
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "maxOutputTokens",
        "max_output_tokens",
        "maxTokens",
    )
    found = [place.get(name) for place in places for name in (*names, "num_predict")]
    return next((value for value in found if isinstance(value, int) and value > 0), None)


def _schema(request: Json) -> Json | None:
    said = _of(request, "response_format", "output_format") or _of(_of(request, "text"), "format")
    said = said or _of(_of(request, "output_config"), "format") or _of(_of(request, "outputConfig"), "textFormat")
    kind = said.get("type")
    google = _of(request, "generationConfig")
    google_schema = next(
        (
            google[key]
            for key in google
            if key.lower().replace("_", "").startswith("response") and "schema" in key.lower()
        ),
        None,
    )
    if google_schema is None and isinstance(request.get("format"), dict):
        google_schema = request["format"]
    if google_schema is not None:
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": google_schema}}
    if kind == "json_schema":
        schema = said.get("schema") or _of(said, "json_schema").get("schema") or _of(said, "structure")
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema or {}}}
    mime = google.get("responseMimeType") or google.get("response_mime_type")
    is_json = kind == "json_object" or mime == "application/json" or request.get("format") == "json"
    return {"type": "json_object"} if is_json else None


def _tools(request: Json) -> Iterator[Json]:
    listed = request.get("tools") or _of(request, "toolConfig").get("tools") or request.get("functions") or []
    for tool in listed if isinstance(listed, list) else []:
        declared = tool.get("functionDeclarations") or tool.get("function_declarations") or [tool]
        for entry in declared:
            inner = _of(entry, "function", "toolSpec") or entry
            name = inner.get("name") or inner.get("type")
            if not isinstance(name, str):
                continue
            schema = next(
                (
                    inner[key]
                    for key in ("parameters", "input_schema", "inputSchema", "parameters_json_schema")
                    if inner.get(key)
                ),
                {},
            )
            schema = schema.get("json", schema) if isinstance(schema, dict) else {}
            function = {"name": name, "description": str(inner.get("description") or ""), "parameters": schema}
            yield {"type": "function", "function": function}


def _tool_choice(request: Json) -> str:
    said: Any = request.get("tool_choice", _of(request, "toolConfig").get("toolChoice"))
    mode = _of(_of(request, "toolConfig", "tool_config"), "functionCallingConfig", "function_calling_config").get(
        "mode"
    )
    if isinstance(said, dict):
        said = said.get("type") or next(iter(said), None)
    word = str(said or mode or "auto").lower()
    return "none" if word == "none" else "auto" if word in ("auto", "validated") else "required"


def _thinking(request: Json) -> Json:
    google = _of(_of(request, "generationConfig"), "thinkingConfig", "thinking_config")
    budget = google.get("thinkingBudget", google.get("thinking_budget"))
    if isinstance(budget, int):
        return (
            {"reasoning_effort": "none"} if budget == 0 else {"reasoning": {"max_tokens": budget}} if budget > 0 else {}
        )
    level = google.get("thinkingLevel") or google.get("thinking_level")
    effort = _of(request, "output_config").get("effort") or request.get("reasoning_effort")
    effort = level or effort or _of(request, "reasoning").get("effort")
    if isinstance(effort, str):
        return {"reasoning_effort": effort.lower()}
    said = _of(request, "thinking") or _of(_of(request, "additionalModelRequestFields"), "thinking", "reasoning_config")
    tokens = said.get("budget_tokens") or _of(request, "reasoning").get("max_tokens")
    if said.get("type") == "disabled" or request.get("think") is False or request.get("enable_thinking") is False:
        return {"reasoning_effort": "none"}
    if isinstance(tokens, int):
        return {"reasoning": {"max_tokens": tokens}}
    is_on = (
        said.get("type") in ("enabled", "adaptive") or _of(request, "reasoning").get("enabled") or request.get("think")
    )
    return {"reasoning": {"enabled": True}} if is_on or request.get("enable_thinking") else {}


def _messages(api: str, request: Json) -> list[Json]:
    turns: list[Json] = []
    for key in ("system", "systemInstruction", "system_instruction", "instructions", "preamble"):
        text = _text(request.get(key))
        if text:
            turns.append({"role": "system", "content": text})
    history = request.get("messages") or request.get("contents") or request.get("input") or []
    if isinstance(history, str):
        history = [{"role": "user", "content": history}]
    for turn in [*(request.get("chat_history") or []), *history]:
        turns.extend(_turn(turn))
    last = request.get("message") or request.get("prompt")
    if isinstance(last, str):
        turns.append({"role": "user", "content": last})
    if not any(turn["role"] != "system" for turn in turns):
        turns.append({"role": "user", "content": ""})
    return turns


def _turn(turn: object) -> Iterator[Json]:
    if not isinstance(turn, dict):
        yield {"role": "user", "content": str(turn)}
        return
    kind = turn.get("type")
    if kind in ("function_call", "custom_tool_call"):
        yield _called([(turn.get("call_id"), turn.get("name"), turn.get("arguments"))])
        return
    if kind in ("function_call_output", "custom_tool_call_output") or turn.get("role") == "tool":
        identity = turn.get("call_id") or turn.get("tool_call_id")
        yield _result(identity, turn.get("output") or turn.get("content"))
        return
    role = {"model": "assistant", "chatbot": "assistant", "developer": "system"}.get(
        str(turn.get("role", "user")).lower(), str(turn.get("role", "user")).lower()
    )
    if "role" not in turn and kind not in (None, "message"):
        return
    content = turn.get("content", turn.get("parts", turn.get("message", turn.get("text"))))
    blocks = content if isinstance(content, list) else [content]
    text, calls, results = "", [], []
    for block in blocks:
        if not isinstance(block, dict):
            text += str(block or "")
            continue
        call = _of(block, "toolUse", "functionCall", "function_call") or (
            block if block.get("type") == "tool_use" else {}
        )
        result = _of(block, "toolResult", "functionResponse", "function_response") or (
            block if block.get("type") == "tool_result" else {}
        )
        if call:
            calls.append(
                (call.get("id") or call.get("toolUseId"), call.get("name"), call.get("input") or call.get("args"))
            )
        elif result:
            identity = result.get("tool_use_id") or result.get("toolUseId") or result.get("id")
            results.append(_result(identity, result.get("content") or result.get("response")))
        else:
            text += _text(block)
    for entry in turn.get("tool_calls") or []:
        function = _of(entry, "function") or entry
        calls.append((entry.get("id"), function.get("name"), function.get("arguments")))
    yield from results
    if calls:
        yield {**_called(calls), "content": text or None}
    elif text or not results:
        yield {"role": role if role in ("system", "user", "assistant") else "user", "content": text}


def _called(calls: list[tuple[Any, Any, Any]]) -> Json:
    written = [
        {
            "id": str(identity or f"call_{place}"),
            "type": "function",
            "function": {
                "name": str(name or "tool"),
                "arguments": args if isinstance(args, str) else json.dumps(args or {}),
            },
        }
        for place, (identity, name, args) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": written}


def _result(identity: object, content: object) -> Json:
    text = _text(content) or (json.dumps(content) if content else "")
    return {"role": "tool", "tool_call_id": str(identity or "call_0"), "content": text}


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(filter(None, map(_text, content)))
    if isinstance(content, dict):
        inner = content.get("text")
        return inner if isinstance(inner, str) else _text(content.get("parts")) or _text(content.get("content"))
    return ""
