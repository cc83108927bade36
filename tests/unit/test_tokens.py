"""Counts of text from Python: those that tiktoken and ctok recorded, odd texts, and names that nobody knows."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import turnout
from turnout.errors import CatalogError, RequestError

CASES = json.loads((Path(__file__).parents[1] / "cases" / "tokens" / "counts.json").read_text(encoding="utf-8"))
MODELS = {
    "o200k_base": "openai/gpt-4o",
    "cl100k_base": "openai/gpt-4",
    "claude-3-to-4.6": "anthropic/claude-sonnet-4-5",
    "claude-4.7-on": "anthropic/claude-sonnet-5-5",
}


@pytest.mark.parametrize("family", MODELS)
def test_recorded_counts(family: str) -> None:
    assert len(CASES) > 50
    for case in CASES:
        count = turnout.count_tokens(MODELS[family], case["text"])
        assert (count.tokens, count.low, count.high, count.method) == (*[case[family]] * 3, "exact"), case["text"]


@pytest.mark.parametrize("model", MODELS.values())
def test_odd_texts(model: str) -> None:
    def tokens(text: str) -> int:
        count = turnout.count_tokens(model, text)
        assert count.method == "exact"
        return count.tokens

    assert tokens("") == 0
    # A lone surrogate is what a provider receives instead of it; a pair is the character that it spells.
    assert tokens("a\ud800b") == tokens("a\ufffdb")
    assert tokens("a\ud83d\ude00b") == tokens("a😀b")
    assert tokens("a\0b") > 0
    # Beyond the size up to which other threads wait, and beyond the window of normalization.
    assert tokens("word é\n" * 20_000) > 20_000


def test_bytes_that_are_no_text_count_as_what_replaces_them() -> None:
    def tokens(content: bytes) -> int:
        body = b'{"messages": [{"role": "user", "content": "' + content + b'"}]}'
        return turnout.count_tokens("openai/gpt-4o", body).tokens

    assert tokens(b"a\xff\xfeb") == tokens("a\ufffd\ufffdb".encode())


def test_threads_count_alike() -> None:
    texts = [case["text"] for case in CASES] * 20
    with ThreadPoolExecutor(4) as pool:
        for family, model in MODELS.items():
            found = pool.map(lambda text, model=model: turnout.count_tokens(model, text).tokens, texts)
            assert list(found) == [case[family] for case in CASES] * 20


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(CatalogError) as unknown:
        turnout.count_tokens("gpt-99-imaginary", "text")
    assert unknown.value.code == "unknown-model"
    for broken in (b'{"messages": [', b"\xff", b"[]"):
        with pytest.raises(RequestError):
            turnout.count_tokens("openai/gpt-4o", broken)
    with pytest.raises(TypeError, match="not int"):
        turnout.count_tokens("openai/gpt-4o", 7)  # type: ignore[arg-type]
