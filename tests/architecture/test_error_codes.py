"""Every error code is documented, and raised somewhere."""

import ast
import inspect

from tests.architecture.sources import PACKAGE, python_files, shown
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
