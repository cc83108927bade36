"""Text from templates: each draw takes another template of its table until all have had their turn."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import cast

SLOT = re.compile("«([^»]+)»")


def snake_words(text: str) -> list[str]:
    """The words of `text`, whatever joined them."""
    return [word for word in re.split(r"[\s_\-]+", text) if word]


FILTERS: dict[str, Callable[[str], str]] = {
    "title": lambda text: text[:1].upper() + text[1:],
    "upper": lambda text: text.upper(),
    "pascal": lambda text: "".join(word[:1].upper() + word[1:] for word in snake_words(text)),
    "camel": lambda text: FILTERS["pascal"](text)[:1].lower() + FILTERS["pascal"](text)[1:],
}


class Grammar:
    """Draws sentences from tables of templates.

    Args:
        rng: The only source of chance; the same one gives the same text.
        tables: Templates by name; a nested table `a` with key `b` is called `a.b`.
    """

    def __init__(self, rng: random.Random, tables: Mapping[str, object]) -> None:
        """Takes the tables as they are; decks are shuffled when first drawn from."""
        self.rng = rng
        self._tables = flatten(tables)
        self._decks: dict[str, list[str]] = {}
        self._split: dict[str, list[str]] = {}

    def say(self, table: str, bound: Mapping[str, str] | None = None) -> str:
        """A text from `table`; slots named in `bound` take that value everywhere."""
        deck = self._decks.get(table)
        if not deck:
            deck = list(self._tables[table])
            self.rng.shuffle(deck)
            self._decks[table] = deck
        return self.fill(deck.pop(), bound)

    def fill(self, template: str, bound: Mapping[str, str] | None = None) -> str:
        """The template with every slot filled."""
        pieces = self._split.get(template)
        if pieces is None:
            pieces = self._split[template] = SLOT.split(template)
        if len(pieces) == 1:
            return template
        out = list(pieces)
        for index in range(1, len(out), 2):
            out[index] = self._slot(pieces[index], bound)
        return "".join(out)

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return self.rng.randint(low, high)

    def _slot(self, slot: str, bound: Mapping[str, str] | None) -> str:
        if slot.startswith("#"):
            low, high = slot[1:].split("-")
            if "." in low:
                return f"{self.rng.uniform(float(low), float(high)):.1f}"
            return str(self.rng.randint(int(low), int(high)))
        name, _, change = slot.partition("|")
        text = bound[name] if bound and name in bound else self.say(name, bound)
        return FILTERS[change](text) if change else text


def flatten(tables: Mapping[str, object], prefix: str = "") -> dict[str, list[str]]:
    """Nested tables with dotted names."""
    flat: dict[str, list[str]] = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            flat.update(flatten(cast("dict[str, object]", value), f"{prefix}{key}."))
        elif isinstance(value, list):
            flat[prefix + key] = [str(item) for item in value]
    return flat
