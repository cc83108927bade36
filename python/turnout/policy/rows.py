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
"""The largest policy file, in bytes."""

MAX_DEPTH: Final = 32
"""How deep blocks may nest."""

Row = tuple[int, str | None, int, int, str, str, bool, int, int]
"""depth, key, key's line and column, kind (map, seq, plain, quoted), text, cut by a comment, line, column."""


@dataclass(frozen=True, slots=True)
class YamlProblem(Exception):
    """A file that is not the YAML that policies are written in.

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
    """Read a policy file as rows, in the order of the file.

    Args:
        text: The file's text.

    Returns:
        The rows; the first is the root, at depth 0.

    Raises:
        YamlProblem: The text is not YAML, or uses a part of YAML that policies do not.
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
        self._lines = text.split("\n")
        self._events = yaml.parse(text, Loader=_LOADER)
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        depth = 0
        documents = 0
        # One entry for each open block: none in a list, else whether a key was read whose value comes next.
        open_blocks: list[_Keys | None] = []
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _at(event, "malformed-yaml", "a second document starts here", "a policy is one document")
            elif isinstance(event, (MappingStartEvent, SequenceStartEvent, ScalarEvent)):
                self._refuse_extras(event)
                block = open_blocks[-1] if open_blocks else None
                if block is not None and block.key is None:
                    block.key = self._key(event)
                    continue
                self._add(event, depth, block)
                if not isinstance(event, ScalarEvent):
                    depth += 1
                    if depth > MAX_DEPTH:
                        raise _at(event, "too-large", f"blocks nest deeper than {MAX_DEPTH} levels")
                    open_blocks.append(_Keys() if isinstance(event, MappingStartEvent) else None)
            elif isinstance(event, AliasEvent):
                raise _at(
                    event, "malformed-yaml", "an alias stands here", "policies have no anchors: name a pool or a fact"
                )
            elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                depth -= 1
                open_blocks.pop()
        return self._rows

    def _refuse_extras(self, event: MappingStartEvent | SequenceStartEvent | ScalarEvent) -> None:
        if event.anchor is not None:
            raise _at(event, "malformed-yaml", f"an anchor `&{event.anchor}` stands here", "policies have no anchors")
        if event.tag is not None:
            raise _at(
                event, "malformed-yaml", "a tag stands here", "policies have no tags; quote a text that starts with `!`"
            )

    @staticmethod
    def _key(event: Event) -> tuple[str, int, int]:
        if not isinstance(event, ScalarEvent):
            raise _at(
                event, "malformed-yaml", "a key must be a text", "quote an expression that starts with `[` or `{`"
            )
        return event.value, *_place(event)

    def _add(self, event: Event, depth: int, block: _Keys | None) -> None:
        key, key_line, key_column = (None, 0, 0)
        if block is not None and block.key is not None:
            key, key_line, key_column = block.key
            block.key = None
        line, column = _place(event)
        if isinstance(event, ScalarEvent):
            is_plain = bool(event.implicit[0])
            kind, text = ("plain" if is_plain else "quoted"), event.value
            is_cut = is_plain and self._is_cut(event)
        else:
            kind, text, is_cut = ("map" if isinstance(event, MappingStartEvent) else "seq"), "", False
        self._rows.append((depth, key, key_line, key_column, kind, text, is_cut, line, column))

    def _is_cut(self, event: ScalarEvent) -> bool:
        """Whether a comment right behind a value may have been meant as a part of it: it looks like `... #word...`.

        A comment with a space behind its `#` is a comment.
        """
        end = event.end_mark
        if end is None or end.line >= len(self._lines):
            return False
        rest = self._lines[end.line][end.column :]
        return re.match(r"\s+#\S", rest) is not None or (event.value.count('"') % 2 == 1 and "#" in rest)


@dataclass(slots=True)
class _Keys:
    key: tuple[str, int, int] | None = None


def _place(event: Event) -> tuple[int, int]:
    """Line and column of an event, from 1; events that a parser made have marks."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _at(event: Event, code: str, message: str, hint: str | None = None) -> YamlProblem:
    return YamlProblem(*_place(event), code, message, hint)


_UNQUOTED: Final = re.compile(
    r"""^(?P<head>\s*(?:-\s+)?(?P<key>when|keep|want|expect|[A-Za-z_]+):\s+(?:-\s+)?)(?P<text>["'>|@`!&*%\[{].*)$"""
)


def _problem(error: yaml.MarkedYAMLError, text: str) -> YamlProblem:
    """A scanner's or parser's complaint, with the likely cause where an expression was not quoted."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    lines = text.split("\n")
    for number in (line, line - 1):
        found = _UNQUOTED.match(lines[number - 1].rstrip()) if 0 < number <= len(lines) else None
        if found and found["key"] in {"when", "keep", "want", "expect"}:
            quoted = "'" + found["text"].replace("'", "''") + "'"
            return YamlProblem(
                number,
                len(found["head"]) + 1,
                "quote-expression",
                f"YAML misreads `{found['text']}`",
                f"quote the whole expression: {found['key']}: {quoted}",
            )
    what = (error.problem or error.context or "not YAML").strip()
    return YamlProblem(line, column, "malformed-yaml", what, None)
