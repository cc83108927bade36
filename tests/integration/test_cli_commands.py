"""Each command as it is typed: what it prints, where, and its exit code."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import turnout
from turnout.cli import main
from turnout.policy import shipped_names, shipped_policy

WRONG = """\
turnout: 1
name: wrong
models:
  haiku: anthropic/claude-haiku-5-5
  opus: anthropic/claude-opus-5-5
otherwise: { from: [haiku, opus], prefer: cheapest }
tests:
  - name: it is opus
    given: { prompt: "hi" }
    expect: model == "opus"
  - name: it is haiku
    given: { prompt: "hi" }
    expect: model == "haiku"
"""
BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi there"}]}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def of(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ending:
            main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "\x1b" not in out + err, "colour in a pipe"
        assert isinstance(ending.value.code, int)
        return Ran(ending.value.code, out, err)

    return of


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG, encoding="utf-8")
    return str(path)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.yaml"
    path.write_text(WRONG.replace("prefer: cheapest", "prefer: cheapst").replace("turnout: 1", "turnuot: 1"))
    return str(path)


def test_version_and_help(run) -> None:
    assert run("--version").out == f"turnout {turnout.__version__}\n"
    top = run("--help")
    assert top.code == 0
    commands = ["demo", "ask", "explain", "decide", "check", "test", "schema", "lab"]
    for command in commands:
        assert command in top.out
        shown = run(command, "--help")
        assert shown.code == 0
        assert "Example:" in shown.out
        assert f"turnout {command}" in shown.out


def test_what_is_not_a_command_is_said(run) -> None:
    ran = run("explian")
    assert ran.code == 2
    assert "explian" in ran.err


def test_check_passes_what_is_shipped(run) -> None:
    ran = run("check", *shipped_names(), *(str(shipped_policy(name)) for name in shipped_names()))
    assert ran.code == 0, ran.out
    assert ran.out.count("hash ") == 2 * len(shipped_names())


def test_check_shows_every_finding_with_its_place(run, broken: str, wrong: str) -> None:
    ran = run("check", broken, wrong)
    assert ran.code == 1
    assert f"{broken}:1:1: " in ran.out
    assert f"{broken}:6:" in ran.out
    assert f"{wrong}:10:13: failing-test" in ran.out
    assert "did you mean `cheapest`" in ran.out
    assert ran.out.count("^") >= 3


def test_check_for_machines(run, broken: str, wrong: str) -> None:
    ran = run("check", broken, wrong, "balanced", "--format", "json")
    shown = json.loads(ran.out)
    assert ran.code == 1
    assert shown["ok"] is False
    assert [each["ok"] for each in shown["policies"]] == [False, False, True]
    assert shown["errors"] == sum(len(each["findings"]) for each in shown["policies"]) - shown["warnings"]
    assert {"file", "line", "column", "severity", "code", "message", "hint"} == set(shown["policies"][0]["findings"][0])


def test_check_for_github(run, wrong: str) -> None:
    ran = run("check", wrong, "--format", "github")
    (line,) = ran.out.splitlines()
    assert line.startswith("::error file=")
    assert ",line=10,col=13,title=failing-test::test `it is opus`" in line
    assert "%0A" in line


def test_failing_tests_can_be_passed_over(run, wrong: str) -> None:
    assert run("check", wrong, "--accept-failing-tests").code == 0


def test_check_names_a_file_that_is_not_there(run, tmp_path: Path) -> None:
    ran = run("check", str(tmp_path / "none.yaml"))
    assert ran.code == 1
    assert "policy-unreadable" in ran.out


def test_test_shows_what_was_expected_and_seen(run, wrong: str) -> None:
    ran = run("test", wrong)
    assert ran.code == 1
    assert 'expected  model == "opus"' in ran.out
    assert "model = `haiku`" in ran.out
    assert "1 of 2 tests of wrong hold" in ran.out
    shown = json.loads(run("test", wrong, "--json").out)
    assert [each["ok"] for each in shown["tests"]] == [False, True]


def test_test_passes_what_is_shipped(run) -> None:
    for name in shipped_names():
        ran = run("test", name)
        assert ran.code == 0, ran.out


def test_explain_draws_the_decision(run) -> None:
    ran = run("explain", "balanced", "--prompt", "hi there", "--meta", "confidential=true")
    assert ran.code == 0
    assert "by rule otherwise" in ran.out
    assert "meta.confidential = true" in ran.out
    assert "confidential" in ran.out.split("candidates")[1], "the reason that rules the others out"
    assert max(map(len, ran.out.splitlines())) <= 100


def test_explain_and_decide_say_the_same(run, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps(BODY), encoding="utf-8")
    decided = run("decide", "balanced", "--request", str(body))
    assert decided.code == 0
    assert run("decide", "balanced", "--request", str(body)).out == decided.out, "same inputs, same bytes"
    explained = run("explain", "balanced", "--request", str(body), "--json")
    assert json.loads(explained.out) == json.loads(decided.out)
    later = json.loads(run("decide", "balanced", "-r", str(body), "--now", "2026-06-01T08:30", "--seed", "5").out)
    assert later["facts"]["time"] == "08:30 UTC"
    assert later["seed"] == 5


def test_a_request_comes_from_stdin(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(BODY).encode())))
    assert run("decide", "balanced", "--request", "-", "--dialect", "anthropic-messages").code in (0, 2)


def test_why_not_is_one_line(run) -> None:
    ran = run("explain", "balanced", "--prompt", "hi there", "--why-not", "opus")
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 1
    assert "opus" in ran.out
    shown = json.loads(run("explain", "balanced", "-p", "hi", "--why-not", "gpt", "--json").out)
    assert shown["why_not"]["model"] == "gpt"


def test_a_failing_test_does_not_hide_the_decision(run, wrong: str) -> None:
    ran = run("explain", wrong, "--prompt", "hi", "--why-not", "opus")
    assert ran.code == 0
    assert ran.out.startswith("opus is number 2 of the plan: expected $")


def test_why_not_says_what_ruled_a_model_out(run) -> None:
    ran = run("explain", "balanced", "-p", "hi", "-m", "confidential=true", "--why-not", "luna")
    assert ran.out == 'luna: `model.provider == "anthropic"` does not hold (require:confidential)\n'


def test_the_difference_shows_what_the_test_asks_about(run, tmp_path: Path) -> None:
    path = tmp_path / "asks.yaml"
    more = (
        '  - name: fast\n    given: { prompt: "hi", difficulty: 0.2 }\n'
        '    expect: ttft.p95 <= 1s and difficulty > 0.5 and model.provider == "x"\n'
        '  - name: refused\n    given: { prompt: "hi", without_key: [haiku, opus] }\n    expect: model == "haiku"\n'
    )
    path.write_text(WRONG + more, encoding="utf-8")
    ran = run("test", str(path))
    assert ran.code == 1
    for line in ("ttft.p95 = unknown", "difficulty = 20%", "model.provider = `anthropic`"):
        assert line in ran.out
    assert "saw       refused by rule `otherwise`" in ran.out
    assert "haiku: ANTHROPIC_API_KEY is not set (no-key)" in ran.out
    assert "(unknown: a fact has no value)" in ran.out


def test_a_misspelt_name_of_a_shipped_policy(run) -> None:
    assert "did you mean `balanced`?" in run("check", "balancd").out
    assert "shipped are `balanced`" in run("test", "zzz").err


def test_the_schema_is_what_lies_beside_the_policies(run) -> None:
    ran = run("schema")
    assert ran.code == 0
    assert ran.out == (shipped_policy("balanced").parent / "policy.schema.json").read_text(encoding="utf-8")


def test_a_refusal_has_its_reasons_and_exit_code(run) -> None:
    for command in ("explain", "decide"):
        ran = run(command, "balanced", "--prompt", "hi there", "--env")
        assert ran.code == 1
        assert "ANTHROPIC_API_KEY is not set" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain", "balanced", "-p", "hi", "--why-not", "opsu"], "did you mean `opus`"),
        (["explain", "balanced"], "give one of them"),
        (["explain", "balanced", "-p", "hi", "-r", "x.json"], "give one of them"),
        (["explain", "-p", "hi"], "name a policy"),
        (["explain", "nowhere.yaml", "-p", "hi"], "policy-unreadable"),
        (["explain", "balanced", "-r", "nowhere.json"], "cannot be read"),
        (["explain", "balanced", "-p", "hi", "-m", "confidential"], "KEY=VALUE"),
        (["explain", "balanced", "-p", "hi", "--now", "noon"], "is no time"),
        (
            ["explain", "balanced", "-p", "hi", "--dialect", "latin"],
            "openai-chat or openai-responses or anthropic-messages",
        ),
        (["lab", "--fault", "529"], "is not a fault rate"),
        (["lab", "--fault", "530=1%"], "there is no fault"),
        (["lab", "--speed", "0"], "is not above 0"),
        (["demo", "--policy", "nowhere.yaml"], "policy-unreadable"),
        (["demo", "--requests", "0"], "--requests"),
        (["ask", "hi", "--policy", "nowhere.yaml"], "policy-unreadable"),
    ],
)
def test_wrong_inputs_are_said_in_words(run, arguments: list[str], said: str) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert said in " ".join(ran.err.replace("│", " ").split())
    assert not ran.out


def test_a_request_that_is_not_json_is_refused(run, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(b'{"messages": [')
    ran = run("explain", "balanced", "--request", str(body))
    assert ran.code == 2
    assert ran.err.startswith("json_syntax: ")


def test_a_broken_policy_is_shown_with_its_places(run, broken: str) -> None:
    ran = run("explain", broken, "--prompt", "hi")
    assert ran.code == 2
    assert f"{broken}:6:" in ran.err
    assert "^" in ran.err


def test_lone_surrogates_do_not_stop_anything(run) -> None:
    assert run("explain", "balanced", "--prompt", "hi \udc80 \ud83d").code == 0


def test_the_tables_of_facts_and_outcomes(run) -> None:
    facts = json.loads(run("explain", "--facts", "--json").out)
    assert {"tokens", "difficulty", "cost.p90", "refused"} <= {fact["name"] for fact in facts}
    assert all(fact["meaning"] and fact["scope"] in ("request", "candidate", "decision") for fact in facts)
    outcomes = json.loads(run("explain", "--outcomes", "--json").out)
    assert {"complete", "rate_limited", "overloaded"} <= {each["outcome"] for each in outcomes}
    drawn = run("explain", "--facts", "--outcomes").out
    assert all(fact["name"] in drawn for fact in facts)
    assert all(each["outcome"] in drawn for each in outcomes)


def environment(**more: str) -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}, **more}


def test_a_poor_locale_prints_all_the_same() -> None:
    """ASCII streams, and bytes in the argument that no encoding explains."""
    poor = environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    script = "from turnout.cli import main; main()"
    prompt = b"na\xc3\xafve \xff \xed\xa0\x80"
    arguments = [sys.executable.encode(), b"-c", script.encode(), b"explain", b"balanced", b"--prompt", prompt]
    done = subprocess.run(arguments, capture_output=True, check=False, env=poor)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_without_its_libraries_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['typer'] = None; from turnout.cli import main; main(['--version'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "turnout: the command line needs `typer`; install it with: pip install 'turnout[cli]'\n"


@pytest.mark.parametrize(("missing", "command"), [("httpx2", "demo -n 1"), ("h11", "lab"), ("h11", "ask hi --lab")])
def test_a_command_says_what_it_lacks_and_the_others_work(missing: str, command: str) -> None:
    # Without the fast transport; the other one would do as well.
    lost = f"sys.modules[{missing!r}] = sys.modules['aiohttp'] = None"
    script = f"import sys; {lost}; from turnout.cli import main; main()"

    def started(line: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-c", script, *line.split()]
        return subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment())

    lacking = started(command)
    assert lacking.returncode == 2
    assert f"`{missing}`, which is not installed" in lacking.stderr
    assert f"pip install 'turnout[{'http' if missing == 'httpx2' else 'lab'}]'" in lacking.stderr
    assert started("check balanced").returncode == 0


def test_an_unexpected_error_is_one_line_unless_debugging(run, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("of all things")

    monkeypatch.setattr("turnout.cli.explain.policy_from", fail)
    ran = run("explain", "balanced", "--prompt", "hi")
    assert ran.code == 2
    assert "unexpected RuntimeError: of all things" in ran.err
    with pytest.raises(SystemExit):
        main(["--debug", "explain", "balanced", "--prompt", "hi"])
    assert "Traceback" in capsys.readouterr().err
