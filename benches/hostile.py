"""What it takes to refuse hostile policies: at most 50 ms and 10 MB each. Run by `make bench`.

Every case is a file that is read, checked and refused in a process of its own, after a good policy was loaded there.
Prints the processor time, how far the process's memory rose above what it was before (the kernel's count of resident
pages), and the first finding; ends with exit code 1 when a case is not refused or misses a bound.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from turnout import PolicyError
from turnout.policy import check_policy, read_policy

MOST_MS = 50.0
MOST_MB = 10.0

HEAD = "turnout: 1\nname: hostile\nmodels: { a: anthropic/claude-haiku-5-5, b: anthropic/claude-opus-5-5 }\n"
TAIL = "otherwise: { from: [a, b] }\n"

GOOD = HEAD + TAIL + "tests:\n  - { name: t, given: { prompt: hi }, expect: 'model == \"a\"' }\n"


def rule(when: str) -> str:
    """A policy of one rule; the condition in single quotes."""
    return HEAD + f"rules:\n  - {{ name: r, from: a, when: '{when}' }}\n" + TAIL


def rules(count: int, when: Callable[[int], str], more: str = "") -> str:
    """A policy of many rules."""
    lines = [f"  - {{ name: r{index}, from: a{more}, when: '{when(index)}' }}\n" for index in range(count)]
    return HEAD + "rules:\n" + "".join(lines) + TAIL


def alias_bomb() -> str:
    """Nine levels of nine aliases each: a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]\n"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)]
    return HEAD + "".join(lines) + TAIL


TEXTS: dict[str, Callable[[], str]] = {
    "alias bomb": alias_bomb,
    "100,000 anchors": lambda: HEAD + "x: [" + "&a 1, " * 100_000 + "]\n",
    "10,000 lists deep": lambda: HEAD + "x: " + "[" * 10_000 + "]" * 10_000 + "\n",
    "10,000 blocks deep": lambda: HEAD + "x: " + "{a: " * 10_000 + "1" + "}" * 10_000 + "\n",
    "10,000 dashes deep": lambda: HEAD + "x:\n  " + "- " * 10_000 + "1\n",
    "10,000 brackets, none closed": lambda: HEAD + "x: " + "[" * 10_000 + "\n",
    "500,000 brackets, none closed": lambda: HEAD + "x: " + "[" * 500_000 + "\n",
    "a tag of Python's": lambda: HEAD + "x: !!python/object/apply:os.system [id]\n",
    "a merge key": lambda: HEAD + "<<: { x: 1 }\n" + TAIL,
    "10,000 documents": lambda: "---\nturnout: 1\n" * 10_000,
    "a key of 500 kB": lambda: HEAD + '? "' + "k" * 500_000 + '"\n: 1\n' + TAIL,
    "a quoted text of 1 MB, never closed": lambda: HEAD + 'description: "' + "x" * 1_000_000,
    "1 MB of escapes as a name": lambda: HEAD + 'unknown: "' + "\\x41" * 250_000 + '"\n' + TAIL,
    "250,000 items": lambda: HEAD + "x: [" + "a, " * 250_000 + "]\n",
    "100,000 keys": lambda: HEAD + "x: {" + "".join(f"k{index}: 1, " for index in range(100_000)) + "}\n",
    "4,000 unknown keys": lambda: HEAD + "".join(f"key{index}: 1\n" for index in range(4000)) + TAIL,
    "4,000 rules, each with an unknown key": lambda: rules(4000, lambda index: f"tokens > {index}", ", x: 1"),
    "1 MB of tabs": lambda: HEAD + "x:\n" + "\t" * 1_000_000,
    "1 MB of `?`": lambda: HEAD + "? " * 500_000,
    "a condition of 1 MB": lambda: rule("tokens > 1 or " * 70_000 + "stream"),
    "10,000 parentheses": lambda: rule("(" * 10_000 + "stream" + ")" * 10_000),
    "3,000 parentheses": lambda: rule("(" * 3000 + "stream" + ")" * 3000),
    "10,000 times not": lambda: rule("not " * 10_000 + "stream"),
    "2,000 times not": lambda: rule("not " * 2000 + "stream"),
    "10,000 brackets in a condition": lambda: rule("task in " + "[" * 10_000),
    "1,500 operands": lambda: rule(" or ".join(f"1<{index}" for index in range(1500))),
    "10,000 defaults": lambda: rule("meta.x " + "?? meta.x " * 10_000),
    "a number of 8,000 digits": lambda: rule("tokens > " + "9" * 8000),
    "a regex that repeats a million times": lambda: rule('matches(prompt, "(a{1000}){1000}")'),
    "a regex of counted classes": lambda: rule(r'matches(prompt, "\w{5000}")'.replace("\\", "\\\\")),
    "a regex of nested counts": lambda: rule('matches(prompt, "((((a{30}){30}){30}){30}){30}")'),
    "a regex of 8,000 parentheses": lambda: rule('matches(prompt, "' + "(" * 4000 + "a" + ")" * 4000 + '")'),
    "a regex of 2,000 words": lambda: rule('matches(prompt, "' + "|".join(f"{index}" for index in range(2000)) + '")'),
    "1,000 regexes that are too large": lambda: rules(
        1000, lambda index: f'matches(prompt, "(a{{1000}}){{9{index}}}")'
    ),
    "1,000 large regexes": lambda: rules(1000, lambda index: f'matches(prompt, "x{index}[a-z]{{2000}}[0-9]{{2000}}")'),
}

