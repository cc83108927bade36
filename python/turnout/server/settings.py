"""What a gateway is told when it starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a gateway serves.

    Args:
        host: The address that it listens on.
        port: The port.
        keys: The file with the keys that clients need; None asks for none.
        keys_every_s: How often that file is looked at for changes, in seconds.
        hosts: Names that a `Host` header may hold beside the address itself; needed behind a proxy.
        max_body: The largest body, in bytes, as sent and as decompressed.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    keys: Path | None = None
    keys_every_s: float = 1.0
    hosts: tuple[str, ...] = ()
    max_body: int = 32 * 1024 * 1024

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
