"""What it costs to load, check and test a policy of 200 rules: `make bench`.

Prints the best of several runs in milliseconds, whole and by step: YAML to rows, rows to a checked policy (with the
analysis of all conditions), and the tests in the file.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from turnout import _core
from turnout.catalog import catalog_of
from turnout.policy import check_policy
from turnout.source import read_rows

RULES = 200
TODAY = 20_779
TASKS = ("code", "math", "reasoning", "extraction", "summarization", "translation")


def condition(rule: int) -> str:
    """Conditions over several facts, no two alike, none within another."""
    return (
        f'task == "{TASKS[rule % 6]}" and meta.team == "t{rule}"',
        f'tokens > {rule * 10 + 10} and tools > {rule % 7} and meta.k{rule % 9} == "v{rule}"',
        f'difficulty >= 0.{99 - rule % 90:02d} and meta.team in ["a{rule}", "b{rule}"]',
        f'stream and contains(prompt, "word{rule}") and turns > {rule}',
    )[rule % 4]


def policy() -> str:
    """Ten models, 200 rules, 50 tests."""
    lines = ["turnout: 1", "name: bench", "models:"]
    lines += [
        f"  m{model}: {{ use: vllm/m{model}, base_url: 'http://127.0.0.1:{model + 1}/v1', context: {model + 1}00k,"
        f" price: {{ input: ${model + 1}, output: ${model + 2} }}, tools: true, images: true }}"
        for model in range(10)
    ]
    lines.append("rules:")
    lines += [
        f"  - {{ name: r{rule}, when: '{condition(rule)}', from: [m{rule % 10}, m{(rule + 3) % 10}],"
        f" prefer: cheapest, want: [cost.p90 <= $0.{rule + 1:03d}], else: [m{(rule + 5) % 10}] }}"
        for rule in range(RULES)
    ]
    lines += ["otherwise: { from: [m0, m1] }", "tests:"]
    lines += [
        f"  - {{ name: t{rule}, given: {{ prompt: hello, meta: {{ team: t{rule} }}, task: {TASKS[rule % 6]},"
        f" difficulty: 0.05 }}, expect: 'rule == \"r{rule}\"' }}"
        for rule in range(0, RULES, 4)
    ]
    return "\n".join(lines) + "\n"


def best_ms(act: Callable[[], object]) -> float:
    """The best of ten runs."""
    times = []
    for _ in range(10):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    """Prints the table."""
    text = policy()
    checked, findings = check_policy(text)
    assert checked is not None, findings
    assert not findings, findings
    rows, catalog = read_rows(text), catalog_of(None)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("load, check and test", lambda: check_policy(text)),
        ("  YAML to rows", lambda: read_rows(text)),
        ("  rows to a policy", lambda: _core.compile_policy(rows, TODAY, catalog)),
        ("  tests", checked.run_tests),
    ]
    print(f"a policy of {RULES} rules, {len(text)} bytes, best of ten")
    for name, act in steps:
        print(f"{name:<24} {best_ms(act):8.1f} ms")


if __name__ == "__main__":
    main()
