"""The guard in conftest.py guards: it refuses what leaves this machine, and lets loopback through."""

import asyncio
import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_connections_off_the_machine_are_refused(address: tuple[str, int], network_attempts: list[str]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(RuntimeError, match="connect"):
        client.connect(address)
    assert network_attempts == [f"connect {address[0]}"]
    network_attempts.clear()


def test_datagrams_and_look_ups_are_refused(network_attempts: list[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, pytest.raises(RuntimeError, match="sendto"):
        client.sendto(b"x", ("192.0.2.1", 53))
    with pytest.raises(RuntimeError, match="getaddrinfo"):
        socket.getaddrinfo("example.invalid", 443)
    network_attempts.clear()


async def test_asyncio_is_guarded_too(network_attempts: list[str]) -> None:
    with pytest.raises(RuntimeError, match=r"192\.0\.2\.1"):
        await asyncio.open_connection("192.0.2.1", 80)
    network_attempts.clear()


async def test_loopback_passes() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(4))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        writer.write(b"ping")
        assert await reader.read(4) == b"ping"
        writer.close()
        await writer.wait_closed()
