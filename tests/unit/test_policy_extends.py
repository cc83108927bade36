"""`extends`: what a policy takes from another file, what it may not reach, and where findings point."""

from __future__ import annotations

from pathlib import Path

import pytest

import turnout
from turnout.errors import Finding, PolicyError
from turnout.execute.reload import PolicyFiles
from turnout.policy import check_policy, load_policy, parse_policy, policy_files
from turnout.policy.extends import MAX_BASES

BASE = """\
turnout: 1
name: base
models:
  haiku: anthropic/claude-haiku-5-5
  opus: anthropic/claude-opus-5-5
facts:
  heavy: tokens > 1000
require:
  - { name: no-opus-at-night, when: 'time in 22:00..06:00 UTC', keep: model != "opus" }
rules:
  - { name: heavy, when: heavy, from: [opus, haiku] }
otherwise: { from: haiku }
tests:
  - { name: heavy goes up, given: { prompt: x, tokens: 2000 }, expect: model == "opus" }
"""

OWN = """\
turnout: 1
extends: base.yaml
name: mine
facts:
  heavy: tokens > 1500
rules:
  - { name: tools, when: tools > 0, from: [opus, haiku] }
tests:
  - { name: tools go up, given: { prompt: x, tools: 1 }, expect: rule == "tools" }
"""

