"""Recorded requests as a dialect that the core reads: what `turnout tokens --data` makes of a row.

A row names its `model`, its `api` and its `request`. OpenAI Chat, OpenAI Responses and Anthropic Messages pass through;
Bedrock Converse becomes Anthropic Messages; Gemini, Cohere and Ollama become OpenAI Chat; completions and embeddings
become texts. Left-out bytes (`{"omitted_bytes": n, "dims": [w, h]}`) become a PNG header of the same size, or filler.
"""

import base64
import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any

Body = dict[str, Any]
"""A request in one of the three dialects."""

Anything = Any
"""Whatever JSON holds: a recording may be of any shape."""


def counted_as(row: Mapping[str, Any]) -> tuple[str, Body] | list[str]:
    """What to count for a row: a dialect with its body, or plain texts.

    Args:
        row: A recorded request with `request` and, where it is not OpenAI Chat, `api`.

    Returns:
        A dialect with a body of it, or the texts of a completion or an embedding.

    Raises:
        ValueError: The row holds no request.
    """
    request = row.get("request")
    if not isinstance(request, dict):
        raise ValueError("a row needs a `request` object")  # noqa: TRY004  (the caller catches one kind of damage)
    api = row.get("api") or _guessed(request)
    request = _whole(request)
    if api.startswith("anthropic"):
        return "anthropic-messages", _anthropic(request)
    if api.startswith("gemini"):
        return "openai-chat", _of_gemini(request.get("generateContentRequest") or request)
    if api == "bedrock_converse":
        return "anthropic-messages", _of_bedrock(request)
    if api == "openai_responses":
        return "openai-responses", _responses(request)
    if api in ("embeddings", "openai_completions"):
        return _texts(request.get("input", request.get("prompt", request.get("texts", ""))))
    if api == "cohere":
        return "openai-chat", _chat(_of_cohere(request))
    return "openai-chat", _chat(request)


def _guessed(request: Body) -> str:
    """The API of a row that does not say it."""
    if "contents" in request:
        return "gemini"
    if "toolConfig" in request or "inferenceConfig" in request:
        return "bedrock_converse"
    if "messages" not in request:
        return "openai_completions" if "prompt" in request else "openai_responses"
    tools = request.get("tools")
    is_anthropic = "anthropic_version" in request or "system" in request
    is_anthropic = is_anthropic or bool(tools and isinstance(tools[0], dict) and "input_schema" in tools[0])
    return "anthropic_messages" if is_anthropic else "openai_chat"


