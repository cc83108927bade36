"""A key that cannot be printed.

Promises: no way of turning a `Secret` into text shows the key, save `reveal()`; it cannot be pickled, copied into
JSON, or compared in a time that depends on the key. Refuses: keys that no HTTP header may carry (the usual one is a
line end read with the key from a file), because a library further down would print them in its own error. To break
it, find a conversion that lets the key through.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Mapping
from typing import Final, NoReturn

from turnout.errors import SecretError

__all__ = ["Secret"]

_SHOWN_TAIL_CHARS: Final = 4
_SHORTEST_WITH_TAIL_CHARS: Final = 13
"""Four characters of a key of twelve would be a third of it; longer keys show the tail that consoles show too."""

_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class Secret:
    """A key that shows itself only to `reveal()`.

    Args:
        value: The key; spaces and line ends around it are dropped.
        name: What to call it where it is shown, such as the variable it came from.

    Raises:
        SecretError: `secret-value` if nothing is left, or a character cannot go into an HTTP header.

    Example:
        >>> print(Secret("sk-ant-0123456789-wxyz"))
        Secret(...wxyz)
    """

    __slots__ = ("_name", "_tail", "_value")

    def __init__(self, value: str, name: str | None = None) -> None:
        stripped = value.strip()
        if not _VISIBLE_ASCII.fullmatch(stripped):
            what = f"the key in `{name}`" if name else "a key"
            fault = "holds a character that no HTTP header may carry" if stripped else "is empty"
            raise SecretError("secret-value", f"{what} {fault}")
        self._value = stripped
        self._name = name
        self._tail = stripped[-_SHOWN_TAIL_CHARS:] if len(stripped) >= _SHORTEST_WITH_TAIL_CHARS else ""

    @classmethod
    def from_reference(cls, reference: str, environ: Mapping[str, str] | None = None) -> Secret:
        """Reads the key that a reference such as `env:ANTHROPIC_API_KEY` points at.

        Args:
            reference: `env:` and the name of an environment variable.
            environ: Where to look the name up; the process's own environment if None.

        Returns:
            The key.

        Raises:
            SecretError: `secret-reference` for another form, `secret-missing` if the variable is not set or is blank,
                `secret-value` if it holds no usable key.
        """
        scheme, colon, name = reference.partition(":")
        if not colon or scheme != "env" or not _ENV_NAME.fullmatch(name):
            # The text is not repeated: people put the key itself where its name belongs.
            raise SecretError(
                "secret-reference",
                "a key is given by the name of an environment variable",
                "write `env:` and the name, such as `env:ANTHROPIC_API_KEY`",
            )
        value = (os.environ if environ is None else environ).get(name, "")
        if not value.strip():
            raise SecretError(
                "secret-missing", f"the environment variable `{name}` is not set", f"set `{name}` to the key"
            )
        return cls(value, name)

    @property
    def name(self) -> str | None:
        """Where the key came from, safe to print."""
        return self._name

    def reveal(self) -> str:
        """Returns the key itself, for the one place that writes it into a header."""
        return self._value

    def prefixed(self, prefix: str) -> Secret:
        """Returns a secret with text before the key, such as `Bearer ` for an authorization header.

        Args:
            prefix: Text that is no secret.
        """
        return Secret(prefix + self._value, self._name)

    def __repr__(self) -> str:
        return f"Secret(...{self._tail})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return True

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled")
