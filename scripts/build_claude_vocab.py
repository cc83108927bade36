# ruff: noqa: SLF001 - the rules that ctok measured are private names of its module, of a pinned version
"""Repacks the recovered vocabularies of Claude and writes the table of characters that their normalization needs.

    python scripts/build_claude_vocab.py        (with ctok 1.3.0 installed)

Writes `rust/core/data/vocab/{claude_3_to_46,claude_47_on,claude_characters}.bin`. Each begins with its unpacked size
(4 bytes, little-endian); the rest is raw deflate.

A vocabulary holds, as the files of `build_vocab.py`: the number of pieces (4 bytes), the length of each (1 byte), their
bytes one behind the other. A piece is the UTF-8 of its text; the markers are bytes that stand in no UTF-8: 0xFF opens a
word, 0xFE closes it, 0xFD is a capital first letter, 0xFC a word in capitals. The prefixes of characters on which the
byte fallback rests are pieces like any other; single bytes always are, so they are left out.

`claude_characters` holds four lists, each after its length (4 bytes): runs of code points that are treated alike (length
3 bytes, class 1 byte), full canonical decompositions (code point, number, code points; 3, 1 and 3 bytes each), pairs that
compose (first, second, composite; 3 bytes each) and combining classes (code point, class; 3 and 1 bytes). Hangul is
arithmetic and left out. Classes are asked of ctok, so that its measured exceptions are in them; the Unicode version is
that of the Python that runs this (15.0 in Python 3.12) with ctok's additions.
"""

import json
import unicodedata
import zlib
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from ctok.constants import BOW_G, CAPS_G, EOW_G, HARD, PUNCT, SHIFT_G, SPACE, WORDY
from ctok.engine import glued_contraction
from ctok.notation import parse_marked

# By name, for the package has a function of that name.
rules = import_module("ctok.normalize")

DATA = Path(__file__).resolve().parent.parent / "rust/core/data/vocab"
CTOK, UNICODE = "1.3.0", "15.0.0"
MARKERS = {BOW_G: b"\xff", EOW_G: b"\xfe", SHIFT_G: b"\xfd", CAPS_G: b"\xfc"}

# The low four bits of a class, as in `claude/characters.rs`.
(
    LETTER_ALONE,
    CASELESS,
    UPPER,
    LOWER,
    SYMBOL,
    MARK,
    PUNCTUATION,
    SIGN,
    NUMBER,
    NUMERAL,
    SELECTOR,
    DIGIT,
    DIGIT_ARABIC,
) = range(13)
WHITE = 13
# The high four.
COMBINES, COMPOSES, FOLDS, QUOTE = 0x10, 0x20, 0x40, 0x80


def write(name: str, plain: bytes) -> None:
    """Packs one file."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    packed = len(plain).to_bytes(4, "little") + deflate.compress(plain) + deflate.flush()
    (DATA / f"{name}.bin").write_bytes(packed)
    print(name, len(plain), "bytes", len(packed), "packed")


def vocabulary(name: str, source: str) -> None:
    """Packs one vocabulary."""
    document = json.loads(files("ctok").joinpath("data", source).read_text(encoding="utf-8"))
    groups = document["tokens"]
    pieces = {parse_marked(piece) for group, of in groups.items() if group != "bytes_fallback" for piece in of}
    pieces |= {glued_contraction(piece) for piece in groups["contractions"]}
    packed = {b"".join(MARKERS.get(char) or char.encode() for char in piece) for piece in pieces}
    packed |= {bytes.fromhex(prefix) for prefix in groups["bytes_fallback"]}
    ordered = sorted(piece for piece in packed if len(piece) > 1)
    write(name, len(ordered).to_bytes(4, "little") + bytes(map(len, ordered)) + b"".join(ordered))
    print("   ", len(ordered), "pieces of more than one byte; longest", max(map(len, ordered)))


def kind(char: str) -> int:
    """How the marked stream treats a character."""
    of = rules.classify(char)
    if of == SPACE:
        return WHITE
    if of == PUNCT:
        return PUNCTUATION
    if of == WORDY:
        if rules._stray_mark(char):
            return MARK
        if rules._is_upper(char):
            return UPPER
        if rules._is_lower(char):
            return LOWER
        is_letter = char in rules._NEW_CASED or unicodedata.category(char)[0] in "LM"
        return CASELESS if is_letter else SYMBOL
    if of != HARD:
        return DIGIT if char.isascii() else DIGIT_ARABIC
    if rules._is_selector(char):
        return SELECTOR
    if rules._marks_like_punct(char):
        return SIGN
    if rules._digit_border(char):
        return NUMBER if unicodedata.category(char) == "Nd" else NUMERAL
    return LETTER_ALONE


def flags(char: str, seconds: set[str]) -> int:
    """What normalization may do to a character."""
    found = 0
    if not unicodedata.is_normalized("NFC", char) or char in seconds:
        found |= COMPOSES
    elif unicodedata.combining(char):
        found |= COMBINES
    if rules.nfc(char, fold_quotes=False) != unicodedata.normalize("NFC", char) or char == "\u0e4d":
        found |= FOLDS
    if rules.nfc(char, fold_quotes=True) != rules.nfc(char, fold_quotes=False):
        found |= QUOTE
    return found


def characters() -> None:
    """Packs the table of characters."""
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    decompositions, pairs, combining = [], [], []
    seconds = set(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))
    for char in every:
        if unicodedata.combining(char):
            combining.append((char, unicodedata.combining(char)))
        if 0xAC00 <= ord(char) < 0xD7A4:
            continue
        full = unicodedata.normalize("NFD", char)
        if full == char:
            continue
        decompositions.append((char, full))
        single = unicodedata.decomposition(char).split()
        if len(single) == 2 and unicodedata.normalize("NFC", full) == char:
            first, second = (chr(int(code, 16)) for code in single)
            pairs.append((first, second, char))
            seconds.add(second)

    def three(char: str) -> bytes:
        return ord(char).to_bytes(3, "little")

    classes = []
    for code in range(0x110000):
        char = chr(code)
        classes.append(LETTER_ALONE if 0xD800 <= code < 0xE000 else kind(char) | flags(char, seconds))
    runs = [(of, sum(1 for _ in run)) for of, run in groupby(classes)]

    def counted(rows: list[bytes]) -> bytes:
        return len(rows).to_bytes(4, "little") + b"".join(rows)

    write(
        "claude_characters",
        counted([length.to_bytes(3, "little") + bytes([of]) for of, length in runs])
        + counted([three(char) + bytes([len(full)]) + b"".join(map(three, full)) for char, full in decompositions])
        + counted([b"".join(map(three, row)) for row in sorted(pairs)])
        + counted([three(char) + bytes([of]) for char, of in combining]),
    )
    print(
        "   ",
        len(runs),
        "runs",
        len(decompositions),
        "decompositions",
        len(pairs),
        "pairs",
        len(combining),
        "combining",
    )


def main() -> None:
    """Writes all files."""
    if version("ctok") != CTOK or unicodedata.unidata_version != UNICODE:
        raise SystemExit(f"needs ctok {CTOK} and a Python with Unicode {UNICODE}")
    vocabulary("claude_3_to_46", "pieces_v3.json")
    vocabulary("claude_47_on", "pieces_v4_7.json")
    characters()


if __name__ == "__main__":
    main()
