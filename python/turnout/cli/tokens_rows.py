"""`turnout tokens --data`: counts of recorded requests, a line each, as they are read."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from turnout import _core
from turnout.cli.recorded import counted_as
from turnout.errors import TurnoutError

BY_FAMILY = {
    "anthropic": "claude",
    "openai": "gpt-4o",
    "google": "gemini",
    "gemma": "gemma",
    "xai": "grok",
    "zai": "glm",
    "moonshot": "kimi",
    "perplexity": "sonar",
    "mistral": "mistral",
    "llama": "llama",
    "qwen": "qwen",
    "deepseek": "deepseek",
    "cohere": "command",
    "nova": "nova-",
}
"""A name that speaks for each family of rows, for rows whose model nobody knows."""


class Counted(NamedTuple):
    """One line of the output."""

    id: str
    tokens: int
    low: int
    high: int
    method: str
    note: str = ""

    def line(self) -> str:
        """The line as JSON; a note only where there is something to say."""
        fields = self._asdict()
        if not self.note:
            del fields["note"]
        return json.dumps(fields, ensure_ascii=False)


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file of JSON lines, plain or gzipped, with their line numbers from 1.

    Raises:
        ValueError: A line is not a JSON object; the message names it.
    """
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(f"line {number} is not JSON: {error}") from None
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is not a JSON object")  # noqa: TRY004  (as for a line that is not JSON)
            yield number, row


def model_of(row: Mapping[str, Any]) -> str:
    """The model that a row is counted for: its own, the one that answered, or one that stands for its family."""
    names = [
        str(row.get("model") or ""),
        str((row.get("request") or {}).get("model") or ""),
        str(row.get("resp_model") or ""),
    ]
    for name in names:
        if name and _core.tokenizer_family(name) != "unknown":
            return name
    stand_in = BY_FAMILY.get(str(row.get("family") or ""), "")
    return stand_in or next((name for name in names if name), "unknown")


def count_row(row: Mapping[str, Any], number: int = 0) -> Counted:
    """The count of one row. A request that cannot be read is counted by its text, with bounds that say so.

    Args:
        row: A recorded request (`model`, `request`, and where known `id`, `api`, `family`).
        number: The line it stands on, its id when it has none.
    """
    name = str(row.get("id") or number)
    model = model_of(row)
    try:
        found = counted_as(row)
        if isinstance(found, list):
            counts = [_core.count_tokens(model, text, guess=True) for text in found]
            method = max((count.method for count in counts), key=METHODS.index, default="exact")
            tokens, low, high = (sum(getattr(count, part) for count in counts) for part in ("tokens", "low", "high"))
            return Counted(name, tokens, low, high, method)
        dialect, body = found
        count = _core.count_tokens(model, body, dialect=dialect, guess=True)
        return Counted(name, count.tokens, count.low, count.high, count.method)
    except (TurnoutError, ValueError, TypeError, AttributeError, KeyError) as error:
        text = json.dumps(row.get("request"), ensure_ascii=False)
        count = _core.count_tokens(model, text, guess=True)
        code = getattr(error, "code", None) or "malformed-row"
        return Counted(name, count.tokens, 0, 2 * count.high + 1000, "unknown", f"counted as text: {code}")


METHODS = ("exact", "estimated", "unknown")
"""From the surest to the least sure."""
