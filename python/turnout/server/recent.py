"""The records of the last calls, for whoever asks by id."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import asdict
from typing import Final

from turnout.ledger import CallRecord

__all__ = ["Recent"]

_MOST: Final = 1_000


class Recent:
    """The last calls of this process: what the ledger keeps of them, without texts."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, tuple[str | None, CallRecord]] = OrderedDict()

    def keep(self, record: CallRecord, owner: str | None) -> None:
        """Keeps a record.

        Args:
            record: Of a call that is over.
            owner: The id of the key that made it; None without keys.
        """
        self._records[record.id] = (owner, record)
        if len(self._records) > _MOST:
            self._records.popitem(last=False)

    def find(self, identity: str, owner: str | None) -> bytes | None:
        """Returns a record as JSON; None if there is none, or it is another's.

        Args:
            identity: The call's id.
            owner: Whose records may be seen; None for all.
        """
        whose, record = self._records.get(identity, (None, None))
        if record is None or (owner is not None and whose != owner):
            return None
        told = asdict(record)
        told["decision"] = json.loads(told.pop("record_json"))
        told["facts"] = json.loads(told.pop("facts_json"))
        told["meta"] = json.loads(told.pop("meta_json"))
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str).encode()
