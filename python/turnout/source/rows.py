"""YAML to rows: every value of the file with its key and its place, and no meaning yet.

Promises: works on libyaml's events, so that depth, size and aliases are checked before any value is built; scalars stay
text (YAML 1.2's reading of them is the core's). Refuses anchors, aliases, tags, several documents, keys that are no
text. A test breaks it with a file whose rows differ from what a YAML 1.2 reader sees, or one that takes long to refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

__all__ = ["MAX_BYTES", "Row", "YamlProblem", "read_rows"]

MAX_BYTES: Final = 1 << 20
"""The largest file, in bytes."""

MAX_DEPTH: Final = 32
"""How deep blocks may nest."""

MAX_ENTRIES: Final = 4096
"""How many entries one block or list may have; the core holds the same line."""

MAX_VALUES: Final = 8_000
"""How many values a file may hold: a thousand rules and more."""

MAX_LOCATED: Final = 8192
"""How many characters of a value have places of their own in findings; the core reads no longer expression."""

Piece = tuple[int, int, int]
"""A character of a text, and the line and column that it stands at."""

Row = tuple[int, str | None, int, int, str, str, bool, int, int, list[Piece]]
"""depth, key, key's line and column, kind (map, seq, plain, quoted), text, cut by a comment, line, column, pieces.

