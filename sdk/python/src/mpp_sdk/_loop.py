"""A loop for ``async def`` tools: tasks, sleeping, time limits and ``gather``, without sockets and threads.

It holds no descriptor, so a snapshot may hold it. What would run in a thread runs at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any


class _Nothing:
    """Stands where a selector would: nothing ever becomes ready, so waiting is sleeping."""

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the tool waits for something that nothing in this process can bring about")
        if timeout > 0:
            time.sleep(timeout)
        return []


class Loop(asyncio.BaseEventLoop):
    """One process, one call, one thread."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Nothing()

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody else could wake this loop."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002 - there is one way to run it
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as fault:  # noqa: BLE001 - it belongs to whoever waits
            done.set_exception(fault)
        return done


_loop: Loop | None = None


def prepare() -> None:
    global _loop  # noqa: PLW0603 - one for a process, made before the snapshot
    if _loop is None:
        _loop = Loop()


def run(found: Awaitable[Any]) -> Any:
    """What ``found`` gives in the end."""
    prepare()
    loop = _loop
    if loop is None or loop.is_closed():
        raise RuntimeError("the loop of this tool was closed by the tool")
    return loop.run_until_complete(_wait(found))


async def _wait(found: Awaitable[Any]) -> Any:
    return await found
