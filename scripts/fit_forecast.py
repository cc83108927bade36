"""Fit the output forecast that ships in `rust/core/src/decide/forecast_table.rs`.

Usage: fit_forecast.py DATA TASKS OUT. Needs numpy and scipy, on the maintainer's machine only. TASKS is what
`benches/forecast_error.py DATA --features` prints: what the core itself sees of each row (its task, its count of the input).
DATA holds `tokens/` (fitted on) and `catalog/` (which model thinks unasked).

The answer and the thinking are fitted apart: quantile regressions of octaves (see `octaves`) with an L1 penalty, so that a
figure with little behind it stays at zero, that is at what all rows say. What an answer was cut at is only a lower bound of
its length. The error that ships is of five folds, no `group` in two of them; leaving out a whole repository is sterner.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from forecast_rows import Row, read
from scipy.optimize import linprog

SHAPES = ("plain", "schema", "tools", "forced", "after_tool")
TASKS = [
    "code",
    "math",
    "reasoning",
    "extraction",
    "summarization",
    "translation",
    "classification",
    "open_qa",
    "closed_qa",
    "creative_writing",
    "rewriting",
    "chat",
    "tool_use",
    "agentic",
    "planning",
    "other",
]
BOUNDS = (16, 64, 256, 1024)
"""Upper edges of the classes of `max_tokens`; a fifth class lies above, and the sixth has none."""
LEVELS = ("unasked", "low", "medium", "high", "budget")
QUANTILES = (0.5, 0.9)
ANSWER_PENALTY, THINKING_PENALTY = 5.0, 3.0
"""In rows: how many rows must agree to move a figure by an octave for an octave of their error. Of 5 and 20 the folds
liked 5 a little better."""
CENTRE = 7
"""The input is counted in octaves from 128 tokens."""
MAX_OVER_HIGH = 384
"""Prior: the highest level thinks 2.8 times as long as `high` (1.5 octaves). One recording has it."""
FOLDS = 5
THIN = 40
ECHOES = ("translation", "rewriting")
"""Tasks whose answer is about as long as the input, a prior of the core for plain calls."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def octaves(tokens: int) -> int:
    """Return log2 in 1/256, linear between powers of two; as `octaves` of the core."""
    tokens = max(1, tokens)
    whole = tokens.bit_length() - 1
    return (whole << 8) + ((tokens << 8) >> whole) - 256


def tokens_of(octave: int) -> int:
    """Return the inverse of `octaves`, at least 1; as `tokens` of the core."""
    octave = max(0, octave)
    return ((256 + (octave & 255)) << (octave >> 8)) >> 8


@dataclass(frozen=True, slots=True)
class Features:
    """What the forecast looks at."""

    shape: int
    task: int
    input_octaves: int
    bound: int
    level: int | None
    """Place in LEVELS; none does not think."""
    ceiling: int
    budget: int
    input_tokens: int


def features(row: Row, seen: dict[str, object]) -> Features:
    """Return the features of a row, with the task and the count of its input that the core gave."""
    body = row.body
    choice = body.get("tool_choice") if body.get("tools") else "none"
    if body["messages"][-1]["role"] == "tool":
        shape = "after_tool"
    elif choice != "none":
        shape = "forced" if choice == "required" else "tools"
    else:
        shape = "schema" if "response_format" in body else "plain"
    bound = body.get("max_tokens")
    effort, other = body.get("reasoning_effort"), body.get("reasoning", {})
    level = "unasked" if row.thinks_unasked else None
    if effort:
        level = {"none": None, "minimal": "low", "low": "low", "medium": "medium"}.get(effort, "high")
    elif other:
        level = "budget" if "max_tokens" in other else "medium"
    return Features(
        shape=SHAPES.index(shape),
        task=TASKS.index(str(seen["task"] or "other")),
        input_octaves=octaves(int(str(seen["input_tokens"]))) - (CENTRE << 8),
        bound=len(BOUNDS) + 1 if bound is None else sum(bound > edge for edge in BOUNDS),
        level=None if level is None else LEVELS.index(level),
        ceiling=bound or 1 << 40,
        budget=other.get("max_tokens", 1 << 40),
        input_tokens=int(str(seen["input_tokens"])),
    )


