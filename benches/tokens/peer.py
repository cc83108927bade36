"""Counts texts with tiktoken or ctok and prints the seconds and the counts as JSON; run by the peer's own interpreter.

    PEER_PYTHON benches/tokens/peer.py TEXTS.jsonl [VOCABULARY...]

A line of TEXTS is a JSON string. tiktoken fetches its rank files at the first use, unless they lie in
`TIKTOKEN_CACHE_DIR`.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

REPEATS = 3


def counter(name: str) -> tuple[str, Callable[[str], int]]:
    """The peer's name with its version, and how it counts."""
    if name.startswith("claude"):
        from ctok import token_count

        ctok_version = {"claude-3-to-4.6": "3.0", "claude-4.7-on": "4.8"}[name]
        frame = token_count("a", ctok_version) - 1
        # For no text at all ctok counts the marker of its frame.
        return f"ctok {version('ctok')}", lambda text: token_count(text, ctok_version) - frame if text else 0
    import tiktoken

    encoding = tiktoken.get_encoding(name)
    return f"tiktoken {tiktoken.__version__}", lambda text: len(encoding.encode_ordinary(text))


def main() -> None:
    """Prints one JSON object."""
    texts = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    found = {}
    for name in sys.argv[2:]:
        try:
            peer, count = counter(name)
        except ImportError:
            continue
        count("warm")
        seconds = []
        # ctok takes minutes where tiktoken takes a second.
        for _ in range(1 if name.startswith("claude") else REPEATS):
            begin = time.perf_counter()
            counts = [count(text) for text in texts]
            seconds.append(time.perf_counter() - begin)
        found[name] = {"peer": peer, "seconds": sorted(seconds)[len(seconds) // 2], "counts": counts}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