The pieces say where the text's parts stand when it is not all on one line just as it is: quoted, escaped, folded.
"""


@dataclass(frozen=True, slots=True)
class YamlProblem(Exception):
    """A file that is not the YAML that policies and overrides are written in.

    Args:
        line: Counted from 1.
        column: Counted from 1, in characters.
        code: `malformed-yaml`, `too-large` or `quote-expression`.
        message: One lower-case sentence without a full stop.
        hint: What to write instead.
    """

    line: int
    column: int
    code: str
    message: str
    hint: str | None = None


# The C scanner where PyYAML was built with libyaml (its wheels are); the pure one reads the same events.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_rows(text: str) -> list[Row]:
    """Read a YAML file as rows, in the order of the file.

    Args:
        text: The file's text.

    Returns:
        The rows; the first is the root, at depth 0.

    Raises:
        YamlProblem: The text is not YAML, or uses a part of YAML that files of ours do not.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise YamlProblem(1, 1, "too-large", f"the file is larger than {MAX_BYTES} bytes")
    try:
        return _Reader(text).rows()
    except yaml.MarkedYAMLError as error:
        raise _problem(error, text) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        raise YamlProblem(line, column, "malformed-yaml", "a character that YAML does not allow stands here") from None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._events = yaml.parse(text, Loader=_LOADER)
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        depth = 0
        documents = 0
        open_blocks: list[_Open] = []
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _at(event, "malformed-yaml", "a second document starts here", "a file is one document")
            elif isinstance(event, (MappingStartEvent, SequenceStartEvent, ScalarEvent)):
                self._refuse_extras(event)
                block = open_blocks[-1] if open_blocks else None
                if block is not None and block.is_map and block.key is None:
                    block.key = self._key(event)
                    continue
                self._add(event, depth, block)
                if not isinstance(event, ScalarEvent):
                    depth += 1
                    if depth > MAX_DEPTH:
                        raise _at(event, "too-large", f"blocks nest deeper than {MAX_DEPTH} levels")
                    open_blocks.append(_Open(isinstance(event, MappingStartEvent)))
            elif isinstance(event, AliasEvent):
                raise _at(
                    event,
                    "malformed-yaml",
                    "an alias stands here",
                    "anchors are not read: write the value out, or name a pool or a fact",
                )
            elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                depth -= 1
                open_blocks.pop()
        return self._rows

    def _refuse_extras(self, event: MappingStartEvent | SequenceStartEvent | ScalarEvent) -> None:
        if event.anchor is not None:
            raise _at(event, "malformed-yaml", f"an anchor `&{event.anchor}` stands here", "anchors are not read")
        if event.tag is not None:
            hint = "tags are not read; quote a text that starts with `!`, and write `not` in expressions"
            raise _at(event, "malformed-yaml", "a tag stands here", hint)

    @staticmethod
    def _key(event: Event) -> tuple[str, int, int]:
        if not isinstance(event, ScalarEvent):
            raise _at(
                event, "malformed-yaml", "a key must be a text", "quote an expression that starts with `[` or `{`"
            )
        return event.value, *_place(event)

    def _add(self, event: Event, depth: int, block: _Open | None) -> None:
        key, key_line, key_column = (None, 0, 0)
        if block is not None:
            block.entries += 1
            if block.entries > MAX_ENTRIES:
                raise _at(event, "too-large", f"more than {MAX_ENTRIES} entries stand in one block")
            if block.key is not None:
                key, key_line, key_column = block.key
                block.key = None
        line, column = _place(event)
        pieces: list[Piece] = []
        if isinstance(event, ScalarEvent):
            is_plain = bool(event.implicit[0])
            kind, text = ("plain" if is_plain else "quoted"), event.value
            is_cut = is_plain and self._is_cut(event)
            pieces = self._pieces(event)
        else:
            kind, text, is_cut = ("map" if isinstance(event, MappingStartEvent) else "seq"), "", False
        if len(self._rows) >= MAX_VALUES:
            raise _at(event, "too-large", f"the file holds more than {MAX_VALUES} values")
        self._rows.append((depth, key, key_line, key_column, kind, text, is_cut, line, column, pieces))

    def _pieces(self, event: ScalarEvent) -> list[Piece]:
        """Where the parts of a scalar's text stand; empty when it stands there as it is, from the first character."""
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:
            return []
        raw = self._text[start.index : end.index]
        known = _verbatim(event, raw, start.line + 1, start.column + 1)
        if known is not None:
            return known
        # A value may be far longer than an expression can be, and all of it escapes.
        raw = raw[: 2 * MAX_LOCATED]
        at, line, column = 0, start.line + 1, start.column + 1

        def step() -> None:
            nonlocal at, line, column
            at, line, column = (at + 1, line + 1, 1) if raw[at] == "\n" else (at + 1, line, column + 1)

        # Behind the quote, or behind the line of a block scalar's `|` or `>`.
        if event.style in {"|", ">"}:
            while at < len(raw) and line == start.line + 1:
                step()
        elif event.style in {"'", '"'}:
            step()
        pieces: list[Piece] = []
        expected = (0, 0)
        for index, character in enumerate(event.value[:MAX_LOCATED]):
            if character.isspace():
                continue
            while at < len(raw) and raw[at] != character:
                step()
            if at == len(raw):  # an escape that spells the character otherwise: the rest is close by
                break
            if (line, column - index) != expected:
                expected = (line, column - index)
                pieces.append((index, line, column))
            step()
        return pieces

    def _is_cut(self, event: ScalarEvent) -> bool:
        """Whether a comment right behind a value may have been meant as a part of it.

        It may when it starts inside a string of an expression, or looks like a word (`#12`); one with a space behind
        its `#` is an ordinary comment.
        """
        end = event.end_mark
        if end is None or end.line >= len(self._lines):
            return False
        comment = _COMMENT.match(self._lines[end.line], end.column)
        return comment is not None and (comment[1].strip() not in {"", "#"} or _is_in_string(event.value))


def _verbatim(event: ScalarEvent, raw: str, line: int, column: int) -> list[Piece] | None:
    """The pieces of a text that stands in its line as it is, quotes aside; none when it must be walked."""
    if raw == event.value or not event.value:
        return []
    is_quoted = event.style in {"'", '"'} and raw[1:-1] == event.value and not event.value[0].isspace()
    return [(0, line, column + 1)] if is_quoted else None


# Matched at a place in the line, never with a copy of the rest: a line may hold thousands of values.
_COMMENT: Final = re.compile(r"\s*#(.?)")


