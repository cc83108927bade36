"""blake3 of short texts (one chunk, at most 1,024 bytes), as its paper writes it: it draws the units of experiments."""

from __future__ import annotations

import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, ROOT = 1, 2, 8
MASK = 0xFFFFFFFF


def _turned(word: int, bits: int) -> int:
    return (word >> bits | word << (32 - bits)) & MASK


def _mixed(state: list[int], a: int, b: int, c: int, d: int, x: int, y: int) -> None:
    for word, first, second in ((x, 16, 12), (y, 8, 7)):
        state[a] = (state[a] + state[b] + word) & MASK
        state[d] = _turned(state[d] ^ state[a], first)
        state[c] = (state[c] + state[d]) & MASK
        state[b] = _turned(state[b] ^ state[c], second)


def _compressed(chain: list[int], words: tuple[int, ...], length: int, flags: int) -> list[int]:
    state = [*chain, *IV[:4], 0, 0, length, flags]
    for _ in range(7):
        for place in range(4):
            _mixed(state, place, 4 + place, 8 + place, 12 + place, *words[2 * place : 2 * place + 2])
        for place in range(4):
            down = [(place + step) % 4 + 4 * step for step in range(4)]
            _mixed(state, down[0], down[1], down[2], down[3], *words[8 + 2 * place : 10 + 2 * place])
        words = tuple(words[place] for place in ORDER)
    return [state[place] ^ state[place + 8] for place in range(8)]


def blake3(data: bytes) -> bytes:
    """The 32 bytes of the hash."""
    assert len(data) <= 1024
    blocks = [data[start : start + 64] for start in range(0, max(len(data), 1), 64)]
    chain = list(IV)
    for place, block in enumerate(blocks):
        flags = (CHUNK_START if place == 0 else 0) | (CHUNK_END | ROOT if place == len(blocks) - 1 else 0)
        words = struct.unpack("<16I", block.ljust(64, b"\0"))
        chain = _compressed(chain, words, len(block), flags)
    return struct.pack("<8I", *chain)
