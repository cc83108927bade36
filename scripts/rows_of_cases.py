"""Writes beside each policy of tests/cases/{policy,decide} the rows that the loader makes of it.

The Rust tests have no YAML: they read the rows. Run it after a change of a case or of the loader; the Python tests fail
while a case's rows are not what the loader makes of its text. Run: .venv/bin/python scripts/rows_of_cases.py
"""

from __future__ import annotations

import json
from pathlib import Path

from turnout.source import YamlProblem, read_rows

CASES = Path(__file__).parents[1] / "tests" / "cases"


def rows(policy: str) -> list[list[object]] | None:
    """The rows of a policy as JSON has them; none when it is no YAML."""
    try:
        read = [list(row) for row in read_rows(policy)]
    except YamlProblem:
        return None
    result: list[list[object]] = json.loads(json.dumps(read))
    return result


def layout(cases: list[dict[str, object]]) -> str:
    """One key a line, one row a line: changes show where they are."""
    out = []
    for case in cases:
        members = []
        for key, value in case.items():
            if key in {"rows", "calls", "findings"} and isinstance(value, list) and value:
                items = ",\n      ".join(json.dumps(item, ensure_ascii=False) for item in value)
                members.append(f'    "{key}": [\n      {items}\n    ]')
            else:
                members.append(f'    "{key}": {json.dumps(value, ensure_ascii=False)}')
        out.append("  {\n" + ",\n".join(members) + "\n  }")
    return "[\n" + ",\n".join(out) + "\n]\n"


def main() -> None:
    """Rewrites every file of cases."""
    for folder in ("policy", "decide"):
        for path in sorted((CASES / folder).glob("*.json")):
            cases = json.loads(path.read_text(encoding="utf-8"))
            for case in cases:
                case["rows"] = rows(case["policy"])
            path.write_text(layout(cases), encoding="utf-8")


if __name__ == "__main__":
    main()
