"""The catalogue's models that a policy names, each with its place: for checks of the catalogue itself.

Promises: reads `models` alone, so that a policy which no longer loads (its model was retired) can still be looked at. A
test breaks it with a policy whose models are named otherwise than the compiler reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from turnout.catalog.tree import Node, build
from turnout.errors import Finding, PolicyError
from turnout.source import Lines, YamlProblem, read_rows

__all__ = ["NamedModel", "models_named"]


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model of the catalogue, as a policy names it.

    Args:
        name: As it is written.
        has_price: Whether the policy states the price itself.
    """

    name: str
    has_price: bool
    _node: Node = field(repr=False)
    _lines: Lines = field(repr=False)

    def finding(self, code: str, message: str, hint: str | None = None) -> Finding:
        """Makes a finding at the name."""
        return self._lines.finding(self._node.line, self._node.column, code, message, hint)


def models_named(text: str, *, file: str = "<policy>") -> tuple[NamedModel, ...]:
    """Returns the catalogue's models that a policy names.

    Args:
        text: The policy's YAML.
        file: The name that findings show.

    Returns:
        In the order of the file; what is no model's name is left to `check_policy`.

    Raises:
        PolicyError: `policy-refused`, if the text is not YAML.
    """
    lines = Lines(file, text)
    try:
        root = build(read_rows(text))
    except YamlProblem as problem:
        finding = lines.finding(problem.line, problem.column, problem.code, problem.message, problem.hint)
        raise PolicyError("policy-refused", f"`{file}` has 1 error", findings=[finding]) from None
    models = root.child("models") if root is not None else None
    found = []
    for each in models.children if models is not None else []:
        named = each if each.kind in ("plain", "quoted") else each.child("use")
        if named is not None and named.text:
            found.append(NamedModel(named.text, each.child("price") is not None, named, lines))
    return tuple(found)
