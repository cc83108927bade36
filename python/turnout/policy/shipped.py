"""The policies that come with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from turnout.errors import PolicyError

__all__ = ["shipped_names", "shipped_policy"]


def _folder() -> Path:
    return Path(str(files("turnout") / "policies"))


def shipped_names() -> tuple[str, ...]:
    """Names of the policies that come with the package.

    Returns:
        The names, sorted.
    """
    return tuple(sorted(path.stem for path in _folder().glob("*.yaml")))


def shipped_policy(name: str) -> Path:
    """Where a policy that comes with the package lies.

    Args:
        name: Such as `balanced`.

    Returns:
        The path of the YAML file; copy it and make it your own.

    Raises:
        PolicyError: There is no such policy.

    Example:
        >>> import turnout
        >>> turnout.shipped_policy("balanced").name
        'balanced.yaml'
    """
    if name not in shipped_names():
        hint = "the names are " + ", ".join(f"`{known}`" for known in shipped_names())
        raise PolicyError("policy-unreadable", f"no policy `{name}` comes with the package", hint)
    return _folder() / f"{name}.yaml"
