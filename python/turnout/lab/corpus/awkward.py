"""Requests that break careless code: empty, huge, ill-formed text, odd but valid bodies."""

from __future__ import annotations

import json

from .request import DemoRequest

MEGABYTE_OF_SPACES = " " * 1_000_000
BOM = b"\xef\xbb\xbf"
ZWJ, RLM, LRM, RLO, PDF = "\u200d", "\u200f", "\u200e", "\u202e", "\u202c"


def awkward_requests() -> list[DemoRequest]:
    """The awkward ones, in a fixed order."""
    return [*_plain(), *_bodies(), *_bytes()]


def _plain() -> list[DemoRequest]:
    prompts: dict[str, str] = {
        "empty": "",
        "white-space": " \t\n\u00a0\u2003\r\n  ",
        "emoji-only": f"🚂🛤️🔀 👩{ZWJ}🔧👨🏽{ZWJ}🚒 🇳🇴🇰🇪",
        "lone-high-surrogate": "the clipboard gave me this: \ud83d and nothing after it",
        "lone-low-surrogate": "\udc00 starts with the wrong half, ends too \udfff",
        "surrogates-reversed": "pair the wrong way round: \ude00\ud83d, what was it meant to be?",
        "nul": "before\x00after\x00\x00 does your tokenizer stop at the first one?",
        "control-characters": "\x1b[31mred?\x1b[0m \x07\x08\x0c\x7f\x85 copied from a terminal, what does it say",
        "megabyte-of-spaces": MEGABYTE_OF_SPACES,
        "question-in-spaces": f"{MEGABYTE_OF_SPACES[:400_000]}is anybody there?{MEGABYTE_OF_SPACES[:100_000]}",
        "one-long-line": "Find the odd value: " + ",".join(str(n * 7919 % 10_007) for n in range(42_000)),
        "long-word": "explain this word: " + "Rindfleischetikettierungsüberwachungs" * 300 + "gesetz",
        "one-letter": "a" * 60_000,
        "punctuation": "?!?! ... ;;; --- ((())) \"\" '' ,,, !!!",
        "newlines": "\n" * 5_000 + "hello?" + "\r\n" * 2_000,
        "combining-marks": "".join(letter + "\u0301\u0323\u0308\u0330" * 12 for letter in "read this aloud"),
        "right-to-left": f"{RLO}reversed{PDF} {RLM}שלום{LRM} (123) {RLM}مرحبا{LRM} which of these brackets opens?",
        "control-tokens": "What do <|im_start|>system, <|endoftext|>, [INST] mean in a log?\n\nHuman: hi\n\nAssistant:",
        "looks-like-a-body": '{"model": "x", "messages": [{"role": "user", "content": "i am a prompt, not a body"}]}',
        "base64": "decode: " + "VHVybm91dHMgYXJlIHBvaW50cyBpbiBCcml0YWluLg==" * 40,
    }
    return [_request(name, prompt, stream=index % 4 == 3) for index, (name, prompt) in enumerate(prompts.items())]


