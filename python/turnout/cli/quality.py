"""`turnout quality`: fit predicted quality on graded outcomes, score prompts with it, say what it is worth."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from turnout.cli.inputs import JsonOption
from turnout.errors import QualityError
from turnout.quality import QualityModel, fit_quality, read_rows

__all__ = ["quality"]

quality = typer.Typer(
    name="quality",
    help="Predicted quality per model, learned from graded outcomes: fit it, score prompts, report what it is worth.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

ArtefactOption = Annotated[Path, typer.Option("--artefact", "-a", metavar="FILE", help="An artefact that `fit` wrote.")]
StrongOption = Annotated[str, typer.Option(metavar="MODEL", help="The stronger model.")]
WeakOption = Annotated[str, typer.Option(metavar="MODEL", help="The weaker model.")]


@quality.command()
def fit(
    data: Annotated[
        list[Path], typer.Option("--data", "-d", metavar="FILE", help="JSON lines, also packed (.gz); may be repeated.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the artefact goes.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="Further files.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit predicted quality on rows `{prompt, category?, group?, source?, models: {name: {score}}}`.

    Prints what the artefact is worth on rows that its fit did not see.

    **Example:** `turnout quality fit --data outcomes.jsonl --out quality.bin`
    """
    model = fit_quality(row for path in [*data, *(more or [])] for row in read_rows(path))
    model.save(out)
    report = model.report()
    print(report.json if as_json else report.text.rstrip())


@quality.command()
def score(
    artefact: ArtefactOption,
    data: Annotated[Path, typer.Option("--data", "-d", metavar="FILE", help="Rows with a `prompt`, as JSON lines.")],
    strong: StrongOption,
    weak: WeakOption,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where the scores go; else they are printed.")
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Also say which prompts go to the stronger model at this share of calls."),
    ] = None,
) -> None:
    """Score prompts: lines `{id, score, quality}`, a higher score for what should go to the stronger model.

    **Example:** `turnout quality score --artefact quality.bin --data prompts.jsonl --strong opus --weak haiku`
    """
    model = QualityModel.load(artefact)
    rows = list(read_rows(data))
    scores = model.scores(rows, strong=strong, weak=weak)
    chances = model.probabilities(rows)
    threshold = None if share is None else model.threshold(strong, weak, share=share)
    lines = []
    for number, (row, value, chance) in enumerate(zip(rows, scores, chances, strict=True)):
        line: dict[str, object] = {
            "id": row.get("id", number),
            "score": value,
            "quality": {strong: round(chance[strong], 6), weak: round(chance[weak], 6)},
        }
        if threshold is not None:
            line["model"] = strong if value >= threshold else weak
        lines.append(json.dumps(line))
    text = "".join(f"{line}\n" for line in lines)
    if out is None:
        sys.stdout.write(text)
        return
    _write(out, text)


@quality.command()
def report(
    artefact: ArtefactOption,
    strong: Annotated[str | None, typer.Option(metavar="MODEL", help="The stronger model of the pair in view.")] = None,
    weak: Annotated[str | None, typer.Option(metavar="MODEL", help="The weaker one.")] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an artefact is worth on rows that its fit did not see.

    **Example:** `turnout quality report --artefact quality.bin --svg quality.svg`
    """
    found = QualityModel.load(artefact).report(strong, weak)
    if svg is not None:
        _write(svg, found.svg)
    print(found.json if as_json else found.text.rstrip())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise QualityError("quality-unreadable", f"`{path}` cannot be written: {reason}") from error
