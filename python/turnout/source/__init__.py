"""Files that people write: their text, their YAML as rows with places, and findings that point at a place."""

from turnout.source.rows import MAX_BYTES, Row, YamlProblem, read_rows
from turnout.source.text import Lines, Unreadable, read_bytes, read_text

__all__ = ["MAX_BYTES", "Lines", "Row", "Unreadable", "YamlProblem", "read_bytes", "read_rows", "read_text"]
