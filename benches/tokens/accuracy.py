"""How right the token counts are: recorded requests against reported usage, and the estimate against exact counts.

    python benches/tokens/accuracy.py DATA/tokens [--peers PYTHON] [--files a,b]

DATA/tokens (or TURNOUT_BENCH_TOKENS) holds `*.jsonl.gz` of recorded requests (`model`, `api`, `kinds`, `request`,
`input_tokens`, `group`) and `corpus/` of texts by kind. `--peers` (or TURNOUT_BENCH_TOKENS_PEER) is a Python with
tiktoken and ctok; each counts the request's texts, and so does characters / 4. No row is
left out: what an error makes of a
request is counted too.

`learned` adds the median error of the same model and shape over the *other* groups of rows, from at most 20 of them.
"""

import argparse
import collections
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import turnout
from turnout import _core
from turnout.cli.tokens_rows import Counted, count_row, model_of

PEERS = """
import json, sys
import tiktoken
try:
    import ctok
except ImportError:
    ctok = None
encodings = {}
for line in sys.stdin:
    text, family = json.loads(line)
    name = {"o200k_base": "o200k_base", "cl100k_base": "cl100k_base"}.get(family, "o200k_base")
    if family.startswith("claude") and ctok is not None:
        print(ctok.token_count(text, "3.0" if family == "claude-3-to-4.6" else "4.8"), flush=True)
        continue
    encoding = encodings.get(name) or encodings.setdefault(name, tiktoken.get_encoding(name))
    print(len(encoding.encode_ordinary(text)), flush=True)
"""
GOOD = ("code", "english", "cjk", "json")


class Row(NamedTuple):
    """A recorded request with what it was counted as."""

    file: str
    row: dict[str, Any]
    count: Counted
    shape: str

    @property
    def reported(self) -> int:
        """Input tokens that the provider reported."""
        return int(self.row["input_tokens"])


def shape_of(row: dict[str, Any]) -> str:
    """What a request is made of, coarsely."""
    kinds = set(row.get("kinds") or ())
    if row.get("api") in ("embeddings", "openai_completions"):
        return "embedding"
    for name, marks in (
        ("images", {"vision"}),
        ("files", {"document", "audio"}),
        ("hosted", {"server_tools", "server_state"}),
        ("thinking", {"thinking", "thinking_turns"}),
        ("schema", {"schema"}),
        ("tools", {"tools", "tool_turns"}),
    ):
        if kinds & marks:
            return name
    return "text"


def read(data: Path, files: list[str] | None) -> list[Row]:
    """All rows, counted."""
    out = []
    for path in sorted(data.glob("*.jsonl.gz")):
        name = path.name.removesuffix(".jsonl.gz")
        if files and name not in files:
            continue
        for row in map(json.loads, gzip.decompress(path.read_bytes()).splitlines()):
            if row.get("input_tokens"):
                counted = count_row(row)
                out.append(Row(name, row, counted, shape_of(row)))
    return out


def line(name: str, pairs: list[tuple[int, int]], counts: list[Counted] | None = None) -> str:
    """One line of a table: counted and reported, and where there are bounds, how they held."""
    errors = [abs(counted - reported) / max(1, reported) for counted, reported in pairs]
    within = " ".join(
        f"{100 * sum(error <= share for error in errors) / len(errors):6.1f}" for share in (0.01, 0.02, 0.05)
    )
    middle = statistics.median(counted - reported for counted, reported in pairs)
    mean, median = 100 * statistics.fmean(errors), 100 * statistics.median(errors)
    text = f"{name:34} {len(pairs):6} {within} {mean:8.1f} {median:7.2f} {middle:7.0f}"
    if counts is not None:
        held = [c.low <= reported <= c.high for c, (_, reported) in zip(counts, pairs, strict=True)]
        width = statistics.median((c.high - c.low) / max(1, c.tokens) for c in counts)
        text += f" {100 * sum(held) / len(held):7.1f} {100 * width:7.0f}"
    return text


def show(title: str, rows: Iterable[Row], key: Callable[[Row], str]) -> None:
    """A table by a key."""
    groups: dict[str, list[Row]] = collections.defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    print(
        f"\n{title:34} {'rows':>6} {'<=1%':>6} {'<=2%':>6} {'<=5%':>6} {'MAPE %':>8} {'median%':>7} {'error':>7} "
        f"{'cover %':>7} {'width %':>7}"
    )
    for name in sorted(groups):
        of = groups[name]
        print(line(name, [(row.count.tokens, row.reported) for row in of], [row.count for row in of]))


def learned(rows: list[Row]) -> list[tuple[Row, int]]:
    """The count of each row corrected by the median error of at most 20 rows of its model and shape in other groups."""
    draw = random.Random(1)
    by: dict[tuple[str, str], list[Row]] = collections.defaultdict(list)
    for row in rows:
        by[model_of(row.row), row.shape].append(row)
    out = []
    for row in rows:
        others = [other for other in by[model_of(row.row), row.shape] if other.row.get("group") != row.row.get("group")]
        others = draw.sample(others, 20) if len(others) > 20 else others
        by_error = [other.reported - other.count.tokens for other in others]
        correction = round(statistics.median(by_error)) if len(by_error) >= 3 else 0
        out.append((row, max(0, row.count.tokens + correction)))
    return out