def _bodies() -> list[DemoRequest]:
    nested = "[" * 3_000 + "1" + "]" * 3_000
    deep: dict[str, object] = {"type": "string"}
    for level in range(24):
        deep = {"type": "object", "properties": {f"level_{level}": deep}}
    user: dict[str, object] = {"role": "user", "content": "what is due today?"}
    bare_tool = {"type": "function", "function": {"name": "today"}}
    parts = [{"type": "text", "text": word} for word in ("one part for", "each piece", "of this", "question", "?")]
    odd_order: list[object] = [
        {"role": "user", "content": "first thought"},
        {"role": "user", "content": "second thought, same breath"},
        {"role": "assistant", "content": "Both noted."},
        {"role": "system", "content": "From here on answer in one word."},
        {"role": "user", "content": "are you still there"},
    ]
    empty_result: list[object] = [
        {"role": "user", "content": "is the gate open?"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_gate1", "name": "gate_state", "input": {}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_gate1"}]},
    ]
    gate = {"name": "gate_state", "input_schema": {"type": "object"}}
    many = [
        {
            "type": "function",
            "function": {"name": f"read_meter_{n}", "description": f"Read meter {n}.", "parameters": {}},
        }
        for n in range(1, 121)
    ]
    return [
        _request("empty-content", {"model": "auto", "messages": [{"role": "user", "content": ""}]}),
        _request("nested-json-text", {"model": "auto", "messages": [{"role": "user", "content": f"valid? {nested}"}]}),
        _request("nul-in-body", {"model": "auto", "messages": [{"role": "user", "content": "a\x00b, how long?"}]}),
        _request("bare-tool", {"model": "auto", "messages": [user], "tools": [bare_tool]}, stream=True),
        _request("word-per-part", {"model": "auto", "messages": [{"role": "user", "content": parts}]}),
        _request("odd-order", {"model": "auto", "messages": odd_order}),
        _request("many-tools", {"model": "auto", "messages": [user], "tools": many, "tool_choice": "none"}),
        _request(
            "deep-schema",
            {
                "model": "auto",
                "messages": [{"role": "user", "content": "fill the form with the letter x"}],
                "response_format": {"type": "json_schema", "json_schema": {"name": "deep", "schema": deep}},
            },
        ),
        _request(
            "unknown-fields",
            {
                "model": "auto",
                "messages": [user],
                "x_trace": {"id": 7, "hops": [None, True]},
                "seed": 2**53 + 1,
                "top_p": 1,
            },
        ),
        _request(
            "empty-tool-result",
            {"model": "auto", "max_tokens": 512, "messages": empty_result, "tools": [gate]},
            anthropic=True,
        ),
        _request("one-token", {"model": "auto", "max_tokens": 1, "messages": [user]}, stream=True, anthropic=True),
    ]


def _bytes() -> list[DemoRequest]:
    """Bodies whose bytes matter: a BOM, escapes, white space, CRLF, a surrogate that only an escape can write."""
    body: dict[str, object] = {
        "model": "auto",
        "messages": [{"role": "user", "content": "Grüße — 今天 🌧️ wird es nass?"}],
    }
    streamed = {**body, "stream": True}
    plain = json.dumps(body, ensure_ascii=False)
    surrogate = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "half a smile: \ud83d"}]})
    anthropic = {"model": "auto", "max_tokens": 300, "system": "Be brief.", "messages": body["messages"]}
    late = '{"messages":[{"content":"keys come in an unusual order","role":"user"}],"stream":false,"model":"auto"}'
    escaped_keys = r'{"\u006dodel":"auto","mess\u0061ges":[{"ro\u006ce":"user","c\u006fntent":"escaped \/ keys"}]}'
    return [
        _request("bom", BOM + plain.encode()),
        _request("escaped-bytes", json.dumps(streamed, ensure_ascii=True).encode(), stream=True),
        _request("surrogate-escape", surrogate.encode()),
        _request("spread-out-bytes", json.dumps(anthropic, indent=12).replace("\n", "\r\n").encode(), anthropic=True),
        _request(
            "compact-bytes", json.dumps(anthropic, ensure_ascii=False, separators=(",", ":")).encode(), anthropic=True
        ),
        _request("late-model", late.encode()),
        _request("escaped-keys", escaped_keys.encode()),
        _request("trailing-white-space", plain.encode() + b" \n" * 2_000),
    ]


def _request(
    name: str, request: str | bytes | dict[str, object], *, stream: bool = False, anthropic: bool = False
) -> DemoRequest:
    dialect = None if isinstance(request, str) else "anthropic-messages" if anthropic else "openai-chat"
    if stream and isinstance(request, dict):
        request = {**request, "stream": True}
    return DemoRequest(f"awkward-{name}", "awkward", request, {}, stream, dialect)
