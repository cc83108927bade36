"""Speed of the exact counters beside tiktoken and ctok: the same texts, in the same run, one core, one call a text.

    .venv/bin/python benches/tokens/speed.py [--texts FOLDER] [--peer PYTHON] [--bytes-for-ctok N]

FOLDER holds `.jsonl` or `.jsonl.gz` files with a `text` in each line (`TURNOUT_BENCH_TEXTS`); without it the texts are
made here. PYTHON is an interpreter with tiktoken and ctok (`TURNOUT_BENCH_TOKENS_PEER`); without it only our figures
are printed. ctok takes about a second for 200 kB, so it is given a sample of the texts, and both are compared on that.
"""

import argparse
import gc
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import turnout

MODELS = {
    "o200k_base": "openai/gpt-4o",
    "cl100k_base": "openai/gpt-4",
    "claude-3-to-4.6": "anthropic/claude-sonnet-4-5",
    "claude-4.7-on": "anthropic/claude-sonnet-5-5",
}
REPEATS = 7
PEER = Path(__file__).with_name("peer.py")


def made_here() -> list[str]:
    """Texts of several kinds, the same at each run, for those who have no others."""
    random.seed(7)
    root = Path(__file__).resolve().parents[2]
    files = [
        *root.glob("docs/*.md"),
        *root.glob("rust/core/src/**/*.rs"),
        *root.glob("python/**/*.py"),
        *root.glob("policies/*"),
    ]
    texts = [path.read_text(encoding="utf-8") for path in sorted(files) if path.is_file()]
    kinds = [
        "的一是不了人我在有他这中大来上国",
        "のはをがでとたに日本語カタカナ",
        "абвгдежзиклмнопрст ",
        "अआइकखगचजटडतदन ािी",
        "가나다라마바사아자 ",
    ]
    texts += ["".join(random.choices(kind, k=2000)) for kind in kinds for _ in range(20)]
    return texts


def read(folder: Path) -> list[str]:
    """The texts of a folder."""
    texts = []
    for path in sorted(folder.glob("*.jsonl*")):
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    return texts


def size(texts: list[str]) -> float:
    """In MB."""
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6


