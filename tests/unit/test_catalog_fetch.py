"""The bytes of a catalogue: from the file or the address that was named, and from nowhere else."""

import os
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from turnout.catalog.fetch import is_address, read_source
from turnout.errors import CatalogError

Answer = Callable[[BaseHTTPRequestHandler], None]


def answer(body: bytes, status: int = 200, **headers: str) -> Answer:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.wfile.flush()
    handler.close_connection = True


ANSWERS: dict[str, Answer] = {
    "/good": answer(b"rows"),
    "/packed": answer(zlib.compress(b"rows" * 100), content_encoding="deflate"),
    "/large": answer(b"x" * 5000),
    "/bomb": answer(zlib.compress(b"x" * 3_000_000), content_encoding="deflate"),
    "/moved": answer(b"", 302, location="/good"),
    "/away": answer(b"", 301, location="file:///etc/passwd"),
    "/gone": answer(b"not here", 404),
    "/failed": answer(b"", 500),
    "/empty": answer(b"", 204),
    "/cut": cut,
}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            ANSWERS[self.path.partition("?")[0]](self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def refused(source: str, **limits: float) -> CatalogError:
    with pytest.raises(CatalogError) as caught:
        read_source(source, **limits)  # type: ignore[arg-type]
    assert caught.value.code in ("catalog-unreadable", "catalog-too-large")
    return caught.value


def test_an_answer_is_read(base_url: str) -> None:
    assert read_source(f"{base_url}/good") == b"rows"
    assert read_source(f"{base_url}/good?version=3") == b"rows"
    assert read_source(f"{base_url}/packed") == b"rows" * 100


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/moved", "answered 302, a redirect"),
        ("/away", "answered 301, a redirect"),
        ("/gone", "answered 404"),
        ("/failed", "answered 500"),
        ("/empty", "answered 204"),
        ("/cut", ""),
    ],
)
def test_what_is_no_catalogue_is_not_taken(base_url: str, path: str, said: str) -> None:
    error = refused(base_url + path)
    assert error.code == "catalog-unreadable"
    assert said in error.message
    assert "127.0.0.1" in error.message
    assert path not in error.message


@pytest.mark.parametrize("path", ["/large", "/bomb"])
def test_an_answer_that_is_too_large_is_not_taken(base_url: str, path: str) -> None:
    assert refused(base_url + path, max_bytes=4999).code == "catalog-too-large"
    assert read_source(f"{base_url}/large", max_bytes=5000) == b"x" * 5000


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ftp://prices.example/models.jsonl", "`ftp` is no scheme"),
        ("file:///etc/passwd", "`file` is no scheme"),
        ("http://prices.example/models.jsonl", "without encryption"),
        ("HTTP://prices.example/models.jsonl", "without encryption"),
        ("https://user:secret@prices.example/", "user name or a password"),
        ("https:///models.jsonl", "not an absolute"),
        ("https://[/models.jsonl", "not an absolute"),
    ],
)
def test_an_address_that_is_no_good_is_not_called(source: str, said: str, network_attempts: list[str]) -> None:
    error = refused(source)
    assert said in error.message
    assert "secret" not in str(error)
    assert network_attempts == []


def test_nobody_there_is_an_error() -> None:
    import socket

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "127.0.0.1" in refused(f"http://127.0.0.1:{unused.getsockname()[1]}/").message


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "models.jsonl"
    path.write_bytes(b"rows")
    assert read_source(str(path)) == b"rows"
    assert read_source(str(path), max_bytes=4) == b"rows"
    assert refused(str(path), max_bytes=3).code == "catalog-too-large"


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "", "missing", "a\0b"):
        assert refused(str(tmp_path / name) if name else str(tmp_path)).code == "catalog-unreadable"
    assert "no such file" in refused(str(tmp_path / "missing")).message


def test_addresses_are_told_from_files() -> None:
    assert is_address("https://a/b")
    assert is_address("gopher://a")
    assert not is_address("C:/models.jsonl")
    assert not is_address("./models.jsonl")
