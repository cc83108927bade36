"""Our own count of tokens for an attempt whose provider did not say (RELIABILITY F52); such rows are flagged."""

from __future__ import annotations

from typing import Final

from turnout import _core
from turnout._core import Answer, Attempt, Decision, Usage
from turnout.errors import TurnoutError

__all__ = ["estimated_usage"]

_BYTES_PER_TOKEN: Final = 4
_MOST_COUNTED_CHARS: Final = 64_000
"""Longer answers are estimated by their size: counting them would hold the event loop up."""


def estimated_usage(decision: Decision, attempt: Attempt, answer: Answer | None, reported: Usage | None) -> Usage:
    """Estimates what an attempt used: the request as it was counted for the decision, and what came of the answer.

    A stream that broke may have reported its input, and an output of the moment when it began: the input is kept, and
    the larger output counts.

    Args:
        decision: What was decided.
        attempt: Which attempt.
        answer: What the model said, whole or in part; None if nothing came.
        reported: What the provider said before it broke.
    """
    asked = (each.input_tokens for each in decision.candidates if each.deployment == attempt.deployment)
    output_text = reasoning = 0
    if answer is not None:
        parts = [answer.text, answer.refusal or "", *(call.name + call.arguments for call in answer.tool_calls)]
        output_text = _tokens(attempt, "".join(parts))
        reasoning = _tokens(attempt, answer.thinking)
    if reported is not None:
        return Usage(
            input_uncached=reported.input_uncached,
            cache_read=reported.cache_read,
            cache_write_5m=reported.cache_write_5m,
            cache_write_1h=reported.cache_write_1h,
            cache_write_other=reported.cache_write_other,
            output_text=max(reported.output_text, output_text),
            reasoning=max(reported.reasoning, reasoning),
            audio_in=reported.audio_in,
            audio_out=reported.audio_out,
            image_in=reported.image_in,
            web_searches=reported.web_searches,
        )
    return Usage(input_uncached=next(asked, 0), output_text=output_text, reasoning=reasoning)


def _tokens(attempt: Attempt, text: str) -> int:
    if not text:
        return 0
    if len(text) <= _MOST_COUNTED_CHARS:
        try:
            return _core.count_tokens(f"{attempt.provider}/{attempt.upstream_model}", text).tokens
        except TurnoutError:  # a model of the user's own, which the catalogue does not know
            pass
    return max(1, len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)
