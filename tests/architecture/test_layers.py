"""Each room imports only from the layers below it, and rooms of one layer do not know each other.

DESIGN draws `cli`, `server` and `lab` on one layer. `turnout demo` and `turnout lab` start the lab, and `turnout serve`
the gateway, so the command line sits one layer above the two: it is the only room that starts other rooms.
`turnout/__init__.py` is the facade for those who import the library: it wires what lies below, and no room but the
command line may import through it (a room that did would import everything, and in a circle).
`catalog` stands between `providers`, whose transport fetches a refresh, and `policy`, whose models it knows; `source`
reads the files that people write for both.
"""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from tests.architecture.sources import (
    CORE,
    PACKAGE,
    imports,
    line_of,
    module_name,
    python_files,
    rust_code,
    rust_files,
    shown,
)

FACADE = ""
PYTHON_LAYERS = {
    "__main__": 11,
    "cli": 10,
    FACADE: 9,
    "server": 9,
    "lab": 9,
    "execute": 8,
    "policy": 7,
    "catalog": 6,
    "providers": 5,
    "ledger": 5,
    "cache": 5,
    "telemetry": 5,
    "quality": 5,
    "source": 4,
    "types": 3,
    "errors": 3,
    "_core": 2,
}

# The chain reads downwards. Rooms of one line do not know each other; those of the ground floor may, in no circle.
RUST_CHAIN = ["engine", "plan", "decide", "policy", "quality", "classify", "features", "tokens", "text"]
RUST_SERVICES = ["wire", "catalog"]
RUST_GROUND = [
    "calendar",
    "control",
    "edit_distance",
    "error",
    "hash",
    "json",
    "json_schema",
    "money",
    "outcome",
    "quirks",
    "shared_str",
    "thinking_format",
    "usage",
]
RUST_LAYERS = {
    **{room: 2 + height for height, room in enumerate(reversed(RUST_CHAIN))},
    **dict.fromkeys(RUST_SERVICES, 1),
    **dict.fromkeys(RUST_GROUND, 0),
}


def room_of(name: str) -> str:
    """`policy` for `turnout.policy.load`; a name that `turnout` exports itself belongs to the facade."""
    room = name.split(".")[1] if "." in name else FACADE
    is_room = room in PYTHON_LAYERS or (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file()
    return room if is_room else FACADE


def test_python_rooms_import_downwards() -> None:
    files = python_files()
    examined = 0
    wrong = []
    for path in files:
        room = room_of(module_name(path))
        assert room in PYTHON_LAYERS, f"{shown(path)}: give the room `{room}` a layer in this test"
        for line, name in imports(path):
            if name.split(".")[0] != "turnout":
                continue
            examined += 1
            target = room_of(name)
            if target != room and PYTHON_LAYERS[target] >= PYTHON_LAYERS[room]:
                wrong.append(f"{shown(path)}:{line}: `{room or 'turnout'}` imports `{name}`")
    assert len(files) > 3
    assert examined > 3
    assert not wrong, "\n".join(wrong)


_CRATE_PATH = re.compile(r"\bcrate::(?:(\w+)|\{)")
_SUPER_PATH = re.compile(r"(?<!::)\b((?:super::)+)(\w+)")


def _names_in_braces(text: str) -> list[str]:
    """The first names of a use group: `{a::b, c::{d, e}}` gives a and c. `text` starts after the brace."""
    names, depth, at_start = [], 0, True
    for match in re.finditer(r"\w+|[{},]", text):
        token = match[0]
        if token == "}" and depth == 0:
            break
        if token in "{}":
            depth += 1 if token == "{" else -1
        elif token == ",":
            at_start = at_start or depth == 0
        elif depth == 0 and at_start:
            names.append(token)
            at_start = False
    return names


def rust_uses(path: Path) -> list[tuple[int, str]]:
    """(line, top-level name) of every path through `crate::`, or through enough `super::`, outside tests."""
    code = rust_code(path)
    found = []
    for match in _CRATE_PATH.finditer(code):
        names = [match[1]] if match[1] else _names_in_braces(code[match.end() :])
        found += [(line_of(code, match.start()), name) for name in names]
    parts = path.relative_to(CORE).with_suffix("").parts
    depth = len(parts) - (parts[-1] == "mod")
    for match in _SUPER_PATH.finditer(code):
        if match[1].count("super") >= depth:
            found.append((line_of(code, match.start()), match[2]))
    return found


def test_rust_rooms_use_what_lies_below() -> None:
    examined = 0
    wrong = []
    ground: dict[str, set[str]] = {}
    for path in rust_files(CORE):
        room = path.relative_to(CORE).with_suffix("").parts[0]
        if room == "lib":
            continue
        assert room in RUST_LAYERS, f"{shown(path)}: give the room `{room}` a place in this test"
        for line, target in rust_uses(path):
            examined += 1
            if target == room:
                continue
            if target not in RUST_LAYERS:
                wrong.append(f"{shown(path)}:{line}: `crate::{target}` is no room")
            elif RUST_LAYERS[room] == RUST_LAYERS[target] == 0:
                ground.setdefault(room, set()).add(target)
            elif RUST_LAYERS[target] >= RUST_LAYERS[room]:
                wrong.append(f"{shown(path)}:{line}: `{room}` uses `{target}`")
    assert examined > 3
    assert not wrong, "\n".join(wrong)
    assert not circle(ground), circle(ground)


def circle(uses: dict[str, set[str]]) -> list[str]:
    """One way round a circle, or nothing."""

    def walk(room: str, way: list[str]) -> list[str]:
        if room in way:
            return [*way[way.index(room) :], room]
        return next((found for target in sorted(uses.get(room, ())) if (found := walk(target, [*way, room]))), [])

    return next((found for room in sorted(uses) if (found := walk(room, []))), [])


def test_the_chain_is_the_one_of_the_design() -> None:
    assert all(RUST_LAYERS[above] > RUST_LAYERS[below] for above, below in pairwise(RUST_CHAIN))
    assert min(RUST_LAYERS[room] for room in RUST_CHAIN) > max(RUST_LAYERS[room] for room in RUST_SERVICES)


@pytest.mark.parametrize(
    ("group", "names"),
    [("a::b, c::{d, e::f}, g as h}; use x", ["a", "c", "g"]), ("self, a}", ["self", "a"]), ("}", [])],
)
def test_use_groups_are_read(group: str, names: list[str]) -> None:
    assert _names_in_braces(group) == names


def test_circles_are_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []
