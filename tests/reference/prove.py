"""The long comparison: `python -m tests.reference.prove CASES` decides so many generated cases with both engines.

Each round has a seed of its own; a mismatch prints its case, made small, and the run goes on. Ends
with the figures, and with an error when one case differs.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from random import Random

from tests.reference import cases
from tests.reference.compare import Refused, mismatches
from tests.reference.sources import Recorded, Replay, Source, smallest

ROUND = 5000
REQUESTS = 50


def one_case(source: Source) -> str | None:
    """What differs in one generated case, if anything does."""
    world = cases.world(source)
    try:
        return next(mismatches(world, [cases.request(source, world)]))
    except Refused:
        return None


def round_of(seed: int) -> tuple[int, int, str | None]:
    """How many cases a round decided, how many differ, and the first that does, made small."""
    # A round makes much and keeps little of it.
    gc.collect()
    gc.disable()
    random, count, found = Random(seed), 0, 0
    first: str | None = None
    while count < ROUND:
        source = Recorded(random.randint)
        world = cases.world(source)
        of_world = len(source.choices)
        asked, choices = [], []
        for _ in range(REQUESTS):
            began = len(source.choices)
            asked.append(cases.request(source, world))
            choices.append(source.choices[:of_world] + source.choices[began:])
        try:
            for case, mismatch in zip(choices, mismatches(world, asked), strict=True):
                count += 1
                found += mismatch is not None
                if mismatch is not None and first is None:
                    small = smallest(case, lambda tried: one_case(Replay(tried)) is not None)
                    first = one_case(Replay(small)) or mismatch
        except Refused:
            continue
    return count, found, first


def main(wanted: int, first_seed: int) -> int:
    """Runs the rounds on all cores."""
    began, done, found = time.monotonic(), 0, 0
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        for count, differ, example in pool.map(round_of, range(first_seed, first_seed + -(-wanted // ROUND))):
            done, found = done + count, found + differ
            rate = done / (time.monotonic() - began)
            print(f"\r{done:,} of {wanted:,} cases, {found} mismatches, {rate:,.0f} a second ", end="", flush=True)
            if example is not None:
                print(example)
    print(f"\nreference model: {done:,} cases, {found} mismatches, {time.monotonic() - began:,.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