def _is_in_string(expression: str) -> bool:
    """Whether a text ends inside a string, as expressions write strings."""
    quote = ""
    characters = iter(expression)
    for character in characters:
        if quote and character == "\\":
            next(characters, None)
        elif quote:
            quote = "" if character == quote else quote
        elif character in {"'", '"'}:
            quote = character
    return bool(quote)


@dataclass(slots=True)
class _Open:
    """A block or list that is being read; of a block, the key whose value comes next."""

    is_map: bool
    key: tuple[str, int, int] | None = None
    entries: int = 0


def _place(event: Event) -> tuple[int, int]:
    """Line and column of an event, from 1; events that a parser made have marks."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _at(event: Event, code: str, message: str, hint: str | None = None) -> YamlProblem:
    return YamlProblem(*_place(event), code, message, hint)


_EXPRESSION: Final = re.compile(r"^(?P<head>\s*(?:-\s+)?(?:\{\s*)?(?P<key>when|keep|want|expect):\s+)(?P<text>\S.*)$")
_QUOTED: Final = re.compile(r"""^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*(?:#.*)?$""")
_BLOCK: Final = re.compile(r"^[|>][-+0-9]*\s*(?:#.*)?$")

_CAUSES: Final = (
    ("tab", "a tab stands here", "indent with spaces: YAML takes no tabs"),
    (
        "mapping values are not allowed",
        "a `:` stands where YAML expects no key",
        "check the indentation; quote a text that holds `: `",
    ),
    ("did not find expected key", "YAML expects a key here", "check the indentation of this line and the one above"),
    ("expected <block end>", "YAML expects a key here", "check the indentation of this line and the one above"),
    ("could not find expected ':'", "a key without its `:`", "write `key: value`, with a space behind the `:`"),
    (
        "expected ',' or",
        "a list or block in brackets is not closed, or a `,` is missing",
        "quote an expression that holds brackets, quotes or commas",
    ),
    ("expected '-' indicator", "YAML expects a `-` here", "check the indentation of this line and the one above"),
    ("cannot start any token", "YAML cannot read the character that stands here", "quote a text that starts with it"),
    ("unexpected end of stream", "a quote is opened and never closed", "close it"),
)
# Complaints that name where reading stopped, while the cause is where it started.
_AT_START: Final = ("could not find expected ':'", "expected ',' or", "unexpected end of stream")


def _problem(error: yaml.MarkedYAMLError, text: str) -> YamlProblem:
    """A scanner's or parser's complaint, with the likely cause where an expression was not quoted."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    lines = text.split("\n")
    for number in (line, line - 1):
        found = _EXPRESSION.match(lines[number - 1].rstrip()) if 0 < number <= len(lines) else None
        if found and _is_misread(found["text"]):
            quoted = "'" + found["text"].replace("'", "''") + "'"
            return YamlProblem(
                number,
                len(found["head"]) + 1,
                "quote-expression",
                f"YAML misreads `{found['text']}`",
                f"quote the whole expression: {found['key']}: {quoted}",
            )
    what = (error.problem or error.context or "").strip()
    current = lines[line - 1] if 0 < line <= len(lines) else ""
    if current[column - 1 : column] == "\t":
        what = "tab"
    elif any(sign in what for sign in _AT_START):
        start = error.context_mark
        if start is not None and start.line + 1 < line:
            line, column = start.line + 1, start.column + 1
    for sign, message, hint in _CAUSES:
        if sign in what:
            return YamlProblem(line, column, "malformed-yaml", message, hint)
    return YamlProblem(line, column, "malformed-yaml", f"the file is not YAML: {what or 'it cannot be read'}")


def _is_misread(text: str) -> bool:
    """Whether the text of an expression, as it stands in its line, is not one YAML scalar."""
    if text[0] in "\"'":
        return _QUOTED.match(text) is None
    if text[0] in "|>":
        return _BLOCK.match(text) is None
    if text[0] in "@`%&*!":
        return True
    return text[0] not in "[{" and ": " in text
