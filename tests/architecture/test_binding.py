"""The binding hands out frozen objects only: shared by threads without locks, and ready for free threading."""

import re

from tests.architecture.sources import BINDING, line_of, rust_code, rust_files, shown

_PYCLASS = re.compile(r"#\[pyclass\b(?P<arguments>[^\]]*)\]")


def test_every_pyclass_is_frozen() -> None:
    found = [(path, match) for path in rust_files(BINDING) for match in _PYCLASS.finditer(rust_code(path))]
    # Whatever else names the attribute (an alias, a cfg_attr, a macro) would slip past the pattern above.
    mentions = sum(len(re.findall(r"\bpyclass\b", rust_code(path))) for path in rust_files(BINDING))
    imported = sum(len(re.findall(r"\buse [^;]*\bpyclass\b[^;]*;", rust_code(path))) for path in rust_files(BINDING))
    assert found
    assert mentions - imported == len(found)
    thawed = [
        f"{shown(path)}:{line_of(rust_code(path), match.start())}"
        for path, match in found
        if not re.search(r"\bfrozen\b", match["arguments"])
    ]
    assert not thawed, f"not frozen: {thawed}"


def test_no_abort_on_panic() -> None:
    """A panic must reach Python as an exception, and not take the host program down."""
    manifests = [path for path in BINDING.parents[2].rglob("Cargo.toml") if "target" not in path.parts]
    assert len(manifests) >= 3
    assert not [
        shown(path) for path in manifests if re.search(r'panic\s*=\s*"abort"', path.read_text(encoding="utf-8"))
    ]
