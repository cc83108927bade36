"""Fit predicted quality, keep it in a file, ask it.

Promises: a thin face of the core's artefact; immutable and shareable between threads. Refuses: to look at the clock
when a date is given, and to write half a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from turnout import _core
from turnout.errors import QualityError
from turnout.quality.outcomes import asked, fit_row

__all__ = ["QualityModel", "QualityReport", "fit_quality"]


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What an artefact is worth on rows that its fit did not see.

    Args:
        sentence: The one sentence that a person needs.
        text: The whole report as lines of text.
        json: The same for machines.
        svg: The same as a picture.
    """

    sentence: str
    text: str
    json: str
    svg: str

    def __str__(self) -> str:
        return self.text


class QualityModel:
    """Predicted quality per model, fitted on graded outcomes by `fit_quality` or loaded from a file."""

    __slots__ = ("_inner",)

    def __init__(self, inner: _core.QualityArtefact) -> None:
        self._inner = inner

    @property
    def models(self) -> list[str]:
        """The models, sorted."""
        return self._inner.models

    @property
    def categories(self) -> list[str]:
        """The categories that the fit saw, sorted."""
        return self._inner.categories

    @property
    def sources(self) -> dict[str, int]:
        """Where the rows came from, with their numbers."""
        return dict(self._inner.sources)

    @property
    def rows(self) -> int:
        """How many rows were fitted."""
        return self._inner.rows

    @property
    def date(self) -> str:
        """The day of the fit."""
        return self._inner.date

    @property
    def hash(self) -> str:
        """The blake3 hash of the artefact."""
        return self._inner.hash

    def scores(self, prompts: Iterable[str | Mapping[str, object]], *, strong: str, weak: str) -> list[float]:
        """Scores prompts for a pair of models.

        Args:
            prompts: Texts, or rows `{prompt, category?}`; a category that the fit saw makes the score better.
            strong: The stronger model.
            weak: The weaker one.

        Returns:
            For each prompt by how much the stronger model is expected to be better; higher: send it there.

        Raises:
            QualityError: A model is not known, or a row has no prompt.
        """
        return self._inner.scores([asked(row) for row in prompts], strong, weak)

    def probabilities(self, prompts: Iterable[str | Mapping[str, object]]) -> list[dict[str, float]]:
        """For each prompt the calibrated probability of a good answer, by model.

        A model on which neither text nor category tells anything has its mean grade for every prompt ("no skill").
        """
        names = self._inner.models
        return [
            dict(zip(names, found, strict=True)) for found, _ in self._inner.predict([asked(row) for row in prompts])
        ]

    def threshold(self, strong: str, weak: str, *, share: float) -> float:
        """The least score that goes to the stronger model when that share of prompts is to go there.

        Args:
            strong: The stronger model.
            weak: The weaker one.
            share: 0 to 1.

        Raises:
            QualityError: `bad-share`, or a model is not known.
        """
        return self._inner.threshold(strong, weak, share)

    def report(self, strong: str | None = None, weak: str | None = None) -> QualityReport:
        """What the artefact is worth on rows that its fit did not see.

        Args:
            strong: The stronger model of the pair in view; None takes the one with the best mean.
            weak: The weaker one; None takes the one with the worst.

        Raises:
            QualityError: A model is not known.
        """
        return QualityReport(*self._inner.report(strong, weak))

    def save(self, path: str | Path) -> None:
        """Writes the artefact: whole, or not at all.

        Raises:
            QualityError: `quality-unreadable` when the file cannot be written.
        """
        path = Path(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(self._inner.to_bytes())
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            reason = (error.strerror or type(error).__name__).lower()
            raise QualityError("quality-unreadable", f"`{path}` cannot be written: {reason}") from error

    @classmethod
    def load(cls, path: str | Path) -> QualityModel:
        """Reads an artefact.

        Raises:
            QualityError: `quality-unreadable` when the file cannot be read, `bad-artefact` when it is none.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise QualityError("quality-unreadable", f"`{path}` cannot be read: {reason}") from error
        return cls(_core.QualityArtefact.from_bytes(data))

    def __repr__(self) -> str:
        return f"QualityModel(rows={self.rows}, models={self.models}, date={self.date!r})"


def fit_quality(outcomes: Iterable[Mapping[str, object]], *, date: str | None = None) -> QualityModel:
    """Fits predicted quality on graded outcomes: 50 rows are worth something, 500 are good, 100,000 are fine.

    Args:
        outcomes: Rows `{prompt, category?, group?, source?, models: {name: score}}`. A score is a number from 0 to 1,
            or a mapping with one as `score`. Rows of one `group` are never on both sides of a fit and its judgement.
        date: The day that the artefact is labelled with; None takes today.

    Returns:
        The fitted model.

    Raises:
        QualityError: `quality-outcomes` or `bad-outcome` for a row that is none, `too-few-outcomes` below 20.

    Example:
        >>> import turnout
        >>> kinds = {"law": 0, "chat": 1}
        >>> rows = [
        ...     {"prompt": f"{kind} {n}", "category": kind, "models": {"big": 1, "small": good}}
        ...     for n in range(40)
        ...     for kind, good in kinds.items()
        ... ]
        >>> quality = turnout.fit_quality(rows, date="2026-12-01")
        >>> asked = [{"prompt": "a question", "category": kind} for kind in kinds]
        >>> law, chat = quality.scores(asked, strong="big", weak="small")
        >>> law > chat
        True
    """
    rows = [fit_row(row, number) for number, row in enumerate(outcomes, 1)]
    return QualityModel(_core.fit_quality(rows, date if date is not None else datetime.now(UTC).date().isoformat()))
