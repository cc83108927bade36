"""Override files: what they say is what holds, and every mistake stands at its place."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnout
from turnout.catalog.layer import with_override
from turnout.catalog.override import parse_override
from turnout.catalog.tree import number_text
from turnout.errors import CatalogError, Finding

ROOT = Path(__file__).parents[2]
HEAD = "turnout-catalog: 1\n"
SONNET = "anthropic/claude-sonnet-5-5"
MILLION = turnout.Usage(input_uncached=1_000_000)


def layered(text: str) -> turnout.Catalog:
    return with_override(turnout.load_catalog(refreshed=False), parse_override(HEAD + text, file="o.yaml"))


def findings(text: str, head: str = HEAD) -> list[Finding]:
    with pytest.raises(CatalogError) as refused:
        with_override(turnout.load_catalog(refreshed=False), parse_override(head + text, file="o.yaml"))
    assert refused.value.code == "override-refused"
    assert refused.value.findings
    return list(refused.value.findings)


def test_the_example_loads() -> None:
    catalog = turnout.load_catalog(ROOT / "examples" / "catalog.yaml")
    assert turnout.cost(SONNET, MILLION, catalog=catalog).usd == Decimal("1.8")
    bundled = turnout.load_catalog()
    for name in ("anthropic/claude-opus-5-5", "azure/support-bot-eu", "vllm/house-7b", "vllm/rented-70b"):
        assert catalog.resolve(name).layer == "override"
    assert catalog.resolve("anthropic/claude-opus-5-5").context == bundled.resolve("claude-opus-5-5").context
    assert turnout.cost("anthropic/claude-opus-5-5", MILLION, catalog=catalog).usd == (
        turnout.cost("anthropic/claude-opus-5-5", MILLION).usd * Decimal("0.9")
    )
    assert turnout.cost("support-bot", MILLION, catalog=catalog) == turnout.cost("openai/gpt-6-sol", MILLION)
    assert turnout.cost("house-7b", turnout.Usage(cache_read=10**9, output_text=10**9), catalog=catalog).usd == 0
    rented = partial(turnout.cost, "vllm/rented-70b", catalog=catalog)
    small, large = turnout.Usage(input_uncached=100_000), turnout.Usage(input_uncached=200_000)
    later = date(2027, 1, 1)
    assert rented(small, at=0.0).usd == Decimal("0.06")
    assert rented(large, at=0.0).usd == Decimal("0.24")
    assert rented(small, at=later).usd == Decimal("0.05")
    assert rented(small, at=later, region="eu").usd == Decimal("0.055")
    assert rented(small, at=later, batch=True).usd == Decimal("0.025")
    for model in bundled.models(provider="mistral"):
        if model.to_dict().get("prices") and model.status == "active":
            own = catalog.resolve(model.full_name)
            assert own.layer == "override"
            assert own.to_dict()["price_factor"] == 0.85


def test_what_is_not_said_stays() -> None:
    catalog = layered(f"models:\n  {SONNET}:\n    max_output: 64000\n")
    own, bundled = catalog.resolve(SONNET), turnout.load_catalog().resolve(SONNET)
    assert own.max_output == 64_000
    assert {**own.to_dict(), "max_output": None} == {**bundled.to_dict(), "max_output": None}
    assert turnout.cost(SONNET, MILLION, catalog=catalog) == turnout.cost(SONNET, MILLION)


def test_a_price_is_taken_whole() -> None:
    catalog = layered(f"models:\n  {SONNET}:\n    price: {{ in: 1, out: 2 }}\n")
    assert turnout.cost(SONNET, MILLION, catalog=catalog).usd == 1
    with pytest.raises(turnout.MoneyError) as unknown:
        turnout.cost(SONNET, turnout.Usage(cache_read=1), catalog=catalog)
    assert unknown.value.code == "unknown-price"
    assert "cache_read" in unknown.value.message
    assert SONNET in unknown.value.message


@pytest.mark.parametrize("said", ["unknown", "null", "~", ""])
def test_a_price_can_be_declared_unknown(said: str) -> None:
    catalog = layered(f"models:\n  {SONNET}:\n    price: {said}\n")
    with pytest.raises(turnout.MoneyError) as unknown:
        turnout.cost(SONNET, MILLION, catalog=catalog)
    assert unknown.value.code == "unknown-price"


def test_digits_are_kept() -> None:
    catalog = layered(
        f"models:\n  {SONNET}:\n    price: {{ in: 0.100000001, out: 1.0, cache_read: .05, image_in: +3. }}\n"
    )
    assert turnout.cost(SONNET, MILLION, catalog=catalog).usd == Decimal("0.100000001")
    assert turnout.cost(SONNET, turnout.Usage(cache_read=1_000_000), catalog=catalog).usd == Decimal("0.05")


WRONG = [
    ("models:\n  a: { price: free }\n", [(3, 3, "bad-value")]),
    ("model:\n  a/b: {}\n", [(2, 1, "unknown-key")]),
    ("models: [a]\n", [(2, 9, "wrong-type")]),
    ("models:\n  openai/gpt-6-sol: free\n", [(3, 21, "wrong-type")]),
    ("models:\n  openai/gpt-6-sol:\n    price: { in: cheap, out: 8 }\n", [(4, 18, "bad-row")]),
    ("models:\n  openai/gpt-6-sol:\n    price: { in: -1, out: 8 }\n", None),
    (
        "models:\n  openai/gpt-6-sol:\n    price: { in: .nan, out: -.inf }\n",
        [(4, 18, "bad-value"), (4, 29, "bad-value")],
    ),
    ("models:\n  openai/gpt-6-sol:\n    price: { inn: 1 }\n", None),
    ("models:\n  openai/gpt-6-sol:\n    price: 3\n", [(4, 12, "wrong-type")]),
    ("models:\n  openai/gpt-6-sol:\n    price: free\n    prices: []\n", [(4, 5, "duplicate-key")]),
    ("models:\n  openai/gpt-6-sol:\n    contxt: 5\n", [(4, 13, "bad-row")]),
    ("models:\n  openai/gpt-6-sol:\n    context: 5.5\n", [(4, 14, "bad-row")]),
    ("models:\n  openai/gpt-6-sol:\n    id: x\n", [(4, 5, "duplicate-key")]),
    ("models:\n  openai/gpt-6-sol:\n    like: openai/gpt-6-soll\n", [(4, 11, "unknown-model")]),
    ("models:\n  opnai/gpt-6-sol:\n    context: 5\n", [(3, 3, "unknown-provider")]),
    ("models:\n  openai/gpt-6-sol: {}\n  openai/gpt-6-sol: {}\n", [(4, 3, "duplicate-key")]),
    ("models:\n  openai/a:\n    caps: { tools: yes }\n", [(4, 20, "bad-row")]),
    (
        "models:\n  openai/a:\n    prices:\n"
        "      - { in: 1, out: 2, until: 2026-01-01 }\n"
        "      - { from: 2026-01-01, in: x }\n",
        [(6, 33, "bad-row")],
    ),
    ("models: &a {}\n", [(2, 9, "malformed-yaml")]),
    ("models: {\n", [(3, 1, "malformed-yaml")]),
    ("providers:\n  mistral: { price_factor: cheap }\n", [(3, 28, "bad-row")]),
    ("providers:\n  mistral: { id: x }\n", [(3, 14, "duplicate-key")]),
    ("models:\n  openai/a: { context: 0x }\n  openai/b: { context: 1y }\n", [(3, 24, "bad-row"), (4, 24, "bad-row")]),
]


@pytest.mark.parametrize(("text", "places"), WRONG)
def test_a_mistake_stands_at_its_place(text: str, places: list[tuple[int, int, str]] | None) -> None:
    found = findings(text)
    lines = (HEAD + text).split("\n")
    if places is not None:
        assert [(each.line, each.column, each.code) for each in found] == places
    for each in found:
        assert each.file == "o.yaml"
        assert each.source_line == lines[each.line - 1]
        assert each.message[0].islower() or each.message[0] == "`"
        assert not each.message.endswith(".")
        assert f"\n{each.line:>5} | " in str(each)
        assert "^" in str(each)


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "turnout: 1\n", "turnout-catalog: 2\n", "models: {}\n"])
def test_a_file_of_another_kind_is_refused(text: str) -> None:
    found = findings(text, head="")
    assert found[0].code in ("missing-key", "unsupported-version", "unknown-key")


def test_a_slip_in_a_price_is_refused_until_it_is_allowed() -> None:
    slip = f"models:\n  {SONNET}:\n    price: {{ in: 2, out: 10, cache_read: 20 }}\n"
    found = findings(slip)
    assert [each.line for each in found] == [3]
    assert "allow" in (found[0].hint or "")
    lint = (found[0].hint or "").partition("[")[2].partition("]")[0]
    catalog = layered(f"{slip}    allow: [{lint}]\n")
    assert turnout.cost(SONNET, turnout.Usage(cache_read=1_000_000), catalog=catalog).usd == 20


def test_nothing_holds_of_a_wrong_file(tmp_path: Path) -> None:
    path = tmp_path / "o.yaml"
    path.write_text(f"{HEAD}models:\n  {SONNET}: {{ price: free }}\n  openai/gpt-6-sol: {{ context: x }}\n")
    with pytest.raises(CatalogError) as refused:
        turnout.load_policy(turnout.shipped_policy("balanced"), catalog=path)
    assert str(refused.value).startswith(f"{path}:4:32: bad-row: ")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("missing", None, "override-unreadable"),
        ("large", b"#" * (1 << 21), "override-refused"),
        ("latin", b"\xff", "override-refused"),
        ("deep", HEAD.encode() + b"models: " + b"[" * 5000, "override-refused"),
        ("nul", HEAD.encode() + b"models: {\0}", "override-refused"),
    ],
)
def test_a_hostile_file_is_an_error(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogError) as refused:
        turnout.load_catalog(path)
    assert refused.value.code == code
    assert str(path) in str(refused.value)


def test_a_folder_and_a_key_are_not_shown(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="not a regular file"):
        turnout.load_catalog(tmp_path)
    found = findings("models:\n  openai/a: { context: sk-ant-0123456789abcdef }\n")
    assert "0123456789" not in (found[0].source_line or "")


@given(text=st.text(max_size=200))
def test_no_text_is_more_than_an_error(text: str) -> None:
    try:
        parse_override(HEAD + text)
    except CatalogError as error:
        assert all(found.line >= 1 for found in error.findings)  # noqa: PT017  any text, right or wrong


@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_numbers_keep_their_value(number: Decimal) -> None:
    for text in (f"{number:f}", str(number)):
        written = number_text(text)
        assert written is not None
        assert Decimal(written) == number


@pytest.mark.parametrize("text", ["", ".", "-", "+.", "e5", "1e", "0x10", "1_000", "1,5", "$1", "1 2"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert number_text(text) is None


def test_a_cost_without_a_day_is_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    argon = "google/gemini-4-argon"
    for day, dollars in ((date(2026, 11, 22), 2), (date(2026, 12, 2), 4)):
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        monkeypatch.setattr("time.time_ns", lambda moment=moment: int(moment.timestamp()) * 10**9)
        assert turnout.cost(argon, MILLION).usd == dollars
        assert turnout.cost(argon, MILLION, at=day) == turnout.cost(argon, MILLION)
