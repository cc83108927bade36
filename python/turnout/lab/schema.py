"""A value for a JSON schema: what a model answers that was asked for JSON, or for a tool's arguments.

Promises: the value has every required property with a value of its type inside its bounds, for any schema there is an
end; the same seed gives the same value. Refuses: `pattern`, conditions, and schemas with no value at all (it gives
something).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from turnout.lab.text import OBJECTS, SUBJECTS, VERBS, Draw

__all__ = ["Json", "fill_schema"]

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

_DEEPEST: Final = 12
"""A schema that names itself is filled this deep; below half of it, by whatever ends."""


def fill_schema(schema: Json, draw: Draw) -> Json:
    """Makes a value that fits a JSON schema, in the part of the language that providers accept for tools and formats.

    Types, enum, const, required, items, counts, bounds, the usual formats, anyOf, oneOf, allOf and local references are
    obeyed; `pattern` and conditions are not.

    Args:
        schema: A JSON schema.
        draw: Where the choices come from.

    Returns:
        The value: all required properties, and no others.
    """
    return _fill(schema, schema, draw, 0)


def _fill(schema: Json, root: Json, draw: Draw, depth: int) -> Json:
    schema = _resolved(schema, root)
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    options = schema.get("enum")
    if isinstance(options, Sequence) and options and not isinstance(options, str):
        return draw.pick(options)
    for key in ("anyOf", "oneOf"):
        choices = schema.get(key)
        if isinstance(choices, Sequence) and choices and not isinstance(choices, str):
            # Deep inside a schema that names itself, the simplest choice is the one that ends.
            simple = [c for c in choices if _type_of(_resolved(c, root)) not in ("object", "array")]
            return _fill(draw.pick(simple) if simple and depth > _DEEPEST // 2 else choices[0], root, draw, depth + 1)
    match _type_of(schema):
        case "object":
            return _object(schema, root, draw, depth)
        case "array":
            low = _integer(schema, "minItems", 1)
            if depth > _DEEPEST // 2:
                low = _integer(schema, "minItems", 0)
            return [_fill(schema.get("items"), root, draw, depth + 1) for _ in range(min(low, 1000))]
        case "string":
            return _string(schema, draw)
        case "integer" | "number" as kind:
            return _number(schema, draw, kind)
        case "boolean":
            return draw.below(2) == 1
        case _:
            return None


def _object(schema: Mapping[str, Json], root: Json, draw: Draw, depth: int) -> Json:
    properties = schema.get("properties")
    names = schema.get("required")
    known = properties if isinstance(properties, Mapping) else {}
    wanted = [name for name in names if isinstance(name, str)] if isinstance(names, Sequence) else []
    return {name: _fill(known.get(name, {"type": "string"}), root, draw, depth + 1) for name in wanted}


def _string(schema: Mapping[str, Json], draw: Draw) -> str:
    form = schema.get("format")
    day = f"2026-{1 + draw.below(12):02}-{1 + draw.below(28):02}"
    known = {
        "date": day,
        "date-time": f"{day}T09:30:00Z",
        "time": "09:30:00Z",
        "email": "driver@example.com",
        "uri": "https://example.com/line",
        "uuid": f"00000000-0000-4000-8000-{draw.below(16**12):012x}",
        "ipv4": "192.0.2.1",
        "ipv6": "2001:db8::1",
        "hostname": "example.com",
    }
    if isinstance(form, str) and form in known:
        return known[form]
    low = _integer(schema, "minLength", 0)
    text = f"{draw.pick(SUBJECTS)} {draw.pick(VERBS)} {draw.pick(OBJECTS)}"
    while len(text) < low:
        text = f"{text} {text}"
    return text[: max(low, _integer(schema, "maxLength", 80))]


def _number(schema: Mapping[str, Json], draw: Draw, kind: str) -> int | float:
    """Picks a whole number between the bounds; exclusive bounds step one inside, a gap without one is halved."""
    low, high = _bound(schema, "minimum", "exclusiveMinimum", 1), _bound(schema, "maximum", "exclusiveMaximum", -1)
    if low is None and high is None:
        low, high = 0, 99
    if low is None:
        low = (high or 0) - 99
    if high is None:
        high = low + 99
    first = -int(-low // 1)
    if first <= high:
        return first + draw.below(max(1, min(100, int(high - first) + 1)))
    if kind == "number":
        plain = [schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")]
        numbers = [value for value in plain if isinstance(value, int | float)]
        return sum(numbers) / len(numbers)
    return first


def _bound(schema: Mapping[str, Json], key: str, exclusive: str, step: int) -> int | float | None:
    plain, strict = schema.get(key), schema.get(exclusive)
    found = [plain] if isinstance(plain, int | float) and not isinstance(plain, bool) else []
    if isinstance(strict, int | float) and not isinstance(strict, bool):
        found.append(strict + step)
    return None if not found else max(found) if step > 0 else min(found)


def _integer(schema: Mapping[str, Json], key: str, default: int) -> int:
    value = schema.get(key)
    return value if isinstance(value, int) and value >= 0 else default


def _type_of(schema: Json) -> str:
    if not isinstance(schema, Mapping):
        return "null"
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    if isinstance(kind, Sequence) and kind:
        return str(kind[0])
    return "object" if "properties" in schema or "required" in schema else "string"


def _resolved(schema: Json, root: Json, depth: int = 0) -> Json:
    """Follows local references and folds `allOf` into one schema."""
    for _ in range(_DEEPEST):
        if not isinstance(schema, Mapping):
            return {} if schema is True or schema is None else schema
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        target: Json = root
        for piece in reference.removeprefix("#").strip("/").split("/") if reference.strip("#/") else ():
            target = target.get(piece.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
        schema = target
    if not isinstance(schema, Mapping):
        return schema
    parts = schema.get("allOf")
    if not isinstance(parts, Sequence) or isinstance(parts, str) or depth > _DEEPEST:
        return schema
    merged: dict[str, Json] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        folded = _resolved(part, root, depth + 1)
        for key, value in folded.items() if isinstance(folded, Mapping) else ():
            mine = merged.get(key)
            if key == "properties" and isinstance(mine, Mapping) and isinstance(value, Mapping):
                merged[key] = {**mine, **value}
            elif key == "required" and isinstance(mine, Sequence) and isinstance(value, Sequence):
                merged[key] = [*mine, *(name for name in value if name not in mine)]
            else:
                merged[key] = value
    return merged
