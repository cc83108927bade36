"""How far the shipped forecast of output tokens is from what providers billed: `benches/forecast_error.py DATA`.

DATA holds `tokens/*.jsonl.gz` (recorded calls) and `catalog/models.jsonl` (which of their models think unasked);
without it nothing is measured, and this says so. The forecast is read from decisions, so that all of the shipped
code takes part; a call's model stands in as one that never thinks, thinks when asked, or thinks unasked. Baselines
of the same run: the table set by hand that the fitted one replaced, the best single pair of numbers for these rows
(which no one has beforehand), and the bound on the answer, 4096 where there is none.

Where DATA has `routing/`, two sets that were never fitted on are measured too: plain asks of AlpacaEval (characters
by 4.5) and tool calls of BFCL. On the recordings the shipped table is in sample; the held-out figures are in
`docs/forecast.md`. `--features` prints what the core sees of each recorded call, which is what
`scripts/fit_forecast.py` wants.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import turnout
from turnout.policy import parse_policy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from forecast_rows import Row, read

POLICY = """
turnout: 1
name: forecast
models:
  never: { use: openai/no-such-model, price: free, context: 10M, key: none }
  asked: anthropic/claude-haiku-5-5
  unasked: google/gemini-3.5-flash
pools: { all: [never, asked, unasked] }
rules:
  - name: read
    when: READ
    from: [all]
otherwise: { from: [all] }
"""
BY_HAND = {
    "chat": (60, 250),
    "classification": (12, 120),
    "extraction": (120, 600),
    "tool_use": (90, 400),
    "agentic": (250, 1200),
    "closed_qa": (90, 450),
    "summarization": (220, 700),
    "open_qa": (350, 1100),
    "planning": (350, 1100),
    "reasoning": (400, 1500),
    "math": (400, 1500),
    "creative_writing": (500, 1600),
    "code": (500, 2200),
}
THINKING_BY_HAND = {
    "none": (0, 0),
    "minimal": (200, 1000),
    "low": (200, 1000),
    "medium": (600, 3000),
    "high": (1500, 8000),
}
NO_BOUND = 4096
ALPACA_CHARS_PER_TOKEN = 4.5

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """A call as the core sees it."""

    task: str | None
    input_tokens: int
    forecast: Pair


def decider(reads_prompt: bool) -> Callable[[Row], Seen]:
    """Return what looks at a row with the shipped code."""
    condition = 'task == "code"' if reads_prompt else "tools > 100"
    engine = turnout.Engine(parse_policy(POLICY.replace("READ", condition)), environ={})

    def look(row: Row) -> Seen:
        decision = engine.decide(
            json.dumps(row.body).encode(), now=0, seed=0, dialect="openai-chat", refused_ok=True
        ).to_dict()
        is_asked = "reasoning" in row.body or "reasoning_effort" in row.body
        name = "unasked" if row.thinks_unasked else "asked" if is_asked else "never"
        candidates: Any = decision["candidates"]
        facts: Any = decision["facts"]
        found = next(candidate for candidate in candidates if candidate["model"] == name)
        forecast = (float(found["output_tokens_p50"]), float(found["output_tokens_p90"]))
        return Seen(facts.get("task"), int(found["input_tokens"]), forecast)

    return look


def by_hand(row: Row, seen: Seen) -> Pair:
    """Return what the table set by hand said."""
    p50, p90 = BY_HAND.get(seen.task or "", (300, 1200))
    if seen.task in ("translation", "rewriting"):
        p50, p90 = min(max(seen.input_tokens, 20), 8000), min(max(seen.input_tokens * 3 // 2, 60), 16000)
    effort, budget = row.body.get("reasoning_effort"), row.body.get("reasoning", {}).get("max_tokens")
    thinks = (300, 1500) if row.thinks_unasked else (0, 0)
    if effort:
        thinks = THINKING_BY_HAND.get(effort, (4000, 24000))
    elif budget:
        thinks = (budget // 2, budget)
    elif "reasoning" in row.body:
        thinks = THINKING_BY_HAND["medium"]
    bound = row.body.get("max_tokens", math.inf)
    return min(p50 + thinks[0], bound), min(p90 + thinks[1], bound)


def quantile(values: list[float], share: float) -> float:
    """Return the value that a share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def report(name: str, actual: list[float], guesses: Iterable[Pair]) -> None:
    """Print the error of the guesses."""
    pairs = list(zip(actual, guesses, strict=True))
    count = len(pairs)

    def loss(share: float, place: int) -> float:
        return (
            sum(max(share * (seen - guess[place]), (share - 1) * (seen - guess[place])) for seen, guess in pairs)
            / count
        )

    def cover(place: int) -> float:
        return 100 * sum(seen <= guess[place] for seen, guess in pairs) / count

    off = quantile([abs(math.log2(seen / max(1.0, guess[0]))) for seen, guess in pairs], 0.5)
    figures = f"{loss(0.5, 0):10.1f} {loss(0.9, 1):10.1f} {cover(0):9.1f} % {cover(1):9.1f} % {off:10.2f}"
    print(f"{name:36} {count:6} {figures}")


def outside(data: Path, look: Callable[[Row], Seen]) -> None:
    """Print the error on sets that were not fitted on."""
    for name, path in (("alpaca_eval2", "alpaca_eval2.jsonl.gz"), ("bfcl_v1", "bfcl_v1.jsonl.gz")):
        actual: list[float] = []
        guesses: list[Pair] = []
        source = data / "routing" / path
        if not source.is_file():
            continue
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                body: dict[str, Any] = {"messages": [{"role": "user", "content": entry["prompt"]}]}
                tools = entry.get("tools", [])
                if tools:
                    body["tools"] = [
                        {"type": "function", "function": {"name": tool, "parameters": {}}} for tool in tools
                    ]
                forecast = look(Row("", "", "openai_chat", "", body, False, 1, None, False)).forecast
                for model in entry["models"].values():
                    length = model.get("output_tokens") or model.get("output_chars", 0) / ALPACA_CHARS_PER_TOKEN
                    if length:
                        actual.append(length)
                        guesses.append(forecast)
        report(f"never fitted on: {name}", actual, guesses)


def main() -> None:
    """Measure and print."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if data is None or not (data / "tokens").is_dir():
        print("the error of the output forecast is not measured: name a folder that holds tokens/ and catalog/")
        return
    rows, look, glance = read(data), decider(reads_prompt=True), decider(reads_prompt=False)
    seen = [look(row) for row in rows]
    if "--features" in sys.argv:
        for found in seen:
            print(json.dumps({"task": found.task, "input_tokens": found.input_tokens}))
        return
    actual = [float(row.output_tokens) for row in rows]
    heads = ("pinball50", "pinball90", "p50 covers", "p90 covers", "|octaves|")
    print(f"{'':36} {'calls':>6} " + " ".join(f"{head:>{10 + (head[0] == 'p' and head[3] == ' ')}}" for head in heads))
    report("shipped forecast", actual, [found.forecast for found in seen])
    report("shipped forecast, task not read", actual, [glance(row).forecast for row in rows])
    report("set by hand (before)", actual, [by_hand(*pair) for pair in zip(rows, seen, strict=True)])
    best = (quantile(actual, 0.5), quantile(actual, 0.9))
    report("one pair for all", actual, [best] * len(rows))
    bounds = [float(row.body.get("max_tokens", NO_BOUND)) for row in rows]
    report(f"max_tokens, else {NO_BOUND}", actual, [(bound, bound) for bound in bounds])
    outside(data, look)


if __name__ == "__main__":
    main()
