"""Fits the quality artefact that ships: `scripts/fit_default_quality.py DATA [--out FILE] [--judge]`.

The rows are those of DATA/routing whose licences allow it: routellm_* and mmlu_pro (Apache-2.0), llmrouter_mix (MIT).
No two sources share a pair of models, so that each row is turned into two made-up ones: `strong` has the mean grade of
the better half of its source's models, `weak` that of the worse half, both freed of the source's own mean gap. Sources
count alike. `--judge` prints instead what such weights are worth on each source when they are fitted on the others.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from pathlib import Path
from typing import Any

import turnout
from turnout.quality import read_rows

SOURCES = ("routellm_mmlu", "routellm_gsm8k", "mmlu_pro", "llmrouter_mix")
MEASURED_ONLY = ("bfcl_v1", "alpaca_eval2")
"""May be measured on, never shipped: results without a licence, or for no commercial use."""
ROWS_EACH = 2500
"""So that no source drowns the others."""
Row = dict[str, Any]


def gaps_of(rows: list[Row]) -> list[tuple[Row, float]]:
    """Each row with how much better the better half of the models did."""
    grades: dict[str, list[float]] = {}
    for row in rows:
        for name, entry in row["models"].items():
            grades.setdefault(name, []).append(entry["score"])
    ranked = sorted(grades, key=lambda name: statistics.fmean(grades[name]))
    half = len(ranked) // 2
    weak, strong = set(ranked[:half]), set(ranked[-half:])
    found = []
    for row in rows:
        low = [entry["score"] for name, entry in row["models"].items() if name in weak]
        high = [entry["score"] for name, entry in row["models"].items() if name in strong]
        if low and high:
            found.append((row, statistics.fmean(high) - statistics.fmean(low)))
    return found


def training_rows(sources: dict[str, list[Row]]) -> list[Row]:
    rows = []
    for name, own in sources.items():
        gaps = gaps_of(own)
        mean = statistics.fmean(gap for _, gap in gaps)
        spread = statistics.pstdev(gap for _, gap in gaps) or 1.0
        random.Random(name).shuffle(gaps)
        for row, gap in gaps[:ROWS_EACH]:
            lean = max(-1.0, min(1.0, (gap - mean) / spread / 3))
            grades = {"strong": 0.5 + lean / 2, "weak": 0.5 - lean / 2}
            rows.append({"prompt": row["prompt"], "group": row["group"], "source": name, "models": grades})
    return rows


def judge(sources: dict[str, list[Row]], measured: dict[str, list[Row]]) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benches" / "quality"))
    from run import PAIRS, area, grades

    values = []
    for source, strong, weak in PAIRS:
        rows = (sources | measured).get(source)
        if rows is None:
            continue
        others = {name: own for name, own in sources.items() if name != source}
        model = turnout.fit_quality(training_rows(others), date="judge")
        kept = grades(rows, strong, weak)
        scores = model.scores([row["prompt"] for row, _, _ in kept], strong="strong", weak="weak")
        values.append(area([(score, s, w) for score, (_, s, w) in zip(scores, kept, strict=True)]))
        print(f"{source:<16} {strong} / {weak}: {values[-1]:.3f}")
    print(f"mean of {len(values)} pairs on sources not seen: {statistics.fmean(values):.3f}, chance .500")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    shipped = Path(__file__).resolve().parent.parent / "python/turnout/quality/default.bin"
    parser.add_argument("--out", type=Path, default=shipped)
    parser.add_argument("--judge", action="store_true")
    given = parser.parse_args()

    def read(names: tuple[str, ...]) -> dict[str, list[Row]]:
        files = {name: given.data / "routing" / f"{name}.jsonl.gz" for name in names}
        return {name: list(read_rows(path)) for name, path in files.items() if path.exists()}

    sources = read(SOURCES)
    if len(sources) < len(SOURCES):
        sys.exit(f"{given.data / 'routing'} lacks some of {', '.join(SOURCES)}")
    if given.judge:
        judge(sources, read(MEASURED_ONLY))
        return
    model = turnout.fit_quality(training_rows(sources), date="2026-12-01")
    model.save(given.out)
    print(model.report())


if __name__ == "__main__":
    main()
