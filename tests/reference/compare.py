"""Two decisions on the same case, and what of them differs, for a person to read."""

from __future__ import annotations

import json
import pprint
from collections.abc import Iterator
from typing import Any

from tests.reference.facts import Call
from tests.reference.measure import Both, Refused, World


def differences(core: Any, reference: Any, where: str = "") -> Iterator[str]:
    """What differs between two decisions: `where: what the core says / what the reference says`."""
    if isinstance(core, dict) and isinstance(reference, dict):
        for key in sorted(core.keys() | reference.keys()):
            yield from differences(core.get(key, "nothing"), reference.get(key, "nothing"), f"{where}.{key}".strip("."))
    elif isinstance(core, list) and isinstance(reference, list) and len(core) == len(reference):
        for place, (one, other) in enumerate(zip(core, reference, strict=True)):
            yield from differences(one, other, f"{where}[{place}]")
    elif isinstance(core, list) and isinstance(reference, list) and where == "candidates":
        names = [[row["deployment"] for row in rows] for rows in (core, reference)]
        yield f"{where}: core {names[0]} / reference {names[1]}"
    elif core != reference or type(core) is not type(reference):
        yield f"{where}: core {json.dumps(core)} / reference {json.dumps(reference)}"


def mismatches(world: World, asked: list[Call]) -> Iterator[str | None]:
    """For each request, what differs, with all that is needed to see it again; none where the two agree.

    Raises:
        Refused: The core does not load the policy.
    """
    both = Both(world)
    text, base, document, environ, events, answers = world
    whole = "" if base is None else f"--- which extends\n{base}"
    core_tests, own_tests = both.failing_by_core(), both.failing_by_reference()
    of_others = [None] * (len(asked) - 1)
    if core_tests != own_tests:
        yield f"\n--- tests that fail: core {core_tests} / reference {own_tests}\n--- policy\n{text}{whole}\n{document}"
        yield from of_others
        return
    if not both.is_one_file_alike():
        yield f"\n--- the hash is not that of one file\n--- policy\n{text}{whole}"
        yield from of_others
        return
    for call in asked:
        measured = both.measured(call)
        core, reference = both.by_core(call), both.by_reference(call, measured)
        if core == reference:
            yield None
            continue
        found = "\n".join(differences(json.loads(core), json.loads(reference)))
        rows = [{key: row[key] for key in row if key != "allow"} for row in json.loads(document)["models"]]
        yield "\n".join(
            (
                "\n--- the two disagree",
                found,
                f"--- policy\n{text}{whole}",
                f"--- catalogue\n{pprint.pformat(rows, width=120, sort_dicts=False)}",
                f"--- request ({call.dialect})\n{pprint.pformat(call.body, width=120, sort_dicts=False)}",
                f"--- meta {call.meta}, now_ms {call.now_ms}, seed {call.seed}",
                f"--- keys {sorted(key for key in environ if environ[key])}",
                *(f"    {event}" for event in [*events, *answers]),
            )
        )


__all__ = ["Refused", "differences", "mismatches"]
