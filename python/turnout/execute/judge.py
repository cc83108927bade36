"""What the host program says of an answer: checks of its own, by the names that a policy's `accept` gives them.

Promises: they are asked once the policy's own checks hold, in the order of their names, and the first that fails is the
one that is told; the call's deadline bounds them all. A check that raises, or is not done in time, has failed: unsure
goes up. Refuses: to run what a policy names and the program did not register. To break it, raise, hang, and cancel.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from turnout._core import Answer, Attempt, ToolCall
from turnout.errors import TurnoutError

__all__ = ["Check", "CheckedAnswer", "Checks", "Meta", "RequestLike", "registered", "unmet_by_host"]

_log = logging.getLogger("turnout.execute")

_PREFIX: Final = "check."

RequestLike = str | bytes | Mapping[str, object]
Meta = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer that a check of the host program looks at.

    Args:
        text: What the model says.
        thinking: Its reasoning, as far as it is shown.
        tool_calls: The tool calls that it makes.
        finish_reason: Why it ended, in the provider's word.
        model: The model's name in the policy.
        deployment: Which deployment answered.
        request: As the call was made with it.
        meta: What the policy may ask about the caller.
    """

    text: str = field(repr=False)
    thinking: str = field(repr=False)
    tool_calls: tuple[ToolCall, ...] = field(repr=False)
    finish_reason: str | None
    model: str
    deployment: str
    request: RequestLike = field(repr=False)
    meta: Meta = field(repr=False)


Check = Callable[[CheckedAnswer], bool | Awaitable[bool]]
"""Says whether an answer is good. One that is not async runs on the event loop, and must be quick."""

Checks = Mapping[str, Check]


def registered(checks: Checks | None, named: Iterable[str]) -> Checks:
    """Returns the checks by the names that policies use, once it is sure that all that a policy names are there.

    Args:
        checks: By their own names, without `check.`.
        named: What the policy names, `check.` first.

    Raises:
        TurnoutError: `router-check`, if one is missing.
    """
    known = {f"{_PREFIX}{name}": check for name, check in (checks or {}).items()}
    for name in named:
        if name not in known:
            raise TurnoutError(
                "router-check",
                f"the policy asks for `{name}`, which is not registered",
                f'give it to the router: `checks={{"{name.removeprefix(_PREFIX)}": ...}}`',
            )
    return known


async def unmet_by_host(
    checks: Checks,
    named: Iterable[str],
    answer: Answer,
    attempt: Attempt,
    asked: tuple[RequestLike, Meta],
    within_s: float,
) -> str | None:
    """Asks the host program.

    Args:
        checks: As `registered` returned them.
        named: Which of them, in order.
        answer: What the model said.
        attempt: Who said it.
        asked: The request and the meta of the call.
        within_s: Seconds for all of them.

    Returns:
        The first check that fails; None if all hold.
    """
    seen = CheckedAnswer(
        answer.text,
        answer.thinking,
        answer.tool_calls,
        answer.finish_reason,
        attempt.model,
        attempt.deployment,
        *asked,
    )
    ends_at = asyncio.get_running_loop().time() + within_s
    for name in named:
        try:
            async with asyncio.timeout_at(ends_at):
                said = checks[name](seen)
                is_good = await said if inspect.isawaitable(said) else said
        except Exception as error:  # noqa: BLE001  # whatever a program's own check raises
            # The text of the exception may hold the answer.
            _log.warning("`%s` raised %s: the answer counts as a poor one", name, type(error).__name__)
            return name
        if not is_good:
            return name
    return None
