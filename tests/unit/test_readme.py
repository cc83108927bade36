"""The README's blocks run: Python blocks one after another in one program, as a reader would type them."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
FENCE = re.compile(r"^```(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[int, str]]:
    """(line, body) of each fenced block in a language; one marked `no-run` needs a key, and is only compiled."""
    text = README.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, match.start()) + 2, match["body"])
        for match in FENCE.finditer(text)
        if match["language"] == language and "no-run" not in match["rest"]
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reader's folder: the shipped policies are there, and nothing the blocks write lands in the repository."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    return tmp_path


def test_python_blocks_run(folder: Path) -> None:
    """In one process of its own, with an event loop for the blocks that await; tracebacks name the README's lines."""
    found = blocks("python")
    assert found
    program = [
        "import ast, asyncio, inspect, json, sys",
        "space = {'__name__': '__main__'}",
        "async def main():",
        "    for line, body in json.load(sys.stdin):",
        "        code = compile('\\n' * (line - 1) + body, 'README.md', 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)",
        "        result = eval(code, space)",
        "        if inspect.isawaitable(result): await result",
        "asyncio.run(main())",
    ]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(program)],
        input=json.dumps(found),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_python_block_compiles() -> None:
    text = README.read_text(encoding="utf-8")
    bodies = [match["body"] for match in FENCE.finditer(text) if match["language"] == "python"]
    assert bodies
    for body in bodies:
        compile(body, str(README), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_policy_blocks_load(folder: Path) -> None:
    """A YAML block with rules is a whole policy, and loads with its tests."""
    import turnout

    policies = [(line, body) for line, body in blocks("yaml") if re.search(r"^rules:", body, re.MULTILINE)]
    assert policies
    for line, body in policies:
        path = folder / f"readme-{line}.yaml"
        path.write_text(body, encoding="utf-8")
        turnout.load_policy(path)


def test_catalogue_blocks_load(folder: Path) -> None:
    """A YAML block that begins with `turnout-catalog` is a whole override."""
    import turnout

    overrides = [(line, body) for line, body in blocks("yaml") if body.startswith("turnout-catalog:")]
    assert overrides
    for line, body in overrides:
        path = folder / f"readme-{line}.yaml"
        path.write_text(body, encoding="utf-8")
        assert any(model.layer == "override" for model in turnout.load_catalog(path).models())


def output_block(name: str) -> str:
    found = re.search(rf"^```text {name}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("check", ["check", "support.yaml"]),
        ("explain", ["explain", "support.yaml", "--prompt", "Translate 'the train leaves at noon' into French"]),
    ],
)
def test_shown_output_is_what_the_command_prints(folder: Path, name: str, arguments: list[str]) -> None:
    policy = next(body for _, body in blocks("yaml") if "name: support" in body)
    wrong = policy.replace('"code"', '"coding"')
    (folder / "support.yaml").write_text(wrong if name == "check" else policy, encoding="utf-8")
    turnout = Path(sys.executable).with_name("turnout")
    environ = {**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [turnout, *arguments], capture_output=True, text=True, cwd=folder, env=environ, encoding="utf-8", check=False
    )
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    shown = [line.rstrip() for line in output_block(name).splitlines()]
    assert len(shown) > 3
    assert [line for line in shown if line not in printed] == [], done.stdout + done.stderr


def test_make_targets_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    # Only where it is code: "let it make the call" names no target.
    code = [body for _, body in blocks("sh")] + re.findall(r"`([^`\n]+)`", text)
    named = {name for each in code for name in re.findall(r"\bmake ([a-z]+)\b", each)}
    defined = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"run", "test"} <= named <= defined