def timed(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median of the seconds."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return sorted(seconds)[len(seconds) // 2]


def counts(model: str, texts: list[str]) -> list[int]:
    """Of each text."""
    count = turnout.count_tokens
    return [count(model, text).tokens for text in texts]


def of_peer(peer: str, texts: list[str], names: list[str]) -> dict[str, dict[str, object]]:
    """What the peer says; nothing when it does not answer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.jsonl"
        path.write_text("\n".join(map(json.dumps, texts)) + "\n", encoding="utf-8")
        done = subprocess.run([peer, str(PEER), str(path), *names], capture_output=True, text=True, check=False)
    if done.returncode:
        print("the peer failed:", (done.stderr.strip().splitlines() or ["without a word"])[-1])
        return {}
    found: dict[str, dict[str, object]] = json.loads(done.stdout)
    return found


def side_by_side(names: list[str], texts: list[str], peer: str | None) -> None:
    """One line a vocabulary."""
    theirs = of_peer(peer, texts, names) if peer else {}
    mb = size(texts)
    for name in names:
        model = MODELS[name]
        ours = counts(model, texts)
        speed = mb / timed(lambda model=model: counts(model, texts))
        line = f"  {name:16} {speed:7.1f} MB/s"
        if row := theirs.get(name):
            equal = sum(a == b for a, b in zip(ours, row["counts"], strict=True))
            peer_speed = mb / float(row["seconds"])
            line += f"   {row['peer']} {peer_speed:7.2f} MB/s   {speed / peer_speed:6.1f} times"
            line += f"   equal {equal} of {len(texts)}"
        else:
            line += "   no peer in this run"
        print(line)


def english_of(texts: list[str]) -> str:
    """Up to a megabyte of ASCII texts that read as prose, by their common letters; none of them twice."""

    def is_prose(text: str) -> bool:
        return text.isascii() and sum(map(text.count, "etaoinshrdlu ")) > 0.7 * len(text)

    return "\n".join(filter(is_prose, texts))[:1_000_000] or "The quick brown fox jumps over it. " * 100


def hostile(english: str) -> None:
    """Time a byte of texts that some counters choke on, against English in the same run."""
    random.seed(11)
    million = 1_000_000
    shapes = {
        "one letter": "a" * million,
        "capitals": "A" * million,
        "spaces": " " * million,
        "newlines": "\n" * million,
        "dashes": "-" * million,
        "random letters": "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=million)),
        "random bytes": random.randbytes(million).decode("utf-8", "replace"),
    }
    for name, model in MODELS.items():
        base = timed(lambda model=model: turnout.count_tokens(model, english), 5) / len(english.encode())
        ratios = []
        for shape, text in shapes.items():
            taken = timed(lambda model=model, text=text: turnout.count_tokens(model, text), 3) / len(text.encode())
            ratios.append(f"{shape} {taken / base:.2f}")
        print(f"  {name:16} {', '.join(ratios)}")


def calls(english: str) -> None:
    """One call on 200 characters."""
    text = english[:200]
    loop = range(20_000)
    count = turnout.count_tokens
    for name, model in MODELS.items():

        def many(model: str = model) -> None:
            for _ in loop:
                count(model, text)

        print(f"  {name:16} {timed(many, 5) / len(loop) * 1e6:.2f} microseconds")


def memory(english: str) -> None:
    """What 100 MB of text take beyond themselves; in this process, so last."""
    text = (english[:5000] + "\r\nna\u00efve “quoted” cafe\u0301 ") * (100_000_000 // len(english[:5000].encode()) + 1)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, model in MODELS.items():
        begin = time.perf_counter()
        count = turnout.count_tokens(model, text)
        taken = time.perf_counter() - begin
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
        print(f"  {name:16} {size([text]):.0f} MB: {count.tokens} tokens in {taken:.2f} s, {grown:.0f} MB more at most")


def main() -> None:
    """Prints all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, default=os.environ.get("TURNOUT_BENCH_TEXTS"))
    parser.add_argument("--peer", default=os.environ.get("TURNOUT_BENCH_TOKENS_PEER"))
    parser.add_argument("--bytes-for-ctok", type=int, default=400_000)
    parser.add_argument("--skip-memory", action="store_true", help="leave out the 100 MB text")
    options = parser.parse_args()
    texts = read(Path(options.texts)) if options.texts else made_here()
    source = f"from {Path(options.texts).name}" if options.texts else "made here"
    print(f"{len(texts)} texts, {size(texts):.2f} MB, {source}")
    if not options.peer:
        print("no peer: name an interpreter that has tiktoken and ctok with --peer")
    english = english_of(texts)
    for model in MODELS.values():
        begin = time.perf_counter()
        turnout.count_tokens(model, "warm")
        print(f"  {model}: vocabulary loaded in {(time.perf_counter() - begin) * 1000:.0f} ms")
    print("all texts")
    side_by_side(["o200k_base", "cl100k_base"], texts, options.peer)
    side_by_side(["claude-3-to-4.6", "claude-4.7-on"], texts, None)
    random.seed(3)
    sample: list[str] = []
    for text in random.sample(texts, len(texts)):
        if size(sample) * 1e6 < options.bytes_for_ctok:
            sample.append(text)
    print(f"a sample of {len(sample)} texts, {size(sample):.2f} MB")
    side_by_side(["claude-3-to-4.6", "claude-4.7-on"], sample, options.peer)
    print(f"time a byte against {len(english) / 1e6:.2f} MB of English")
    hostile(english)
    print("one call on 200 characters")
    calls(english)
    if not options.skip_memory:
        print("100 MB")
        memory(english)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
