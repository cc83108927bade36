"""The same faults against the SDKs, LiteLLM's Router and Turnout, side by side: writes the table of docs/scoreboard.md.

`python benches/execute/scoreboard.py --openai PYTHON --anthropic PYTHON --litellm PYTHON`: interpreters that have them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from pathlib import Path

from kit import versions

from turnout import ProviderError, Router, parse_policy
from turnout.lab import FAULTS, Lab, LabSettings, SimulatedModel

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/scoreboard.md"
MARKS = ("<!-- the table: benches/execute/scoreboard.py -->", "<!-- its end -->")
SHOWN = [
    "reset", "stall", "stall_mid", "pings_mid", "dribble", "429_long", "529", "overflow", "html200", "error_first",
    "error_mid", "cut_json", "empty200", "nothing_said", "cut", "cut_clean", "reset_mid", "gzip_broken", "bomb",
    "trailing_error", "bad_frame", "null_data", "twice_end", "extra", "no_reason", "html_stream", "cut_tool",
]  # fmt: skip
POLICY = """
turnout: 1
name: scoreboard
models: { weak: { use: openai/gpt-6-luna, context: 200k }, strong: anthropic/claude-haiku-5-5 }
otherwise: { from: [weak, strong], prefer: in_order }
accept: [complete, not_empty]
run: { deadline: 6s, ttft: 2s, idle: 2s, attempts: 2 }
"""
KEYS = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
MODELS = (SimulatedModel("*", answer_tokens=24, context_tokens=1_000_000),)


async def ours(lab: Lab, fault: str, streams: bool) -> str:
    urls = {"openai": lab.url_for("openai", fault), "anthropic": lab.url_for("anthropic")}
    async with Router(parse_policy(POLICY), environ=KEYS, base_urls=urls) as router:
        try:
            if streams:
                async with router.stream("hello there") as stream:
                    while await stream.batch():
                        pass
                model, response = stream.model, stream.response
            else:
                response = await router.complete("hello there")
                model = response.model
        except ProviderError:
            return "error"
    if model == "strong":
        return "elsewhere"
    return "answer" if response is not None and response.accepted else "answer, marked poor"


async def peer(python: str, name: str, url: str) -> dict[str, object]:
    command = [python, str(HERE / "peer_faults.py"), name, url, *SHOWN]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} failed:\n{errors.decode()[-2000:]}")
    return json.loads(out.decode().strip().splitlines()[-1])


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--openai", default=sys.executable)
    parser.add_argument("--anthropic", default=sys.executable)
    parser.add_argument("--litellm", default=sys.executable)
    options = parser.parse_args()
    async with Lab(LabSettings(speed=1000, models=MODELS)) as lab:
        peers = {
            name: await peer(getattr(options, name), name, lab.base_url) for name in ("openai", "anthropic", "litellm")
        }
        rows = [{streams: await ours(lab, fault, streams) for streams in (False, True)} for fault in SHOWN]
    known = [f"{each} {version}" for found in peers.values() for each, version in found["versions"].items()]  # type: ignore[attr-defined]
    lines = [
        f"{versions('turnout')}; {', '.join(dict.fromkeys(known))}.",
        "",
        "| fault | what happens | | openai | anthropic | litellm, with a fallback | turnout |",
        "|---|---|---|---|---|---|---|",
    ]
    for fault, mine in zip(SHOWN, rows, strict=True):
        for streams in (False, True):
            cells = [found["found"][fault][streams] for found in peers.values()]  # type: ignore[index]
            first = f"`{fault}` | {FAULTS[fault].meaning}" if not streams else " | "
            kind = "stream" if streams else "whole"
            lines.append(f"| {first} | {kind} | {' | '.join(cells)} | {mine[streams]} |")
    text = PAGE.read_text()
    start, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    PAGE.write_text(text[:start] + "\n" + "\n".join(lines) + "\n" + text[end:])
    print("\n".join(lines))


if __name__ == "__main__":
    asyncio.run(main())
