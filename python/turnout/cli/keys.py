"""`turnout keys`: the keys that clients of a gateway use."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from turnout.cli.inputs import JsonOption, MetaOption, meta_from
from turnout.cli.render import cells, output, print_json, printable, table
from turnout.errors import KeyStoreError

if TYPE_CHECKING:
    from turnout.server import Key

__all__ = ["keys"]

keys = typer.Typer(
    name="keys", help="Make, list, rotate and revoke the keys of a gateway's clients.", no_args_is_help=True
)

FileOption = Annotated[Path, typer.Option("--file", metavar="FILE", help="The file of keys.")]
_DEFAULT: Final = Path("turnout-keys.db")
_SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What people call it, such as the service that uses it.")],
    file: FileOption = _DEFAULT,
    meta: MetaOption = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME", help="A name that it may ask for; may be repeated; any without it."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="`call`, the default, or `records`, which reads those of all keys; may be repeated."
        ),
    ] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends, such as 90d or 12h.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key, and print it once.

    What `--meta` says of it, a policy may ask for and its budgets count by: `per: [meta.team]`.

    **Example:** `turnout keys create search --meta team=search --expires 90d`
    """
    from turnout.server import KeyStore

    told = {each: value for each, value in meta_from(meta).items() if value is not None}
    until_s = _until(expires)
    store = KeyStore(file)
    token = store.create(
        name,
        scopes=frozenset(scope or ("call",)),
        models=frozenset(model or ()),
        meta=told,
        good_until_s=until_s,
    )
    _tell(token, name, as_json=as_json)


@keys.command("rotate")
def rotate(
    name: Annotated[str, typer.Argument(help="The key's name or id.")],
    file: FileOption = _DEFAULT,
    overlap: Annotated[str, typer.Option(metavar="TIME", help="How long the one before it is good yet.")] = "24h",
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When the new one ends; without it, when the one before would.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new secret for a key; the one before it goes on for a while."""
    from turnout.server import KeyStore

    overlap_s, until_s = _seconds(overlap), _until(expires)
    token = KeyStore.existing(file).rotate(name, overlap_s=overlap_s, good_until_s=until_s)
    _tell(token, name, as_json=as_json)


@keys.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The key's name or id.")], file: FileOption = _DEFAULT) -> None:
    """End a key at once, on every gateway that reads the file."""
    from turnout.server import KeyStore

    KeyStore.existing(file).revoke(name)
    output().print(f"the key {printable(name)} is revoked")


@keys.command("list")
def show(file: FileOption = _DEFAULT, as_json: JsonOption = False) -> None:
    """List the keys: everything but the secrets."""
    from turnout.server import KeyStore

    found = KeyStore.existing(file).list()
    if as_json:
        print_json({"keys": [_row(each) for each in found]})
        return
    if not found:
        output().print("there are no keys yet; make one: turnout keys create NAME")
        return
    rows = [
        cells(
            printable(each.name),
            each.id,
            f"...{each.last_four}",
            _state(each),
            printable(" ".join(f"{name}={value}" for name, value in each.meta.items())) or "-",
            printable(" ".join(sorted(each.models))) or "any",
            " ".join(sorted(each.scopes)),
        )
        for each in found
    ]
    output().print(table(["name", "id", "ends in", "state", "meta", "models", "scopes"], rows))


def _tell(token: str, name: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "key": token})
        return
    console = output()
    console.print(token, soft_wrap=True, highlight=False)
    console.print(f"this is the key {printable(name)}; it is kept nowhere and cannot be shown again", style="dim")


def _row(key: Key) -> dict[str, object]:
    return {
        "name": key.name,
        "id": key.id,
        "last_four": key.last_four,
        "state": _state(key),
        "created": _moment(key.created_s),
        "good_until": None if key.good_until_s is None else _moment(key.good_until_s),
        "meta": dict(key.meta),
        "models": sorted(key.models),
        "scopes": sorted(key.scopes),
    }


def _state(key: Key) -> str:
    if key.revoked_s is not None:
        return "revoked"
    if key.good_until_s is None:
        return "good"
    return f"until {_moment(key.good_until_s)}" if key.is_good(time.time()) else "ended"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _until(expires: str | None) -> float | None:
    return None if expires is None else time.time() + _seconds(expires)


def _seconds(text: str) -> float:
    matched = _SPAN.fullmatch(text)
    if matched is None:
        raise KeyStoreError("keys-time", f"`{printable(text)}` is no time", "such as 90d, 12h, 30m")
    return float(int(matched[1]) * _SECONDS[matched[2]])
