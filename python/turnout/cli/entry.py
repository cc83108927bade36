"""Where `turnout` starts: finds out whether its libraries are there, before anything needs them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final, NoReturn

__all__ = ["main"]

_LIBRARIES: Final = frozenset({"rich", "typer"})


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and ends the process with its exit code.

    Args:
        arguments: What follows `turnout` on the command line; None takes it from there.

    Raises:
        SystemExit: Always; 0 is success, 1 a finding of the command (such as a failing test), 2 an error, 130 Ctrl-C.
    """
    try:
        from turnout.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        print(
            f"turnout: the command line needs `{error.name}`; install it with: pip install 'turnout[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))
