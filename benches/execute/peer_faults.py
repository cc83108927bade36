"""Runs faults of the lab against a vendor's SDK, or LiteLLM's Router with a fallback: one line of JSON.

`python peer_faults.py openai|anthropic|litellm LAB_URL FAULT...`, by an interpreter that has the library.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import sys
from collections.abc import Awaitable, Callable

HELLO = [{"role": "user", "content": "hello there"}]
Ask = Callable[[str, bool], Awaitable[str]]
PATIENCE_S = 6.0


async def openai_text(chunks: object) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])  # type: ignore[attr-defined]


def openai(lab: str) -> Ask:
    import openai as sdk

    async def ask(fault: str, streams: bool) -> str:
        client = sdk.AsyncOpenAI(base_url=f"{lab}/f/{fault}/v1", api_key="k", max_retries=0, timeout=3)
        answer = await client.chat.completions.create(model="gpt-6-luna", messages=HELLO, stream=streams)
        return await openai_text(answer) if streams else answer.choices[0].message.content

    return ask


def anthropic(lab: str) -> Ask:
    import anthropic as sdk

    async def ask(fault: str, streams: bool) -> str:
        client = sdk.AsyncAnthropic(base_url=f"{lab}/f/{fault}", api_key="k", max_retries=0, timeout=3)
        asked = {"model": "claude-haiku-5-5", "max_tokens": 500, "messages": HELLO}
        if not streams:
            return "".join(block.text for block in (await client.messages.create(**asked)).content)
        async with client.messages.stream(**asked) as stream:
            return "".join([text async for text in stream.text_stream])

    return ask


def litellm(lab: str) -> Ask:
    import litellm as library

    library.suppress_debug_info = True

    async def ask(fault: str, streams: bool) -> str:
        def at(name: str, url: str, model: str) -> dict[str, object]:
            return {"model_name": name, "litellm_params": {"model": model, "api_base": url, "api_key": "k"}}

        models = [at("weak", f"{lab}/f/{fault}/v1", "openai/gpt-6-luna"), at("strong", f"{lab}/v1", "openai/strong")]
        router = library.Router(model_list=models, fallbacks=[{"weak": ["strong"]}], num_retries=0, timeout=3)
        answer = await router.acompletion("weak", messages=HELLO, stream=streams)
        return await openai_text(answer) if streams else answer.choices[0].message.content

    return ask


async def verdict(ask: Ask, fault: str, streams: bool, good: str, other: str | None) -> str:
    try:
        text = await asyncio.wait_for(ask(fault, streams), PATIENCE_S)
    except TimeoutError:
        return "hangs"
    except Exception as error:  # noqa: BLE001  # whatever the library lets out
        home = type(error).__module__.partition(".")[0]
        return "error" if home in ("openai", "anthropic", "litellm") else f"bare {type(error).__name__}"
    if text == good:
        return "answer"
    return "elsewhere" if text == other else "**taken for an answer**"


async def main() -> None:
    name, lab, faults = sys.argv[1], sys.argv[2], sys.argv[3:]
    ask = {"openai": openai, "anthropic": anthropic, "litellm": litellm}[name](lab)
    good = {streams: await ask("ok", streams) for streams in (False, True)}
    other = await ask("500", False) if name == "litellm" else None
    found = {}
    for fault in faults:
        found[fault] = [await verdict(ask, fault, streams, good[streams], other) for streams in (False, True)]
    versions = {each: importlib.metadata.version(each) for each in {name, "openai" if name == "litellm" else name}}
    print(json.dumps({"versions": versions, "found": found}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
