"""`turnout decide`: one decision as JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from turnout.cli.inputs import (
    FIXED_NOW,
    CatalogOption,
    DialectOption,
    EnvOption,
    MetaOption,
    NowOption,
    PromptOption,
    RequestOption,
    SeedOption,
    engine_for,
    policy_from,
    question_from,
)
from turnout.cli.render import print_json

__all__ = ["decide"]


def decide(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="A file, or the name of a shipped policy.")],
    prompt: PromptOption = None,
    request: RequestOption = None,
    meta: MetaOption = None,
    now: NowOption = FIXED_NOW,
    dialect: DialectOption = None,
    seed: SeedOption = 0,
    catalog: CatalogOption = None,
    env: EnvOption = False,
) -> None:
    """Print a decision as JSON.

    The same inputs give the same bytes. Assumes that every key is present. Exit code 1 if the policy refuses.

    **Example:** `turnout decide balanced --request body.json --meta team=search`
    """
    question = question_from(prompt, request, meta, now, seed, dialect)
    decision = question.decide(engine_for(policy_from(policy, catalog), use_env=env))
    print_json(decision.to_dict())
    if decision.model is None:
        raise typer.Exit(1)
