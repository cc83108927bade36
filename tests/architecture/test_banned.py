"""What must not be there: side doors out of the process, a clock in the core, machine paths, files too big to read."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from tests.architecture.sources import (
    CORE,
    PACKAGE,
    ROOT,
    imports,
    line_of,
    python_files,
    rust_code,
    rust_files,
    shown,
    text_files,
)

BANNED_IMPORTS = re.compile(
    r"(subprocess|multiprocessing|pickle|marshal|shelve|ctypes|requests|httpx|http\.client"
    r"|time\.sleep|os\.system|os\.popen|os\.exec\w*|os\.spawn\w*|os\.fork)(\.|$)"
)
BANNED_CALLS = {
    "urllib.request.urlopen",
    "eval",
    "exec",
    "compile",
    "__import__",
    "time.sleep",
    "os.system",
    "os.popen",
    "os.fork",
    "yaml.load",
}
# The one file of the package that may import the library; it reads the proxy settings as the standard library does.
HTTP = "python/turnout/providers/httpx2_transport.py"
ONLY_IMPORTER = {
    "httpx2": HTTP,
    "aiohttp": "python/turnout/providers/aiohttp_transport.py",
    "urllib.request": "python/turnout/providers/outbound.py",
}
MAX_LINES = 600


def dotted(node: ast.expr) -> str:
    """`a.b.c` for the expression, or nothing when it is no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (front := dotted(node.value)):
        return f"{front}.{node.attr}"
    return ""


def calls(path: Path) -> list[tuple[int, str, ast.Call]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(node.lineno, dotted(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_the_package_opens_no_side_door() -> None:
    examined = 0
    wrong = []
    for path in python_files():
        found = [(line, f"import of {name}") for line, name in imports(path) if BANNED_IMPORTS.match(name)]
        found += [(line, f"call of {name}") for line, name, _ in calls(path) if name in BANNED_CALLS]
        found += [
            (line, f"import of {name}")
            for line, name in imports(path)
            if any(
                f"{name}.".startswith(f"{library}.") and shown(path) != importer
                for library, importer in ONLY_IMPORTER.items()
            )
        ]
        examined += len(imports(path))
        wrong += [f"{shown(path)}:{line}: {what}" for line, what in found]
    assert examined > 10
    assert not wrong, "\n".join(wrong)


def test_vendor_sdks_are_imported_lazily() -> None:
    examined = 0
    wrong = []
    for path in python_files(PACKAGE / "providers"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {
            line
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            or (isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING"))
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        examined += 1
        wrong += [
            f"{shown(path)}:{line}: {name}"
            for line, name in imports(path)
            if name.split(".")[0] == "anthropic" and line not in inside
        ]
    assert examined > 2
    assert not wrong, "\n".join(wrong)


def test_the_library_sets_no_log_handlers() -> None:
    """Nor prints; the command line does both, for the user who typed it."""
    files = [path for path in python_files() if "cli" not in path.relative_to(PACKAGE).parts]
    assert len(files) > 3
    wrong = [
        f"{shown(path)}:{line}: {name}"
        for path in files
        for line, name, _ in calls(path)
        if name in {"print", "logging.basicConfig"} or name.endswith(".addHandler")
    ]
    assert not wrong, "\n".join(wrong)


def test_tests_do_not_sleep() -> None:
    """Time is injected; 50 ms are for what only a real clock can show."""
    files = python_files(ROOT / "tests")
    assert len(files) > 5
    wrong = []
    for path in files:
        for line, name, call in calls(path):
            if name in {"time.sleep", "asyncio.sleep", "sleep", "anyio.sleep"} and call.args:
                length = call.args[0]
                if isinstance(length, ast.Constant) and isinstance(length.value, int | float) and length.value > 0.05:
                    wrong.append(f"{shown(path)}:{line}: {name}({length.value})")
    assert not wrong, "\n".join(wrong)


IMPURE = re.compile(
    r"\bstd::(?:time|thread|fs|net|env|process|io::std\w+)\b"
    r"|\bstd::\{[^;]*\b(?:time|thread|fs|net|env|process)\b"
    r"|\b(?:Instant|SystemTime)\b|\bunsafe\b|\basync\s+fn\b|\bstatic\s+mut\b"
)


def test_the_core_is_pure() -> None:
    files = rust_files(CORE)
    assert len(files) > 10
    wrong = [
        f"{shown(path)}:{line_of(rust_code(path), match.start())}: {match[0]}"
        for path in files
        for match in IMPURE.finditer(rust_code(path).replace("#![forbid(unsafe_code)]", ""))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_core_depends_on_nothing_with_effects() -> None:
    manifest = tomllib.loads((CORE.parent / "Cargo.toml").read_text(encoding="utf-8"))
    names = set(manifest["dependencies"])
    assert names
    assert not names & {"pyo3", "tokio", "rand", "getrandom", "chrono", "time", "reqwest", "rayon", "log", "tracing"}
    loose = [name for name, wanted in manifest["dependencies"].items() if not str(dict_version(wanted)).startswith("=")]
    assert not loose, f"not pinned: {loose}"


def dict_version(wanted: object) -> object:
    return wanted.get("version") if isinstance(wanted, dict) else wanted


@pytest.mark.parametrize(
    "code", ["use std::{fmt, time::Duration};", "std::env::var(x)", "unsafe { x }", "Instant::now()"]
)
def test_impurity_is_seen(code: str) -> None:
    assert IMPURE.search(code)


def test_files_fit_one_head() -> None:
    files = [path for path in text_files() if path.suffix in {".py", ".pyi", ".rs", ".sh"} or path.name == "Makefile"]
    assert len(files) > 20
    # A stub is one list of declarations, and there is one extension module for it to describe.
    files.remove(PACKAGE / "_core.pyi")
    lengths = {shown(path): path.read_text(encoding="utf-8").count("\n") for path in files}
    long = {name: lines for name, lines in lengths.items() if lines > MAX_LINES}
    assert not long, f"more than {MAX_LINES} lines: {long}"


# Folders where people and machines keep their own things, spelled so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.:/$}>~-])/(?:home|Users|work|root|tmp/wt)/\w")


def test_no_path_of_a_machine_is_written_down() -> None:
    # The demo's prompts (`data`) quote what agents send, and agents send such paths.
    files = [path for path in text_files() if "data" not in path.relative_to(ROOT).parts]
    assert len(files) > 30
    wrong = [
        f"{shown(path)}:{line_of(text, match.start())}: {match[0]}"
        for path in files
        for text in [path.read_text(encoding="utf-8")]
        for match in MACHINE_PATH.finditer(text)
    ]
    assert not wrong, "\n".join(wrong)


def test_machine_paths_are_seen() -> None:
    # In two pieces, or this file would be found.
    assert MACHINE_PATH.search('open("/ho' + 'me/ada/x")')
    assert not MACHINE_PATH.search("https://example.com/ho" + "me/page")


def test_constraints_are_exact_and_name_no_host() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert len(lines) > 20
    assert not [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)]
