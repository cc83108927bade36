"""The ledger: what each call decided, tried, used and cost, kept on disk before the answer leaves."""

from turnout.ledger.ledger import Ledger
from turnout.ledger.record import AttemptRecord, CallRecord, OpenAttempt, SummaryRow, TokenCounts
from turnout.ledger.usage import UsageRow, total_of, usage

__all__ = [
    "AttemptRecord",
    "CallRecord",
    "Ledger",
    "OpenAttempt",
    "SummaryRow",
    "TokenCounts",
    "UsageRow",
    "total_of",
    "usage",
]
