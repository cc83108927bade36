"""Predicted quality per model, learned from graded outcomes: see docs/quality.md."""

from turnout.quality.model import QualityModel, QualityReport, fit_quality
from turnout.quality.outcomes import read_rows

__all__ = ["QualityModel", "QualityReport", "fit_quality", "read_rows"]
