"""Runs in LiteLLM's own environment: times what `benches/peers/beside_litellm.py` asks for, a line of JSON each way."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

# Its price list ships with the package; a benchmark asks nobody else.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter

MODEL = "gpt-4o"


def router_of(deployments: int, strategy: str) -> litellm.Router:
    return litellm.Router(
        model_list=[
            {
                "model_name": "group",
                "litellm_params": {
                    "model": f"openai/{MODEL}",
                    "api_key": "bench",
                    "api_base": f"http://127.0.0.1:{n + 1}",
                },
            }
            for n in range(deployments)
        ],
        routing_strategy=strategy,
    )


def answer() -> litellm.ModelResponse:
    usage = litellm.Usage(prompt_tokens=220, completion_tokens=180, total_tokens=400)
    return litellm.ModelResponse(model=MODEL, usage=usage)


def us_per_call(act: Callable[[], object], seconds: float) -> float:
    act()
    samples = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(samples) < 5:
        start = time.perf_counter_ns()
        act()
        samples.append((time.perf_counter_ns() - start) / 1000)
    return statistics.median(samples)


class Worker:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.routers: dict[tuple[int, str], litellm.Router] = {}
        self.scorer = ComplexityRouter(model_name="group", litellm_router_instance=self.router(2, "simple-shuffle"))
        self.answer = answer()

    def router(self, deployments: int, strategy: str) -> litellm.Router:
        key = (deployments, strategy)
        if key not in self.routers:
            self.routers[key] = router_of(deployments, strategy)
        return self.routers[key]

    def pick_us(self, messages: list[dict[str, str]], deployments: int, strategy: str, seconds: float) -> float:
        """The middle of awaits in one coroutine: nothing of the event loop's own is counted."""
        router = self.router(deployments, strategy)

        async def picks() -> float:
            samples = []
            end = time.perf_counter() + seconds
            while time.perf_counter() < end or len(samples) < 5:
                start = time.perf_counter_ns()
                await router.async_get_available_deployment(model="group", messages=messages, request_kwargs={})
                samples.append((time.perf_counter_ns() - start) / 1000)
            return statistics.median(samples)

        return self.loop.run_until_complete(picks())

    def run(self, asked: dict[str, object]) -> float:
        messages, seconds = asked.get("messages"), float(asked["seconds"])
        match asked["task"]:
            case "count":
                return us_per_call(lambda: litellm.token_counter(model=MODEL, messages=messages), seconds)
            case "pick":
                return self.pick_us(messages, int(asked["deployments"]), str(asked["strategy"]), seconds)
            case "cost":
                answer = self.answer
                return us_per_call(lambda: litellm.completion_cost(completion_response=answer, model=MODEL), seconds)
            case "score":
                text = str(asked["text"])
                return us_per_call(lambda: self.scorer.classify(text), seconds)
        raise ValueError(asked["task"])


def main() -> None:
    # Whatever a library prints must not stand among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    litellm.suppress_debug_info = True
    worker = Worker()
    python = sys.version.split()[0]
    print(json.dumps({"litellm": version("litellm"), "python": python}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(worker.run(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
