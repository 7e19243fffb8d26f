"""How ``async def`` tools run. One that never uses asyncio is simply driven to its end; else it has a loop without sockets and threads.

The loop holds no descriptor, so a snapshot may hold it. What would run in a thread runs at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable
from typing import Any

_loop: Any = None


class _Nothing:
    """Stands where a selector would: nothing ever becomes ready, so waiting is sleeping."""

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the tool waits for something that nothing in this process can bring about")
        if timeout > 0:
            time.sleep(timeout)
        return []


def _made() -> Any:
    import asyncio  # noqa: PLC0415 - heavy, and most tools do without

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

    return Loop()


def prepare(codes: tuple[Any, ...] = ()) -> None:
    """Make the loop, where something imported asyncio, or a tool will: ``codes`` are those of the tools."""
    global _loop  # noqa: PLW0603 - one for a process, made before the snapshot
    if _loop is None and ("asyncio" in sys.modules or any(map(_names_asyncio, codes))):
        _loop = _made()


def _names_asyncio(code: Any) -> bool:
    return "asyncio" in code.co_names or any(_names_asyncio(one) for one in code.co_consts if hasattr(one, "co_names"))


def run(found: Awaitable[Any]) -> Any:
    """What ``found`` gives in the end."""
    prepare()
    if _loop is None:
        return _driven(found)
    if _loop.is_closed():
        raise RuntimeError("the loop of this tool was closed by the tool")
    return _loop.run_until_complete(_wait(found))


def _driven(found: Awaitable[Any]) -> Any:
    """Without a loop: whatever the tool waits for is there already."""
    steps = found.__await__()
    while True:
        try:
            waits = next(steps)
        except StopIteration as end:
            return end.value
        if waits is not None:
            raise RuntimeError("the tool waits for something without asyncio: import asyncio at the top of its module")


async def _wait(found: Awaitable[Any]) -> Any:
    return await found
