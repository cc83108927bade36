"""What a decision costs from Python, beside floors in the same run: `make bench`.

Prints medians and 99th percentiles in microseconds of `engine.decide`, of `json.loads` on the same body as a floor, and
what `import turnout` costs in time and memory in a fresh process. Each policy weighs cost and gives reasons:

- `balanced`: the shipped one (the task, the difficulty, tokens for five models);
- `20 rules`: twenty rules over ten models that read what `balanced` reads;
- `all facts`: the same with every fact of the request read before a rule holds;
- `no prompt`: twenty rules over ten models that read tokens, meta, tools and money alone.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import turnout
from turnout.policy.load import parse_policy

MODELS = """turnout: 1
name: bench
models:
  luna:   openai/gpt-6-luna
  haiku:  anthropic/claude-haiku-5-5
  gpt:    openai/gpt-6.1-sol
  sonnet: anthropic/claude-sonnet-5-5
  opus:   anthropic/claude-opus-5-5
""" + "".join(
    f"  own{number}: {{ use: vllm/own-{number}, base_url: 'http://127.0.0.1:{number}/v1', "
    f"price: {{ input: ${number}, output: ${4 * number} }}, context: 200k, max_output: 8k, tools: true }}\n"
    for number in range(1, 6)
)
OTHERWISE = """otherwise:
  from: [luna, haiku, gpt, sonnet, opus, own1, own2, own3, own4, own5]
  prefer: cheapest
  want: [cost.p90 <= $0.50]
"""
PLAIN = [
    f"tokens > {90 + number}k and meta.team == 'team{number}'" if number % 2 else f"tools > {number + 8}"
    for number in range(19)
]
READING = (
    [f"difficulty >= 0.9{number}" for number in range(8)] + ["task == 'planning' and difficulty >= 0.9"] + PLAIN[:10]
)
EVERYTHING = [
    "language == 'fi'",
    "code and images > 3",
    "documents > 3 and stream",
    "turns > 900 or tool_loop and schema",
    "contains(prompt, 'xyzzy')",
    "max_tokens > 900k",
    "date < 2020-01-01",
    *READING[:12],
]
KEYS = {"ANTHROPIC_API_KEY": "bench", "OPENAI_API_KEY": "bench"}
PASSAGE = (
    "The night job locks the ledger before it reads the queue, and the day job reads the queue before it locks the "
    "ledger. Explain why both wait for ever, and how to order the locks so that neither does. "
)


def policy(conditions: list[str]) -> turnout.Policy:
    rules = "".join(
        f'  - name: rule{number}\n    when: "{when}"\n    from: [sonnet, opus]\n'
        for number, when in enumerate(conditions)
    )
    return parse_policy(f"{MODELS}rules:\n{rules}{OTHERWISE}")


def chat(size_bytes: int) -> bytes:
    text = PASSAGE * (size_bytes // len(PASSAGE) + 1)
    messages = [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": ""}]
    messages[1]["content"] = text[: size_bytes - len(json.dumps({"messages": messages}))]
    return json.dumps({"messages": messages}).encode()


def agent(size_bytes: int) -> bytes:
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "You are a careful engineer."},
        {"role": "user", "content": "The nightly job fails with a deadlock. Find out why and fix it."},
    ]
    call = 0
    while len(json.dumps(messages)) < size_bytes:
        call += 1
        function = {"name": "read_file", "arguments": json.dumps({"path": f"jobs/nightly_{call}.py"})}
        messages.append(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": f"c{call}", "type": "function", "function": function}],
            }
        )
        code = (
            f"def acquire(self, name, timeout_ms={call}):\n    with self.mutex:\n        return self.leases[name]\n" * 6
        )
        messages.append({"role": "tool", "tool_call_id": f"c{call}", "content": code})
    tools = [{"type": "function", "function": {"name": "read_file", "parameters": {"type": "object"}}}]
    return json.dumps({"messages": messages, "tools": tools}).encode()


def timed(act: Callable[[], object], rounds: int) -> tuple[float, float]:
    for _ in range(rounds // 10):
        act()
    samples = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        act()
        samples.append((time.perf_counter_ns() - start) / 1000)
    samples.sort()
    return statistics.median(samples), samples[int(len(samples) * 0.99)]


def import_cost() -> tuple[float, float]:
    """Milliseconds and MB that `import turnout` adds to a bare interpreter; medians of five."""
    script = (
        "import resource, time; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "start = time.perf_counter(); import turnout; "
        "print((time.perf_counter() - start) * 1000, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(5)
    ]
    return statistics.median(float(run[0]) for run in runs), statistics.median(float(run[1]) for run in runs)


def main() -> None:
    milliseconds, megabytes = import_cost()
    print(f"import turnout        {milliseconds:7.1f} ms  {megabytes:6.1f} MB resident   (bounds: 150 ms, 40 MB)")
    print(f"{'':34}{'decide p50':>10}{'p99':>9}{'json.loads':>12}   microseconds")
    bodies = (("1 kB chat", chat(1_000)), ("10 kB agent turn", agent(10_000)), ("100 kB agent turn", agent(100_000)))
    policies = (
        ("balanced", turnout.load_policy(turnout.shipped_policy("balanced"))),
        ("20 rules", policy(READING)),
        ("all facts", policy(EVERYTHING)),
        ("no prompt", policy(PLAIN)),
    )
    for policy_name, compiled in policies:
        engine = turnout.Engine(compiled, environ=KEYS)
        engine.warm()
        for name, body in bodies:
            rounds = max(300, 3_000_000 // len(body))

            def decide(engine: turnout.Engine = engine, body: bytes = body) -> object:
                return engine.decide(body, now=1_767_614_400, seed=1)

            def floor(body: bytes = body) -> object:
                return json.loads(body)

            p50, p99 = timed(decide, rounds)
            loads, _ = timed(floor, rounds)
            print(f"{policy_name:14}{name:20}{p50:10.1f}{p99:9.1f}{loads:12.1f}   {len(body)} bytes")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this run {peak:.0f} MB")


if __name__ == "__main__":
    main()