def answer_columns(found: list[Features]) -> Floats:
    """Return base, shapes, tasks (but `other`), classes of the bound (but none), octaves of the input."""
    columns = [
        [1.0]
        + [float(row.shape == place) for place in range(len(SHAPES))]
        + [float(row.task == place) for place in range(len(TASKS) - 1)]
        + [float(row.bound == place) for place in range(len(BOUNDS) + 1)]
        + [row.input_octaves / 256]
        for row in found
    ]
    return np.array(columns)


def thinking_columns(found: list[Features]) -> Floats:
    """Return level (cumulative from low to high, so that more is never less), shapes."""
    columns = [
        [
            float(row.level == 0),
            float(row.level in (1, 2, 3)),
            float(row.level in (2, 3)),
            float(row.level == 3),
            float(row.level == 4),
        ]
        + [float(row.shape == place) for place in range(len(SHAPES))]
        for row in found
    ]
    return np.array(columns)


def regress(columns: Floats, wanted: Floats, cut: Mask, quantile: float, penalty: Floats, rising: list[int]) -> Floats:
    """Return the coefficients of a quantile regression with an L1 penalty; those of `rising` are not negative."""
    count, width = columns.shape
    shrunk = np.flatnonzero(penalty)
    unit = sp.csr_matrix((np.ones(len(shrunk)), (range(len(shrunk)), shrunk)), shape=(len(shrunk), width))
    none = sp.csr_matrix((len(shrunk), 2 * count))
    cost = np.concatenate([np.zeros(width), np.full(count, quantile), np.where(cut, 0, 1 - quantile), penalty[shrunk]])
    equal = sp.hstack([sp.csr_matrix(columns), sp.eye(count), -sp.eye(count), sp.csr_matrix((count, len(shrunk)))])
    size = sp.eye(len(shrunk))
    below = sp.vstack([sp.hstack([unit, none, -size]), sp.hstack([-unit, none, -size])])
    bounds = [(0 if place in rising else None, None) for place in range(width)]
    solved = linprog(
        cost,
        A_eq=equal.tocsr(),
        b_eq=wanted,
        A_ub=below.tocsr(),
        b_ub=np.zeros(2 * len(shrunk)),
        bounds=bounds + [(0, None)] * (2 * count + len(shrunk)),
        method="highs",
    )
    return np.asarray(solved.x[:width])


