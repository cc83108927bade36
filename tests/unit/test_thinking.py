"""One thinking setting: the shared table as Python sees it, its errors, and the `anthropic` package's own types."""

import json
from pathlib import Path
from typing import Any

import anthropic.types
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter
from typing_extensions import get_type_hints

import turnout

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "cases/thinking/compiled.json").read_text("utf-8")
)
LISTED = [case for case in CASES if "model" in case]
POLICY = """
turnout: 1
name: thinking
models:
  opus: claude-opus-5-5
  small: claude-haiku-5-5
rules: []
otherwise: { from: [opus, small], prefer: best, set: { thinking: off } }
"""


@pytest.mark.parametrize("case", LISTED, ids=lambda case: f"{case['model']} {case['set']}")
def test_the_table(case: dict[str, Any]) -> None:
    given = turnout.thinking_fields(case["model"], case["set"], max_tokens=case.get("max_tokens"))
    assert given.fields == case["fields"]
    assert list(given.notes) == case["notes"]


def test_what_goes_to_anthropic_is_what_its_package_types() -> None:
    thinking: TypeAdapter[object] = TypeAdapter(anthropic.types.ThinkingConfigParam)
    output: TypeAdapter[object] = TypeAdapter(anthropic.types.OutputConfigParam)
    known = get_type_hints(MessageCreateParamsNonStreaming)
    seen = set()
    for case in LISTED:
        if not case["model"].startswith("claude"):
            continue
        fields = case["fields"]
        assert set(fields) <= set(known)
        if "thinking" in fields:
            # A key that no type of the union has is dropped by the validation.
            assert thinking.validate_python(fields["thinking"]) == fields["thinking"]
            seen.add(fields["thinking"]["type"])
        if "output_config" in fields:
            assert output.validate_python(fields["output_config"]) == fields["output_config"]
    assert seen == {"enabled", "adaptive", "between_tools", "disabled"}


@pytest.mark.parametrize("setting", ["none", "", 0, -1, 1 << 64])
def test_what_is_no_setting(setting: Any) -> None:
    with pytest.raises(ValueError, match="thinking"):
        turnout.thinking_fields("claude-opus-5-5", setting)


@pytest.mark.parametrize("setting", [True, None, 1.5])
def test_what_is_of_no_type(setting: Any) -> None:
    with pytest.raises(TypeError, match="a str or an int"):
        turnout.thinking_fields("claude-opus-5-5", setting)


def test_unknown_models_and_dialects() -> None:
    with pytest.raises(turnout.CatalogError) as caught:
        turnout.thinking_fields("claude-opus-9", "high")
    assert caught.value.code == "unknown-model"
    with pytest.raises(turnout.CatalogError) as caught:
        turnout.thinking_fields("amazon-bedrock/anthropic.claude-opus-5-5", "high")
    assert caught.value.code == "unknown-dialect"


def test_a_person_sees_what_a_model_gets_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    engine = turnout.Engine(turnout.parse_policy(POLICY))
    decision = engine.decide("hello")
    note = "thinking: `claude-opus-5-5` was asked for `off` and gets `low`: it always thinks, and this is the least"
    assert f"notes\n   {note}\n" in decision.explain()
    assert [attempt.notes for attempt in decision.plan.attempts if attempt.model == "opus"] == [(note,)]
    assert [attempt.notes for attempt in decision.plan.attempts if attempt.model == "small"] == [()]
