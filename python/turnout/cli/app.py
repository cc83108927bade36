"""The commands, wired together, and how each of them ends."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from turnout import __version__
from turnout.cli.ask import ask
from turnout.cli.catalog import catalog
from turnout.cli.check import check
from turnout.cli.classify import classify
from turnout.cli.decide import decide
from turnout.cli.demo import demo
from turnout.cli.explain import explain
from turnout.cli.keys import keys
from turnout.cli.lab import lab
from turnout.cli.ledger import ledger
from turnout.cli.quality import quality
from turnout.cli.render import errors_console, printable, show_error, soften
from turnout.cli.run_tests import run_tests
from turnout.cli.schema import schema
from turnout.cli.serve import serve
from turnout.cli.tokens import tokens
from turnout.cli.usage import usage
from turnout.errors import TurnoutError

__all__ = ["app", "run"]

app = typer.Typer(
    name="turnout",
    help="Send each prompt to the right model: the cheapest one that will answer it well, with a plan for failures.",
    epilog="Start with: turnout demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(ask)
app.command()(explain)
app.command()(decide)
app.command()(check)
app.command("test")(run_tests)
app.command()(schema)
app.command()(tokens)
app.add_typer(catalog)
app.add_typer(quality)
app.command()(classify)
app.command()(usage)
app.add_typer(ledger)
app.command()(serve)
app.add_typer(keys)
app.command()(lab)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"turnout {__version__}")
        raise typer.Exit


@app.callback()
def _every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
) -> None:
    pass


def run(arguments: Sequence[str]) -> int:
    """Runs one command.

    Args:
        arguments: What follows `turnout` on the command line.

    Returns:
        The exit code: 0 is success, 1 a finding of the command, 2 an error, 130 Ctrl-C.
    """
    soften()
    try:
        code = _ended(arguments)
        sys.stdout.flush()
    except OSError as error:
        if "--debug" in arguments:
            raise
        # A full disk or a reader that went away: what is left in the buffer must not raise once more at exit.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  open until the process ends
        with suppress(OSError):
            reason = (error.strerror or type(error).__name__).lower()
            errors_console().print(f"the output could not be written: {printable(reason)}", soft_wrap=True)
        return 2
    return code


def _ended(arguments: Sequence[str]) -> int:
    try:
        app(list(arguments), prog_name="turnout")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1
    except TurnoutError as error:
        show_error(error)
        return 2
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        if "--debug" in arguments or (error.name or "turnout").startswith("turnout"):
            raise
        errors_console().print(
            f"this command needs `{error.name}`; install it with: pip install 'turnout[all]'", soft_wrap=True
        )
        return 2
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  the last line of defence: people get a sentence, not a traceback
        _show_unexpected(error, "--debug" in arguments)
        return 2
    return 0


def _show_unexpected(error: Exception, is_debug: bool) -> None:
    if is_debug:
        traceback.print_exception(error, file=sys.stderr)
        return
    console = errors_console()
    console.print(f"unexpected {type(error).__name__}: {printable(str(error))}", style="bold red", soft_wrap=True)
    console.print("this is a fault of Turnout; `turnout --debug ...` shows where", style="cyan", soft_wrap=True)
