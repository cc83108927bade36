"""The repository as the architecture tests see it: its files, and what each one imports."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "turnout"
CORE = ROOT / "rust" / "core" / "src"
BINDING = ROOT / "rust" / "py" / "src"

TEXT_SUFFIXES = {".md", ".py", ".pyi", ".rs", ".sh", ".toml", ".txt", ".yaml", ".yml"}
# Made by tools, or not ours: never part of what we wrote.
GENERATED_FOLDERS = {"target", "dist", "__pycache__"}


def text_files(root: Path = ROOT) -> Iterator[Path]:
    """Every file of the repository that a person writes, without those of hidden and generated folders."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            if path.name not in GENERATED_FOLDERS and (not path.name.startswith(".") or path.name == ".ci"):
                yield from text_files(path)
        elif path.suffix in TEXT_SUFFIXES or path.name in {"Makefile", "run"}:
            yield path


def python_files(folder: Path = PACKAGE) -> list[Path]:
    return sorted(folder.rglob("*.py"))


_TEST_MODULE = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*mod tests;")


def rust_files(folder: Path) -> list[Path]:
    """The files of a crate that are shipped, without those of a `#[cfg(test)] mod tests;`."""
    return [path for path in sorted(folder.rglob("*.rs")) if not any(map(_declared_for_tests, [path, *path.parents]))]


def _declared_for_tests(path: Path) -> bool:
    if path.stem != "tests":
        return False
    parents = [path.parent / "mod.rs", path.parent / "lib.rs", path.parent.with_suffix(".rs")]
    return any(_TEST_MODULE.search(parent.read_text(encoding="utf-8")) for parent in parents if parent.is_file())


def module_name(path: Path) -> str:
    """`turnout.policy.load` for python/turnout/policy/load.py."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, dotted name) of every import in a file, wherever it stands; `from a import b` gives `a.b`."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [node.module] if node.module else []
            if node.level:
                here = module_name(path).split(".") + ["__init__"] * (path.stem == "__init__")
                base = [*here[: len(here) - node.level], *base]
            found += [(node.lineno, ".".join([*base, alias.name])) for alias in node.names]
    return found


_COMMENT_OR_LITERAL = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|\bb?r(?P<hashes>\#*)".*?"(?P=hashes)|b?'(?:\\.[^']*|[^'\\])'|"(?:\\.|[^"\\])*\"""",
    re.DOTALL,
)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


@cache
def rust_code(path: Path, *, literals: bool = False) -> str:
    """A Rust file without comments and `#[cfg(test)]` items, and without literals unless asked for.

    What is left out is blanked, so that every character keeps its place.
    """
    source = path.read_text(encoding="utf-8")
    bare = _COMMENT_OR_LITERAL.sub(lambda match: _blank(match[0]), source)
    code = bare
    if literals:
        code = _COMMENT_OR_LITERAL.sub(lambda match: _blank(match[0]) if match["comment"] else match[0], source)
    for start, end in _test_items(bare):
        code = code[:start] + _blank(code[start:end]) + code[end:]
    return code


def _test_items(code: str) -> Iterator[tuple[int, int]]:
    for match in re.finditer(r"#\[cfg\(test\)\]", code):
        depth = 0
        for end in re.finditer(r"[{};]", code[match.end() :]):
            depth += {"{": 1, "}": -1, ";": 0}[end[0]]
            if depth == 0:
                yield match.start(), match.end() + end.end()
                break


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
