"""The files behind a router, loaded anew while it serves.

Promises: what loads takes over whole or not at all; a file that is gone, cut short, wrong, or whose tests fail is
refused with its error, and what served goes on; the watcher reports each content once, and survives everything that a
load may raise. Refuses: to load a file while it is being written (two looks in a row must see the same bytes). Looks
follow links anew each time, so that a swapped link (a Kubernetes ConfigMap) or a renamed file is a change like any
other. To break it, cut a policy short at any byte, or swap files while calls are under way.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from turnout._core import Catalog, Policy
from turnout.errors import CatalogError, PolicyError, TurnoutError
from turnout.policy import load_policy, policy_files
from turnout.source import read_bytes

__all__ = ["PolicyFiles", "Reload", "Reloader", "watch_interval"]

_log = logging.getLogger("turnout.execute")

_DEFAULT_INTERVAL_S: Final = 1.0
"""Between two looks. A change takes over after two looks that agree: within two seconds or so, at a cost that no
profile shows (one read of a few kilobytes each second, in a thread)."""

_MOST_PLACES: Final = 5
"""Findings that one log line names."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What came of loading a policy anew.

    Args:
        time_ms: When, in milliseconds since 1970.
        outcome: `swapped`: another policy, or another catalogue, serves from now on; `unchanged`: both say what they
            said (keys were looked up anew); `refused`: what served goes on.
        policy_hash: Of the policy that serves since.
        catalog_hash: Of the catalogue that serves since.
        code: Why it was refused, such as `policy-refused`; None if it was not.
        places: Of a refusal: each finding's code, file, line and column, without any text of the file.
    """

    time_ms: int
    outcome: Literal["swapped", "unchanged", "refused"]
    policy_hash: str
    catalog_hash: str
    code: str | None = None
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """Where a router's policy comes from.

    Args:
        policy: The policy's file; None if the host program gave a policy.
        catalog: The override file of the catalogue, a catalogue, or None for the default one.
    """

    policy: Path | None
    catalog: Catalog | Path | None

    def load(self) -> Policy:
        """Loads the policy.

        Raises:
            PolicyError: It does not load.
            CatalogError: The catalogue does not load.
            TurnoutError: `router-reload`, if there is no file.
        """
        return load_policy(self.file(), catalog=self.catalog)

    def file(self) -> Path:
        """Returns the policy's file.

        Raises:
            TurnoutError: `router-reload`, if there is none.
        """
        if self.policy is None:
            raise TurnoutError(
                "router-reload",
                "the router was given a policy, and no file to load it from",
                "give it the path of the policy's file",
            )
        return self.policy

    def _policy_files(self) -> tuple[Path, ...]:
        if self.policy is None:
            return ()
        try:
            return policy_files(self.policy)
        except PolicyError:
            return (self.policy,)

    def digest(self) -> bytes:
        """Returns what tells contents apart: one that cannot be read differs from every other."""
        whole = hashlib.blake2b(digest_size=16)
        for path in (*self._policy_files(), self.catalog):
            if not isinstance(path, Path):
                continue
            try:
                content = read_bytes(path)
            except (OSError, ValueError):
                content = None
            whole.update(b"-" if content is None else b"+" + hashlib.blake2b(content).digest())
        return whole.digest()


def watch_interval(watch: object) -> float | None:
    """Returns the seconds between two looks; None if nothing is watched.

    Args:
        watch: As a router takes it.

    Raises:
        TurnoutError: `router-reload`, if it is no number of seconds above 0.
    """
    if watch is False:
        return None
    if watch is True:
        return _DEFAULT_INTERVAL_S
    if not isinstance(watch, int | float) or not 0 < watch < math.inf:
        raise TurnoutError(
            "router-reload", f"`watch` is `{watch!r}`", "give True, or the seconds between two looks at the file"
        )
    return float(watch)


class Reloader:
    """Loads a router's policy anew, when asked and when its files change.

    Args:
        files: Where the policy comes from.
        interval_s: Seconds between two looks at the files; None if they are not watched.
        digest: Of what serves.
        serving: Returns the policy that serves.
        take_over: Has a policy serve from now on, or raises a `TurnoutError` and changes nothing.
    """

    def __init__(
        self,
        files: PolicyFiles,
        interval_s: float | None,
        digest: bytes,
        serving: Callable[[], Policy],
        take_over: Callable[[Policy], None],
    ) -> None:
        self.last: Reload | None = None
        self._files = files
        self._interval_s = interval_s
        self._settled = digest
        self._serving = serving
        self._take_over = take_over
        self._one_at_a_time = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def ensure_watching(self) -> None:
        """Begins to look at the files on the running loop, if they are to be watched."""
        if self._interval_s is not None and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch(self._interval_s))

    async def aclose(self) -> None:
        """Stops looking; may be called twice."""
        self._interval_s, task = None, self._task
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def reload(self) -> Reload:
        """Loads the policy now.

        Raises:
            TurnoutError: As `PolicyFiles.load`, or as `take_over`; what served goes on.
        """
        self._files.file()
        async with self._one_at_a_time:
            before = await asyncio.to_thread(self._files.digest)
            try:
                policy = await asyncio.to_thread(self._files.load)
                return self._swap(policy)
            except Exception as error:
                self._refuse(error)
                raise
            finally:
                self._settled = before

    async def _watch(self, interval_s: float) -> None:
        seen = self._settled
        while True:
            await asyncio.sleep(interval_s)
            # A file system that hangs must not hold the calls.
            now = await asyncio.to_thread(self._files.digest)
            is_still, seen = now == seen, now
            # While it is being written, a file changes from look to look.
            if is_still and now != self._settled:
                async with self._one_at_a_time:
                    await self._load_settled(now)

    async def _load_settled(self, digest: bytes) -> None:
        try:
            policy = await asyncio.to_thread(self._files.load)
        except Exception as error:  # noqa: BLE001  # whatever a load raises, the next content may be good
            if await asyncio.to_thread(self._files.digest) == digest:
                self._settled = digest
                self._refuse(error)
            return
        # What was loaded may be newer than what was looked at: then the next looks decide.
        if await asyncio.to_thread(self._files.digest) != digest:
            return
        self._settled = digest
        try:
            self._swap(policy)
        except Exception as error:  # noqa: BLE001  # as above
            self._refuse(error)

    def _swap(self, policy: Policy) -> Reload:
        before = self._serving()
        self._take_over(policy)
        is_same = (before.hash, before.catalog.hash) == (policy.hash, policy.catalog.hash)
        outcome: Literal["unchanged", "swapped"] = "unchanged" if is_same else "swapped"
        self.last = done = Reload(_now_ms(), outcome, policy.hash, policy.catalog.hash)
        _log.info("policy `%s`: %s, policy %s, catalogue %s", policy.name, outcome, policy.hash, policy.catalog.hash)
        return done

    def _refuse(self, error: Exception) -> None:
        code = error.code if isinstance(error, TurnoutError) else type(error).__name__
        places = _places(error)
        serving = self._serving()
        self.last = Reload(_now_ms(), "refused", serving.hash, serving.catalog.hash, code, places)
        # No text of the files: it may hold what is no one's business.
        shown = ", ".join(places[:_MOST_PLACES]) or "no place in it"
        more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
        _log.warning(
            "policy `%s`: refused, %s (%s%s); the one before it goes on", self._files.policy, code, shown, more
        )


def _places(error: Exception) -> tuple[str, ...]:
    findings = error.findings if isinstance(error, PolicyError | CatalogError) else ()
    return tuple(
        f"{each.code} at {each.file}:{each.line}:{each.column}" for each in findings if each.severity == "error"
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
