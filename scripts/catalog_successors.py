"""What replaces a model that is gone or going, for `build_catalog.py`.

A successor is a current model of the same maker in the same line and, as far as there is one, of the same price class. A
host's rows have none here: each host decides for itself what it serves, and until when.
"""

from __future__ import annotations

from catalog_json import Row, full_name

# Claude, by line: the article's three tiers map to today's three.
CLAUDE_LINES = (
    ("haiku", "anthropic/claude-haiku-5-5"),
    ("instant", "anthropic/claude-haiku-5-5"),
    ("opus", "anthropic/claude-opus-5-5"),
    ("mythos", "anthropic/claude-mythos-5-2"),
    ("sonnet", "anthropic/claude-sonnet-5-5"),
    ("claude-2", "anthropic/claude-sonnet-5-5"),
)

# The other makers: the successor, and whom it succeeds. Prices are USD per million tokens, in and out.
LINES: dict[str, tuple[str, ...]] = {
    # OpenAI's general models, and those for code and reasoning that went up in them: 1.25/10 to 2.5/10, now 2/10.
    "openai/gpt-6.1-sol": (
        "chatgpt-4o-latest",
        "gpt-4",
        "gpt-4-0613",
        "gpt-4-1106-preview",
        "gpt-4-32k",
        "gpt-4-turbo",
        "gpt-4-vision-preview",
        "gpt-4.1",
        "gpt-4o",
        "gpt-4o-2024-05-13",
        "gpt-5",
        "gpt-5-chat",
        "gpt-5-chat-latest",
        "gpt-5-codex",
        "gpt-5.1",
        "gpt-5.1-chat-latest",
        "gpt-5.1-codex",
        "gpt-5.1-codex-max",
        "gpt-5.2-chat-latest",
        "gpt-5.2-codex",
        "gpt-5.3-chat-latest",
        "gpt-5.3-codex",
        "o1",
        "o1-preview",
        "o3",
    ),
    # Its small reasoning models at 1.1/4.4, now 1/5.
    "openai/gpt-6.1-terra": ("o1-mini", "o3-mini", "o4-mini"),
    # Its mini models at 0.15/0.6 to 0.5/1.5, now 0.2/1.2.
    "openai/gpt-5.6-luna": (
        "gpt-3.5-turbo",
        "gpt-3.5-turbo-0125",
        "gpt-3.5-turbo-0613",
        "gpt-3.5-turbo-1106",
        "gpt-3.5-turbo-16k",
        "gpt-4.1-mini",
        "gpt-4o-mini",
        "gpt-5-mini",
        "gpt-5.1-codex-mini",
    ),
    # Its nano models at 0.05/0.4 to 0.2/1.25, now 0.1/0.5.
    "openai/gpt-6-luna": ("gpt-4.1-nano", "gpt-5-nano", "gpt-5.4-nano"),
    "openai/gpt-5.5-pro": ("gpt-5-pro", "o1-pro", "o3-pro"),
    "openai/gpt-audio-1.5": ("gpt-audio",),
    # Both old names came to mean the flash model, without and with thinking, before they ended.
    "deepseek/deepseek-flash": ("deepseek-chat", "deepseek-reasoner"),
    # Gemini 2.0 Flash at 0.1/0.4 is today's 2.5 Flash-Lite.
    "google/gemini-2.5-flash-lite": ("gemini-2.0-flash", "gemini-2.0-flash-lite"),
    "google/gemini-3.5-flash-lite": ("gemini-3.1-flash-lite", "gemini-3.1-flash-lite-preview"),
    "google/gemini-4-argon": ("gemini-3-pro-preview",),
    "google/gemini-omni-1.1-flash": ("gemini-omni-flash-preview",),
    "mistral/labs-leanstral-1-5-1": ("labs-leanstral-1-5",),
    "mistral/zai-glm-5-3": ("zai-glm-5-2",),
    # The family's name without a number was pointed there.
    "xai/grok-build-0.1": ("grok-code-fast-1",),
}
SUCCESSORS = {f"{new.split('/', 1)[0]}/{old}": new for new, line in LINES.items() for old in line}


def replaced_by(row: Row) -> str | None:
    """What to move to from a model that is retired or about to be."""
    if row["status"] in ("active", "preview"):
        return None
    if row["provider"] == "anthropic":
        return next((target for line, target in CLAUDE_LINES if line in str(row["id"])), None)
    return SUCCESSORS.get(full_name(row))
