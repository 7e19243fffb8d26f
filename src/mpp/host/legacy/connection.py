"""One life of a server over standard input and output: a thread that starts it, reads it, and ends it. Spec: legacy, sections 2 and 6."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from mpp.errors import HostFailed, MppError, ToolFailed
from mpp.host.legacy.launch_plan import LaunchPlan
from mpp.host.legacy.limits import CALLS_AT_ONCE_MAX, FOLLOWED_MAX, IDLE_SECONDS_MAX, PROBE_SECONDS_MAX, START_SECONDS_MAX
from mpp.host.legacy.process import ServerProcess, start_process
from mpp.host.legacy.proxy import Proxy
from mpp.host.legacy.requests import again, Begun, Requests
from mpp.host.legacy.waiting import Waiting
from mpp.model.jsontext import shown
from mpp.protocol.mcp_client.events import Asked, Changed, Done, Greeted, Happened, Log, Progress, Reply, Updated
from mpp.protocol.mcp_client.lines import Lines
from mpp.protocol.mcp_client.messages import read_messages
from mpp.protocol.mcp_client.session import FLOOD, UNREADABLE

_PIECE = 256 * 1024
_WRITE_SECONDS = 10.0
_LOOK_SECONDS = 15.0
STDERR_SHOWN = 300
"""Characters of what a server wrote to standard error that its owner is shown. Reason: two lines; it may be long."""

HIDDEN_CHARS_LEAST = 6
"""Characters from which a value is hidden in what a server wrote. Reason: shorter ones are settings, such as a level, and parts of other words."""


Connection = Requests


class StdioConnection(Requests):
    """Starts at once; ``open`` waits until the server has greeted."""

    def __init__(self, plan: LaunchPlan, proxy: Proxy, client_version: str, *, hidden: Iterable[str] = (), idle: float = IDLE_SECONDS_MAX) -> None:
        """``hidden``: values that are never shown, also where the server writes them to standard error."""
        self._hidden = tuple(sorted((one for one in hidden if len(one) >= HIDDEN_CHARS_LEAST), key=len, reverse=True))
        self._plan, self._proxy, self._idle = plan, proxy, idle
        super().__init__(client_version)
        self._lines = Lines()
        self._lock, self._write_lock = threading.RLock(), threading.Lock()
        self._waiting: dict[int, Waiting] = {}
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._begun = threading.Event()
        self._process: ServerProcess | None = None
        self._fault: MppError | None = None
        self._closing = False
        self._used = time.monotonic()
        self._bytes = 0
        self._watched: dict[str, None] = {}
        self._listening = 0
        # The process dies with the thread that started it, so that thread lives as long.
        self._thread = threading.Thread(target=self._run, name="mpp-legacy", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._fault is None and not self._closing

    def open(self, seconds: float = START_SECONDS_MAX, *, probe: bool = False) -> None:
        """Raises what keeps the server from being called. ``probe``: ask first whether it is one of the newer era."""
        until = time.monotonic() + seconds
        self._begun.wait(seconds)
        if self._fault is not None:
            raise again(self._fault)
        if probe and (greeted := self._probed(until)) is not None:
            self.greeted = greeted
            self._listen()
            return
        done = self._ask(self._session.initialize, until)
        self.greeted, after = self._session.greeted(done)
        self._write(after)

    def _probed(self, until: float) -> Greeted | None:
        """What a server of the newer era says of itself; None for one that does not know the question, or does not answer it."""
        try:
            return self._session.discovered(self._ask(self._session.discover, min(until, time.monotonic() + PROBE_SECONDS_MAX)))
        except ToolFailed as fault:
            if fault.code == "tool.deadline":
                return None
            raise

    def watch(self, uri: str) -> None:
        with self._lock:
            if uri in self._watched or len(self._watched) >= FOLLOWED_MAX or "resources.subscribe" not in self.greeted.abilities:
                return
            self._watched[uri] = None
        if self._session.is_modern:
            self._listen()
            return
        with self._lock:
            data = self._session.request("resources/subscribe", {"uri": uri})[1]
        self._tell(data)

    def _listen(self) -> None:
        """The newer era: one request stays open, on which the server tells of changes. A new one takes the place of the one before."""
        with self._lock:
            before = self._listening
            self._listening, data = self._session.listen(tuple(self._watched))
        self._tell(data)
        if before:
            self._give_up(before, "another subscription has taken its place")

    def hosts(self) -> tuple[str, ...]:
        return self._proxy.seen()

    def counts(self) -> Mapping[str, int]:
        with self._lock:
            return {**dict(self._session.counts), **({"noise bytes": self._lines.noise} if self._lines.noise else {})}

    def close(self) -> None:
        self._parking.close()
        self._closing = True
        self._nudge()
        self._thread.join(2 * START_SECONDS_MAX)

    # -- threads that call

    def _begin(self, make: Callable[[], tuple[int, bytes]], *, is_heard: bool = True) -> Begun:
        with self._lock:
            if self._fault is not None:
                raise again(self._fault)
            if len(self._waiting) >= CALLS_AT_ONCE_MAX:
                raise HostFailed("host.busy", f"the server has {CALLS_AT_ONCE_MAX} calls at once already", where="server", hint="call again in a moment")
            identity, data = make()
            begun = Begun(identity, Waiting(is_heard=is_heard))
            self._waiting[identity] = begun.waiting
            self._used = time.monotonic()
        try:
            self._write(data)
        except ToolFailed:
            self._finish(begun)
            raise
        return begun

    def _finish(self, begun: Begun) -> None:
        with self._lock:
            waiting = self._waiting.pop(begun.identity, None)
            self._used = time.monotonic()
            if waiting is not None:
                if waiting.dropped:
                    self._session.counts[FLOOD] += waiting.dropped
                waiting.close()

    def _so_far(self) -> int:
        return self._bytes

    def _failed(self, fault: ToolFailed, since: int) -> None:
        if fault.code == "tool.deadline" and self._bytes == since:
            # It has said nothing at all: it hangs. The next call begins with a new one.
            self._end(fault)

    def _tell(self, data: bytes) -> None:
        with suppress(ToolFailed):
            self._write(data)

    def _give_up(self, identity: int, why: str) -> None:
        with self._lock:
            data = self._session.cancel(identity, why)
        self._tell(data)

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
                raise again(fault) from None

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
        self._bytes += len(data)
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
            self._tell(happened.data)
        elif isinstance(happened, Changed):
            self.changes += 1
            self.heard("changed", happened.what)
        elif isinstance(happened, Updated):
            # Attack: words about resources that nobody asked for.
            if happened.uri in self._watched:
                self.heard("updated", happened.uri)
        elif isinstance(happened, Done | Progress):
            self._for(happened.id, happened)
        else:
            self._unaddressed(happened)

    def _for(self, identity: int, news: Done | Progress) -> None:
        with self._lock:
            waiting = self._waiting.get(identity)
        if waiting is not None:
            waiting.put(news)

    def _unaddressed(self, news: Log | Asked) -> None:
        """Log lines and questions name no call. Attack: words about one call that reach another one; so they count only where one call waits.

        One that waits for an answer itself says nothing meanwhile.
        """
        with self._lock:
            waiting = [one for one in self._waiting.values() if one.is_heard and not self._parking.is_parked(one)]
        if len(waiting) == 1:
            waiting[0].put(news)
        elif isinstance(news, Asked):
            self.decline(news)
        else:
            with self._lock:
                self._session.counts[FLOOD] += 1

    def _fail(self, fault: MppError) -> None:
        with self._lock:
            self._fault = fault
            waiting = [*self._waiting.values()]
        for one in waiting:
            one.put(fault)


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
