"""The page of error codes says what the table in the code says, and names each code of the core's own."""

import re

from tests.architecture.sources import CORE, ROOT, rust_files

from turnout.errors import CODES

PAGE = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", PAGE, re.MULTILINE))
_CODE = re.compile(r'"((?:bad|unknown|ambiguous|duplicate|broken|cost|money|negative)-[a-z0-9-]+)"')


def test_every_code_of_the_python_layer_has_its_row() -> None:
    assert CODES
    assert {code: ROWS.get(code) for code in CODES} == CODES


def test_every_code_of_the_catalogue_and_of_money_has_its_row() -> None:
    rooms = ("catalog/", "usage/", "money.rs")
    files = [path for path in rust_files(CORE) if path.relative_to(CORE).as_posix().startswith(rooms)]
    written = {
        code for path in files if "test" not in path.name for code in _CODE.findall(path.read_text(encoding="utf-8"))
    }
    assert len(written) > 10
    assert written <= set(ROWS)
