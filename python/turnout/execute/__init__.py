"""Executes plans: one deadline, retries, fallbacks, escalations, streams, and a record for each call."""

from turnout.execute.judge import CheckedAnswer
from turnout.execute.reload import Reload
from turnout.execute.response import Response
from turnout.execute.router import Router
from turnout.execute.stream import Stream
from turnout.execute.sync import SyncRouter, SyncStream

__all__ = ["CheckedAnswer", "Reload", "Response", "Router", "Stream", "SyncRouter", "SyncStream"]
