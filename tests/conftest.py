"""What every suite shares: how many cases hypothesis tries, and a network that ends at this machine."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", max_examples=50, deadline=None)
settings.register_profile(
    "prove",
    max_examples=int(os.environ.get("PROVE_CASES", "20000")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the long campaigns to `make prove`."""
    if os.environ.get("HYPOTHESIS_PROFILE") == "prove":
        return
    long = [item for item in items if item.get_closest_marker("prove")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


class NetworkUsedError(RuntimeError):
    """A test tried to leave this machine. Not an `OSError`: code under test must not take it for an outage."""


def is_loopback(host: object) -> bool:
    """Whether a host, as a socket call is given it, is this machine; names other than `localhost` are not resolved."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


_attempts: list[str] = []


def _refuse(what: str, host: object) -> None:
    _attempts.append(f"{what} {host}")
    raise NetworkUsedError(_attempts[-1])


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Refuses connections, datagrams and name look-ups that would leave this machine, for the whole session."""
    resolve = socket.getaddrinfo

    def guarded(name: str) -> Any:
        original = getattr(socket.socket, name)

        def call(self: socket.socket, *args: Any) -> Any:
            address = args[-1]
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
                _refuse(name, address[0])
            return original(self, *args)

        return call

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if not is_loopback(host):
            _refuse("getaddrinfo", host)
        return resolve(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded(name))
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_catalogue_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the tests, and every process that they start, from the prices of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TURNOUT_DATA", str(tmp_path_factory.mktemp("turnout-data")))
        patch.delenv("TURNOUT_CATALOG", raising=False)
        yield


@pytest.fixture(autouse=True)
def _no_swallowed_network_use() -> Iterator[None]:
    """Fails a test whose code caught the refusal and went on."""
    _attempts.clear()
    yield
    attempts, _attempts[:] = list(_attempts), []
    assert not attempts, f"left this machine: {attempts}"


@pytest.fixture
def network_attempts() -> list[str]:
    """The refused attempts of this test so far; a test that provokes one clears the list before it ends."""
    return _attempts
