"""The peers of `calls.py`, each run by its own interpreter: `python peers.py litellm URL CALLS SIDE_BY_SIDE`."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

PROMPT = "Explain how a railway turnout works, and what a driver must watch at one. " * 13
MESSAGES = [{"role": "user", "content": PROMPT[:900]}]


async def measure(call: Callable[[], Awaitable[object]], calls: int, side_by_side: int) -> float:
    async def some(count: int) -> None:
        for _ in range(count):
            await call()

    await asyncio.gather(*(some(max(5, calls // side_by_side // 10)) for _ in range(side_by_side)))
    each = calls // side_by_side
    begun = time.process_time()
    await asyncio.gather(*(some(each) for _ in range(side_by_side)))
    return (time.process_time() - begun) / (each * side_by_side) * 1e6


async def litellm(url: str, calls: int, side_by_side: int) -> float:
    import litellm

    litellm.suppress_debug_info = True
    both = [
        {"model_name": "luna", "litellm_params": {"model": "openai/gpt-4o-mini", "api_base": url, "api_key": "k"}},
        {"model_name": "haiku", "litellm_params": {"model": "openai/gpt-4o", "api_base": url, "api_key": "k"}},
    ]
    router = litellm.Router(model_list=both, fallbacks=[{"luna": ["haiku"]}], num_retries=0)
    return await measure(lambda: router.acompletion("luna", messages=MESSAGES), calls, side_by_side)


async def tensorzero(url: str, calls: int, side_by_side: int) -> float:
    from tensorzero import AsyncTensorZeroGateway

    os.environ["OPENAI_API_KEY"] = "k"
    text = f"""
[gateway]
observability.enabled = false
[models.luna]
routing = ["first", "second"]
[models.luna.providers.first]
type = "openai"
model_name = "gpt-4o-mini"
api_base = "{url}/"
[models.luna.providers.second]
type = "openai"
model_name = "gpt-4o"
api_base = "{url}/"
[functions.ask]
type = "chat"
[functions.ask.variants.one]
type = "chat_completion"
model = "luna"
"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tensorzero.toml"
        path.write_text(text)
        gateway = await AsyncTensorZeroGateway.build_embedded(config_file=str(path), clickhouse_url=None)
        async with gateway as client:
            call = lambda: client.inference(function_name="ask", input={"messages": MESSAGES})  # noqa: E731
            return await measure(call, calls, side_by_side)


if __name__ == "__main__":
    name, url, calls, side_by_side = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    figure = asyncio.run({"litellm": litellm, "tensorzero": tensorzero}[name](url, calls, side_by_side))
    print(json.dumps({"us": figure, "version": importlib.metadata.version(name)}), flush=True)
    os._exit(0)  # some peers keep threads
