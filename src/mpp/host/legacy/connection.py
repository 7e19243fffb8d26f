"""One life of a server over standard input and output: a thread that starts it, reads it, and ends it. Spec: legacy, sections 2 and 6."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from mpp.errors import HostFailed, MppError, ToolFailed
from mpp.host.legacy.launch_plan import LaunchPlan
from mpp.host.legacy.limits import CALLS_AT_ONCE_MAX, IDLE_SECONDS_MAX, START_SECONDS_MAX, TOOLS_MAX
from mpp.host.legacy.process import ServerProcess, start_process
from mpp.host.legacy.proxy import Proxy
from mpp.host.legacy.types import Barriers
from mpp.host.legacy.waiting import Asks, follow, Order, Waiting
from mpp.model.jsontext import Json, shown
from mpp.protocol.mcp_client.lines import Lines
from mpp.protocol.mcp_client.messages import read_messages
from mpp.protocol.mcp_client.session import (
    Changed,
    Done,
    Elicits,
    FLOOD,
    Greeted,
    Happened,
    LIST,
    ListedTools,
    Log,
    Progress,
    Reply,
    Session,
    UNREADABLE,
)
from mpp.stages.sandbox import Live

_PIECE = 256 * 1024
_WRITE_SECONDS = 10.0
_LOOK_SECONDS = 15.0
STDERR_SHOWN = 300
"""Characters of what a server wrote to standard error that its owner is shown. Reason: two lines; it may be long."""

HIDDEN_CHARS_LEAST = 6
"""Characters from which a value is hidden in what a server wrote. Reason: shorter ones are settings, such as a level, and parts of other words."""


class Connection(Protocol):
    """A server that can be called. Safe to use from many threads."""

    barriers: Barriers
    greeted: Greeted

    @property
    def is_alive(self) -> bool: ...

    @property
    def changes(self) -> int:
        """How often the server said that its tools are others."""
        ...

    def tools(self, seconds: float) -> Sequence[Json]: ...

    def call(self, order: Order, live: Live, *, gone_fd: int, ask: Callable[[Elicits], Asks | None]) -> Done | Asks: ...

    def hosts(self) -> tuple[str, ...]:
        """Hosts that were reached since the last look."""
        ...

    def counts(self) -> Mapping[str, int]:
        """What was ignored and dropped, by kind."""
        ...

    def close(self) -> None: ...


class StdioConnection:
    """Starts at once; ``open`` waits until the server has greeted."""

    barriers = Barriers()
    greeted = Greeted(version="", name="", server_version="", has_tools=False)

    def __init__(self, plan: LaunchPlan, proxy: Proxy, client_version: str, *, hidden: Iterable[str] = (), idle: float = IDLE_SECONDS_MAX) -> None:
        """``hidden``: values that are never shown, also where the server writes them to standard error."""
        self._hidden = tuple(sorted((one for one in hidden if len(one) >= HIDDEN_CHARS_LEAST), key=len, reverse=True))
        self._plan, self._proxy, self._idle = plan, proxy, idle
        self._session, self._lines = Session(client_version), Lines()
        self._lock, self._write_lock = threading.Lock(), threading.Lock()
        self._waiting: dict[int, Waiting] = {}
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._begun = threading.Event()
        self._process: ServerProcess | None = None
        self._fault: MppError | None = None
        self._closing = False
        self._used = time.monotonic()
        self._heard = 0
        self.changes = 0
        # The process dies with the thread that started it, so that thread lives as long.
        self._thread = threading.Thread(target=self._run, name="mpp-legacy", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._fault is None and not self._closing

    def open(self, seconds: float = START_SECONDS_MAX) -> None:
        """Raises what keeps the server from being called."""
        until = time.monotonic() + seconds
        self._begun.wait(seconds)
        if self._fault is not None:
            raise _again(self._fault)
        done = self._ask(self._session.initialize, until)
        self.greeted, after = self._session.greeted(done)
        self._write(after)

    def tools(self, seconds: float) -> Sequence[Json]:
        listed, cursor = ListedTools(TOOLS_MAX), ""
        until = time.monotonic() + seconds
        while True:
            params: dict[str, Json] = {"cursor": cursor} if cursor else {}
            cursor = listed.take(self._ask(lambda now=params: self._session.request(LIST, now), until))  # type: ignore[misc]
            if not cursor:
                return listed.tools

    def call(self, order: Order, live: Live, *, gone_fd: int, ask: Callable[[Elicits], Asks | None]) -> Done | Asks:
        heard = self._heard
        identity, waiting = self._begin(lambda: self._session.call(order.name, order.arguments))
        try:
            found = follow(waiting, order, live, self, gone_fd=gone_fd, ask=ask)
        except ToolFailed as fault:
            self._give_up(identity, fault.message)
            if fault.code == "tool.deadline" and self._heard == heard:
                # It has said nothing at all: it hangs. The next call begins with a new one.
                self._end(fault)
            raise
        finally:
            self._drop(identity)
        if isinstance(found, Asks):
            self._give_up(identity, "the question is put to a person first")
        return found

    def hosts(self) -> tuple[str, ...]:
        return self._proxy.seen()

    def counts(self) -> Mapping[str, int]:
        with self._lock:
            return {**dict(self._session.counts), **({"noise bytes": self._lines.noise} if self._lines.noise else {})}

    def close(self) -> None:
        self._closing = True
        self._nudge()
        self._thread.join(2 * START_SECONDS_MAX)

    # -- threads that call

    def answer(self, question: Elicits, result: Mapping[str, Json]) -> None:
        self._write(self._session.answer(question.id, result))

    def _ask(self, make: Callable[[], tuple[int, bytes]], until: float) -> Done:
        identity, waiting = self._begin(make)
        try:
            while True:
                for news in waiting.wait(until, -1):
                    if isinstance(news, MppError):
                        raise _again(news)
                    if isinstance(news, Done):
                        return news
        finally:
            self._drop(identity)

    def _begin(self, make: Callable[[], tuple[int, bytes]]) -> tuple[int, Waiting]:
        with self._lock:
            if self._fault is not None:
                raise _again(self._fault)
            if len(self._waiting) >= CALLS_AT_ONCE_MAX:
                raise HostFailed("host.busy", f"the server has {CALLS_AT_ONCE_MAX} calls at once already", where="server", hint="call again in a moment")
            identity, data = make()
            waiting = self._waiting[identity] = Waiting()
            self._used = time.monotonic()
        try:
            self._write(data)
        except ToolFailed:
            self._drop(identity)
            raise
        return identity, waiting

    def _drop(self, identity: int) -> None:
        with self._lock:
            waiting = self._waiting.pop(identity, None)
            self._used = time.monotonic()
            if waiting is not None:
                if waiting.dropped:
                    self._session.counts[FLOOD] += waiting.dropped
                waiting.close()

    def _give_up(self, identity: int, why: str) -> None:
        with self._lock:
            data = self._session.cancel(identity, why)
        with suppress(ToolFailed):
            self._write(data)

    def _write(self, data: bytes) -> None:
        with self._write_lock:
            process = self._process
            try:
                if process is None:
                    raise ConnectionError
                process.write(data, _WRITE_SECONDS)
            except OSError:
                fault = self._fault or ToolFailed("tool.crashed", "the server reads nothing any more", where="standard input", hint="look at the server")
                self._end(fault)
                raise _again(fault) from None

    def _end(self, fault: MppError) -> None:
        """From any thread: nobody begins anything any more, and the reader ends the process."""
        with self._lock:
            self._fault = self._fault or fault
        self._nudge()

    def _nudge(self) -> None:
        with self._lock:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    # -- the thread that reads

    def _run(self) -> None:
        try:
            process = self._process = start_process(self._plan, self._proxy.serve)
        except MppError as fault:
            self._fault = fault
            self._begun.set()
        else:
            self.barriers = process.barriers
            self._begun.set()
            why = self._read(process)
            # Attack on oneself: a call that writes to a descriptor which is closed by now, and is another's.
            with self._write_lock:
                self._process = None
                code = process.end(gently=self._closing or why is None)
            self._fail(why or self._fault or _ended(code, process.stderr, self._hidden))
        with self._lock:
            os.close(self._wake)
            self._wake = -1

    def _read(self, process: ServerProcess) -> MppError | None:
        """Until it ends, is ended, or says what no server may say."""
        poll = select.poll()
        for fd in (process.stdout, process.stderr_fd, self._wake):
            poll.register(fd, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll(_LOOK_SECONDS * 1000)]
            if self._closing or self._fault is not None:
                return self._fault
            if self._is_idle():
                self._closing = True
                return None
            if process.stderr_fd in ready and self._keep(process) == b"":
                poll.unregister(process.stderr_fd)
            data = _read_some(process.stdout) if process.stdout in ready else None
            if data == b"":
                self._keep(process)
                return None
            try:
                self._take(data or b"")
            except ToolFailed as fault:
                return fault

    def _keep(self, process: ServerProcess) -> bytes | None:
        """What it writes to standard error, for its owner."""
        data = _read_some(process.stderr_fd)
        process.keep_stderr(data or b"")
        return data

    def _is_idle(self) -> bool:
        with self._lock:
            return not self._waiting and time.monotonic() > self._used + self._idle

    def _take(self, data: bytes) -> None:
        self._heard += len(data)
        for line in self._lines.feed(data):
            messages = read_messages(line)
            if not messages:
                self._unreadable(line)
            for message in messages:
                with self._lock:
                    happened = self._session.receive(message)
                if happened is not None:
                    self._happened(happened)

    def _unreadable(self, line: bytes) -> None:
        """What looks like a message and is none. Where one call waits, it was its answer."""
        if b'"jsonrpc"' not in line[:200] and b'"jsonrpc"' not in line[-200:]:
            self._lines.skip(line)
            return
        with self._lock:
            self._session.counts[UNREADABLE] += 1
            waiting = [*self._waiting.values()]
        if len(waiting) == 1:
            waiting[0].put(
                ToolFailed("tool.reply", "the server wrote an answer that cannot be read strictly", where="standard output", hint="look at the server")
            )

    def _happened(self, happened: Happened) -> None:
        if isinstance(happened, Reply):
            with suppress(ToolFailed):
                self._write(happened.data)
        elif isinstance(happened, Changed):
            self.changes += 1
        elif isinstance(happened, Done | Progress):
            self._for(happened.id, happened)
        else:
            self._unaddressed(happened)

    def _for(self, identity: int, news: Done | Progress) -> None:
        with self._lock:
            waiting = self._waiting.get(identity)
        if waiting is not None:
            waiting.put(news)

    def _unaddressed(self, news: Log | Elicits) -> None:
        """Log lines and questions name no call. Attack: words about one call that reach another one; so they count only where one call waits."""
        with self._lock:
            waiting = [*self._waiting.values()]
        if len(waiting) == 1:
            waiting[0].put(news)
        elif isinstance(news, Elicits):
            with suppress(ToolFailed):
                self._write(self._session.answer(news.id, {"action": "decline"}))
        else:
            with self._lock:
                self._session.counts[FLOOD] += 1

    def _fail(self, fault: MppError) -> None:
        with self._lock:
            self._fault = fault
            waiting = [*self._waiting.values()]
        for one in waiting:
            one.put(fault)


def _again(fault: MppError) -> MppError:
    """The same, to be raised by another thread: each has a trace of its own."""
    return type(fault)(fault.code, fault.message, faults=fault.faults)


def _read_some(fd: int) -> bytes | None:
    try:
        return os.read(fd, _PIECE)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _ended(code: int, stderr: bytes, hidden: tuple[str, ...]) -> MppError:
    text = stderr.decode("utf-8", "replace")
    # Attack on oneself: a program that does not like its command writes it out, with the values in it.
    for one in hidden:
        text = text.replace(one, "***")
    words = shown(" ".join(text.split())[-STDERR_SHOWN:], STDERR_SHOWN)
    where = f"it wrote: {words}" if words else "standard output"
    return ToolFailed("tool.crashed", f"the server ended with code {code}", where=where, hint="see `mpp legacy test`, and whether it may read what it needs")
