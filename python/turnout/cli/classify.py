"""`turnout classify`: what a prompt or a request asks for."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from turnout import classify as classify_request
from turnout.cli.inputs import DialectOption, JsonOption, PromptOption, RequestOption, question_from

__all__ = ["classify"]

_SHOWN_TASKS = 3


def classify(
    prompt: PromptOption = None,
    request: RequestOption = None,
    dialect: DialectOption = None,
    as_json: JsonOption = False,
    all_tasks: Annotated[bool, typer.Option("--all", help="Show the points of every task.")] = False,
) -> None:
    """Say what a prompt or a request asks for: its task, its natural language, how hard it looks.

    A dash means that the classifier abstains: the words are too few or too undecided.

    **Example:** `turnout classify --prompt "Translate this into French: good morning"`
    """
    asked = question_from(prompt, request, None, "2026-01-05T12:00:00Z", 0, dialect)
    found = classify_request(asked.request, dialect=asked.dialect)
    if as_json:
        shown = {
            "task": found.task,
            "task_score": found.task_score,
            "language": found.language,
            "language_score": found.language_score,
            "difficulty": found.difficulty,
            "has_code": found.has_code,
            "scores": found.scores,
        }
        print(json.dumps(shown))
        return
    print(f"task        {found.task or '-':<18} score {found.task_score:.2f}")
    print(f"language    {found.language or '-':<18} score {found.language_score:.2f}")
    print(f"difficulty  {found.difficulty:.2f}")
    print(f"code        {'yes' if found.has_code else 'no'}")
    points = [(name, value) for name, value in found.scores.items() if value > 0]
    for name, value in points if all_tasks else points[:_SHOWN_TASKS]:
        print(f"  {name:<18} {value:>3} points")
