"""What commands read: a policy by path or shipped name, a request, `meta`, and the moment."""

from __future__ import annotations

import difflib
import json
import math
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from turnout import Decision, Engine, Policy, load_policy, shipped_policy
from turnout.errors import PolicyError
from turnout.policy import shipped_names

__all__ = [
    "CatalogOption",
    "DialectOption",
    "EnvOption",
    "JsonOption",
    "MetaOption",
    "NowOption",
    "PromptOption",
    "Question",
    "RequestOption",
    "SeedOption",
    "engine_for",
    "known_model",
    "meta_from",
    "policy_from",
    "policy_path",
    "question_from",
    "read_file",
]

FIXED_NOW: Final = "2026-01-05T12:00:00Z"
"""The clock that policy tests see too, so that the same command prints the same decision."""
_MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
_DIALECTS: Final = ("openai-chat", "openai-responses", "anthropic-messages")

PromptOption = Annotated[str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="A plain prompt.")]
RequestOption = Annotated[
    str | None,
    typer.Option("--request", "-r", metavar="FILE", help="A request's JSON body, as a client sends it; - reads stdin."),
]
MetaOption = Annotated[
    list[str] | None,
    typer.Option("--meta", "-m", metavar="KEY=VALUE", help="What the caller says about itself; may be repeated."),
]
NowOption = Annotated[
    str,
    typer.Option(metavar="TIME", help="The clock: ISO 8601, or `now`. It stands still unless you set it."),
]
DialectOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="openai-chat, openai-responses or anthropic-messages; found out by itself unless it is given.",
    ),
]
EnvOption = Annotated[
    bool, typer.Option("--env", help="Look for keys in the environment; without it every key counts as present.")
]
SeedOption = Annotated[
    int, typer.Option(min=0, max=2**64 - 1, help="Decides between deployments that are equal otherwise.")
]
CatalogOption = Annotated[
    str | None,
    typer.Option(
        "--catalog",
        metavar="FILE",
        help="An override file with your own models and prices; TURNOUT_CATALOG names one for every command.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def policy_path(name: str) -> Path:
    """Returns the file that the user means: a path, or the name of a policy that comes with the package.

    Raises:
        PolicyError: There is neither.
    """
    path = Path(name)
    if path.exists():
        return path
    if name in shipped_names():
        return shipped_policy(name)
    near = difflib.get_close_matches(name, shipped_names(), 1)
    hint = f"did you mean `{near[0]}`?" if near else f"shipped are {', '.join(f'`{each}`' for each in shipped_names())}"
    raise PolicyError("policy-unreadable", f"there is no file `{name}`, and no shipped policy of that name", hint)


def policy_from(name: str, catalog: str | None = None, *, run_tests: bool = True) -> Policy:
    """Loads a policy by path or shipped name; without `run_tests` also one whose tests fail.

    Raises:
        PolicyError: With every finding.
        CatalogError: With every finding of the override file.
    """
    return load_policy(policy_path(name), catalog=catalog, run_tests=run_tests)


def engine_for(policy: Policy, *, use_env: bool) -> Engine:
    """Returns an engine that finds its keys in the environment, or takes all for present."""
    if use_env:
        return Engine(policy)
    return Engine(policy, environ={name: "present" for names in policy.keys.values() for name in names})


@dataclass(frozen=True, slots=True)
class Question:
    """All that a decision depends on besides the policy.

    Args:
        request: A prompt, or the bytes of a body.
        meta: What the caller says about itself.
        now_s: Seconds since 1970.
        seed: Decides between equals.
        dialect: None finds it out.
    """

    request: str | bytes
    meta: dict[str, str | int | float | bool | None]
    now_s: float
    seed: int
    dialect: str | None

    def decide(self, engine: Engine) -> Decision:
        """Decides; a refusal is a decision too."""
        return engine.decide(
            self.request, self.meta, now=self.now_s, seed=self.seed, dialect=self.dialect, refused_ok=True
        )


def question_from(
    prompt: str | None, request: str | None, meta: Iterable[str] | None, now: str, seed: int, dialect: str | None
) -> Question:
    """Reads what the options say.

    Raises:
        BadParameter: If they cannot be read, or do not fit together.
    """
    if (prompt is None) == (request is None):
        raise typer.BadParameter(
            "give one of them: the prompt as text, or a request's file", param_hint="--prompt / --request"
        )
    if dialect is not None and dialect not in _DIALECTS:
        raise typer.BadParameter(f"`{dialect}` is not known; take {' or '.join(_DIALECTS)}", param_hint="--dialect")
    body = prompt if prompt is not None else read_file(request or "-", "--request")
    return Question(body, meta_from(meta), _seconds(now), seed, dialect)


def meta_from(pairs: Iterable[str] | None) -> dict[str, str | int | float | bool | None]:
    """Reads `key=value` pairs; `true`, `false` and numbers are values of their own kind, unless quoted.

    Raises:
        BadParameter: If one has no `=`, or nothing before it.
    """
    meta: dict[str, str | int | float | bool | None] = {}
    for pair in pairs or ():
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"`{pair}` is not KEY=VALUE", param_hint="--meta")
        meta[key] = _value(text)
    return meta


def _value(text: str) -> str | int | float | bool:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, float) and not math.isfinite(value):
        return text
    return value if isinstance(value, str | int | float | bool) else text


def read_file(name: str, option: str) -> bytes:
    """Reads a file, or stdin for `-`, up to 64 MiB.

    Raises:
        BadParameter: If it cannot be read, or is larger.
    """
    try:
        if name == "-":
            body = sys.stdin.buffer.read(_MAX_REQUEST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                body = file.read(_MAX_REQUEST_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise typer.BadParameter(f"`{name}` cannot be read: {reason}", param_hint=option) from None
    if len(body) > _MAX_REQUEST_BYTES:
        raise typer.BadParameter(f"`{name}` is larger than {_MAX_REQUEST_BYTES} bytes", param_hint=option)
    return body


def _seconds(text: str) -> float:
    if text == "now":
        return time.time()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"`{text}` is no time; write such as 2026-01-05T12:00Z, or `now`", param_hint="--now"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def known_model(policy: Policy, name: str) -> str:
    """Returns the name if the policy has such a model or deployment.

    Raises:
        BadParameter: Otherwise, with the nearest name.
    """
    names = sorted({*policy.models, *policy.keys})
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"it has {', '.join(f'`{each}`' for each in names)}"
    raise typer.BadParameter(f"the policy has no model `{name}`; {hint}", param_hint="--why-not")
