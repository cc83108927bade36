"""The ledger: what each call decided, tried, used and cost, kept on disk before the answer leaves."""

from turnout.ledger.record import AttemptRecord, CallRecord, SummaryRow, TokenCounts
from turnout.ledger.sqlite import Ledger

__all__ = ["AttemptRecord", "CallRecord", "Ledger", "SummaryRow", "TokenCounts"]