@dataclass(frozen=True, slots=True)
class Table:
    """The coefficients of one quantile, in 1/256 octave."""

    quantile: float
    answer: list[int]
    unread: int
    thinking: list[int]

    def answer_octaves(self, row: Features, is_read: bool) -> int:
        """Return the length of the answer."""
        shapes = 1 + len(SHAPES)
        bounds = shapes + len(TASKS) - 1
        octave = self.answer[0] + self.answer[1 + row.shape]
        octave += 0 if row.task == len(TASKS) - 1 or not is_read else self.answer[shapes + row.task]
        octave += 0 if row.bound > len(BOUNDS) else self.answer[bounds + row.bound]
        octave += (self.answer[-1] * row.input_octaves) >> 8
        return octave + (0 if is_read else self.unread)

    def forecast(self, row: Features, is_read: bool = True) -> int:
        """Return the tokens forecast, as the core does."""
        total = tokens_of(self.answer_octaves(row, is_read))
        if is_read and row.shape < SHAPES.index("tools") and TASKS[row.task] in ECHOES:
            total = max(total, row.input_tokens if self.quantile < QUANTILES[1] else (row.input_tokens * 3 + 1) // 2)
        if row.level is not None:
            steps = self.thinking[0:1], self.thinking[1:2], self.thinking[1:3], self.thinking[1:4], self.thinking[4:5]
            octave = sum(steps[row.level])
            if LEVELS[row.level] == "high":
                octave = max(octave, self.thinking[0])
            octave += self.thinking[5 + row.shape]
            total += min(tokens_of(octave) - 1, row.budget)
        return min(total, row.ceiling)


def fit(rows: list[Row], found: list[Features], among: Mask) -> list[Table]:
    """Return the tables of both quantiles, fitted on the rows of the mask."""
    answers, cut, thinks = [], [], []
    for row, seen in zip(rows, found, strict=True):
        is_known = seen.level is None or row.reasoning_tokens is not None
        answers.append(row.output_tokens - (row.reasoning_tokens or 0) * (seen.level is not None) if is_known else 0)
        cut.append(row.was_cut or row.output_tokens >= seen.ceiling)
        thinks.append(row.reasoning_tokens if seen.level is not None and row.reasoning_tokens is not None else -1)
    lengths = np.array([octaves(answer) for answer in answers]) / 256
    thoughts = np.array([octaves(thought + 1) for thought in thinks]) / 256
    has_answer, has_thought = among & (np.array(answers) > 0), among & (np.array(thinks) >= 0)
    was_cut = np.array(cut)
    columns, levels = answer_columns(found), thinking_columns(found)
    penalty = np.full(columns.shape[1], ANSWER_PENALTY)
    penalty[0] = 0
    level_penalty = np.array([0.0, 0.0, *[THINKING_PENALTY] * 2, 0.0, *[THINKING_PENALTY] * len(SHAPES)])
    tables = []
    for quantile in QUANTILES:
        answer = regress(columns[has_answer], lengths[has_answer], was_cut[has_answer], quantile, penalty, [])
        thinking = regress(
            levels[has_thought], thoughts[has_thought], was_cut[has_thought], quantile, level_penalty, [2, 3]
        )
        table = Table(quantile, [round(256 * value) for value in answer], 0, [round(256 * value) for value in thinking])
        rest = [
            256 * lengths[place] - table.answer_octaves(found[place], is_read=False)
            for place in np.flatnonzero(has_answer & ~was_cut)
        ]
        tables.append(Table(quantile, table.answer, round(float(np.quantile(rest, quantile))), table.thinking))
    return tables


@dataclass(frozen=True, slots=True)
class Error:
    """How far forecasts are from what was billed."""

    rows: int
    pinball50: float
    pinball90: float
    cover50: float
    cover90: float
    octaves_off: float

    def line(self, name: str) -> str:
        """Return a row of a table."""
        return (
            f"{name:34} {self.rows:6} {self.pinball50:9.1f} {self.pinball90:9.1f} {100 * self.cover50:7.1f} % "
            f"{100 * self.cover90:7.1f} % {self.octaves_off:9.2f}"
        )


def measured(actual: npt.ArrayLike, p50: npt.ArrayLike, p90: npt.ArrayLike) -> Error:
    """Return the error of forecasts."""
    seen, half, most = (np.asarray(values, float) for values in (actual, p50, p90))
    loss = [
        np.maximum(q * (seen - guess), (q - 1) * (seen - guess))
        for q, guess in zip(QUANTILES, (half, most), strict=True)
    ]
    return Error(
        rows=len(seen),
        pinball50=float(loss[0].mean()),
        pinball90=float(loss[1].mean()),
        cover50=float((seen <= half).mean()),
        cover90=float((seen <= most).mean()),
        octaves_off=float(np.median(np.abs(np.log2(seen / half)))),
    )


def crossed(
    rows: list[Row], found: list[Features], keys: list[str], *, is_read: bool = True
) -> tuple[list[int], list[int]]:
    """Return p50 and p90 of every row by tables that saw no row of its key."""
    fold = np.array([int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % FOLDS for key in keys])
    guesses = np.zeros((2, len(rows)), int)
    for place in range(FOLDS):
        tables = fit(rows, found, fold != place)
        for index in np.flatnonzero(fold == place):
            half, most = (table.forecast(found[index], is_read) for table in tables)
            guesses[:, index] = half, max(half, most)
    return list(guesses[0]), list(guesses[1])


def main() -> None:
    """Fit, measure on folds, write."""
    data, listed, target = (Path(argument) for argument in sys.argv[1:4])
    rows = read(data)
    seen = [json.loads(line) for line in listed.read_text(encoding="utf-8").splitlines()]
    found = [features(row, of_row) for row, of_row in zip(rows, seen, strict=True)]
    actual = [row.output_tokens for row in rows]
    groups, sources = [row.group for row in rows], [row.source for row in rows]
    print(
        f"{'held out':34} {'rows':>6} {'pinball50':>9} {'pinball90':>9} {'p50 covers':>9} {'p90 covers':>9} {'octaves':>8}"
    )
    by_group = crossed(rows, found, groups)
    held = measured(actual, *by_group)
    print(held.line("by group"))
    unread = measured(actual, *crossed(rows, found, groups, is_read=False))
    print(unread.line("by group, task not read"))
    by_source = measured(actual, *crossed(rows, found, sources))
    print(by_source.line("by repository"))
    parts = [("shape " + name, [row.shape == place for row in found]) for place, name in enumerate(SHAPES)]
    parts += [("thinking " + str(name), [row.level == place for row in found]) for place, name in enumerate(LEVELS)]
    parts += [("thinking off", [row.level is None for row in found])]
    parts += [("task " + name, [row.task == place for row in found]) for place, name in enumerate(TASKS)]
    for name, mask in parts:
        kept = np.array(mask)
        if kept.any():
            print(measured(*(np.array(values)[kept] for values in (actual, *by_group))).line("  " + name))
    tables = fit(rows, found, np.ones(len(rows), bool))
    counts = {name: sum(row.task == place for row in found) for place, name in enumerate(TASKS)}
    thoughts = [row.level for row, of in zip(found, rows, strict=True) if of.reasoning_tokens is not None]
    levels = {name: thoughts.count(place) for place, name in enumerate(LEVELS)}
    target.write_text(written(tables, held, by_source, len(set(groups)), counts, levels), encoding="utf-8")


def written(
    tables: list[Table],
    held: Error,
    by_source: Error,
    groups: int,
    tasks_seen: dict[str, int],
    levels_seen: dict[str, int],
) -> str:
    """Return the Rust file."""
    thin = ", ".join(f"`{name}` {count}" for name, count in tasks_seen.items() if count < THIN)
    by_level = ", ".join(f"`{name}` {count}" for name, count in levels_seen.items())
    lines = [
        "//! The fitted figures of the forecast. Written by `scripts/fit_forecast.py`, which says how; not to be edited.",
        "//!",
        "//! Sources: the token recordings only (requests and reported usage of public test suites of client libraries);",
        f"//! {held.rows:,} calls in {groups:,} groups. No text of them is here.",
        "//!",
        f"//! Tasks with fewer than {THIN} calls, so that their figures are near to what all tasks say:",
        f"//! {thin}.",
        "//! Recorded thinking by level; `max` is a prior over `high`, and `high` is no less than `medium` and `unasked` by rule:",
        f"//! {by_level}.",
        "",
        "use super::forecast::{ForecastError, Quantile};",
        "",
        "/// What the folds say of this table: five, no group of calls in two of them.",
        "pub const FORECAST_ERROR: ForecastError = ForecastError {",
        f"    calls: {held.rows:_},",
        f"    p50_covers_per_mille: {round(1000 * held.cover50)},",
        f"    p90_covers_per_mille: {round(1000 * held.cover90)},",
        f"    p90_covers_elsewhere_per_mille: {round(1000 * by_source.cover90)},",
        f"    median_factor_per_mille: {round(1000 * 2**held.octaves_off)},",
        "};",
    ]
    for name, table in zip(("HALF", "NINE_OF_TEN"), tables, strict=True):
        answer, thinking = table.answer, table.thinking
        tasks = [*answer[1 + len(SHAPES) : len(SHAPES) + len(TASKS)], 0]
        bounds = [*answer[len(SHAPES) + len(TASKS) : -1], 0]
        levels = [thinking[0], *np.cumsum(thinking[1:4]), 0, thinking[4]]
        # More thinking is never less output: who asks for `high` does not get less than who asks for nothing.
        levels[3] = max(levels[3], levels[0])
        levels[4] = levels[3] + MAX_OVER_HIGH
        lines += [
            "",
            "/// "
            + (
                "The length that half of the answers do not exceed."
                if name == "HALF"
                else "The length that nine of ten answers do not exceed."
            ),
            f"pub(super) const {name}: Quantile = Quantile {{",
            f"    base: {answer[0]},",
            f"    by_shape: [{', '.join(map(str, answer[1 : 1 + len(SHAPES)]))}],",
            f"    by_task: [{', '.join(map(str, tasks))}],",
            f"    unread: {table.unread},",
            f"    by_bound: [{', '.join(map(str, bounds))}],",
            f"    per_input_octave: {answer[-1]},",
            f"    thinking_by_level: [{', '.join(map(str, levels))}],",
            f"    thinking_by_shape: [{', '.join(map(str, thinking[5:]))}],",
            "};",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
