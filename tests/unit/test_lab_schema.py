"""JSON for a schema: it fits, it repeats, and it ends."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.lab.schema import fill_schema
from turnout.lab.text import Draw


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    plain = st.one_of(
        st.just({"type": "string"}),
        st.builds(
            lambda n, m: {"type": "string", "minLength": n, "maxLength": n + m}, st.integers(0, 200), st.integers(0, 9)
        ),
        st.builds(
            lambda n, m: {"type": "integer", "minimum": n, "maximum": n + m}, st.integers(-999, 999), st.integers(0, 9)
        ),
        st.builds(lambda n: {"type": "number", "exclusiveMinimum": n}, st.integers(-99, 99)),
        st.builds(lambda n: {"type": "number", "minimum": n + 0.25, "maximum": n + 0.5}, st.integers(-99, 99)),
        st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": 7}, {"enum": ["a", 2, None]}]),
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.builds(lambda s, n: {"type": "array", "items": s, "minItems": n}, inner, st.integers(0, 3)),
            st.builds(
                lambda d, r: {"type": "object", "properties": d, "required": sorted(set(d) & r)},
                st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
                st.sets(st.sampled_from("abcd")),
            ),
            st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
        ),
        max_leaves=8,
    )


def fits(schema: dict[str, Any], value: Any) -> bool:
    """A plain reading of the part of JSON Schema that the strategy uses."""
    if "anyOf" in schema:
        return any(fits(each, value) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
        "array": (list,), "object": (dict,),
    }  # fmt: skip
    if not isinstance(value, kinds[schema["type"]]):
        return False
    value = cast("Any", value)
    match schema["type"]:
        case "string":
            return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 999))
        case "integer" | "number":
            low, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
            return bool(low <= value <= schema.get("maximum", math.inf) and value > above)
        case "array":
            return len(value) >= schema.get("minItems", 0) and all(fits(schema["items"], each) for each in value)
        case "object":
            return set(value) == set(schema["required"]) and all(
                fits(schema["properties"][k], v) for k, v in value.items()
            )
    return True


@given(schemas(), st.binary(max_size=8))
def test_a_filled_schema_fits(schema: dict[str, Any], seed: bytes) -> None:
    value = fill_schema(schema, Draw(seed))
    assert fits(schema, value)
    assert value == fill_schema(schema, Draw(seed))


@pytest.mark.parametrize(
    ("schema", "check"),
    [
        ({"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]}, dict),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}}, list),
        ({"$ref": "#"}, object),
        ({"allOf": [{"$ref": "#"}]}, object),
        ({"allOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}, {"required": ["b"]}]}, dict),
        ({"$ref": "#/nowhere"}, object),
        (True, object),
        ({"type": ["string", "null"]}, str),
        ({"type": "string", "format": "date"}, str),
    ],
)  # fmt: skip
def test_odd_schemas_come_to_an_end(schema: Any, check: type) -> None:
    assert isinstance(fill_schema(schema, Draw(b"")), check)
