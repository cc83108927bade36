"""An override file as a tree with places, and its values as JSON: no meaning yet.

Promises: a number keeps its digits (a price never becomes a float), a value that JSON does not have is a finding at its
place, and every value can be found again by the keys that lead to it. A test breaks it with a number whose digits
change, or a path that leads elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from turnout.source import Row

__all__ = ["Complaint", "Node", "build", "number_text", "to_json"]

Complaint = Callable[[int, int, str, str, str | None], None]
"""Takes a finding: line, column, code, message, hint."""

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false"}
_NUMBER: Final = re.compile(r"(?P<sign>[-+]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?:[eE](?P<power>[-+]?[0-9]+))?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


@dataclass(slots=True)
class Node:
    """A value of the file.

    Args:
        kind: `map`, `seq`, `plain` or `quoted`.
        text: Of a scalar.
        line: Where the value starts.
        column: The same.
        key: The key it stands under; empty in a list.
        key_line: Where the key starts; the value's place in a list.
        key_column: The same.
        children: Of a map or a list, in the order of the file.
    """

    kind: str
    text: str
    line: int
    column: int
    key: str = ""
    key_line: int = 0
    key_column: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def is_null(self) -> bool:
        """Whether nothing stands here: `key:`, `~` or `null`."""
        return self.kind == "plain" and self.text in _NULL

    def child(self, key: str) -> Node | None:
        """Returns the value under a key."""
        return next((each for each in self.children if each.key == key), None) if self.kind == "map" else None

    def find(self, path: Sequence[str]) -> Node:
        """Returns the value that keys lead to, or the last one on the way that is there.

        Args:
            path: Keys, and places in lists from 0.
        """
        node = self
        for step in path:
            if node.kind == "seq":
                at = int(step) if step.isdecimal() else len(node.children)
                found = node.children[at] if at < len(node.children) else None
            else:
                found = node.child(step)
            if found is None:
                break
            node = found
        return node


def build(rows: Sequence[Row], complain: Complaint | None = None) -> Node | None:
    """Builds the tree of a file from its rows.

    Args:
        rows: As `read_rows` gives them.
        complain: Is told of keys that stand twice; the first one counts.

    Returns:
        The root; None for an empty file.
    """
    path: list[Node] = []
    root: Node | None = None
    for depth, key, key_line, key_column, kind, text, _, line, column, _ in rows:
        node = Node(kind, text, line, column, key or "", key_line or line, key_column or column)
        del path[depth:]
        if not path:
            root = root or node
        elif key is not None and path[-1].child(key) is not None:
            if complain is not None:
                complain(node.key_line, node.key_column, "duplicate-key", f"`{key}` stands twice in one block", None)
        else:
            path[-1].children.append(node)
        path.append(node)
    return root


def to_json(node: Node, complain: Complaint) -> str:
    """Returns a value as JSON, numbers with their digits.

    Args:
        node: The value.
        complain: Is told of numbers that are not finite; they become null.
    """
    if node.kind == "map":
        members = (f"{json.dumps(child.key)}:{to_json(child, complain)}" for child in node.children)
        return "{" + ",".join(members) + "}"
    if node.kind == "seq":
        return "[" + ",".join(to_json(child, complain) for child in node.children) + "]"
    if node.kind == "quoted":
        return json.dumps(node.text)
    if node.text in _NULL:
        return "null"
    if node.text in _BOOL:
        return _BOOL[node.text]
    if _NOT_FINITE.fullmatch(node.text):
        named = f"`{node.key}`" if node.key else "the value"
        complain(node.line, node.column, "bad-value", f"{named} is `{node.text}`, which is no finite number", None)
        return "null"
    return number_text(node.text) or json.dumps(node.text)


def number_text(text: str) -> str | None:
    """Returns a decimal number as JSON writes it, with the same digits; None if it is no number.

    Args:
        text: Such as `0.1`, `.5`, `+2`, `1e-3`.
    """
    match = _NUMBER.fullmatch(text)
    if match is None or not (match["whole"] or match["part"]):
        return None
    whole = match["whole"].lstrip("0") or "0"
    part = f".{match['part']}" if match["part"] else ""
    power = f"e{match['power']}" if match["power"] else ""
    return f"{'-' if match['sign'] == '-' else ''}{whole}{part}{power}"
