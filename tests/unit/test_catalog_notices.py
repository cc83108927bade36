"""What the catalogue says of prices that hold today and have to be looked at again."""

from __future__ import annotations

import pytest

from turnout import load_catalog


def test_notices_follow_the_day() -> None:
    catalog = load_catalog()
    document = '{"models":[{"provider":"groq","id":"n","prices":[{"until":"2027-01-01","in":1,"out":2},'
    document += '{"from":"2027-01-01","checked":"2026-11-22","in":2,"out":4}]}]}'
    layered, problems = catalog.with_override(document)
    assert layered is not None
    assert problems == []

    def codes(day: str) -> list[str]:
        return [notice.code for notice in layered.notices(day) if notice.model == "groq/n"]

    assert codes("2026-11-22") == ["announced-price"]
    assert codes("2027-01-01") == ["unverified-price"]
    assert any(notice.code == "moving-name" for notice in catalog.notices("2026-11-22"))


def test_notices_refuse_what_is_no_day() -> None:
    with pytest.raises(ValueError, match="`tomorrow` is not a day such as `2026-11-22`"):
        load_catalog().notices("tomorrow")
