"""Which layer wins: the call over the override over the refresh over what ships, whichever of them speak."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnout
from turnout.catalog.layer import with_override
from turnout.catalog.override import parse_override
from turnout.errors import MoneyError

MODELS = ["anthropic/claude-sonnet-5-5", "openai/gpt-6-sol", "mistral/mistral-small-latest"]
MILLION = turnout.Usage(input_uncached=1_000_000)
BUNDLED = turnout.load_catalog(refreshed=False)

prices = st.none() | st.decimals(min_value="0.001", max_value="150", places=4)


def refreshed_rows(model: str, price: Decimal) -> bytes:
    provider, _, name = model.partition("/")
    row = {"provider": provider, "id": name, "prices": [{"in": "PRICE", "out": "PRICE"}]}
    text = json.dumps(row).replace('"PRICE"', f"{price:f}")
    return f'{{"format":1,"as_of":"2026-12-01","models":1}}\n{text}\n'.encode()


@given(model=st.sampled_from(MODELS), refreshed=prices, override=prices, call=prices)
def test_the_highest_layer_that_speaks_wins(
    model: str, refreshed: Decimal | None, override: Decimal | None, call: Decimal | None
) -> None:
    catalog = BUNDLED
    if refreshed is not None:
        catalog = catalog.with_refreshed(refreshed_rows(model, refreshed))
    if override is not None:
        text = f"turnout-catalog: 1\nmodels:\n  {model}: {{ price: {{ in: {override:f}, out: {override:f} }} }}\n"
        catalog = with_override(catalog, parse_override(text))
    price = None if call is None else {"in": call}
    cost = turnout.cost(model, MILLION, catalog=catalog, price=price)
    bundled = turnout.cost(model, MILLION, catalog=BUNDLED).usd
    spoken = [each for each in (call, override, refreshed) if each is not None]
    assert cost.usd == (spoken[0] if spoken else bundled)
    # An override that says what the refresh says changes nothing.
    is_overridden = override is not None and override != refreshed
    layer = "override" if is_overridden else "refreshed" if refreshed is not None else "bundled"
    assert catalog.resolve(model).layer == layer
    # What nobody spoke of is as it was.
    assert catalog.resolve(model).context == BUNDLED.resolve(model).context
    other = next(each for each in MODELS if each != model)
    assert catalog.resolve(other) == BUNDLED.resolve(other)
    assert (catalog.hash == BUNDLED.hash) == (refreshed is None and override is None)


@given(factor=st.decimals(min_value="0.01", max_value="2", places=2), model=st.sampled_from(MODELS))
def test_a_factor_is_exact(factor: Decimal, model: str) -> None:
    text = f"turnout-catalog: 1\nmodels:\n  {model}: {{ price_factor: {factor:f} }}\n"
    catalog = with_override(BUNDLED, parse_override(text))
    assert (
        turnout.cost(model, MILLION, catalog=catalog).usd == turnout.cost(model, MILLION, catalog=BUNDLED).usd * factor
    )


@given(
    price=st.dictionaries(
        st.sampled_from(["in", "out", "cache_read", "tiers", "windows", "per_request", "x"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.decimals()
        | st.text(max_size=5)
        | st.lists(st.none()),
    )
)
def test_no_price_of_a_call_is_taken_for_zero(price: dict[str, object]) -> None:
    try:
        cost = turnout.cost(MODELS[0], MILLION, price=price)
    except MoneyError as refused:
        error = refused
    else:
        assert "in" in price
        assert cost.usd >= 0
        return
    assert error.code in ("bad-price", "unknown-price", "cost-overflow")
    assert MODELS[0] in error.message


@pytest.mark.parametrize(
    ("price", "code", "said"),
    [
        ({"in": float("nan")}, "bad-price", "`in`"),
        ({"in": "-inf"}, "bad-price", "`in`"),
        ({"in": -1}, "bad-price", "`in`"),
        ({"out": 1}, "unknown-price", "input_uncached"),
        ({"inn": 1}, "bad-price", "`inn`"),
        ({"in": 1, "tiers": [{"above": 5, "in": float("inf")}]}, "bad-price", "`in`"),
        ({}, "unknown-price", "input_uncached"),
    ],
)
def test_a_wrong_price_of_a_call_names_model_and_field(price: dict[str, object], code: str, said: str) -> None:
    with pytest.raises(MoneyError) as wrong:
        turnout.cost("any/name", MILLION, price=price)
    assert wrong.value.code == code
    assert "`any/name`" in wrong.value.message
    assert said in wrong.value.message


def test_the_price_of_a_call_needs_no_known_model() -> None:
    assert turnout.cost("any/name", MILLION, price={"in": "0.25"}).usd == Decimal("0.25")
    assert turnout.cost("any/name", MILLION, price={"in": 0.1}).usd == Decimal("0.1")
    assert turnout.cost("any/name", MILLION, price="free", batch=True).usd == 0
    batch = {"in": 2, "multipliers": {"processing=batch": 0.5}}
    assert turnout.cost("any/name", MILLION, price=batch, batch=True).usd == 1
    with pytest.raises(MoneyError) as unknown:
        turnout.cost("any/name", MILLION, price={"in": 2}, service_tier="priority")
    assert unknown.value.code == "unknown-terms"


def test_a_model_brings_its_own_price(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"turnout-catalog: 1\nmodels:\n  {MODELS[0]}: {{ price: {{ in: 1, out: 1 }} }}\n")
    own = turnout.load_catalog(path).resolve(MODELS[0])
    assert turnout.cost(own, MILLION).usd == 1
    assert turnout.cost(own, MILLION, catalog=BUNDLED).usd == 2
    assert turnout.cost(own, MILLION, price={"in": 3}).usd == 3
