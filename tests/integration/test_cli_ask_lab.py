"""`turnout ask` against simulated providers, and `turnout lab` as the process that a person starts."""

import json
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from turnout import Router, shipped_policy
from turnout.cli import main

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ending:
        main(["ask", *arguments])
    out, err = capsys.readouterr()
    assert isinstance(ending.value.code, int)
    return ending.value.code, out, err


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


def test_without_a_key_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "hi there")
    assert code == 2
    assert out == ""
    assert err.startswith("no-eligible-model: no key in the environment")
    assert all(name in err for name in (*KEYS, "--lab", "turnout demo"))


def test_the_answer_goes_to_stdout_and_the_rest_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    code, whole, err = ask(capsys, "hi there", "--lab", "--no-stream")
    assert code == 0
    assert len(whole.split()) > 5
    assert "by rule otherwise" in err
    assert "simulated" in err
    assert "$" in err
    code, streamed, err = ask(capsys, "hi there", "--lab", "--stream")
    assert code == 0
    assert len(streamed.split()) > 5
    assert "by rule otherwise" in err


def test_json_has_it_all(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(capsys, "hi there", "--lab", "--json", "--meta", "confidential=true")
    shown = json.loads(out)
    assert (code, err) == (0, "")
    assert shown["simulated"] is True
    assert shown["provider"] == "anthropic", "confidential asks stay with one provider"
    assert shown["outcome"] == "complete"
    assert shown["text"]
    assert shown["output_tokens"] > 0
    assert [each["outcome"] for each in shown["attempts"]][-1] == "complete"


def test_a_real_call_goes_where_the_policy_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No key is needed here: the policy names a server on this machine, and nobody listens there."""
    policy = tmp_path / "local.yaml"
    policy.write_text(
        "turnout: 1\nname: local\nmodels:\n"
        '  local: { use: ollama/qwen3-8b, base_url: "http://127.0.0.1:9/v1", price: free }\n'
        "otherwise: { from: [local] }\n"
    )
    code, out, err = ask(capsys, "hi there", "--policy", str(policy))
    assert code == 2
    assert out == ""
    assert err.startswith("provider-connect: ")


def test_a_simulated_call_cannot_leave_this_machine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, network_attempts: list[str]
) -> None:
    monkeypatch.setattr("turnout.cli.ask.lab_urls", lambda *_: {})
    code, out, _ = ask(capsys, "hi there", "--lab", "--no-stream")
    assert code == 2
    assert out == ""
    assert not network_attempts


async def test_the_lab_serves_until_it_is_stopped() -> None:
    script = "from turnout.cli import main; main()"
    arguments = [sys.executable, "-c", script, "lab", "--port", "0", "--json", "--speed", "50"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        assert select.select([lab.stdout], [], [], 30)[0], "the lab does not start"
        urls = json.loads(lab.stdout.readline())["base_urls"]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", urls["anthropic"])
        async with Router(shipped_policy("balanced"), environ=dict.fromkeys(KEYS, "x"), base_urls=urls) as router:
            assert (await router.complete("hi there")).text
        lab.send_signal(signal.SIGINT)
        out, _ = lab.communicate(timeout=30)
    assert lab.returncode == 0
    counters = json.loads(out)
    assert sum(row["count"] for row in counters["requests"]) == 1


def test_the_lab_tells_a_person_how_to_use_it() -> None:
    script = "from turnout.cli import main; main()"
    arguments = [sys.executable, "-c", script, "lab", "--port", "0", "--fault", "529=10%"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        first = lab.stdout.readline()
        shown = first + lab.stdout.readline() + lab.stdout.readline()
        lab.send_signal(signal.SIGINT)
        out, _ = lab.communicate(timeout=30)
    assert lab.returncode == 0
    assert "the lab is open" in first
    assert "ANTHROPIC_BASE_URL=http://127.0.0.1:" in shown
    assert "OPENAI_BASE_URL=http://127.0.0.1:" in shown
    assert "the lab saw no request" in out
