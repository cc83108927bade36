"""Text out of a seed: the same seed gives the same answer on every machine.

The generator is its own (a counter hashed with BLAKE2b), because `random` does not promise its sequence across
versions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

__all__ = ["OBJECTS", "SUBJECTS", "VERBS", "Draw", "cut_to_tokens", "prose", "tokens_of"]

_OPENERS: Final = (
    "In short,",
    "As asked,",
    "To begin with,",
    "On balance,",
    "In practice,",
    "Here,",
    "First,",
    "Then,",
    "Also,",
)
SUBJECTS: Final = (
    "the train", "the signal", "a junction", "the timetable", "the driver", "each wagon", "the guard", "the line",
    "a platform", "the dispatcher", "the freight", "the express", "a siding", "the bridge", "the gauge", "the café car",
)  # fmt: skip
VERBS: Final = (
    "reaches", "follows", "leaves", "crosses", "waits for", "signals", "carries", "connects", "passes", "checks",
    "holds",
)  # fmt: skip
OBJECTS: Final = (
    "the main track", "the next station", "a longer route", "the shorter route", "the yard", "the morning mail",
    "two carriages", "the red lamp", "a clear section", "the northern branch", "its connection", "the spare engine",
    "the level crossing",
)  # fmt: skip
_CLOSERS: Final = (
    "without delay",
    "at once",
    "by noon",
    "when the way is clear",
    "as planned",
    "with care",
    "on time",
    "\N{EN DASH} 準時",
)

_CHARS_A_TOKEN: Final = 4

_T = TypeVar("_T")


class Draw:
    """Numbers from a seed, one after the other.

    Args:
        seed: Any bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = hashlib.blake2b(seed, digest_size=16).digest()
        self._counter = 0

    def below(self, bound: int) -> int:
        """Returns the next number from 0 to `bound` - 1; `bound` is at least 1."""
        self._counter += 1
        digest = hashlib.blake2b(self._counter.to_bytes(8, "big"), key=self._seed, digest_size=8).digest()
        return int.from_bytes(digest, "big") % bound

    def pick(self, options: Sequence[_T]) -> _T:
        """Returns one of the options."""
        return options[self.below(len(options))]


def tokens_of(text: str) -> int:
    """Counts tokens by the lab's own rule: four characters are a token, rounded up, and any text is at least one.

    Args:
        text: What a client sent, or a model said.

    Returns:
        The count; no provider's, but the same everywhere, and near enough for a demo.
    """
    return max(1, -(-len(text) // _CHARS_A_TOKEN))


def cut_to_tokens(text: str, tokens: int) -> str:
    """Returns the start of a text that `tokens_of` counts as at most so many tokens."""
    return text[: max(0, tokens) * _CHARS_A_TOKEN]


def prose(draw: Draw, tokens: int) -> str:
    """Writes sentences until they count at least so many tokens.

    Args:
        draw: Where the choices come from.
        tokens: At least 1.

    Returns:
        The text; it holds some letters beyond ASCII, so that split code points are exercised.
    """
    sentences: list[str] = []
    length = 0
    while not sentences or length < tokens * _CHARS_A_TOKEN:
        words = [draw.pick(SUBJECTS), draw.pick(VERBS), draw.pick(OBJECTS)]
        if draw.below(3) == 0:
            words.append(draw.pick(_CLOSERS))
        if draw.below(4) == 0:
            words.insert(0, draw.pick(_OPENERS))
        sentence = " ".join(words)
        sentences.append(sentence[0].upper() + sentence[1:] + ".")
        length += len(sentences[-1]) + 1
    return " ".join(sentences)
