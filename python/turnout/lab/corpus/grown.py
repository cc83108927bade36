"""Requests grown in code: long documents (`data/papers.toml`) and tool-using conversations (`data/agents.toml`)."""

from __future__ import annotations

import json
import random
import zlib
from typing import cast

from .grammar import Grammar
from .moves import Story
from .papers import paper
from .request import Call, Conversation, Dialect, Draft, Result, Tool, Turn
from .written import load_table, tool_library

# Wanted body sizes of the agent turns: evenly spread, with room for what a last result runs over.
AGENT_BYTES_LOW, AGENT_BYTES_HIGH = 12_500, 92_000
TURNS_PER_SCENARIO = 3
RESULT_CHARS_LOW, RESULT_CHARS_HIGH = 700, 13_000
# What a call, its result and their ids cost beside their texts, and what a thinking block costs beside its own.
ENVELOPE_BYTES, SIGNATURE_BYTES = 220, 420


def paper_drafts() -> list[Draft]:
    """The requests that carry a long document."""
    words = load_table("words")
    drafts = []
    for index, entry in enumerate(cast("list[dict[str, object]]", load_table("papers")["paper"])):
        text = {key: value for key, value in entry.items() if isinstance(value, str)}
        grammar = Grammar(random.Random(f"paper {text['id']}"), words)
        document = paper(text["form"], grammar, cast("int", entry["size"]))
        place, ask = text.get("place", "before"), text["ask"]
        system, user = "", f"{ask}\n\n{document}"
        if place == "after":
            user = f"{document}\n\n---\n{ask}"
        elif place == "system":
            system, user = f"Answer from this document only.\n\n<document>\n{document}\n</document>", ask
        drafts.append(
            Draft(
                id=f"long-document-{text['id']}",
                kind="long_document",
                conversation=Conversation((Turn("user", user),), system=system, effort=text.get("effort", "")),
                dialect=_dialect(index),
                meta=_meta(text),
            )
        )
    return drafts


def agent_drafts() -> list[Draft]:
    """The tool-using conversations, `TURNS_PER_SCENARIO` of each scenario, of evenly spread sizes."""
    agents = load_table("agents")
    tables = {**load_table("words"), **load_table("source"), "thinking": agents["thinking"], "later": agents["later"]}
    scenarios = cast("list[dict[str, object]]", agents["scenario"])
    tools = tool_library()
    total = len(scenarios) * TURNS_PER_SCENARIO
    drafts = []
    for number in range(total):
        scenario = scenarios[number % len(scenarios)]
        # 7 is coprime to 30, so neighbours differ in size and every size is used once.
        place = number * 7 % total
        size = AGENT_BYTES_LOW + (AGENT_BYTES_HIGH - AGENT_BYTES_LOW) * place // (total - 1)
        name, variant = str(scenario["name"]), number // len(scenarios)
        grammar = Grammar(random.Random(f"agent {name} {variant}"), tables)
        dialect = _dialect(number + variant)
        thinking = dialect == "anthropic" and variant != 1
        conversation = _conversation(scenario, variant, grammar, tools, size, thinking)
        meta = _meta({key: value for key, value in scenario.items() if isinstance(value, str)})
        drafts.append(Draft(f"agent-{name}-{variant + 1}", "agent", conversation, dialect, None, meta))
    return drafts


def _conversation(
    scenario: dict[str, object], variant: int, grammar: Grammar, tools: dict[str, Tool], size: int, thinking: bool
) -> Conversation:
    """Rounds of calls and results until the body has about `size` bytes."""
    lists = {key: cast("list[str]", value) for key, value in scenario.items() if isinstance(value, list)}
    offered = tuple(tools[name] for name in lists["tools"])
    system = str(scenario["system"])
    turns = [Turn("user", lists["asks"][variant])]
    left = size - len(system) - sum(len(json.dumps(tool.parameters)) + len(tool.description) + 90 for tool in offered)
    story = Story(grammar, str(scenario["language"]))
    step = 0
    while left > RESULT_CHARS_LOW:
        names = lists["order"][step % len(lists["order"])].split("+")
        calls: list[Call] = []
        results: list[Result] = []
        for name in names:
            failing = name.endswith("!")
            tool = name.rstrip("!")
            share = max(RESULT_CHARS_LOW, min(RESULT_CHARS_HIGH, left // len(names)))
            wanted = grammar.number(RESULT_CHARS_LOW, share)
            arguments, text = story.failure(tool) if failing else story.call(tool, wanted)
            ident = _ident(f"{scenario['name']} {variant} {step} {len(calls)}")
            calls.append(Call(ident, tool, arguments))
            results.append(Result(ident, text, failing))
            left -= len(json.dumps(text, ensure_ascii=False)) + len(json.dumps(arguments)) + ENVELOPE_BYTES
        says = lists["says"][step] if step < len(lists["says"]) else grammar.say("later")
        # With thinking on, Anthropic wants the assistant turns of a tool loop to begin with it.
        thought = grammar.say("thinking") if thinking else ""
        left -= len(thought) + SIGNATURE_BYTES if thought else 0
        turns += [
            Turn("assistant", says, calls=tuple(calls), thinking=thought),
            Turn("tool", results=tuple(results)),
        ]
        step += 1
    if variant == 2:
        turns += [Turn("assistant", lists["done"][0]), Turn("user", grammar.rng.choice(lists["next"]))]
    elif variant == 1 and step % 2:
        last = turns.pop()
        turns.append(Turn("tool", "(I have to leave in ten minutes, what is the state?)", results=last.results))
    return Conversation(
        tuple(turns), system=system, tools=offered, effort="medium" if thinking else "", max_tokens=8192
    )


def _ident(text: str) -> str:
    """A call's id, as long as the vendors' ones."""
    return f"{zlib.crc32(text.encode()):08x}{zlib.adler32(text.encode()):08x}{zlib.crc32(text[::-1].encode()):08x}"


def _dialect(number: int) -> Dialect:
    """Two of three go out as OpenAI Chat."""
    return "anthropic" if number % 3 == 1 else "openai"


def _meta(text: dict[str, str]) -> dict[str, str]:
    return {key: text[key] for key in ("team", "residency", "urgency", "locale") if key in text}
