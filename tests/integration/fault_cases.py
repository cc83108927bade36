"""The catalogue of faults as it is run: `tests/cases/faults.toml` against the lab, and the page that shows it.

`python -m tests.integration.fault_cases` writes `docs/faults.md` anew.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from turnout.lab import FAULTS

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests/cases/faults.toml"
PAGE = ROOT / "docs/faults.md"
MARKS = ("<!-- the table: python -m tests.integration.fault_cases -->", "<!-- its end -->")
ROWS = [f"F{number:02}" for number in range(1, 94)]

AFTERWARDS = {
    "elsewhere": "another deployment answers, unseen",
    "again": "the same deployment is asked once more, and answers",
    "raises": "the call ends with this outcome",
    "kept": "this is the answer",
    "poor": "the answer fails the policy's checks, and is returned with that said where no stronger model is left",
}


@dataclass(frozen=True, slots=True)
class Case:
    """What a fault must come to, in one dialect, whole or streamed.

    Args:
        fault: A key of the lab's table.
        outcome: Of the attempt that meets it.
        then: What the call does next, a key of `AFTERWARDS`.
        has_same_text: Whether the answer is what a deployment without the fault says.
        is_estimated: Whether the usage is our own count; None does not say.
        tries: How many attempts the call makes; None does not say.
    """

    fault: str
    outcome: str
    then: str
    has_same_text: bool = True
    is_estimated: bool | None = None
    tries: int | None = None


def load() -> dict[str, dict[str, object]]:
    return tomllib.loads(CASES.read_text())


def cases(dialect: str, mode: str) -> list[Case]:
    """The cases of a dialect (`anthropic`, `openai`, `responses`) and a mode (`whole`, `stream`)."""
    found = []
    for fault, row in load()["fault"].items():
        assert isinstance(row, dict)
        said = row.get(f"{mode}_{dialect}", row.get(mode, row.get("both")))
        assert isinstance(said, str), f"{fault}: nothing is said of {mode} in {dialect}"
        outcome, _, then = said.partition(" > ")
        text = row.get(f"text_{mode}_{dialect}", row.get(f"text_{mode}", row.get("text", "same")))
        found.append(Case(fault, outcome, then, text == "same", row.get("estimated"), row.get("tries")))
    return found


def table() -> str:
    lines = ["| rows | fault | what happens | whole answer | stream |", "|---|---|---|---|---|"]
    for fault, row in load()["fault"].items():
        assert isinstance(row, dict)
        cells = []
        for mode in ("whole", "stream"):
            general = row.get(mode, row.get("both"))
            cell = shown(str(general))
            others = [key for key in row if key.startswith(f"{mode}_")]
            cells.append("; ".join([cell, *(f"{key.removeprefix(f'{mode}_')}: {shown(row[key])}" for key in others)]))
        known = FAULTS[fault]
        lines.append(f"| {known.rows} | `{fault}` | {known.meaning} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def shown(said: str) -> str:
    outcome, _, then = said.partition(" > ")
    return " or ".join(f"`{each}`" for each in outcome.split("|")) + f", {then}"


def elsewhere() -> str:
    """The rows that a test of their own holds, and those that are out of scope."""
    lines = ["| row | fault | held by, or why not |", "|---|---|---|"]
    for row, said in load()["row"].items():
        assert isinstance(said, dict)
        place = f"`{said['test']}`" if "test" in said else f"out of scope: {said['out']}"
        lines.append(f"| {row} | {said['fault']} | {place} |")
    return "\n".join(lines)


def page() -> str:
    text = PAGE.read_text()
    start, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    return f"{text[:start]}\n{table()}\n\n{elsewhere()}\n{text[end:]}"


def rows_of_lab() -> set[str]:
    return {row for fault in load()["fault"] for row in re.findall(r"F\d\d", FAULTS[fault].rows)}


if __name__ == "__main__":
    PAGE.write_text(page())
