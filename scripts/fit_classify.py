"""Fit the language table that ships in `rust/core/data/classify/language.bin`.

Usage: fit_classify.py LANGUAGE_JSONL_GZ OUT [--check]. Needs numpy and scipy, on the maintainer's machine only.
Source: test sentences of lingua (Apache-2.0), rows `{text, label, kind}`. The hash and the n-grams must stay as they
are in `rust/core/src/classify/language.rs`. With `--check` a fifth of the rows is kept apart and scored first.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize

GROUPS = {
    "latin": (
        4096,
        "af az bs ca cs cy da de en eo es et eu fi fr ga hr hu id is it la lg lt lv mi ms nb nl nn pl pt ro sk sl sn so sq "
        "st sv sw tl tn tr ts vi xh yo zu",
    ),
    "cyrillic": (1024, "be bg kk mk mn ru sr uk"),
    "arabic": (512, "ar fa ur"),
    "devanagari": (512, "hi mr"),
}
ORDERS = (1, 2, 3, 4)
SAMPLE_LETTERS = 192
MULTIPLIER = 0x517CC1B727220A95
SALT = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
LEVELS = 7
PENALTY = 3e-6

Floats = npt.NDArray[np.float64]


def script(char: str) -> str:
    """Return the group of a letter."""
    code = ord(char)
    if code < 0x250 or 0x1E00 <= code < 0x1F00:
        return "latin"
    if 0x400 <= code < 0x530:
        return "cyrillic"
    if 0x600 <= code < 0x780 or 0xFB50 <= code < 0xFE00 or 0xFE70 <= code < 0xFF00:
        return "arabic"
    return "devanagari" if 0x900 <= code < 0x980 else "other"


def is_letter(char: str) -> bool:
    """Return whether a character belongs to a word: letters, and the signs of Devanagari and Arabic."""
    code = ord(char)
    return char.isalpha() or (0x900 <= code < 0x964) or (0x970 <= code < 0x980) or (0x64B <= code < 0x660)


def hashes(text: str, group: str) -> list[int]:
    """Return the hashes of the character n-grams of the words of one script."""
    found: list[int] = []
    letters = 0
    for word in "".join(char if is_letter(char) else " " for char in text).split():
        if any(char.isalpha() and script(char) != group for char in word):
            continue
        packed, length = 0x20, 1
        for char in [*word, " "]:
            code = ord(char.lower()[0]) & 0xFFFF
            packed = ((packed << 16) | code) & MASK
            length += 1
            for order in ORDERS:
                if order <= length and not (order == 1 and char == " "):
                    gram = packed & ((1 << (16 * order)) - 1)
                    found.append(((gram ^ (order * SALT & MASK)) * MULTIPLIER) & MASK)
        letters += len(word)
        if letters >= SAMPLE_LETTERS:
            break
    return found


def matrix(rows: list[list[int]], buckets: int) -> sp.csr_matrix:
    """Return bucket counts, each row scaled to a sum of 100."""
    index = [((value >> 32) * buckets) >> 32 for row in rows for value in row]
    ends = np.cumsum([0, *map(len, rows)])
    counts = sp.csr_matrix((np.ones(len(index), np.float32), np.array(index), ends), shape=(len(rows), buckets))
    counts.sum_duplicates()
    sums = np.maximum(np.asarray(counts.sum(1)).ravel(), 1)
    return sp.diags(100 / sums).dot(counts).astype(np.float32).tocsr()


def fit(features: sp.csr_matrix, labels: npt.NDArray[np.int64], classes: int) -> Floats:
    """Return the weights of a softmax regression with an L2 penalty."""
    count, buckets = features.shape
    target = np.eye(classes, dtype=np.float32)[labels]
    transposed = features.T.tocsr()

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(buckets, classes).astype(np.float32)
        logits = features @ weights
        logits -= logits.max(1, keepdims=True)
        share = np.exp(logits)
        share /= share.sum(1, keepdims=True)
        value = -np.log(share[np.arange(count), labels] + 1e-12).mean() + PENALTY / 2 * (weights**2).sum()
        gradient = transposed @ ((share - target) / count) + PENALTY * weights
        return float(value), gradient.ravel().astype(np.float64)

    start = np.zeros(buckets * classes)
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150}).x.reshape(buckets, classes)


def quantised(weights: Floats) -> npt.NDArray[np.int8]:
    """Return the weights in fifteen levels; one in a thousand is cut off."""
    weights = weights - weights.mean(1, keepdims=True)
    step = np.percentile(np.abs(weights), 99.8) / LEVELS
    return np.clip(np.round(weights / step), -LEVELS, LEVELS).astype(np.int8)


def pieces(text: str) -> list[str]:
    """Return the text and two of its parts, so that short asks are learned too."""
    words = text.split()
    half = len(words) // 2
    return [text, " ".join(words[:half]), " ".join(words[half : half + 4])] if half >= 4 else [text]


def train(rows: list[dict[str, str]], group: str) -> npt.NDArray[np.int8]:
    """Fit one group."""
    buckets, names = GROUPS[group]
    labels = names.split()
    texts = [(piece, labels.index(row["label"])) for row in rows if row["label"] in labels for piece in pieces(row["text"])]
    features = matrix([hashes(text, group) for text, _ in texts], buckets)
    return quantised(fit(features, np.array([label for _, label in texts]), len(labels)))


def main() -> None:
    """Fit, check when asked, write."""
    rows = [json.loads(line) for line in gzip.open(sys.argv[1], "rt", encoding="utf-8")]
    if "--check" in sys.argv:
        apart = np.random.default_rng(0).integers(0, 5, len(rows)) == 0
        for group, (buckets, names) in GROUPS.items():
            labels = names.split()
            weights = train([row for row, held in zip(rows, apart, strict=True) if not held], group).astype(np.float32)
            for kind in ("sentences", "word-pairs"):
                held_rows = [r for r, held in zip(rows, apart, strict=True) if held and r["kind"] == kind and r["label"] in labels]
                guess = (matrix([hashes(r["text"], group) for r in held_rows], buckets) @ weights).argmax(1)
                right = [labels[g] == r["label"] for g, r in zip(guess, held_rows, strict=True)]
                print(group, kind, len(right), f"{np.mean(right):.4f}")
    blob = b"turnout language table 1; fitted on lingua test data (Apache-2.0)\n"
    blob += b"".join(train(rows, group).tobytes() for group in GROUPS)
    Path(sys.argv[2]).write_bytes(zlib.compress(blob, 9))


if __name__ == "__main__":
    main()
