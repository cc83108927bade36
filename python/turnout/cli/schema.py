"""`turnout schema`: the JSON Schema of policies, for editors."""

from __future__ import annotations

import json

from turnout import _core

__all__ = ["schema"]


def schema() -> None:
    """Print the JSON Schema of policy files, for completion and hovers in an editor.

    The same file lies beside the shipped policies. A comment in a policy's first line tells the editor where it is:
    `# yaml-language-server: $schema=policy.schema.json`

    **Example:** `turnout schema > policy.schema.json`
    """
    print(json.dumps(json.loads(_core.policy_schema()), indent=2, ensure_ascii=True))