FLAT = """\
turnout: 1
name: mine
models:
  haiku: anthropic/claude-haiku-5-5
  opus: anthropic/claude-opus-5-5
facts:
  heavy: tokens > 1500
require:
  - { name: no-opus-at-night, when: 'time in 22:00..06:00 UTC', keep: model != "opus" }
rules:
  - { name: tools, when: tools > 0, from: [opus, haiku] }
  - { name: heavy, when: heavy, from: [opus, haiku] }
otherwise: { from: haiku }
tests:
  - { name: heavy goes up, given: { prompt: x, tokens: 2000 }, expect: model == "opus" }
  - { name: tools go up, given: { prompt: x, tools: 1 }, expect: rule == "tools" }
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "own.yaml"


def refused(path: Path) -> list[Finding]:
    with pytest.raises(PolicyError) as error:
        load_policy(path)
    return list(error.value.findings)


def test_two_files_are_the_policy_that_one_would_be(tmp_path: Path) -> None:
    policy = load_policy(write(tmp_path, own=OWN, base=BASE))
    flat = parse_policy(FLAT)
    assert policy.hash == flat.hash
    assert policy.rules == flat.rules == ("tools", "heavy", "otherwise")
    assert policy.tests == flat.tests
    decision = turnout.Engine(policy, environ={"ANTHROPIC_API_KEY": "x"}).decide("hi")
    assert decision.model == "haiku"


def test_a_change_of_the_base_changes_the_hash(tmp_path: Path) -> None:
    path = write(tmp_path, own=OWN, base=BASE)
    before = load_policy(path).hash
    write(tmp_path, base=BASE.replace("from: haiku", "from: opus"))
    assert load_policy(path).hash != before


def test_findings_name_the_file_that_they_are_in(tmp_path: Path) -> None:
    own = OWN.replace("tools > 0", "toolz > 0")
    base = BASE.replace("otherwise: { from: haiku }", "otherwise: { from: haikoo }").replace("name: base", "nme: base")
    path = write(tmp_path, own=own, base=base)
    places = [(Path(each.file).name, each.line, each.column, each.code) for each in refused(path)]
    assert places == [
        ("own.yaml", 7, 26, "unknown-fact"),
        ("base.yaml", 2, 1, "unknown-key"),
        ("base.yaml", 12, 20, "unknown-name"),
    ]
    assert [each.source_line for each in refused(path)][2] == "otherwise: { from: haikoo }"


def test_the_tests_of_the_base_hold_too(tmp_path: Path) -> None:
    own = OWN.replace("tokens > 1500", "tokens > 5000")
    found = [each for each in refused(write(tmp_path, own=own, base=BASE)) if each.severity == "error"]
    assert [(Path(each.file).name, each.line, each.code) for each in found] == [("base.yaml", 14, "failing-test")]


def test_a_base_defines_what_its_policies_need_not_use(tmp_path: Path) -> None:
    base = BASE.replace("facts:\n", "facts:\n  spare: tools > 3\n")
    text = write(tmp_path, own=OWN, base=base).read_text(encoding="utf-8")
    _, found = check_policy(text, folder=tmp_path)
    assert not found
    _, found = check_policy(base)
    assert [each.code for each in found] == ["unused-definition"]


def test_a_base_may_stand_on_another_from_its_own_folder(tmp_path: Path) -> None:
    middle = "turnout: 1\nextends: root.yaml\nrules:\n  - { name: heavy, when: heavy, from: haiku }\n"
    own = OWN.replace("base.yaml", "shared/middle.yaml").replace("  heavy: tokens > 1500", "  other: tools > 1")
    own = own.replace("tools > 0", "other").replace("tools: 1", "tools: 2")
    base = BASE.replace('expect: model == "opus"', 'expect: model == "haiku"')
    path = write(tmp_path, own=own, shared__middle=middle, shared__root=base)
    assert load_policy(path).rules == ("tools", "heavy", "otherwise")
    assert [each.name for each in policy_files(path)] == ["own.yaml", "middle.yaml", "root.yaml"]


@pytest.mark.parametrize(
    "name",
    [
        "../base.yaml",
        "shared/../../base.yaml",
        "/etc/hostname",
        "~/base.yaml",
        "C:/base.yaml",
        "shared\\base.yaml",
        ".",
        "missing.yaml",
        "shared",
        "'a\\0b'",
    ],
)
def test_what_does_not_lie_below_is_not_read(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "policies"
    write(tmp_path, base=BASE)
    (folder / "shared").mkdir(parents=True)
    (found,) = refused(write(folder, own=OWN.replace("base.yaml", name)))
    assert (found.code, found.line, found.column) == ("bad-extends", 2, 10)
    assert found.hint


def test_a_link_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    path = write(folder, own=OWN, shared__base=BASE)
    write(tmp_path, base=BASE)
    (folder / "base.yaml").symlink_to(folder / "shared" / "base.yaml")
    assert load_policy(path).name == "mine"
    (folder / "base.yaml").unlink()
    (folder / "base.yaml").symlink_to(tmp_path / "base.yaml")
    (found,) = refused(path)
    assert (found.code, "outside" in found.message) == ("bad-extends", True)
    (folder / "base.yaml").unlink()
    (folder / "base.yaml").symlink_to("base.yaml")
    assert [each.code for each in refused(path)] == ["bad-extends"]


def test_circles_and_long_chains_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, own=OWN, base=BASE.replace("name: base", "extends: own.yaml"))
    (found,) = refused(path)
    assert (found.code, "extends itself" in found.message) == ("bad-extends", True)
    link = "turnout: 1\nextends: b{}.yaml\n"
    chain = {f"b{index}": link.format(index + 1) for index in range(1, MAX_BASES)}
    path = write(tmp_path, own=OWN.replace("base.yaml", "b1.yaml"), **chain, **{f"b{MAX_BASES}": BASE})
    assert load_policy(path).name == "mine"
    write(tmp_path, **{f"b{MAX_BASES}": link.format(MAX_BASES + 1), f"b{MAX_BASES + 1}": BASE})
    (found,) = refused(path)
    assert Path(found.file).name == f"b{MAX_BASES}.yaml"
    assert f"more than {MAX_BASES} files" in found.message


def test_a_base_that_is_no_policy_is_reported_in_its_own_lines(tmp_path: Path) -> None:
    path = write(tmp_path, own=OWN, base="turnout: [1\n")
    assert [(Path(each.file).name, each.code) for each in refused(path)] == [("base.yaml", "malformed-yaml")]
    write(tmp_path, base="- 1\n")
    assert [(Path(each.file).name, each.code) for each in refused(path)] == [("base.yaml", "wrong-type")]
    write(tmp_path, base=BASE.replace("turnout: 1\n", ""))
    assert [(Path(each.file).name, each.code) for each in refused(path)] == [("base.yaml", "missing-key")]


def test_a_policy_without_a_folder_extends_nothing() -> None:
    _, found = check_policy(OWN)
    assert [(each.code, each.line) for each in found if each.code == "bad-extends"] == [("bad-extends", 2)]


def test_what_is_no_name_is_refused(tmp_path: Path) -> None:
    for value in ("[base.yaml]", ""):
        found = refused(write(tmp_path, own=FLAT.replace("name: mine", f"name: mine\nextends: {value}")))
        assert [each.code for each in found] == ["wrong-type"]


def test_a_watch_looks_at_the_base_too(tmp_path: Path) -> None:
    files = PolicyFiles(write(tmp_path, own=OWN, base=BASE), None)
    before = files.digest()
    assert files.digest() == before
    write(tmp_path, base=BASE + "# changed\n")
    assert files.digest() != before
