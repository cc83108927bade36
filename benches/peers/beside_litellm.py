"""A decision beside what LiteLLM does for one, in the same run: `make bench`.

LiteLLM lives in an environment of its own: `TURNOUT_BENCH_LITELLM=/path/to/its/python make bench`, or that path as the
argument. Its side and ours take turns, so that both meet the same moments of the machine; the middle of the rounds is
printed, in microseconds.

- a call of 1 kB: `token_counter` + `Router.async_get_available_deployment` + `completion_cost`, against `engine.decide`
  with the shipped `balanced` policy, which counts, picks, forecasts the cost and says why;
- its rule scorer (`ComplexityRouter.classify`) on 9 kB, against a whole decision that classifies the same text;
- 2, 20 and 200 deployments of one model.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import turnout
from turnout.policy.load import parse_policy

NAME = "TURNOUT_BENCH_LITELLM"
ROUNDS = 7
SECONDS = 0.15
STRATEGIES = ("simple-shuffle", "least-busy", "latency-based-routing", "cost-based-routing")
KEYS = {"ANTHROPIC_API_KEY": "bench", "OPENAI_API_KEY": "bench"}
PASSAGE = (
    "The night job locks the ledger before it reads the queue, and the day job reads the queue before it locks the "
    "ledger. Explain why both wait for ever, and how to order the locks so that neither does. "
)


class Peer:
    """LiteLLM in its own interpreter, asked over a pipe."""

    def __init__(self, python: str) -> None:
        worker = Path(__file__).with_name("litellm_worker.py")
        self.process = subprocess.Popen(
            [python, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.versions = self.read()

    def read(self) -> object:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{NAME}: LiteLLM's side ended: is it an interpreter with litellm in it?")
        return json.loads(line)

    def us(self, **asked: object) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked | {"seconds": SECONDS}) + "\n")
        self.process.stdin.flush()
        return float(str(self.read()))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)


def messages(size_bytes: int) -> list[dict[str, str]]:
    empty = [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": ""}]
    room = size_bytes - len(json.dumps({"messages": empty}))
    return [empty[0], {"role": "user", "content": (PASSAGE * (room // len(PASSAGE) + 1))[:room]}]


def us_per_call(act: Callable[[], object]) -> float:
    act()
    samples = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter_ns()
        act()
        samples.append((time.perf_counter_ns() - start) / 1000)
    return statistics.median(samples)


def fleet(deployments: int) -> turnout.Engine:
    """One model at so many addresses, as LiteLLM's model group has them."""
    rows = "".join(
        f"      - {{ name: d{number}, base_url: 'http://127.0.0.1:{number + 1}/v1' }}\n"
        for number in range(deployments)
    )
    text = (
        f"turnout: 1\nname: fleet\nmodels:\n  group:\n    use: openai/gpt-4o\n    deployments:\n{rows}"
        "otherwise: { from: [group], prefer: cheapest }\n"
    )
    engine = turnout.Engine(parse_policy(text), environ=KEYS)
    engine.warm()
    return engine


def balanced() -> turnout.Engine:
    engine = turnout.Engine(turnout.load_policy(turnout.shipped_policy("balanced")), environ=KEYS)
    engine.warm()
    return engine


def in_turns(acts: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The middle of the rounds of each; one after the other in every round."""
    rounds = [{name: act() for name, act in acts.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(taken[name] for taken in rounds) for name in acts}


def of_decide(engine: turnout.Engine, asked: list[dict[str, str]]) -> Callable[[], float]:
    body = json.dumps({"messages": asked}).encode()
    return lambda: us_per_call(lambda: engine.decide(body, now=1_767_614_400, seed=1))


def a_call(peer: Peer) -> None:
    asked = messages(1_000)
    taken = in_turns(
        {
            "token_counter": lambda: peer.us(task="count", messages=asked),
            "deployment pick": lambda: peer.us(task="pick", messages=asked, deployments=2, strategy="simple-shuffle"),
            "completion_cost": lambda: peer.us(task="cost"),
            "decide": of_decide(balanced(), asked),
        }
    )
    ours = taken.pop("decide")
    theirs = sum(taken.values())
    parts = ", ".join(f"{name} {us:.0f}" for name, us in taken.items())
    print(f"1 kB, a call    LiteLLM {theirs:9.1f} us ({parts})")
    print(f"                decide  {ours:9.1f} us   {theirs / ours:6.1f} x   (bound: 12 x)")


def the_scorer(peer: Peer) -> None:
    asked = messages(9_000)
    taken = in_turns(
        {
            "scorer": lambda: peer.us(task="score", text=asked[-1]["content"]),
            "decide": of_decide(balanced(), asked),
        }
    )
    print(f"9 kB, scored    LiteLLM {taken['scorer']:9.1f} us (its rule scorer alone)")
    times = taken["scorer"] / taken["decide"]
    print(f"                decide  {taken['decide']:9.1f} us   {times:6.1f} x   (bound: 150 x)")


def the_fleet(peer: Peer | None) -> None:
    asked = messages(1_000)
    acts: dict[str, Callable[[], float]] = {}
    for count in (2, 20, 200):
        acts[f"decide {count}"] = of_decide(fleet(count), asked)
        if peer is not None:
            for strategy in STRATEGIES:
                acts[f"{strategy} {count}"] = lambda count=count, strategy=strategy: peer.us(
                    task="pick", messages=asked, deployments=count, strategy=strategy
                )
    taken = in_turns(acts)
    print(f"{'deployments of a model':24}{2:>10}{20:>10}{200:>10}   from 2 to 200")
    for name in ("decide", *(STRATEGIES if peer is not None else ())):
        two, twenty, most = (taken[f"{name} {count}"] for count in (2, 20, 200))
        bound = "   (bound: 2 x)" if name == "decide" else ""
        print(f"{name:24}{two:10.1f}{twenty:10.1f}{most:10.1f}   {most / two:6.2f} x{bound}")


def main() -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else os.environ.get(NAME)
    print(f"turnout {version('turnout')}, Python {sys.version.split()[0]}; medians of {ROUNDS} rounds, microseconds")
    if not python:
        print(f"LiteLLM is absent: its side is not measured. Name an interpreter that has it in {NAME}.")
        the_fleet(None)
        return
    peer = Peer(python)
    print(f"LiteLLM's side: {peer.versions}")
    a_call(peer)
    the_scorer(peer)
    the_fleet(peer)
    peer.close()


if __name__ == "__main__":
    main()
