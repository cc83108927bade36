"""A private Postgres for tests: its own folder, its own socket, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pytest

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
_FOUND = str(_DEBIAN[0]) if _DEBIAN else shutil.which("postgres")
# The real one: `initdb` is beside it, and a link is not.
BINARY = None if _FOUND is None else Path(_FOUND).resolve()


def require_postgres() -> None:
    """Skips the test where there is no server; in CI that is a failure."""
    if BINARY is None:
        if os.environ.get("CI") == "true":
            pytest.fail("postgres is not installed")
        pytest.skip("postgres not installed")


def _user() -> int | None:
    """Postgres refuses to run as root: then it runs as another user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    pytest.skip("postgres cannot run as root, and there is no other user")


class Server:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        assert BINARY is not None
        self.folder = folder
        self.user = _user()
        if self.user is not None:
            os.chown(folder, self.user, -1)
        subprocess.run(
            [
                BINARY.with_name("initdb"),
                "--no-sync",
                "-A",
                "trust",
                "-U",
                "turnout",
                "-E",
                "UTF8",
                "--locale=C",
                "data",
            ],
            check=True,
            cwd=folder,
            user=self.user,
            stdout=subprocess.DEVNULL,
        )
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        assert BINARY is not None
        options = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "max_connections": "200"}
        # What a killed client had acknowledged does not depend on the server's own disk.
        options["fsync"] = "off"
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "-D", "data", *(f"-c{name}={value}" for name, value in options.items())],
                cwd=self.folder,
                user=self.user,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        for _ in range(1_000):
            try:
                with closing(psycopg.connect(self.url("postgres"))):
                    return self.process
            except psycopg.Error:
                time.sleep(0.01)
        raise RuntimeError("postgres did not start")

    def url(self, database: str = "turnout", user: str = "turnout") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"t{uuid4().hex}"
        with closing(psycopg.connect(self.url("postgres"), autocommit=True)) as control:
            control.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def kill(self) -> None:
        """Ends it as a power cut would; `start` recovers it."""
        for pid in [self.process.pid, *self._children()]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Makes it hang."""
        for pid in [self.process.pid, *self._children()]:
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        for pid in [*self._children(), self.process.pid]:
            os.kill(pid, signal.SIGCONT)

    def _children(self) -> list[int]:
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in text.split()]

    def end(self) -> None:
        if self.process.poll() is None:
            self.go_on()
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()


@contextmanager
def postgres_server() -> Iterator[Server]:
    with TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.end()
