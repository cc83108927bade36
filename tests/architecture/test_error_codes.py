"""Every error code is documented, and raised somewhere."""

import ast
import inspect
import re

from tests.architecture.sources import CORE, PACKAGE, line_of, python_files, rust_code, rust_files, shown

from turnout import errors

KINDS = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, errors.TurnoutError)}
CODES: dict[str, str] = errors.CODES


def raised_with_a_literal() -> list[tuple[str, str]]:
    """(place, code) of every call of an error class whose code is written out."""
    found = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            codes = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
            if name in KINDS:
                found += [
                    (f"{shown(path)}:{node.lineno}", code.value)
                    for code in codes
                    if isinstance(code, ast.Constant) and isinstance(code.value, str)
                ]
    return found


def test_every_code_that_is_raised_is_documented() -> None:
    found = raised_with_a_literal()
    assert found
    assert not [(place, code) for place, code in found if code not in CODES]


def test_every_documented_code_is_used() -> None:
    """As a literal, outside the table itself: codes that travel through a variable count as well."""
    written = {
        node.value
        for path in python_files()
        if path != PACKAGE / "errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert CODES
    assert not sorted(set(CODES) - written)


def test_codes_and_their_meanings_follow_the_house_style() -> None:
    for code, meaning in CODES.items():
        assert code == code.lower(), code
        assert " " not in code, code
        assert meaning[:1] == meaning[:1].lower(), code
        assert not meaning.endswith("."), code


def test_every_exported_class_is_in_the_tree_at_the_top() -> None:
    assert len(KINDS) > 5
    assert not [name for name in KINDS if name not in (errors.__doc__ or "")]


_TABLE = re.compile(r"pub const CODES: &\[\(&str, &str\)\] = &\[(.*?)\n\];", re.DOTALL)
# The code is the second argument; the first, a place, may hold calls.
_GIVEN = re.compile(
    r"(?:ExprError::new|\.(?:error|error_hint|warning))"
    r"""\((?:[^,()]|\((?:[^()]|\([^()]*\))*\))*,\s*"([a-z-]+)"|\bcode: "([a-z-]+)\""""
)


def test_every_code_of_the_core_is_documented_and_used() -> None:
    """The policy room has a table of its own, next to the findings; what it gives out is in it, and the reverse."""
    home = CORE / "policy" / "diagnostics.rs"
    table = _TABLE.search(rust_code(home, literals=True))
    assert table
    documented = re.findall(r'\(\s*"([a-z-]+)",', table[1])
    assert len(documented) > 10
    assert len(set(documented)) == len(documented)

    files = [path for path in rust_files(CORE / "policy") if path != home]
    codes = {path: rust_code(path, literals=True) for path in files}
    given = [
        (f"{shown(path)}:{line_of(code, match.start())}", match[1] or match[2])
        for path, code in codes.items()
        for match in _GIVEN.finditer(code)
    ]
    assert given
    assert not [(place, code) for place, code in given if code not in documented]
    # A code may also be written in Python: the loader finds some things before the core sees them.
    texts = [*codes.values(), *(path.read_text(encoding="utf-8") for path in python_files(PACKAGE / "policy"))]
    assert not [code for code in documented if not any(f'"{code}"' in text for text in texts)]
