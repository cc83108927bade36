"""What fitted routers are worth: `benches/quality/run.py DATA [--full]`.

DATA holds `routing/*.jsonl.gz`; without it nothing is measured, and this says so. Every figure is of rows that no fit
saw: five parts by `group` (two without `--full`), or a draw of labels against the rest. Printed beside each: chance and
a table of the categories' mean gaps. The pairs and the area are those of `routing/score.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import turnout
from turnout.quality import read_rows

PAIRS = [
    ("routellm_mmlu", "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1"),
    ("routellm_gsm8k", "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1"),
    ("mmlu_pro", "gemini-1.5-pro-002", "gemini-1.5-flash-002"),
    ("mmlu_pro", "meta-llama-3.1-70b-instruct", "meta-llama-3.1-8b-instruct"),
    ("llmrouter_mix", "llama-3.1-nemotron-51b-instruct", "llama-3.1-8b-instruct"),
    ("llmrouter_mix", "llama-3.1-nemotron-51b-instruct", "mistral-7b-instruct-v0.3"),
    ("bfcl_v1", "claude-3-opus-20240229-FC", "claude-3-haiku-20240307-FC"),
    ("bfcl_v1", "gpt-4o-2024-08-06-FC", "gpt-4o-mini-2024-07-18-FC"),
    ("alpaca_eval2", "gpt-4-1106-preview", "claude-instant-1.2"),
]
NOISY = 7
"""BFCL 4o/mini: a gap of .05; the mean is also given without it."""
Row = dict[str, Any]


def part_of(row: Row, parts: int = 5) -> int:
    return int(hashlib.blake2b(str(row.get("group")).encode(), digest_size=4).hexdigest(), 16) % parts


def grades(rows: Iterable[Row], strong: str, weak: str) -> list[tuple[Row, float, float]]:
    return [
        (row, row["models"][strong]["score"], row["models"][weak]["score"])
        for row in rows
        if strong in row["models"] and weak in row["models"]
    ]


def area(scored: list[tuple[float, float, float]]) -> float:
    """APGR; ties in an order that has nothing to do with the grades."""
    order = sorted(scored, key=lambda row: (-row[0], hashlib.blake2b(repr(row[0]).encode()).digest()))
    total, kept, last = sum(s - w for _, s, w in order), 0.0, 0.0
    if not total:
        return float("nan")
    for _, s, w in order:
        now = last + (s - w) / total
        kept += (last + now) / 2
        last = now
    return kept / len(order)


def bare(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "category"}


def table_of(train: list[Row], strong: str, weak: str) -> Callable[[Row], float]:
    """The floor: each category's mean gap, drawn toward the mean of all."""
    gaps: dict[object, list[float]] = {}
    for row, s, w in grades(train, strong, weak):
        gaps.setdefault(row.get("category"), []).append(s - w)
    mean = statistics.fmean(gap for each in gaps.values() for gap in each)
    shrunk = {name: (sum(each) + 10 * mean) / (len(each) + 10) for name, each in gaps.items()}
    return lambda row: shrunk.get(row.get("category"), mean)


def print_line(name: str, values: list[float], numbers: list[int]) -> None:
    without = [value for value, number in zip(values, numbers, strict=True) if number != NOISY]
    shown = " ".join(f"{value:.3f}" for value in values)
    print(f"{name:<30} {shown}  mean {statistics.fmean(values):.3f}  without 4o/mini {statistics.fmean(without):.3f}")


def fitted_in_the_source(sources: dict[str, list[Row]], parts: int) -> None:
    found: dict[str, list[float]] = {"category and text": [], "text alone": [], "table of categories": []}
    shares: dict[str, tuple[float, float]] = {}
    briers: list[str] = []
    numbers = [number for number, pair in enumerate(PAIRS) if pair[0] in sources]
    for source, rows in sources.items():
        pairs = [pair for pair in PAIRS if pair[0] == source]
        scored: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
        wrong: list[float] = []
        losses: dict[str, list[tuple[float, float]]] = {}
        for part in range(parts):
            train = [row for row in rows if part_of(row) != part]
            test = [row for row in rows if part_of(row) == part]
            model = turnout.fit_quality(train, date="bench")
            chances = model.probabilities(test)
            for at, (_, strong, weak) in enumerate(pairs):
                kept = grades(test, strong, weak)
                asked = [row for row, _, _ in kept]
                table = table_of(train, strong, weak)
                with_category = model.scores(asked, strong=strong, weak=weak)
                by_name = {
                    "category and text": with_category,
                    "text alone": model.scores([bare(row) for row in asked], strong=strong, weak=weak),
                    "table of categories": [table(row) for row in asked],
                }
                for name, scores in by_name.items():
                    cells = scored.setdefault((name, at), [])
                    cells += [(score, s, w) for score, (_, s, w) in zip(scores, kept, strict=True)]
                for tenth in range(1, 10):
                    least = model.threshold(strong, weak, share=tenth / 10)
                    wrong.append(abs(sum(score >= least for score in with_category) / len(kept) - tenth / 10))
                mean = statistics.fmean(w for _, _, w in grades(train, strong, weak))
                cells = losses.setdefault(weak, [])
                for row, chance in zip(test, chances, strict=True):
                    if weak in row["models"]:
                        truth = row["models"][weak]["score"]
                        cells.append(((chance[weak] - truth) ** 2, (mean - truth) ** 2))
        for (name, _), cells in sorted(scored.items(), key=lambda item: item[0][1]):
            found[name].append(area(cells))
        shares[source] = (statistics.fmean(wrong), max(wrong))
        for weak, cells in losses.items():
            ours, constant = (statistics.fmean(column) for column in zip(*cells, strict=True))
            briers.append(f"  {source:<15} {weak:<32} {ours:.4f} against {constant:.4f} of a constant")
    print(f"fitted in the source, {parts} of 5 parts held out by group; area, chance .500")
    for name, values in found.items():
        print_line(name, values, numbers)
    print("asked for 10 to 90 % strong, got on rows not seen (mean and worst difference, in points of one part each)")
    for source, (mean, worst) in shares.items():
        print(f"  {source:<15} {mean * 100:.1f} {worst * 100:.1f}   {len(sources[source])} rows")
    print("Brier score of the weak model's probability")
    print("\n".join(briers))


def few_labels(sources: dict[str, list[Row]], draws: int) -> None:
    print(f"few labels, {draws} draws, scored on the rest (3,000 rows at most)")
    numbers = [number for number, pair in enumerate(PAIRS) if pair[0] in sources]
    for count in (50, 150, 500, 1500):
        both: dict[str, list[float]] = {"category and text": [], "text alone": []}
        for source, rows in sources.items():
            if len(rows) < count * 1.25:
                continue
            pairs = [pair for pair in PAIRS if pair[0] == source]
            drawn: dict[tuple[str, int], list[float]] = {}
            for draw in range(draws):
                mixed = rows[:]
                random.Random(draw).shuffle(mixed)
                model = turnout.fit_quality(mixed[:count], date="bench")
                rest = mixed[count : count + 3000]
                for at, (_, strong, weak) in enumerate(pairs):
                    if strong not in model.models or weak not in model.models:
                        continue
                    kept = grades(rest, strong, weak)
                    for name, asked in (
                        ("category and text", [row for row, _, _ in kept]),
                        ("text alone", [bare(row) for row, _, _ in kept]),
                    ):
                        scores = model.scores(asked, strong=strong, weak=weak)
                        cells = [(score, s, w) for score, (_, s, w) in zip(scores, kept, strict=True)]
                        drawn.setdefault((name, at), []).append(area(cells))
            for (name, _), values in sorted(drawn.items(), key=lambda item: item[0][1]):
                both[name].append(statistics.fmean(values))
        for name, values in both.items():
            if len(values) == len(numbers):
                print_line(f"{count} labels, {name}", values, numbers)
            elif values:
                print(f"{count} labels, {name}: mean of {len(values)} pairs {statistics.fmean(values):.3f}")


