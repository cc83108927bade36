"""A secret shows itself to `reveal()` and to nothing else."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.errors import SecretError
from turnout.providers.secret import Secret
from turnout.providers.transport import HttpRequest

KEY = "sk-ant-canary-0123456789-wxyz"


@dataclasses.dataclass
class Holder:
    key: Secret


WAYS: list[Callable[[Secret], str]] = [
    repr,
    str,
    format,
    lambda s: f"{s} {s!r} {s!s} {s:>40}",
    lambda s: "{0} {0!r}".format(*[s]),
    lambda s: json.dumps({"key": s}, default=str),
    lambda s: repr([s, (s,), {s: s}]),
    lambda s: repr(Holder(s)),
    lambda s: repr(dataclasses.asdict(Holder(s))),
    lambda s: repr(HttpRequest("POST", "http://h/", (("x-api-key", s),))),
    lambda s: str(logging.makeLogRecord({"msg": "key %s", "args": (s,)}).getMessage()),
    lambda s: repr(copy.deepcopy(s)) + repr(copy.copy(s)) + repr(s.prefixed("Bearer ")),
    lambda s: repr(getattr(s, "__dict__", "")),
]


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_printing_shows_the_key(way: Callable[[Secret], str]) -> None:
    shown = way(Secret(KEY, "NAME"))
    assert "canary" not in shown
    assert "0123" not in shown


def test_it_shows_the_tail_of_a_long_key_only() -> None:
    assert repr(Secret("x" * 9 + "wxyz")) == "Secret(...wxyz)"
    assert repr(Secret("x" * 8 + "wxyz")) == "Secret(...)"
    assert Secret(KEY).reveal() == KEY


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_what_is_shown_never_holds_more_than_four_characters_of_it(value: str) -> None:
    secret = Secret(value)
    assert secret.reveal() == value
    shown = repr(secret).removeprefix("Secret(...").removesuffix(")")
    assert len(shown) <= 4
    assert len(shown) * 3 < len(value) or not shown


def test_it_cannot_be_pickled_or_made_into_json() -> None:
    with pytest.raises(TypeError, match="secret cannot be pickled"):
        pickle.dumps(Secret(KEY))
    with pytest.raises(TypeError) as caught:
        json.dumps(Secret(KEY))
    assert "canary" not in str(caught.value)


def test_equality_is_by_value_and_with_secrets_only() -> None:
    assert Secret(KEY) == Secret(KEY, "other name")
    assert Secret(KEY) != Secret(KEY + "x")
    assert Secret(KEY) != KEY
    assert len({Secret(KEY), Secret(KEY)}) == 1


def test_a_reference_reads_the_environment() -> None:
    secret = Secret.from_reference("env:SOME_KEY", {"SOME_KEY": f" {KEY}\n"})
    assert secret.reveal() == KEY
    assert secret.name == "SOME_KEY"


@pytest.mark.parametrize(
    ("reference", "environ", "code"),
    [
        ("env:MISSING", {}, "secret-missing"),
        ("env:BLANK", {"BLANK": " \n"}, "secret-missing"),
        ("env:", {}, "secret-reference"),
        ("env:9A", {}, "secret-reference"),
        (KEY, {}, "secret-reference"),
        ("file:/etc/passwd", {}, "secret-reference"),
        ("env:BROKEN", {"BROKEN": "sk-canary\r\nx-evil: 1"}, "secret-value"),
        ("env:ACCENT", {"ACCENT": "sk-canary-é"}, "secret-value"),
    ],
)
def test_a_bad_reference_is_refused_without_showing_the_key(reference: str, environ: dict[str, str], code: str) -> None:
    with pytest.raises(SecretError) as caught:
        Secret.from_reference(reference, environ)
    assert caught.value.code == code
    assert (
        "canary" not in "".join(traceback.format_exception(caught.value)).replace("tests/", "").split("SecretError")[-1]
    )


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(SecretError):
        Secret("  ")
