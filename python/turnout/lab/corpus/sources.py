"""What developers' tools print: source files, listings, test logs, search hits, service logs, metrics, tables."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .grammar import Grammar

CUT = "[output cut: {} more lines]"
# How often a service log holds a JSON line, and how often an error has a traceback: enough to meet both on a page.
JSON_LINE_SHARE, TRACEBACK_SHARE = 0.12, 0.3
# How much of a source file is about the thing that its folder is named after.
OWN_ENTITY_SHARE = 0.6


def source_path(grammar: Grammar, language: str) -> str:
    """A plausible path of a source file."""
    folder = {"py": "app", "ts": "web/src", "go": "internal", "rs": "crates/core/src"}[language]
    return f"{folder}/{grammar.say('entity')}/{grammar.say('verb')}_{grammar.say('field')}.{language}"


def source_file(grammar: Grammar, path: str, size: int) -> str:
    """A source file of about `size` characters, as a file reader with line numbers shows it."""
    folder, _, language = path.rpartition(".")
    entity = folder.split("/")[-2]
    pieces = [grammar.say(f"{language}.head", {**_bind(grammar), "entity": entity})]
    length = len(pieces[0])
    while length < size:
        bound = _bind(grammar)
        if grammar.rng.random() < OWN_ENTITY_SHARE:
            bound["entity"] = entity
        pieces.append(grammar.say(f"{language}.block", bound))
        length += len(pieces[-1])
    lines = ("\n" if language == "py" else "").join(pieces).splitlines()
    return "\n".join(f"{number:5}\t{line}" for number, line in enumerate(lines, start=1))


def search_hits(grammar: Grammar, language: str, word: str, size: int) -> str:
    """Hits of a search for `word` as path:line: text."""

    def hits() -> Iterator[str]:
        while True:
            block = grammar.say(f"{language}.block", {**_bind(grammar), "entity": word})
            for line in block.splitlines():
                if word in line.lower():
                    yield f"{source_path(grammar, language)}:{grammar.number(3, 480)}: {line.strip()}"
                    break

    return _grow(grammar, size, hits())


def test_log(grammar: Grammar, language: str, size: int) -> str:
    """The output of a test run with some failures."""
    return _grow(grammar, size, _test_lines(grammar, language))


def service_log(grammar: Grammar, service: str, hour: int, size: int) -> str:
    """Log lines of a service from `hour` on, now and then a JSON line or a traceback."""

    def lines() -> Iterator[str]:
        clock_ms = hour * 3_600_000
        while True:
            clock_ms += grammar.number(3, 4_000)
            second, ms = divmod(clock_ms, 1000)
            stamp = f"2026-03-09T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}.{ms:03}Z"
            level, message = grammar.say("log.line").split(maxsplit=1)
            logger = grammar.say("log.logger")
            if grammar.rng.random() < JSON_LINE_SHARE:
                row = {"ts": stamp, "lvl": level.lower(), "svc": service, "trace": _hex(grammar, 16), "msg": message}
                yield json.dumps(row, ensure_ascii=False)
                continue
            yield f"{stamp} {level:<5} {service}-{grammar.number(1, 6)} [{logger}] {message} trace={_hex(grammar, 8)}"
            if level == "ERROR" and grammar.rng.random() < TRACEBACK_SHARE:
                yield "Traceback (most recent call last):"
                for _ in range(grammar.number(2, 5)):
                    path, function = source_path(grammar, "py"), grammar.say("verb")
                    yield f'  File "/srv/{path}", line {grammar.number(10, 400)}, in {function}'
                yield grammar.say("log.error")

    return _grow(grammar, size, lines())


def series(grammar: Grammar, size: int) -> str:
    """A metric's values as JSON."""
    points: list[list[float | int]] = []
    value, at = grammar.rng.uniform(20, 400), 1_773_000_000 + grammar.number(0, 86_400)
    for _ in range(max(4, size // 19)):
        value = max(0.0, value + grammar.rng.gauss(0, value * 0.06 + 0.2))
        if grammar.rng.random() < 0.02:
            value *= grammar.rng.uniform(1.5, 4.0)
        points.append([at, round(value, 2)])
        at += 30
    return json.dumps({"unit": "ms", "step_s": 30, "points": points})


def sql_rows(grammar: Grammar, size: int) -> str:
    """Rows of a query as an aligned table."""

    def rows() -> Iterator[str]:
        yield " day        | town         | goods            | orders | total_cents | returned "
        yield "------------+--------------+------------------+--------+-------------+----------"
        while True:
            day = f"2026-{grammar.number(1, 3):02}-{grammar.number(1, 28):02}"
            numbers = f"{grammar.number(1, 480):>6} | {grammar.number(900, 9_900_000):>11} | {grammar.number(0, 40):>8}"
            yield f" {day} | {grammar.say('town'):<12} | {grammar.say('goods'):<16} | {numbers}"

    return _grow(grammar, size, rows())


def _test_lines(grammar: Grammar, language: str) -> Iterator[str]:
    done = 0
    while True:
        for _ in range(grammar.number(6, 18)):
            done += 1
            name = f"test_{grammar.say('verb')}_{grammar.say('entity')}_{grammar.say('field')}"
            if language == "go":
                yield f"--- PASS: {name} ({grammar.rng.uniform(0, 2):.2f}s)"
            elif language == "rs":
                yield f"test {grammar.say('entity')}::{name} ... ok"
            elif language == "ts":
                yield grammar.fill("  ✓ «verb» «entity» keeps «field» («#1-480» ms)")
            else:
                yield f"tests/{grammar.say('entity')}/test_{grammar.say('verb')}.py::{name} PASSED [{done % 100:3}%]"
        yield f"FAILED {source_path(grammar, language)}: {grammar.say('log.error')}"
        for line in grammar.say(f"{language}.block", _bind(grammar)).strip().splitlines()[: grammar.number(4, 9)]:
            yield f">   {line}"
        yield f"E   {grammar.say('log.error')}"
        yield f"    captured: {grammar.say('log.message')}"


def _grow(grammar: Grammar, size: int, lines: Iterator[str]) -> str:
    """Lines until `size` characters are reached; long outputs say that they were cut, as tools do."""
    out: list[str] = []
    length = 0
    for line in lines:
        out.append(line)
        length += len(line) + 1
        if length >= size:
            break
    if size > 6000:
        out.append(CUT.format(grammar.number(12, 4000)))
    return "\n".join(out)


def _bind(grammar: Grammar) -> dict[str, str]:
    return {name: grammar.say(name) for name in ("entity", "field", "verb", "why")}


def _hex(grammar: Grammar, digits: int) -> str:
    return f"{grammar.rng.getrandbits(digits * 4):0{digits}x}"
