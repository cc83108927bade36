"""The long comparison: `python -m tests.reference.prove CASES` decides so many generated cases with both engines.

Each round has a seed of its own; a mismatch prints its case, after hypothesis has made it small, and the run goes on. Ends
with the figures, and with an error when one case differs.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from random import Random

from tests.reference import cases
from tests.reference.compare import Refused, mismatches

ROUND = 2000
REQUESTS = 25


def round_of(seed: int) -> tuple[int, list[str]]:
    """How many cases a round decided, and what differs."""
    random, count, found = Random(seed), 0, []
    while count < ROUND:
        world = cases.world(random.randint)
        asked = [cases.request(random.randint, world[2]) for _ in range(REQUESTS)]
        try:
            for mismatch in mismatches(world, asked):
                count += 1
                if mismatch is not None:
                    found.append(mismatch)
        except Refused:
            continue
    return count, found


def main(wanted: int, first_seed: int) -> int:
    """Runs the rounds on all cores."""
    began, done, found = time.monotonic(), 0, 0
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        for count, mismatched in pool.map(round_of, range(first_seed, first_seed + -(-wanted // ROUND))):
            done, found = done + count, found + len(mismatched)
            rate = done / (time.monotonic() - began)
            print(f"\r{done:,} of {wanted:,} cases, {found} mismatches, {rate:,.0f} a second ", end="", flush=True)
            # One of a round is enough to see what it is.
            for mismatch in mismatched[:1]:
                print(mismatch)
    print(f"\nreference model: {done:,} cases, {found} mismatches, {time.monotonic() - began:,.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