def habits(sources: dict[str, list[Row]]) -> None:
    """How many routes at 30 % stay the same when the prompt is typed in another way."""
    changes: dict[str, Callable[[str, random.Random], str]] = {
        "small letters": lambda text, _: text.lower(),
        "capitals": lambda text, _: text.upper(),
        "white space": lambda text, _: "  " + text.replace(" ", " \n ") + " ",
        "punctuation": lambda text, dice: (
            "".join(char for char in text if char not in ".,!?;:'\"-" or dice.random() < 0.5)
            + dice.choice(["", "!", "??", "..."])
        ),
        "one typo": typo,
    }
    same: dict[str, list[float]] = {name: [] for name in changes}
    for source, rows in sources.items():
        train = [row for row in rows if part_of(row)]
        test = [row for row in rows if not part_of(row)][:500]
        model = turnout.fit_quality(train, date="bench")
        for _, strong, weak in [pair for pair in PAIRS if pair[0] == source]:
            least = model.threshold(strong, weak, share=0.3)
            plain = model.scores(test, strong=strong, weak=weak)
            for name, change in changes.items():
                dice = random.Random(7)
                moved = [{**row, "prompt": change(row["prompt"], dice)} for row in test]
                scores = model.scores(moved, strong=strong, weak=weak)
                stay = [(one >= least) == (other >= least) for one, other in zip(plain, scores, strict=True)]
                same[name].append(statistics.fmean(stay))
    print("same route at 30 % under")
    for name, values in same.items():
        print(f"  {name:<14} {statistics.fmean(values):.1%}   least pair {min(values):.1%}")


def typo(text: str, dice: random.Random) -> str:
    places = [at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if not places:
        return text
    at = dice.choice(places)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def speed(sources: dict[str, list[Row]]) -> None:
    rows = next((rows for name, rows in sources.items() if name == "routellm_mmlu"), None)
    if rows is None:
        return
    for count in (1500, len(rows)):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            model = turnout.fit_quality(rows[:count], date="bench")
            times.append(time.perf_counter() - start)
        print(f"fit of {count} labels, two models, text to artefact: {min(times) * 1e3:.0f} ms")
    text = ("Explain how the interest on a loan is worked out when it is paid back early. " * 7)[:500]
    row = {"prompt": text, "category": rows[0]["category"]}
    pair = {"strong": PAIRS[0][1], "weak": PAIRS[0][2]}
    times = []
    for _ in range(200):
        start = time.perf_counter()
        model.scores([row], **pair)
        times.append(time.perf_counter() - start)
    print(f"score of one prompt of 500 characters from Python, p50: {statistics.median(times) * 1e6:.1f} us")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--full", action="store_true", help="all five parts, five draws")
    parser.add_argument("--only", default="", help="names of what to measure: fit, few, habits, speed")
    given = parser.parse_args()
    names = dict.fromkeys(pair[0] for pair in PAIRS)
    files = {name: given.data / "routing" / f"{name}.jsonl.gz" for name in names}
    sources = {name: list(read_rows(path)) for name, path in files.items() if path.exists()}
    if not sources:
        sys.exit(f"no rows in {given.data / 'routing'}: nothing was measured")
    wanted = set(filter(None, given.only.split(","))) or {"fit", "few", "habits", "speed"}
    if "fit" in wanted:
        fitted_in_the_source(sources, 5 if given.full else 2)
    if "few" in wanted:
        few_labels(sources, 5 if given.full else 2)
    if "habits" in wanted:
        habits(sources)
    if "speed" in wanted:
        speed(sources)


if __name__ == "__main__":
    main()
