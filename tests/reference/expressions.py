"""The expressions of the policy language, read as slowly and plainly as they can be: text to tree, tree to value.

It is a specification: it shares no line with the core, has no types to check (what it is given has loaded) and no
speed to
defend. A value is true, false, a text, an interval of numbers of one unit, or `None`, which is unknown.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

EPOCH = datetime.date(1970, 1, 1)
MUTATIONS: set[str] = set()
"""Errors that a test puts into this model on purpose, by name, to see that the comparison notices. Else empty."""


class Interval(NamedTuple):
    """A number that lies between two others, both included: an estimate keeps its doubt."""

    low: Decimal
    high: Decimal
    unit: str = "number"
    """`number`, `duration` (ms), `money` ($), `time` (minutes of the day) or `date` (days since 1970)."""


Value = bool | str | Interval | None
Tree = tuple[Any, ...]
Names = Callable[[str], Value]


def exactly(number: int | str | Decimal, unit: str = "number") -> Interval:
    """A number without doubt."""
    value = Decimal(number)
    return Interval(value, value, unit)


# Text to words. The longer sign stands before the shorter, a date before the number that it begins with.
WORDS = re.compile(
    r"""(?P<date>\d{4}-\d\d-\d\d) | (?P<time>\d+:\d\d) | (?P<money>\$[\d.]*\d)
      | (?P<number>\d+(\.\d+)?(%|[A-Za-z]+)?) | (?P<text>"(\\.|[^"\\])*"|'(\\.|[^'\\])*')
      | (?P<word>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*) | (?P<sign>[=!<>]=|\?\?|\.\.|[<>()\[\],])""",
    re.VERBOSE,
)
UNITS: dict[str, tuple[int | Decimal, str]] = {
    "": (1, "number"),
    "%": (Decimal("0.01"), "number"),
    "k": (1000, "number"),
    "M": (1_000_000, "number"),
    "ms": (1, "duration"),
    "s": (1000, "duration"),
    "m": (60_000, "duration"),
    "h": (3_600_000, "duration"),
    "d": (86_400_000, "duration"),
}
ESCAPES = {r"\n": "\n", r"\t": "\t", r"\\": "\\", r"\"": '"', r"\'": "'"}


def _literal(kind: str, text: str) -> Value:
    if kind == "text":
        return re.sub(r"\\.", lambda found: ESCAPES.get(found[0], found[0]), text[1:-1])
    if kind == "date":
        return exactly((datetime.date.fromisoformat(text) - EPOCH).days, "date")
    if kind == "time":
        hours, minutes = text.split(":")
        return exactly(int(hours) * 60 + int(minutes), "time")
    if kind == "money":
        return exactly(text[1:], "money")
    digits = re.match(r"[\d.]+", text)
    assert digits
    factor, unit = UNITS[text[digits.end() :]]
    return exactly(Decimal(digits[0]) * factor, unit)


class _Parser:
    """From loose to tight: `or`, `and`, `not`, comparisons, `..`, `??`, operands."""

    def __init__(self, text: str) -> None:
        self._words = [(found.lastgroup or "", found[0]) for found in _matches(text)]
        self._at = 0

    def _peek(self) -> tuple[str, str]:
        return self._words[self._at] if self._at < len(self._words) else ("end", "")

    def _eat(self, *texts: str) -> str | None:
        kind, text = self._peek()
        if kind in ("word", "sign") and text in texts:
            self._at += 1
            return text
        return None

    def whole(self) -> Tree:
        tree = self.either()
        assert self._peek()[0] == "end", self._peek()
        return tree

    def either(self) -> Tree:
        parts = [self._all()]
        while self._eat("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else ("or", *parts)

    def _all(self) -> Tree:
        parts = [self._not()]
        while self._eat("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else ("and", *parts)

    def _not(self) -> Tree:
        return ("not", self._not()) if self._eat("not") else self._comparison()

    def _comparison(self) -> Tree:
        left = self._range()
        if operator := self._eat("==", "!=", "<", "<=", ">", ">="):
            return (operator, left, self._range())
        if self._eat("in"):
            return ("in", left, self._range())
        if self._eat("not"):
            assert self._eat("in")
            return ("not", ("in", left, self._range()))
        if self._eat("is"):
            is_negated = bool(self._eat("not"))
            is_negated ^= self._eat("known", "unknown") == "unknown"
            return ("not", ("known", left)) if is_negated else ("known", left)
        return left

    def _range(self) -> Tree:
        low = self._default()
        if not self._eat(".."):
            return low
        high = self._default()
        self._eat("UTC")
        return ("range", low, high)

    def _default(self) -> Tree:
        first = self._operand()
        return ("??", first, self._default()) if self._eat("??") else first

    def _operand(self) -> Tree:
        kind, text = self._peek()
        self._at += 1
        if text == "(" and kind == "sign":
            inner = self.either()
            assert self._eat(")")
            return inner
        if text == "[" and kind == "sign":
            return ("list", *self._items("]"))
        if kind != "word":
            return ("literal", _literal(kind, text))
        if text in ("true", "false"):
            return ("literal", text == "true")
        return ("call", text, *self._items(")")) if self._eat("(") else ("name", text)

    def _items(self, end: str) -> Iterator[Tree]:
        while True:
            yield self.either()
            if self._eat(end):
                return
            assert self._eat(",")


def _matches(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while text[at:].strip():
        found = WORDS.match(text, at + len(text[at:]) - len(text[at:].lstrip()))
        assert found, text[at:]
        yield found
        at = found.end()


def parse(text: str) -> Tree:
    """The tree of an expression that the core has accepted."""
    return _Parser(text).whole()


def names(tree: Tree) -> set[str]:
    """The facts that an expression names, whether or not its value depends on them."""
    if tree[0] == "name":
        return {tree[1]}
    return set().union(*(names(part) for part in tree if isinstance(part, tuple) and not isinstance(part, Interval)))


def truth(value: Value) -> bool | None:
    """A value as a condition: what is no boolean is not known to hold."""
    return value if isinstance(value, bool) else None


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def evaluate(tree: Tree, see: Names, texts: Callable[[str], list[str] | None]) -> Value:
    """The value of an expression.

    Args:
        tree: The expression.
        see: The value of a fact by its name.
        texts: The texts that a text function looks at, by the name of the fact; none when it is no text.
    """

    def value(part: Tree) -> Value:
        return evaluate(part, see, texts)

    kind = tree[0]
    if kind == "literal":
        known: Value = tree[1]
        return known
    if kind == "name":
        return see(tree[1])
    if kind == "not":
        return _not(truth(value(tree[1])))
    if kind in ("and", "or"):
        return _joined(kind == "or", (truth(value(part)) for part in tree[1:]))
    if kind == "known":
        return value(tree[1]) is not None
    if kind == "??":
        first = value(tree[1])
        return value(tree[2]) if first is None else first
    if kind == "call":
        return _look(tree[1], texts(tree[2][1]), tree[3])
    if kind == "in":
        return _is_in(value(tree[1]), tree[2], value)
    return compare(kind, value(tree[1]), value(tree[2]))


def _joined(decides: bool, parts: Iterator[bool | None]) -> bool | None:
    """One operand that decides is enough, whatever the others are, and none behind it is looked at; else doubt in one
    is
    doubt in all."""
    result: bool | None = not decides
    for held in parts:
        if held is decides:
            return decides
        if held is None and "and-ignores-doubt" not in MUTATIONS:
            result = None
    return result


def _is_in(item: Value, where: Tree, value: Callable[[Tree], Value]) -> bool | None:
    if where[0] == "list":
        found = [False, *(compare("==", item, value(option)) for option in where[1:])]
        return True if True in found else None if None in found else False
    low, high = value(where[1]), value(where[2])
    from_low, to_high = compare(">=", item, low), compare("<", item, high)
    if "range-holds-its-end" in MUTATIONS:
        to_high = compare("<=", item, high)
    # Only a time of day passes midnight: other ranges that run backwards do not load.
    wraps = isinstance(low, Interval) and isinstance(high, Interval) and low.unit == "time" and low.low > high.low
    sides = (from_low, to_high)
    if wraps and "range-never-wraps" not in MUTATIONS:
        return True if True in sides else None if None in sides else False
    return False if False in sides else None if None in sides else True


def compare(operator: str, left: Value, right: Value) -> bool | None:
    """A comparison: unknown when a side is, when the kinds differ, and when intervals overlap."""
    if operator in ("!=", ">=", ">", "<="):
        if operator == "!=":
            return _not(compare("==", left, right))
        if operator == ">":
            return compare("<", right, left)
        return _not(compare("<", left, right) if operator == ">=" else compare("<", right, left))
    if isinstance(left, Interval) and isinstance(right, Interval) and left.unit == right.unit:
        if operator == "<":
            return True if left.high < right.low else False if left.low >= right.high else None
        if left.high < right.low or right.high < left.low:
            return False
        return True if left.low == left.high == right.low == right.high else None
    is_one_kind = type(left) is type(right) and isinstance(left, str | bool)
    return left == right if is_one_kind and operator == "==" else None


def _look(function: str, texts: list[str] | None, argument: Tree) -> bool | None:
    """A text function: does one of the texts match? Case counts in `matches` only."""
    if texts is None:
        return None
    options = [part[1] for part in argument[1:]] if argument[0] == "list" else [argument[1]]
    if function == "matches":
        return any(re.search(option, text) for option in options for text in texts)
    before, after = {"starts_with": (r"\A", ""), "ends_with": ("", r"\Z")}.get(function, ("", ""))

    def pattern(option: str) -> str:
        is_word = function == "any_word"
        left = r"(?<!\w)" if is_word and option[0].isalnum() else before
        right = r"(?!\w)" if is_word and option[-1].isalnum() else after
        return left + re.escape(option) + right

    return any(re.search(pattern(option), text, re.IGNORECASE) for option in options for text in texts)
