"""The prompts written by hand, read from `data/*.toml`.

A table's name is the kind. Keys: `id`, `prompt` or `turns` (user first, alternating), `as` (dialect), `system`,
`schema` (JSON text), `json_object`, `effort`, `max_tokens`, `temperature`, `model`, `tools`, `tool_choice`, `images`,
`detail`, `files`, `stream`, and for the caller `team`, `residency`, `urgency`, `locale`.
"""

from __future__ import annotations

import base64
import json
import tomllib
from importlib import resources
from typing import cast

from .pictures import pdf, picture
from .request import Conversation, Dialect, Draft, File, Tool, Turn

WRITTEN = ("talk", "code", "reason", "work", "tongues", "seen")
META_KEYS = ("team", "residency", "urgency", "locale")
SHAPE_KEYS = ("id", "prompt", "turns", "as", "system", "images", "detail", "files", "stream", "model")
ANSWER_KEYS = ("schema", "json_object", "effort", "max_tokens", "temperature", "tools", "tool_choice")
KEYS = frozenset((*SHAPE_KEYS, *ANSWER_KEYS, *META_KEYS))


def written_drafts() -> list[Draft]:
    """Every written prompt, in the order of the files.

    Raises:
        ValueError: An entry has a key that this version does not know.
    """
    tools = tool_library()
    drafts: list[Draft] = []
    for name in WRITTEN:
        for kind, entries in load_table(name).items():
            drafts.extend(_draft(kind, entry, tools) for entry in cast("list[dict[str, object]]", entries))
    return drafts


def load_table(name: str) -> dict[str, object]:
    """The TOML file `data/NAME.toml`."""
    return tomllib.loads(_read(f"{name}.toml"))


def tool_library() -> dict[str, Tool]:
    """The tools that requests may offer, by name."""
    entries = cast("list[dict[str, object]]", json.loads(_read("tools.json")))
    tools = {}
    for entry in entries:
        parameters = cast("dict[str, object]", entry["parameters"])
        tools[str(entry["name"])] = Tool(str(entry["name"]), str(entry["description"]), parameters)
    return tools


def _read(name: str) -> str:
    return resources.files(__package__).joinpath("data", name).read_text(encoding="utf-8")


def _draft(kind: str, entry: dict[str, object], tools: dict[str, Tool]) -> Draft:
    unknown = entry.keys() - KEYS
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)} in {kind} `{entry.get('id')}`")
    schema = entry.get("schema")
    temperature = entry.get("temperature")
    max_tokens = entry.get("max_tokens")
    conversation = Conversation(
        turns=_turns(entry),
        system=_text(entry, "system"),
        tools=tuple(tools[name] for name in _texts(entry, "tools")),
        tool_choice=_text(entry, "tool_choice"),
        schema=cast("dict[str, object]", json.loads(schema)) if isinstance(schema, str) else None,
        json_object=entry.get("json_object") is True,
        effort=_text(entry, "effort"),
        max_tokens=max_tokens if isinstance(max_tokens, int) else None,
        temperature=temperature if isinstance(temperature, float) else None,
        model=_text(entry, "model") or "auto",
    )
    stream = entry.get("stream")
    dialect = cast("Dialect | None", entry.get("as"))
    if dialect is None and conversation.json_object:
        dialect = "openai"  # the other dialect has no mode for "any JSON object"
    return Draft(
        id=f"{kind.replace('_', '-')}-{entry['id']}",
        kind=kind,
        conversation=conversation,
        dialect=dialect,
        stream=stream if isinstance(stream, bool) else None,
        meta={key: _text(entry, key) for key in META_KEYS if key in entry},
    )


def _turns(entry: dict[str, object]) -> tuple[Turn, ...]:
    """Alternating turns; the first one carries the pictures and the files."""
    texts = _texts(entry, "turns") or [_text(entry, "prompt")]
    pictures = tuple(picture(spec, _text(entry, "detail")) for spec in _texts(entry, "images"))
    files = tuple(_file(item) for item in cast("list[dict[str, str]]", entry.get("files", [])))
    turns = [Turn("user", texts[0].rstrip("\n"), pictures=pictures, files=files)]
    for index, text in enumerate(texts[1:], start=1):
        turns.append(Turn("assistant" if index % 2 else "user", text.strip("\n")))
    return tuple(turns)


def _file(item: dict[str, str]) -> File:
    name = item["name"]
    if "url" in item:
        return File(name, url=item["url"])
    if name.endswith(".pdf"):
        return File(name, "application/pdf", data=base64.b64encode(pdf(item["text"])).decode())
    return File(name, "text/csv" if name.endswith(".csv") else "text/plain", text=item["text"])


def _text(entry: dict[str, object], key: str) -> str:
    value = entry.get(key, "")
    return value if isinstance(value, str) else ""


def _texts(entry: dict[str, object], key: str) -> list[str]:
    return [text for text in cast("list[object]", entry.get(key, [])) if isinstance(text, str)]