def _whole(value: Anything) -> Anything:
    """The value with stand-ins for bytes that were left out of the recording."""
    if isinstance(value, dict):
        if "omitted_bytes" in value:
            dims = value.get("dims")
            size = int(value.get("omitted_bytes") or 0)
            data = _png(*dims) if dims else "A" * (size * 4 // 3)
            mime = value.get("mime")
            return f"data:{mime};base64,{data}" if mime else data
        return {key: _whole(inner) for key, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value


def _text(data: str) -> str:
    """The text of a base64 file. What was left out of a recording is taken for English: a word for every five bytes."""
    if data and not data.strip("A"):
        return "text " * (len(data) * 3 // 20)
    try:
        return base64.b64decode(data + "==").decode("utf-8", "replace")
    except ValueError:
        return data


def _png(width: int, height: int) -> str:
    """The header of a PNG of that size, as base64."""
    return base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + struct.pack(">II", width, height)).decode()


def _texts(value: Anything) -> list[str]:
    """The texts of an embedding or a completion; a list of token ids counts as that many short words."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
        return [" a" * len(value)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        return _texts(value.get("content", value.get("text", "")))
    return []


def _json(value: Anything) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _anthropic(request: Body) -> Body:
    body = {key: value for key, value in request.items() if value is not None}
    body.setdefault("max_tokens", 1024)
    if isinstance(body.get("prompt"), str) and "messages" not in body:
        body["messages"] = [{"role": "user", "content": body.pop("prompt")}]
    extra = body.pop("extra_body", None)
    return {**extra, **body} if isinstance(extra, dict) else body


def _chat(request: Body) -> Body:  # noqa: C901  (one branch for each way to say a message)
    """OpenAI Chat, also of Cohere and Ollama, whose differences are the arguments of calls and the kinds of parts."""
    messages = []
    for given in request.get("messages") or []:
        message = {key: value for key, value in given.items() if value is not None}
        calls = [
            {
                "id": call.get("id") or "0",
                "type": "function",
                "function": {
                    "name": (call.get("function") or {}).get("name") or "",
                    "arguments": _json((call.get("function") or {}).get("arguments") or {}),
                },
            }
            for call in message.get("tool_calls") or []
        ]
        message.pop("tool_calls", None)
        if calls:
            message["tool_calls"] = calls
        if message.get("role") == "tool":
            message.setdefault("tool_call_id", message.get("tool_name") or "0")
        images = message.pop("images", None)
        content = message.get("content", "" if message.get("role") != "assistant" else None)
        if isinstance(content, list):
            content = [_part(part) for part in content]
            if message.get("role") == "tool" and not any(part.get("type") == "image_url" for part in content):
                content = "".join(str(part.get("text") or "") for part in content)
        if images:
            content = [{"type": "text", "text": str(content or "")}, *(_image(data) for data in images)]
        if content is not None:
            message["content"] = content
        messages.append(message)
    kept = ("model", "tools", "tool_choice", "response_format", "reasoning", "reasoning_effort", "functions")
    body: Body = {"messages": messages, **{key: request[key] for key in kept if request.get(key) is not None}}
    if isinstance(body.get("tool_choice"), str):
        body["tool_choice"] = {"REQUIRED": "required", "NONE": "none", "any": "required"}.get(
            body["tool_choice"], body["tool_choice"]
        )
    for name in ("functions",):
        for function in body.pop(name, None) or []:
            body.setdefault("tools", []).append({"type": "function", "function": function})
    if isinstance(request.get("format"), dict):
        body["response_format"] = _schema(request["format"])
    if not body.get("tools"):
        body.pop("tools", None)
        body.pop("tool_choice", None)
    return body


def _part(part: Anything) -> Body:
    """One part of a message of OpenAI Chat."""
    if not isinstance(part, dict):
        return {"type": "text", "text": str(part)}
    kind = part.get("type")
    if kind == "thinking":
        return {"type": "text", "text": ""}
    if kind == "document" and "document" in part:
        return {"type": "text", "text": _json(part["document"].get("data", part["document"]))}
    if kind == "image_url" and isinstance(part.get("image_url"), str):
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    return part


def _image(data: Anything) -> Body:
    url = str(data)
    if not url.startswith(("http", "data:")):
        url = f"data:image/png;base64,{url}"
    return {"type": "image_url", "image_url": {"url": url}}


def _file(data: Anything, mime: str) -> Body:
    text = str(data)
    url = text if text.startswith(("http", "data:", "gs:")) else f"data:{mime};base64,{text}"
    if mime.startswith("image/"):
        return _image(url)
    if mime.startswith("text/") and not text.startswith(("http", "gs:")):
        return {"type": "text", "text": _text(text.rpartition("base64,")[2])}
    if mime.startswith(("audio/", "video/")):
        return {"type": "input_audio", "input_audio": {"data": text, "format": mime}}
    return {"type": "file", "file": {"file_data": url}}


def _schema(schema: Anything) -> Body:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _of_cohere(request: Body) -> Body:
    """Cohere's Chat: documents become a system text; of its first version, history and message become messages."""
    messages = list(request.get("messages") or [])
    if "message" in request:
        roles = {"CHATBOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}
        preamble = request.get("preamble")
        messages = [{"role": "system", "content": preamble}] if isinstance(preamble, str) and preamble else []
        for turn in request.get("chat_history") or []:
            role = roles.get(str(turn.get("role")).upper(), "user")
            messages.append({"role": role, "content": turn.get("message") or _json(turn.get("tool_results") or "")})
        messages.append({"role": "user", "content": request["message"]})
    documents = request.get("documents")
    if documents:
        messages.insert(0, {"role": "system", "content": _json(documents)})
    return {**request, "messages": messages}


def _of_gemini(request: Body) -> Body:  # noqa: C901  (one branch for each kind of part)
    """Gemini's `generateContent` as OpenAI Chat. Parts of one content stay one message."""

    def pick(parent: Body, *names: str) -> Anything:
        return next((parent[name] for name in names if parent.get(name) is not None), None)

    messages: list[Body] = []
    system = pick(request, "systemInstruction", "system_instruction")
    if isinstance(system, str):
        system = {"parts": [{"text": system}]}
    if system:
        text = "\n".join(part.get("text") or "" for part in _list(system.get("parts")))
        messages.append({"role": "system", "content": text})
    for content in _list(request.get("contents")):
        role = "assistant" if content.get("role") == "model" else "user"
        parts: list[Body] = []
        calls: list[Body] = []
        for part in _list(content.get("parts")):
            call = pick(part, "functionCall", "function_call")
            answer = pick(part, "functionResponse", "function_response")
            data = pick(part, "inlineData", "inline_data")
            file = pick(part, "fileData", "file_data")
            if part.get("thought"):
                continue
            if call:
                arguments = _json(call.get("args") or {})
                calls.append(
                    {"id": "0", "type": "function", "function": {"name": call.get("name"), "arguments": arguments}}
                )
            elif answer:
                messages.append({"role": "tool", "tool_call_id": "0", "content": _json(answer.get("response") or {})})
            elif data:
                parts.append(_file(data.get("data"), pick(data, "mimeType", "mime_type") or ""))
            elif file:
                parts.append(_file(pick(file, "fileUri", "file_uri") or "", pick(file, "mimeType", "mime_type") or ""))
            elif isinstance(part.get("text"), str):
                parts.append({"type": "text", "text": part["text"]})
        if parts or calls:
            message: Body = {"role": role}
            if parts:
                message["content"] = parts if role == "user" else "".join(str(part.get("text", "")) for part in parts)
            if calls:
                message["tool_calls"] = calls
            messages.append(message)
    body: Body = {"messages": messages}
    tools: list[Body] = []
    for tool in _list(request.get("tools")):
        declared = pick(tool, "functionDeclarations", "function_declarations")
        if declared:
            for function in declared:
                schema = pick(function, "parameters", "parametersJsonSchema", "parameters_json_schema")
                tools.append(
                    {
                        "type": "function",
                        "function": {
                            "name": function.get("name") or "",
                            "description": function.get("description") or "",
                            **({"parameters": schema} if schema else {}),
                        },
                    }
                )
        elif tool:
            tools.append({"type": next(iter(tool))})
    if tools:
        body["tools"] = tools
    config = pick(request, "generationConfig", "generation_config") or {}
    schema = pick(config, "responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")
    if schema:
        body["response_format"] = _schema(schema)
    mode = ((pick(request, "toolConfig", "tool_config") or {}).get("functionCallingConfig") or {}).get("mode")
    if mode == "ANY" and tools:
        body["tool_choice"] = "required"
    return body


def _list(value: Anything) -> list[Body]:
    items = value if isinstance(value, list) else [value] if value else []
    return [{"text": item} if isinstance(item, str) else item for item in items if isinstance(item, dict | str)]


def _of_bedrock(request: Body) -> Body:
    """Bedrock's Converse as Anthropic Messages."""
    messages = []
    for message in request.get("messages") or []:
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else _blocks(content)
        messages.append({"role": message.get("role"), "content": blocks})
    body: Body = {"max_tokens": 1024, "messages": messages}
    system = request.get("system")
    if isinstance(system, str):
        body["system"] = system
    elif system:
        body["system"] = [
            {"type": "text", "text": part["text"]} for part in system if isinstance(part.get("text"), str)
        ]
    config = request.get("toolConfig") or {}
    tools = [
        {
            "name": spec.get("name"),
            "description": spec.get("description") or "",
            "input_schema": (spec.get("inputSchema") or {}).get("json") or {},
        }
        for tool in config.get("tools") or []
        if (spec := tool.get("toolSpec"))
    ]
    if tools or request.get("tools"):
        body["tools"] = tools or request["tools"]
    choice = config.get("toolChoice") or {}
    if "any" in choice:
        body["tool_choice"] = {"type": "any"}
    elif "tool" in choice:
        body["tool_choice"] = {"type": "tool", "name": (choice["tool"] or {}).get("name")}
    more = request.get("additionalModelRequestFields") or {}
    thinking = more.get("thinking") or more.get("reasoning_config")
    if thinking:
        body["thinking"] = thinking
    form = (request.get("outputConfig") or {}).get("textFormat") or {}
    if form.get("type") == "json_schema":
        schema = ((form.get("structure") or {}).get("jsonSchema") or {}).get("schema")
        body["output_config"] = {
            "format": {"type": "json_schema", "schema": json.loads(schema) if isinstance(schema, str) else schema}
        }
    return body


def _blocks(content: Iterable[Body] | None) -> list[Body]:
    blocks: list[Body] = []
    for block in content or []:
        if "type" in block:
            blocks.append(block)
        elif "text" in block:
            blocks.append({"type": "text", "text": block["text"]})
        elif "guardContent" in block:
            blocks.append({"type": "text", "text": ((block["guardContent"] or {}).get("text") or {}).get("text") or ""})
        elif "image" in block:
            data = (block["image"].get("source") or {}).get("bytes") or ""
            media = f"image/{block['image'].get('format') or 'png'}"
            blocks.append({"type": "image", "source": {"type": "base64", "media_type": media, "data": data}})
        elif "document" in block:
            blocks.append(_document(block["document"]))
        elif "toolUse" in block:
            use = block["toolUse"]
            blocks.append(
                {
                    "type": "tool_use",
                    "id": use.get("toolUseId"),
                    "name": use.get("name"),
                    "input": use.get("input") or {},
                }
            )
        elif "toolResult" in block:
            result = block["toolResult"]
            inner = [
                {"type": "text", "text": _json(item["json"])} if "json" in item else item
                for item in result.get("content") or []
            ]
            blocks.append({"type": "tool_result", "tool_use_id": result.get("toolUseId"), "content": _blocks(inner)})
        elif "reasoningContent" in block:
            text = (block["reasoningContent"].get("reasoningText") or {}).get("text") or ""
            blocks.append({"type": "thinking", "thinking": text, "signature": ""})
    return blocks


def _document(document: Body) -> Body:
    source = document.get("source") or {}
    form = document.get("format") or "pdf"
    if "text" in source:
        text = source["text"]
    elif form in ("txt", "md", "csv", "html") and isinstance(source.get("bytes"), str):
        text = _text(source["bytes"])
    else:
        data = {"type": "base64", "media_type": "application/pdf", "data": source.get("bytes") or ""}
        return {"type": "document", "source": data}
    return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}


def _responses(request: Body) -> Body:
    """OpenAI Responses; a stored prompt stands for its input, and what was left out of a recording for itself."""
    body = {key: value for key, value in request.items() if value is not None}
    if "input" not in body and "prompt" not in body and "previous_response_id" not in body:
        body["input"] = ""
    return body
