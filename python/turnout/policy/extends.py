"""The files of a policy: its own, and those that it extends, each below the folder that it was loaded from.

Promises: a path goes down from the file that names it, and what it leads to, links followed, lies in the folder of the
policy; a chain is short and ends. Refuses: to merge, which is the core's. A test breaks it with a file read from
outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from turnout.errors import Finding
from turnout.source import Lines, Row, Unreadable, YamlProblem, read_rows, read_text

__all__ = ["MAX_BASES", "File", "Refused", "read_files"]

MAX_BASES: Final = 8
"""How many files a policy may extend, one through the other."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a policy.

    Args:
        rows: Its values.
        lines: Its lines, for findings.
        path: Where it is, links followed; none for the policy's own.
    """

    rows: list[Row]
    lines: Lines
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A file that cannot be read, or must not be.

    Args:
        finding: What is wrong, and where.
    """

    finding: Finding


def read_files(text: str, file: str, folder: Path | None) -> list[File]:
    """Reads a policy and what it extends.

    Args:
        text: The policy's own text.
        file: The name that its findings show.
        folder: Below it lies what `extends` may read; None reads the policy alone.

    Returns:
        Its own file, then the one that it extends, then the one that that extends.

    Raises:
        Refused: A file is no YAML, or cannot be read, or must not be.
    """
    files = [_file(text, file, None)]
    if folder is None:
        return files
    try:
        root = folder.resolve(strict=True)
    except OSError:
        return files
    here = PurePosixPath()
    while (named := _extends(files[-1].rows)) is not None:
        name, line, column = named
        place = (files[-1].lines, line, column)
        # Like the names in a page's links: from the file that it stands in.
        relative = here / _downward(name, *place)
        path = _inside(root, relative, name, *place)
        known = [each.path for each in files]
        if path in known or len(known) > MAX_BASES:
            what = "extends itself" if path in known else f"extends more than {MAX_BASES} files"
            raise _refused(
                *place, f"through `{name}` this policy {what}", "a base stands by itself, or on another base"
            )
        try:
            base = read_text(path)
        except Unreadable as problem:
            raise _refused(*place, f"`extends` names `{name}`: {_reason(problem, path)}", problem.hint) from None
        files.append(_file(base, str(folder / relative), path))
        here = relative.parent
    return files


def _file(text: str, name: str, path: Path | None) -> File:
    lines = Lines(name, text)
    try:
        return File(read_rows(text), lines, path)
    except YamlProblem as problem:
        found = lines.finding(problem.line, problem.column, problem.code, problem.message, problem.hint)
        raise Refused(found) from None


def _extends(rows: list[Row]) -> tuple[str, int, int] | None:
    """The name, with its place; none also for what is no name, which the core refuses."""
    for depth, key, _, _, kind, text, _, line, column, _ in rows:
        if depth == 1 and key == "extends" and (kind == "quoted" or (kind == "plain" and text not in _NULLS)):
            return text, line, column
    return None


_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


def _downward(name: str, lines: Lines, line: int, column: int) -> PurePosixPath:
    path = PurePosixPath(name)
    is_plain = name and "\\" not in name and ":" not in name and "\0" not in name
    if not is_plain or path.is_absolute() or not path.parts or ".." in path.parts or name.startswith("~"):
        hint = "a file beside this one, such as `base.yaml`, or in a folder below, such as `shared/base.yaml`"
        raise _refused(lines, line, column, f"`extends` cannot be `{name}`", hint)
    return path


def _inside(root: Path, relative: PurePosixPath, name: str, lines: Lines, line: int, column: int) -> Path:
    try:
        path = (root / relative).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        # A loop of links is a `RuntimeError` before Python 3.13.
        reason = (getattr(error, "strerror", None) or "it cannot be resolved").lower()
        raise _refused(lines, line, column, f"`extends` names `{name}`: {reason}", "name an existing file") from None
    if not path.is_relative_to(root):
        hint = "a link must not lead out of the policy's folder; copy the file"
        raise _refused(lines, line, column, f"`extends` names `{name}`, which lies outside the policy's folder", hint)
    return path


def _reason(problem: Unreadable, path: Path) -> str:
    return problem.message.removeprefix(f"`{path}` ")


def _refused(lines: Lines, line: int, column: int, message: str, hint: str | None) -> Refused:
    return Refused(lines.finding(line, column, "bad-extends", message, hint))
