"""Choices for generated cases: from hypothesis, which makes what fails small, or from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Source(Protocol):
    """Where choices come from: hypothesis, which shrinks them, or a seed."""

    def __call__(self, low: int, high: int, /) -> int:
        """A whole number between two, both included; the simplest choice is the low one."""


class Replay:
    """Choices as they were made, or made smaller: beyond the last one, the simplest."""

    def __init__(self, choices: Sequence[int]) -> None:
        self._left = list(reversed(choices))

    def __call__(self, low: int, high: int, /) -> int:
        return max(low, min(self._left.pop(), high)) if self._left else low


class Recorded:
    """A source that keeps what it chose."""

    def __init__(self, source: Source) -> None:
        self._source, self.choices = source, list[int]()

    def __call__(self, low: int, high: int, /) -> int:
        self.choices.append(self._source(low, high))
        return self.choices[-1]


def smallest(choices: list[int], fails: Callable[[list[int]], bool], tries: int = 2000) -> list[int]:
    """Makes choices that fail shorter and simpler, as long as they do: takes out runs of them, then sets each to 0."""
    for length in (64, 16, 8, 4, 2, 1, 0):
        place = len(choices)
        while place > 0 and tries > 0:
            place -= max(length, 1)
            start = max(place, 0)
            tried = choices[:start] + ([0] if length == 0 else []) + choices[start + max(length, 1) :]
            tries -= 1
            if tried != choices and fails(tried):
                choices = tried
    return choices


def some(draw: Source, percent: int) -> bool:
    """True in so many of a hundred cases; the simplest is false."""
    return draw(0, 99) >= 100 - percent


def one(draw: Source, *options: Any) -> Any:
    """One of these; the simplest is the first."""
    return options[draw(0, len(options) - 1)]


def several(draw: Source, options: Sequence[Any], least: int, most: int) -> list[Any]:
    """Some of these, none twice."""
    left, found = list(options), []
    for _ in range(min(draw(least, most), len(options))):
        found.append(left.pop(draw(0, len(left) - 1)))
    return found
