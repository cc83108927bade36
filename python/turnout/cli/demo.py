"""`turnout demo`: the whole product in half a minute, with no key and nothing to set up."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from turnout.cli.inputs import JsonOption, policy_from
from turnout.cli.render import errors_console, output, print_json

__all__ = ["demo"]


def demo(
    policy: Annotated[
        str, typer.Option("--policy", metavar="POLICY", help="A file, or the name of a shipped policy.")
    ] = "balanced",
    requests: Annotated[
        int | None, typer.Option("--requests", "-n", min=1, help="Only the first so many; all of them without it.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**64 - 1, help="Another seed, other answers and other failures.")
    ] = 0,
    faults: Annotated[
        bool, typer.Option("--faults/--no-faults", help="Whether the providers fail now and then.")
    ] = True,
    speed: Annotated[float, typer.Option(min=0.1, help="How many times faster than life the models answer.")] = 2.0,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FILE", help="Keep the ledger here; a new file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Route the shipped prompts and execute the plans against simulated providers.

    Real HTTP on this machine, with failures, and no key: it shows who answered what, what it cost, what the fallbacks
    saved, and that nothing was lost. Exit code 1 if something was.

    **Example:** `turnout demo --requests 100 --seed 7`
    """
    from turnout.cli.demo_report import report_of
    from turnout.cli.demo_run import DemoSettings, run_demo
    from turnout.cli.demo_screen import show_report

    if keep is not None and keep.exists():
        raise typer.BadParameter(f"`{keep}` exists already; the demo counts on a new file", param_hint="--keep")
    loaded = policy_from(policy)
    with tempfile.TemporaryDirectory(prefix="turnout-demo-") as folder:
        settings = DemoSettings(
            policy=loaded,
            ledger=keep or Path(folder) / "ledger.sqlite",
            requests=requests,
            seed=seed,
            has_faults=faults,
            speed=speed,
        )
        console = output()
        if not as_json:
            _introduce(console, loaded.name, speed, has_faults=faults)
        with _progress() as progress:
            task = progress.add_task("deciding", total=None, failures="")

            def on_progress(done: int, failures: int) -> None:
                shown = f"{failures} failures so far" if failures else ""
                progress.update(task, description="executing", completed=done, failures=shown)

            result = run_demo(settings, on_progress, lambda total: progress.update(task, total=total))
        report = report_of(result, str(keep) if keep else None)
    if as_json:
        print_json(report)
    else:
        show_report(console, report)
    ledger = report["ledger"]
    if not isinstance(ledger, dict) or ledger["nothing_lost"] is not True:
        raise typer.Exit(1)


def _introduce(console: Console, policy: str, speed: float, *, has_faults: bool) -> None:
    console.print(
        Text.assemble(("turnout demo", "bold"), f"  every prompt through the policy `{policy}`, every plan over HTTP")
    )
    pace = "" if speed == 1 else f", {speed:g} times as fast as life"
    failing = ", and fail now and then" if has_faults else ""
    console.print(Text(f"the providers are simulated on this machine{pace}{failing}; no key is used", style="dim"))


def _progress() -> Progress:
    """A progress bar on a terminal; nothing in a pipe."""
    console = errors_console()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[failures]}", style="yellow"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
