"""The catalogue's commands as they are typed: what they print, their exit codes, and what they keep."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import turnout
from turnout.catalog import load
from turnout.catalog.store import refreshed_path
from turnout.cli import main

OVERRIDE = """\
turnout-catalog: 1
models:
  anthropic/claude-sonnet-5-5: { price: { in: 1, out: 5, cache_read: 0.1 } }
  azure/bot: { like: openai/gpt-6-sol }
  vllm/mine: { context: 8192, price: unknown }
"""
POLICY = """\
turnout: 1
name: p
models:
  a: anthropic/claude-sonnet-4-5-20250929
  b: { use: vllm/mine, price: free, context: 8192 }
  c: anthropic/claude-3-7-sonnet-20250219
  d: nobody/knows-it
  e: vllm/mine
otherwise: { from: [a], prefer: in_order }
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TURNOUT_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(load, "_defaults", {})
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TURNOUT_CATALOG"):
        monkeypatch.delenv(name, raising=False)

    def of(*arguments: str, columns: int = 100) -> Ran:
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as ending:
            main(["catalog", *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "unexpected" not in err
        assert "\x1b" not in out + err, "colour in a pipe"
        if arguments[0] in ("list", "show") and "--json" not in arguments:
            assert all(len(line) <= columns for line in out.splitlines())
        assert isinstance(ending.value.code, int)
        return Ran(ending.value.code, out, err)

    return of


@pytest.fixture
def override(tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(OVERRIDE, encoding="utf-8")
    return str(path)


def rows(*changes: dict[str, object], header: dict[str, object] | None = None) -> bytes:
    """A catalogue's file with these rows."""
    head = {"format": 1, "as_of": "2026-12-01", "models": len(changes), **(header or {})}
    return "".join(json.dumps(row) + "\n" for row in (head, *changes)).encode()


SONNET: dict[str, object] = {"provider": "anthropic", "id": "claude-sonnet-5-5"}
BEFORE = {"until": "2026-10-07", "in": 2, "out": 10, "cache_read": 0.2, "cache_write_5m": 2.5, "cache_write_1h": 4}
NOW = {"from": "2026-10-07", "in": 1.9, "out": 9.5, "cache_read": 0.1, "cache_write_5m": 2.5, "cache_write_1h": 4}
TERMS: dict[str, object] = {"web_search_per_k": 10, "multipliers": {"region=us": 1.1, "processing=batch": 0.5}}
CHEAPER: dict[str, object] = {**SONNET, "prices": [{**BEFORE, **TERMS}, {**NOW, **TERMS}]}
TENFOLD: dict[str, object] = {**SONNET, "prices": [{"in": 20, "out": 100}]}
NEW: dict[str, object] = {
    "provider": "anthropic",
    "id": "claude-next",
    "context": 1000,
    "prices": [{"in": 1, "out": 2}],
}


@pytest.mark.parametrize("columns", [80, 120])
def test_list_finds_what_is_asked_for(run: Run, columns: int) -> None:
    done = run("list", "claude", "--can", "tools,vision", "--max-in", "$0.5", "--sort", "in", columns=columns)
    assert done.code == 0
    assert "anthropic/claude-haiku-5-5" in done.out
    assert "$0.10" in done.out
    assert "claude-opus" not in done.out
    assert done.out.splitlines()[-1].rstrip().endswith("$ per million tokens")


def test_list_filters_and_sorts(run: Run) -> None:
    everything = run("list", "--json").json
    assert len(everything) > 150
    assert {row["status"] for row in everything} == {"active"}
    wide = run("list", "--all", "--status", "any", "--json").json
    assert len(wide) > 2000
    found = run(
        "list", "--provider", "openai", "--min-context", "400k", "--max-out", "10", "--sort", "out", "--json"
    ).json
    prices = [turnout.cost(f"openai/{row['id']}", turnout.Usage(output_text=1_000_000)).usd for row in found]
    assert found
    assert prices == sorted(prices)
    assert all(row["context"] >= 400_000 and row["provider"] == "openai" for row in found)
    assert max(prices) <= 10
    for sort in ("name", "in", "context", "release"):
        assert len(run("list", "--sort", sort, "--json").json) == len(everything)
    newest = [row["release"] for row in run("list", "--sort", "release", "--json").json if "release" in row]
    assert newest == sorted(newest, reverse=True)


def test_list_of_nothing_says_so(run: Run) -> None:
    done = run("list", "no such model")
    assert done.code == 0
    assert done.out.startswith("0 models")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--provider", "opnai"], "did you mean `openai`?"),
        (["list", "--can", "fly"], "`fly` is no ability"),
        (["list", "--max-in", "cheap"], "no price"),
        (["list", "--max-in", "-1"], "no price"),
        (["list", "--max-in", "nan"], "no price"),
        (["list", "--min-context", "many"], "no number of tokens"),
        (["list", "--catalog", "missing.yaml"], "cannot be read"),
        (["show", "claude-haiku-55"], "did you mean"),
        (["show", ""], "is not in the catalogue"),
        (["diff"], "Missing argument"),
        (["diff", "a", "b", "c"], "name one catalogue, or two"),
        (["diff", "missing.jsonl"], "cannot be read"),
        (["refresh", "missing.jsonl"], "cannot be read"),
        (["refresh", "http://prices.example/a"], "without encryption"),
        (["check", "missing.yaml"], "no shipped policy of that name"),
    ],
)
def test_wrong_input_is_answered_with_advice(run: Run, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert said in " ".join(done.err.replace("\u2502", " ").split())
    assert done.out == ""


@pytest.mark.parametrize("columns", [80, 120])
def test_show_tells_everything(run: Run, columns: int) -> None:
    done = run("show", "claude-haiku-5-5", columns=columns)
    assert done.code == 0
    for said in ("anthropic/claude-haiku-5-5", "above 100,000 in", "$0.625", "a thousand web searches", "layer", "1M"):
        assert said in done.out
    shown = run("show", "claude-haiku-5-5", "--json").json
    assert shown["context"] == 1_000_000
    assert shown["layer"] == "bundled"
    assert all(isinstance(each["usd_picos"], int) for each in shown["examples"])


def test_show_follows_an_old_name(run: Run) -> None:
    done = run("show", "claude-3-7-sonnet-20250219-thinking")
    assert "another name of it" in done.out
    said = " ".join(done.out.split())
    assert "was retired on 2026-02-19: use `anthropic/claude-sonnet-5-5`" in said
    assert "retired" in done.out.splitlines()[0]


def test_every_model_can_be_shown(run: Run) -> None:
    for model in turnout.load_catalog().models():
        assert run("show", model.full_name, columns=80).code == 0


def test_show_says_what_is_unknown(run: Run, override: str) -> None:
    done = run("show", "vllm/mine", "--catalog", override)
    assert "unknown, which is not free" in " ".join(done.out.split())
    assert [
        each["usd_picos"] for each in run("show", "vllm/mine", "--catalog", override, "--json").json["examples"]
    ] == ([None] * 4)
    assert run("show", "azure/bot", "--catalog", override, "--json").json["layer"] == "override"


def test_check_finds_what_a_policy_should_not_use(run: Run, override: str, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    done = run("check", str(policy), "--catalog", override, "--within", "3650", "--json")
    assert done.code == 1
    found = {(each["line"], each["code"]) for each in done.json["findings"] if each["file"] == str(policy)}
    assert {(6, "retired"), (7, "unknown-model"), (8, "unpriced")} <= found
    assert any(line == 4 and code in ("retiring", "retired") for line, code in found)
    assert not any(line == 5 for line, _ in found)
    text = run("check", str(policy), "--catalog", override)
    assert f"{policy}:6:6: retired: " in text.out
    assert "hint: use `anthropic/claude-sonnet-5-5`" in text.out
    annotated = run("check", str(policy), "--catalog", override, "--format", "github")
    assert any(line.startswith("::error file=") and "line=7" in line for line in annotated.out.splitlines())
    allowed = ",".join({each["code"] for each in done.json["findings"]})
    clean = run("check", str(policy), "--catalog", override, "--within", "3650", "--allow", allowed)
    assert clean.code == 0
    assert "allowed" in clean.out


def test_check_of_everything_and_of_a_clean_policy(run: Run, tmp_path: Path) -> None:
    done = run("check", "--max-age", "0", "--json")
    assert done.code == 1
    codes = {each["code"] for each in done.json["findings"]}
    assert "disputed" in codes
    assert "unpriced" in codes or "moving-alias" in codes
    assert run("check", columns=80).code == 1
    policy = tmp_path / "p.yaml"
    policy.write_text("turnout: 1\nname: p\nmodels: { a: { use: ollama/x, price: free } }\n", encoding="utf-8")
    clean = run("check", str(policy), "--max-age", "100000")
    assert (clean.code, "no problems" in clean.out) == (0, True)


def test_check_notices_old_facts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from turnout.cli import catalog_check

    monkeypatch.setattr(catalog_check, "today", lambda: "2027-11-22")
    found = run("check", "balanced", "--json").json["findings"]
    assert found[0]["code"] == "catalog-old"
    assert "365 days" in found[0]["message"]


def test_diff_of_the_same_is_nothing(run: Run) -> None:
    done = run("diff", "bundled", "current")
    assert (done.code, done.out.strip()) == (0, "no differences")
    assert run("diff", "current", "--json").json == {"added": [], "removed": [], "changed": [], "alarms": []}


def test_diff_shows_an_override(run: Run, override: str) -> None:
    done = run("diff", override)
    assert "azure/bot" in done.out
    assert "anthropic/claude-sonnet-5-5" in done.out
    changed = run("diff", override, "--json").json["changed"]
    assert {"model": "anthropic/claude-sonnet-5-5", "field": "in", "before": "$2.00", "after": "$1.00"} in changed


def test_refresh_keeps_what_it_shows(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "new.jsonl"
    source.write_bytes(rows(CHEAPER, NEW))
    dry = run("refresh", str(source), "--dry-run")
    assert dry.code == 0
    assert "nothing was written" in dry.out
    assert not refreshed_path().exists()
    done = run("refresh", str(source))
    assert done.code == 0
    assert "anthropic/claude-next" in done.out
    assert "1.9" in done.out
    catalog = turnout.load_catalog()
    assert catalog.as_of == "2026-12-01"
    assert catalog.resolve("anthropic/claude-next").layer == "refreshed"
    assert str(turnout.cost(catalog.resolve("claude-sonnet-5-5"), turnout.Usage(input_uncached=1_000_000))) == "$1.90"
    assert run("show", "claude-sonnet-5-5", "--json").json["layer"] == "refreshed"
    assert turnout.load_catalog(refreshed=False).as_of == "2026-11-22"
    again = run("refresh", str(source), "--json").json
    assert (again["added"], again["changed"], again["source"]) == ([], [], str(source))


@pytest.mark.parametrize(
    ("content", "code"),
    [(rows(TENFOLD), "price-jump"), (rows(NEW, header={"rows": "all"}), "shrinkage")],
    ids=["price jump", "shrinkage"],
)
def test_refresh_refuses_what_looks_like_damage(run: Run, tmp_path: Path, content: bytes, code: str) -> None:
    source = tmp_path / "new.jsonl"
    source.write_bytes(content)
    done = run("refresh", str(source))
    assert done.code == 1
    assert code in done.out
    assert "--accept" in done.out
    assert not refreshed_path().exists()
    assert run("diff", str(source)).code == 1
    refused = run("refresh", str(source), "--json")
    assert (refused.code, refused.json["kept"]) == (1, None)
    assert run("refresh", str(source), "--accept").code == 0
    assert refreshed_path().is_file()
    assert turnout.load_catalog(refreshed=True).as_of == "2026-12-01"


GOOD = rows(CHEAPER, NEW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>not found</html>",
        b"\x00" * 100,
        b"[]",
        b"{}x",
        GOOD[:-1].rpartition(b"\n")[0],
        GOOD[:-20],
        GOOD.replace(b"1.9", b"-1.9x"),
        rows({**SONNET, "prices": [{"in": "free"}]}),
        rows({**SONNET, "unknown_key": 1}),
        rows({"provider": "nobody", "id": "x"}),
        rows(NEW, NEW),
        rows(NEW, header={"format": 2}),
        rows(NEW, header={"checksum": "00"}),
        b'{"format":1}\n' + b"[" * 100_000,
    ],
)
def test_refresh_takes_no_broken_file(run: Run, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "new.jsonl"
    source.write_bytes(content)
    done = run("refresh", str(source), "--accept")
    assert done.code == 2, done.out
    assert "is no catalogue" in done.err
    assert not refreshed_path().exists()


def test_a_damaged_refresh_is_reported_and_left_out(run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "new.jsonl"
    source.write_bytes(GOOD)
    assert run("refresh", str(source)).code == 0
    stored = refreshed_path().read_bytes()
    refreshed_path().write_bytes(stored[:-5])
    assert turnout.load_catalog().as_of == "2026-11-22"
    assert "checksum" in caplog.text
    with pytest.raises(turnout.CatalogError, match="checksum"):
        turnout.load_catalog(refreshed=True)
    assert run("show", "claude-sonnet-5-5", "--json").json["layer"] == "bundled"
    assert run("refresh", str(source)).code == 0
    assert turnout.load_catalog(refreshed=True).as_of == "2026-12-01"


def test_refreshed_can_be_insisted_on(run: Run) -> None:
    assert run("list", "nothing").code == 0
    with pytest.raises(turnout.CatalogError) as missing:
        turnout.load_catalog(refreshed=True)
    assert missing.value.code == "refreshed-missing"


def test_the_variable_names_an_override(run: Run, override: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_CATALOG", override)
    usage = turnout.Usage(input_uncached=1_000_000)
    assert run("show", "azure/bot", "--json").json["layer"] == "override"
    assert str(turnout.cost("anthropic/claude-sonnet-5-5", usage)) == "$1.00"
    policy = turnout.load_policy(turnout.shipped_policy("balanced"))
    assert policy.catalog.resolve("azure/bot").layer == "override"
    assert turnout.Engine(policy, environ={}).policy.catalog.hash == policy.catalog.hash
    monkeypatch.setenv("TURNOUT_CATALOG", os.devnull)
    with pytest.raises(turnout.CatalogError, match="not a regular file"):
        turnout.cost("anthropic/claude-sonnet-5-5", usage)


def test_a_wrong_override_is_shown_with_its_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("turnout-catalog: 1\nmodels:\n  openai/gpt-6-sol: { price: { in: cheap } }\n", encoding="utf-8")
    done = run("list", "--catalog", str(path))
    assert done.code == 2
    assert f"{path}:3:36: bad-row: " in done.err
    assert done.err.splitlines()[2].endswith("^")
