"""A user's override file: YAML in, catalogue rows out, with the place of every value.

Promises: the same keys as the catalogue's own rows, all findings at once, each with line, column, caret and hint; a
price is taken whole. Refuses: a file that is not `turnout-catalog: 1`, names without a provider, an unknown key.
`price` is the short form of one period, and `price: free` of a price of nothing; the core reads everything else. A
test breaks it with a finding at the wrong place, or a value that reaches a row changed.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from turnout.catalog.tree import Node, build, to_json
from turnout.errors import CatalogError, Finding
from turnout.source import Lines, Unreadable, YamlProblem, read_rows, read_text

__all__ = ["FREE", "Override", "load_override", "parse_override", "refusal"]

VERSION: Final = "1"
_TOP: Final = ("turnout-catalog", "providers", "models")
_NO_VERSION: Final = "begin the file with `turnout-catalog: 1`"

FREE: Final = (
    '{"in":0,"out":0,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"reasoning":0,'
    '"audio_in":0,"audio_out":0,"image_in":0,"web_search_per_k":0}'
)
"""The price of a model that is declared free: every class known, and nothing."""


@dataclass(frozen=True, slots=True)
class Override:
    """What an override file says, as rows.

    Args:
        lines: The file, for findings.
        document: One JSON object with the rows of `models` and `providers`, in the order of the file.
        root: The file as a tree.
    """

    lines: Lines
    document: str
    root: Node = field(repr=False)

    def finding(
        self,
        section: str,
        row: int | None,
        keys: Sequence[str],
        code: str,
        message: str,
        hint: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> Finding:
        """Makes a finding at a row's value, or as near to it as the file says anything.

        Args:
            section: `models` or `providers`; anything else is the file as a whole.
            row: Which of its rows, from 0.
            keys: What leads to the value inside the row, places in lists from 0 among them.
            code: The finding's code.
            message: The finding's message.
            hint: What to do about it.
            severity: Whether the file can be used all the same.
        """
        block = self.root.child(section)
        rows = _blocks(block) if block is not None else []
        node = self.root
        if row is not None and row < len(rows):
            node = rows[row].find(_spelt(rows[row], list(keys)))
        # A scalar is pointed at itself; a block at the key above it.
        is_scalar = node.kind in ("plain", "quoted")
        line, column = (node.line, node.column) if is_scalar else (node.key_line, node.key_column)
        return self.lines.finding(line, column, code, message, hint, severity)


def _spelt(row: Node, keys: list[str]) -> list[str]:
    """The way as the file spells it: `price` for the only one of `prices`."""
    if keys[:1] == ["prices"] and row.child("price") is not None:
        return ["price", *keys[2:]]
    return keys


def _blocks(block: Node) -> list[Node]:
    """The rows below a key, those that are blocks."""
    return [row for row in block.children if row.kind == "map"] if block.kind == "map" else []


def load_override(path: str | Path) -> Override:
    """Reads an override file.

    Args:
        path: The YAML file.

    Returns:
        Its rows, not yet checked by the core.

    Raises:
        CatalogError: `override-unreadable`, or `override-refused` with every finding.
    """
    try:
        text = read_text(Path(path))
    except Unreadable as problem:
        if problem.finding is not None:
            raise refusal(str(path), [problem.finding]) from None
        raise CatalogError("override-unreadable", problem.message, problem.hint) from None
    return parse_override(text, file=str(path))


def parse_override(text: str, *, file: str = "<override>") -> Override:
    """Reads an override given as text; otherwise as `load_override`.

    Args:
        text: YAML.
        file: The name that findings show.

    Returns:
        Its rows.

    Raises:
        CatalogError: `override-refused` with every finding.
    """
    reader = _Reader(Lines(file, text))
    override = reader.read()
    if override is None or reader.findings:
        raise refusal(file, reader.findings)
    return override


def refusal(file: str, findings: Iterable[Finding]) -> CatalogError:
    """Makes the error of an override file that does not load.

    Args:
        file: As the user named it.
        findings: All of them; sorted here by their place.
    """
    found = tuple(sorted(findings, key=lambda each: (each.line, each.column)))
    errors = sum(each.severity == "error" for each in found)
    plural = "" if errors == 1 else "s"
    return CatalogError("override-refused", f"`{file}` has {errors} error{plural}", findings=found)


class _Reader:
    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.findings: list[Finding] = []

    def read(self) -> Override | None:
        try:
            root = build(read_rows(self._lines.text), self._complain)
        except YamlProblem as problem:
            self._complain(problem.line, problem.column, problem.code, problem.message, problem.hint)
            return None
        if root is None or root.kind != "map":
            self._complain(1, 1, "missing-key", "this is no override file: `turnout-catalog` is missing", _NO_VERSION)
            return None
        self._check_top(root)
        models = ",".join(self._model(each) for each in self._checked_blocks(root, "models"))
        providers = ",".join(self._provider(each) for each in self._checked_blocks(root, "providers"))
        return Override(self._lines, f'{{"models":[{models}],"providers":[{providers}]}}', root)

    def _complain(self, line: int, column: int, code: str, message: str, hint: str | None = None) -> None:
        self.findings.append(self._lines.finding(line, column, code, message, hint))

    def _check_top(self, root: Node) -> None:
        version = root.child("turnout-catalog")
        if version is None:
            self._complain(1, 1, "missing-key", "`turnout-catalog` is missing", _NO_VERSION)
        elif version.text != VERSION or version.kind in ("map", "seq"):
            message = f"`turnout-catalog` is not {VERSION}, the only version that this release reads"
            self._complain(version.line, version.column, "unsupported-version", message)
        for child in root.children:
            if child.key not in _TOP:
                near = difflib.get_close_matches(child.key, _TOP, 1)
                hint = f"did you mean `{near[0]}`?" if near else "the keys are " + ", ".join(f"`{key}`" for key in _TOP)
                message = f"`{child.key}` is no key of an override file"
                self._complain(child.key_line, child.key_column, "unknown-key", message, hint)

    def _checked_blocks(self, root: Node, key: str) -> list[Node]:
        block = root.child(key)
        if block is None or block.is_null:
            return []
        if block.kind != "map":
            self._complain(block.line, block.column, "wrong-type", f"`{key}` is not a block of names", None)
            return []
        for row in block.children:
            if row.kind != "map":
                hint = "write its changed keys below it, such as `price: { in: 0.1, out: 0.4 }`"
                self._complain(row.line, row.column, "wrong-type", f"`{row.key}` is not a block of keys", hint)
        return _blocks(block)

    def _model(self, row: Node) -> str:
        provider, slash, name = row.key.partition("/")
        if not (provider and slash and name):
            hint = "write `provider/id`, such as `anthropic/claude-haiku-5-5`"
            self._complain(row.key_line, row.key_column, "bad-value", f"`{row.key}` names no provider", hint)
        members = [f'"provider":{json.dumps(provider)}', f'"id":{json.dumps(name)}']
        for child in row.children:
            if child.key in ("provider", "id"):
                message = f"`{child.key}` is already said by the row's name"
                self._complain(child.key_line, child.key_column, "duplicate-key", message, "leave it out")
            elif child.key == "price":
                members.append(f'"prices":{self._price(row, child)}')
            else:
                members.append(f"{json.dumps(child.key)}:{to_json(child, self._complain)}")
        return "{" + ",".join(members) + "}"

    def _price(self, row: Node, price: Node) -> str:
        """The short form as a list of periods."""
        if row.child("prices") is not None:
            message = "`price` and `prices` say the same thing twice"
            self._complain(price.key_line, price.key_column, "duplicate-key", message, "keep one of them")
        if price.kind == "plain" and price.text == "free":
            return f"[{FREE}]"
        if price.is_null or (price.kind == "plain" and price.text == "unknown"):
            return "[]"
        if price.kind != "map":
            hint = "write `free`, `unknown` or such as `{ in: 0.1, out: 0.4 }`, in dollars per million tokens"
            self._complain(price.line, price.column, "wrong-type", "`price` is not a price", hint)
            return "[]"
        return f"[{to_json(price, self._complain)}]"

    def _provider(self, row: Node) -> str:
        members = [f'"id":{json.dumps(row.key)}']
        for child in row.children:
            if child.key == "id":
                message = "`id` is already said by the row's name"
                self._complain(child.key_line, child.key_column, "duplicate-key", message, "leave it out")
            else:
                members.append(f"{json.dumps(child.key)}:{to_json(child, self._complain)}")
        return "{" + ",".join(members) + "}"