BYTES: dict[str, Callable[[], bytes]] = {
    "UTF-16": lambda: (HEAD + TAIL).encode("utf-16"),
    "UTF-16 without a mark": lambda: (HEAD + TAIL).encode("utf-16-le"),
    "UTF-32": lambda: (HEAD + TAIL).encode("utf-32"),
    "Latin-1": lambda: (HEAD + "description: na\xefve\n" + TAIL).encode("latin-1"),
    "lone surrogates": lambda: HEAD.encode() + b"description: \xed\xa0\x80\n",
    "overlong bytes": lambda: HEAD.encode() + b"description: \xc0\xaf\n",
    "NUL": lambda: HEAD.encode() + b"description: a\0b\n",
    "1 MB of NUL": lambda: b"\0" * 1_000_000,
    "1 MB of random bytes": lambda: os.urandom(1_000_000),
}


def large(path: Path) -> None:
    """One scalar of 1 GB; the file system stores its hole only."""
    path.write_text(HEAD + "description: x", encoding="utf-8")
    with path.open("r+b") as file:
        file.truncate(1 << 30)


FILES: dict[str, Callable[[Path], None]] = {
    "a scalar of 1 GB": large,
    "a pipe": os.mkfifo,
    "a device that never ends": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
}


def kilobytes(name: str) -> int:
    """A line of the kernel's account of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def refused(path: Path) -> str:
    """The first error of a policy; empty when it loads."""
    try:
        _, findings = check_policy(read_policy(path), file="p")
    except PolicyError as error:
        return error.findings[0].code if error.findings else error.code
    return next((found.code for found in findings if found.severity == "error"), "")


def measured(path: Path) -> tuple[float, float, str]:
    """Milliseconds of the processor, megabytes and the first error's code, in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            check_policy(GOOD)
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            before = kilobytes("VmRSS")
            start = time.process_time()
            code = refused(path)
            spent_ms = (time.process_time() - start) * 1000
            risen_mb = max(0, kilobytes("VmHWM") - before) / 1024
            os.write(writing, f"{spent_ms} {risen_mb} {code}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="ascii") as answer:
        spent, risen, code = answer.read().split(" ")
    os.waitpid(child, 0)
    return float(spent), float(risen), code


def _write(make: Callable[[], str | bytes], at: Path) -> None:
    content = make()
    at.write_bytes(content.encode() if isinstance(content, str) else content)


def main() -> int:
    """Prints the table."""
    misses = 0
    print(f"{'case':42} {'ms':>8} {'MB':>7}  first finding")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        makers: dict[str, Callable[[Path], object]] = {
            **{name: partial(_write, make) for name, make in TEXTS.items()},
            **{name: partial(_write, make) for name, make in BYTES.items()},
            **FILES,
        }
        for name, make in makers.items():
            make(path)
            best = min((measured(path) for _ in range(3)), key=lambda run: run[0])
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            spent_ms, risen_mb, code = best
            is_missed = not code or spent_ms > MOST_MS or risen_mb > MOST_MB
            misses += is_missed
            print(
                f"{name:42} {spent_ms:8.1f} {risen_mb:7.1f}  {code or 'it loads'}{'  <- missed' if is_missed else ''}"
            )
    print(f"{misses} of {len(makers)} missed; at most {MOST_MS:.0f} ms and {MOST_MB:.0f} MB")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
