"""How many decisions a core makes from a list: `make bench`.

Prints rows per second of `engine.decide_batch` on prompts of 500 characters with `policies/balanced.yaml`, one thread,
beside a loop over `engine.decide` in the same run, and beside `redecide` from the records.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable

import turnout

KEYS = {"ANTHROPIC_API_KEY": "bench", "OPENAI_API_KEY": "bench"}
ROWS = 2_000
ROUNDS = 9
MUST_ROWS_PER_S = 60_000
SENTENCES = """The night job locks the ledger before it reads the queue. Explain why both wait for ever.
Order the locks so that neither does. Write a function that sorts a list of dates in Python. Summarize this letter.
Translate it into French. Prove that there is no largest prime."""
WORDS = SENTENCES.lower().split()


def prompts(rows: int) -> list[str]:
    draw = random.Random(7)
    return [" ".join(draw.choices(WORDS, k=120))[:500] for _ in range(rows)]


def rows_per_s(act: Callable[[], object], rows: int) -> float:
    act()
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        act()
        seconds.append(time.process_time() - start)
    return rows / statistics.median(seconds)


def main() -> None:
    engine = turnout.Engine(turnout.load_policy(turnout.shipped_policy("balanced")), environ=KEYS)
    engine.warm()
    requests = prompts(ROWS)
    now, seed = 1_767_614_400.0, 1
    records = [engine.decide(request, now=now, seed=seed).to_json() for request in requests]
    print(f"{ROWS} prompts of 500 characters, rows per second of one core's time, median of {ROUNDS}")
    batch = rows_per_s(lambda: engine.decide_batch(requests, now=now, seed=seed), ROWS)
    print(f"decide_batch        {batch:10,.0f}   (bound: {MUST_ROWS_PER_S:,})")
    loop = rows_per_s(lambda: [engine.decide(request, now=now, seed=seed) for request in requests], ROWS)
    print(f"decide, one by one  {loop:10,.0f}")
    again = rows_per_s(lambda: [engine.redecide(record) for record in records], ROWS)
    print(f"redecide, from JSON {again:10,.0f}   {len(records[0]):,} bytes a record")
    print(f"Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
