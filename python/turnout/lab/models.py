"""How the lab's models behave: a small table of shapes that people know, not a benchmark of anybody.

The figures are round numbers in the range that the three classes of model have in public latency reports; nothing in
Turnout learns from them. A test or a demo that needs other figures gives its own table in `LabSettings.models`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["DEFAULT_MODELS", "SimulatedModel", "model_for"]


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """How one model, or all models whose name fits a pattern, answer.

    Args:
        pattern: A shell pattern over the model's name, such as `claude-haiku-*`.
        ttft_ms: Milliseconds from the request's end to the first token.
        tokens_per_s: Output tokens a second after the first.
        answer_tokens: The usual length of an answer; each varies between half and one and a half of it.
        refusal_rate: Share of requests that the model declines, 0 to 1.
        context_tokens: Longer requests get the provider's own overflow error.
    """

    pattern: str
    ttft_ms: float = 500.0
    tokens_per_s: float = 80.0
    answer_tokens: int = 120
    refusal_rate: float = 0.0
    context_tokens: int = 200_000


DEFAULT_MODELS: tuple[SimulatedModel, ...] = (
    SimulatedModel("*haiku*", ttft_ms=350, tokens_per_s=150, answer_tokens=90),
    SimulatedModel("*sonnet*", ttft_ms=700, tokens_per_s=75, answer_tokens=160, context_tokens=1_000_000),
    SimulatedModel("*opus*", ttft_ms=1200, tokens_per_s=55, answer_tokens=220, context_tokens=1_000_000),
    SimulatedModel("*fable*", ttft_ms=1500, tokens_per_s=45, answer_tokens=260, context_tokens=1_000_000),
    SimulatedModel("*mini*", ttft_ms=350, tokens_per_s=140, answer_tokens=90, context_tokens=400_000),
    SimulatedModel("*nano*", ttft_ms=250, tokens_per_s=200, answer_tokens=60, context_tokens=400_000),
    SimulatedModel("*flash*", ttft_ms=300, tokens_per_s=200, answer_tokens=100, context_tokens=1_000_000),
    SimulatedModel("gpt-*", ttft_ms=700, tokens_per_s=90, answer_tokens=160, context_tokens=400_000),
    SimulatedModel("*gemini*", ttft_ms=800, tokens_per_s=100, answer_tokens=160, context_tokens=1_000_000),
    SimulatedModel("llama*", ttft_ms=150, tokens_per_s=40, answer_tokens=110, context_tokens=128_000),
    SimulatedModel("*"),
)


def model_for(name: str, table: Sequence[SimulatedModel]) -> SimulatedModel:
    """Finds how a model behaves.

    Args:
        name: The model as the request names it.
        table: Patterns in order; the first that fits counts.

    Returns:
        The model's behaviour, or that of any unknown model.
    """
    lowered = name.lower()
    return next((model for model in table if fnmatchcase(lowered, model.pattern.lower())), SimulatedModel("*"))
