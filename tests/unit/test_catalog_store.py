"""Where an accepted refresh is kept: whole or not at all, and never believed when it was touched."""

import contextlib
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.catalog import store
from turnout.catalog.store import Refreshed, read_refreshed, write_refreshed
from turnout.errors import CatalogError

REFRESHED = Refreshed(b'{"format":1}\n{"id":"a"}\n', "https://prices.example/models.jsonl", "2026-11-22")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "catalog.jsonl"
    assert read_refreshed(path) is None
    write_refreshed(path, REFRESHED)
    assert read_refreshed(path) == REFRESHED
    assert [each.name for each in path.parent.iterdir()] == ["catalog.jsonl"]


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "catalog.jsonl"
    for content in (b"1", b"2", b"3"):
        write_refreshed(path, Refreshed(content, "file", "2026-11-22"))
    before = read_refreshed(tmp_path / "catalog.jsonl.previous")
    now = read_refreshed(path)
    assert (before and before.content, now and now.content) == (b"2", b"3")
    assert len(list(tmp_path.iterdir())) == 2


@given(at=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_byte_that_changes_is_seen(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    path = tmp_path_factory.mktemp("stored") / "catalog.jsonl"
    write_refreshed(path, REFRESHED)
    stored = bytearray(path.read_bytes())
    at %= len(stored)
    is_same = stored[at] == byte
    stored[at] = byte
    path.write_bytes(stored)
    # The header's own texts may change; what is priced with may not.
    with contextlib.suppress(CatalogError):
        found = read_refreshed(path)
        assert found is not None
        assert found.content == REFRESHED.content
        return
    assert not is_same


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\n",
        b"{}\n",
        b"null\nx",
        b'{"turnout-refreshed": 2, "sha256": ""}\n',
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps({"turnout-refreshed": 1, "sha256": "00"}).encode() + b"\ncontent",
        json.dumps({"turnout-refreshed": 1, "sha256": None}).encode() + b"\ncontent",
    ],
)
def test_a_foreign_file_is_refused(tmp_path: Path, stored: bytes) -> None:
    path = tmp_path / "catalog.jsonl"
    path.write_bytes(stored)
    with pytest.raises(CatalogError) as refused:
        read_refreshed(path)
    assert refused.value.code == "refreshed-broken"
    assert refused.value.hint


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.jsonl"
    write_refreshed(path, REFRESHED)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CatalogError, match="checksum"):
        read_refreshed(path)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalog.jsonl"
    write_refreshed(path, REFRESHED)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CatalogError) as refused:
        write_refreshed(path, Refreshed(b"other", "file", "2026-11-22"))
    assert refused.value.code == "refreshed-unwritable"
    assert read_refreshed(path) == REFRESHED
    assert [each.name for each in tmp_path.iterdir()] == ["catalog.jsonl"]


def test_a_folder_in_its_place_is_broken(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        read_refreshed(tmp_path)


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"TURNOUT_DATA": "own"}, Path("own")),
        ("linux", {"XDG_DATA_HOME": "xdg"}, Path("xdg/turnout")),
        ("linux", {}, Path("~/.local/share/turnout").expanduser()),
        ("darwin", {}, Path("~/Library/Application Support/turnout").expanduser()),
        ("win32", {"LOCALAPPDATA": "local"}, Path("local/turnout")),
    ],
)
def test_the_folder_is_the_platforms_own(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], folder: Path
) -> None:
    for name in ("TURNOUT_DATA", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert store.data_folder() == folder
    assert store.refreshed_path().parent == folder


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "catalog.jsonl"
    os.mkfifo(path)
    with pytest.raises(CatalogError) as caught:
        read_refreshed(path)
    assert caught.value.code == "refreshed-broken"


def test_what_no_reader_would_take_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalog.jsonl"
    write_refreshed(path, Refreshed(b"{}", "a file", "2026-11-22"))
    monkeypatch.setattr("turnout.catalog.store.MAX_BYTES", 10)
    with pytest.raises(CatalogError) as caught:
        write_refreshed(path, Refreshed(b"x" * 11, "a larger file", "2026-11-22"))
    assert caught.value.code == "catalog-too-large"
    kept = read_refreshed(path)
    assert kept is not None
    assert kept.content == b"{}"