def texts_of(value: object) -> Iterable[str]:
    """Every text of a request: what a counter that knows no frame counts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("role", "type", "model", "id", "omitted_bytes", "dims", "mime"):
                yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)


def peers(rows: list[Row], python: str | None) -> None:
    """Characters / 4 of the request's JSON, and the peers' counts of its texts, beside ours, by provider."""
    print("\npeers, texts alone")
    print(f"{'':34} {'rows':>6} {'<=1%':>6} {'<=2%':>6} {'<=5%':>6} {'MAPE %':>8} {'median%':>7} {'error':>7}")
    process = None
    if python:
        process = subprocess.Popen([python, "-c", PEERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for file in sorted({row.file for row in rows}):
        of = [row for row in rows if row.file == file and row.shape == "text" and len(str(row.row["request"])) < 50_000]
        if not of:
            continue
        print(line(f"{file} turnout", [(row.count.tokens, row.reported) for row in of]))
        print(line(f"{file} chars/4", [(sum(map(len, texts_of(row.row["request"]))) // 4, row.reported) for row in of]))
        if process is None or process.stdin is None or process.stdout is None:
            continue
        counted = []
        for row in of:
            family = _core.tokenizer_family(model_of(row.row))
            process.stdin.write(json.dumps(["\n".join(texts_of(row.row["request"])), family]) + "\n")
            process.stdin.flush()
            counted.append((int(process.stdout.readline()), row.reported))
        peer = "ctok" if file in ("anthropic", "claude_count_tokens") else "tiktoken"
        print(line(f"{file} {peer}", counted))
    if process is not None and process.stdin is not None:
        process.stdin.close()
        process.wait()


def class_of(kind: str) -> str:
    """The class that a kind of text is judged in."""
    if kind.startswith("code_"):
        return "code"
    known = {"english_prose": "english", "english_docs": "english", "zh": "cjk", "ja": "cjk", "ko": "cjk"}
    return known.get(kind, kind)


def estimator(data: Path) -> None:
    """The estimate against the exact count of the same texts, by class of text and vocabulary."""
    texts = [
        (json.loads(row)["category"], json.loads(row)["text"].encode("utf-8", "replace").decode())
        for path in sorted((data / "corpus").glob("*.jsonl.gz"))
        for row in gzip.decompress(path.read_bytes()).splitlines()
    ]
    for model in ("claude-sonnet-5-5", "claude-sonnet-4-6", "openai/gpt-4o", "openai/gpt-4"):
        print(
            f"\nwithout a vocabulary, {model:17} {'texts':>6} {'MAPE %':>8} {'p95 %':>7} {'cover %':>8} {'width %':>8}"
        )
        groups: dict[str, list[tuple[float, bool, float]]] = collections.defaultdict(list)
        for kind, text in texts:
            exact = turnout.count_tokens(model, text).tokens
            count = turnout.count_tokens(model, text, exact=False)
            groups[class_of(kind)].append(
                (
                    abs(count.tokens - exact) / exact,
                    count.low <= exact <= count.high,
                    (count.high - count.low) / count.tokens,
                )
            )
        for name in sorted(groups, key=lambda name: (name not in GOOD, name)):
            errors, held, widths = zip(*groups[name], strict=True)
            p95 = sorted(errors)[int(0.95 * (len(errors) - 1))]
            print(
                f"  {name:40} {len(errors):6} {100 * statistics.fmean(errors):8.1f} {100 * p95:7.1f} "
                f"{100 * sum(held) / len(held):8.1f} {100 * statistics.median(widths):8.0f}"
            )


def main() -> int:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("TURNOUT_BENCH_TOKENS"))
    parser.add_argument(
        "--peers", default=os.environ.get("TURNOUT_BENCH_TOKENS_PEER"), help="a Python with tiktoken and ctok"
    )
    parser.add_argument("--files", help="only these files, by name before .jsonl.gz, with commas")
    options = parser.parse_args()
    if options.data is None or not Path(options.data).is_dir():
        print("no folder of recorded requests (TURNOUT_BENCH_TOKENS): accuracy is not measured", file=sys.stderr)
        return 0
    if options.files == "none":
        estimator(options.data)
        return 0
    rows = read(options.data, options.files.split(",") if options.files else None)
    show("by provider", rows, lambda row: row.file)
    show("by provider and shape", rows, lambda row: f"{row.file} {row.shape}")
    show("by dialect", rows, lambda row: str(row.row.get("api")))
    long = [row for row in rows if row.file == "google" and row.shape == "text" and row.reported >= 100]
    if long:
        show("Gemini, texts of 100 tokens on", long, lambda row: row.file)
    corrected = learned(rows)
    print(f"\n{'with learned overhead (held out by group)':34}")
    for file in sorted({row.file for row in rows}):
        print(line(file, [(tokens, row.reported) for row, tokens in corrected if row.file == file]))
        texts = [(tokens, row.reported) for row, tokens in corrected if row.file == file and row.shape == "text"]
        if texts:
            print(line(f"{file} text", texts))
    errors = [
        abs(tokens - row.reported) for row, tokens in corrected if row.shape in ("text", "tools", "schema", "thinking")
    ]
    if errors:
        print(f"median frame error after learning: {statistics.median(errors):.0f} tokens over {len(errors)} rows")
    peers(rows, options.peers)
    estimator(options.data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
