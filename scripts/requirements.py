"""Prints what pyproject.toml asks for, one requirement a line, so that pip can install it before the package is built.

`requirements.py run`: dependencies, the extra `all`, and the build tool. `requirements.py dev`: the test tools too.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str | dict[str, str]]] = PYPROJECT["dependency-groups"]


def extra(name: str) -> set[str]:
    found: set[str] = set()
    for requirement in EXTRAS[name]:
        own = re.fullmatch(r"turnout\[(.+)\]", requirement)
        found |= set().union(*(extra(inner) for inner in own[1].split(","))) if own else {requirement}
    return found


def group(name: str) -> set[str]:
    found: set[str] = set()
    for entry in GROUPS[name]:
        found |= {entry} if isinstance(entry, str) else group(entry["include-group"])
    return found


if __name__ == "__main__":
    wanted = (
        set(PYPROJECT["project"]["dependencies"]) | extra("all") | group("dev" if sys.argv[1] == "dev" else "build")
    )
    print("\n".join(sorted(wanted)))
