"""Runs the lab until it is stopped: what `turnout lab` does behind its arguments."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable

from turnout.lab.counters import Counters
from turnout.lab.server import Lab, LabSettings

__all__ = ["run_lab"]


def run_lab(settings: LabSettings, announce: Callable[[Lab], None]) -> Counters:
    """Serves until SIGINT or SIGTERM comes, then ends every connection.

    Args:
        settings: How the lab behaves.
        announce: Called once, when the lab listens; `Lab.base_url` says where.

    Returns:
        What the lab has seen.

    Raises:
        LabError: `lab-start`, if the address is taken.
    """

    async def serve() -> Counters:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            for each in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(each, stop.set)
        async with Lab(settings) as lab:
            announce(lab)
            await stop.wait()
            return lab.counters

    return asyncio.run(serve())
