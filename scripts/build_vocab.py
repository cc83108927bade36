"""Repacks the public vocabularies of OpenAI and writes the table of Unicode classes that their patterns need.

    python scripts/build_vocab.py --ranks FOLDER

FOLDER holds `cl100k_base.tiktoken` and `o200k_base.tiktoken` (lines of base64 and rank), for example the files that the
litellm wheel on PyPI bundles under their cache names `9b5ad71b2ce5302211f9c61530b329a4922fc6a4` and
`fb374d419588a4632f3f557e76b4b70aebbca790`; their SHA-256 must be those that tiktoken itself checks.

Writes `rust/core/data/vocab/{cl100k,o200k}.bin` and `rust/core/src/tokens/unicode_ranges.rs`.

Form of a `.bin`: the unpacked size (4 bytes, little-endian), then raw deflate of: the number of tokens (4 bytes), the
length of each token in the order of ranks (1 byte each), the bytes of all tokens.

The classes are those of the regular expressions inside tiktoken (asked of it, not of `unicodedata`, so that the Unicode
version is the same). Needs tiktoken.
"""

import argparse
import base64
import hashlib
import subprocess
import zlib
from pathlib import Path

from tiktoken import Encoding

ROOT = Path(__file__).resolve().parent.parent / "rust/core"
SHA256 = {
    "cl100k": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
# Class numbers, as in `pretokenize.rs`.
CLASSES = {
    1: r"[\p{Lu}\p{Lt}]",
    2: r"\p{Ll}",
    3: r"[\p{Lm}\p{Lo}]",
    4: r"\p{M}",
    5: r"\p{N}",
    6: r"[^\S\r\n]",
    7: r"[\r\n]",
}


def pack(name: str, ranks: Path) -> None:
    """Packs one vocabulary."""
    raw = (ranks / f"{name}_base.tiktoken").read_bytes()
    if hashlib.sha256(raw).hexdigest() != SHA256[name]:
        raise SystemExit(f"{name}: not the published file")
    tokens = []
    for number, line in enumerate(raw.splitlines()):
        token, rank = line.split()
        if int(rank) != number:
            raise SystemExit(f"{name}: rank {rank} stands in line {number}")
        tokens.append(base64.b64decode(token))
    plain = len(tokens).to_bytes(4, "little") + bytes(map(len, tokens)) + b"".join(tokens)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    packed = len(plain).to_bytes(4, "little") + deflate.compress(plain) + deflate.flush()
    (ROOT / "data/vocab" / f"{name}.bin").write_bytes(packed)
    print(name, len(tokens), "tokens", len(plain), "bytes", len(packed), "packed")


def unicode_ranges() -> None:
    """Asks tiktoken's own engine for the class of every character."""
    every = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    text = "".join(map(chr, every))
    classes = dict.fromkeys(every, 0)
    singles = {bytes([byte]): byte for byte in range(256)}
    for number, pattern in CLASSES.items():
        encoding = Encoding("class", pat_str=pattern, mergeable_ranks=singles, special_tokens={})
        for char in encoding.decode(encoding.encode_ordinary(text)):
            classes[ord(char)] = number
    starts = []
    last = -1
    for code in every:
        if classes[code] != last:
            last = classes[code]
            starts.append(code << 3 | last)
    lines = [
        "//! Classes of characters as the published patterns see them. Written by `scripts/build_vocab.py`; do not edit.",
        '#![allow(clippy::unreadable_literal, reason = "written by a script, read by no one")]',
        "",
        "/// Where a class begins: the code point, shifted by three, and the class; each lasts until the next.",
        f"pub(super) static CLASS_STARTS: [u32; {len(starts)}] = [",
        "    " + ", ".join(map(str, starts)),
        "];",
    ]
    target = ROOT / "src/tokens/unicode_ranges.rs"
    target.write_text("\n".join(lines) + "\n")
    subprocess.run(
        ["rustfmt", "--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max", str(target)], check=True
    )
    print("unicode", len(starts), "ranges")


def main() -> None:
    """Writes all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=Path, required=True)
    options = parser.parse_args()
    for name in SHA256:
        pack(name, options.ranks)
    unicode_ranges()


if __name__ == "__main__":
    main()
