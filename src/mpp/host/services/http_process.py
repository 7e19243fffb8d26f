"""The main program of the service: takes channels from the host, carries out one hop on each, ends with the host.

Started by exec, so it holds nothing of the host but what comes over the channels. Beside this package only the standard library is imported.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from mpp.host.services.http_client import Client
from mpp.host.services.http_frames import BEGUN, FrameError, FrameReader, pack_answer, read_hop
from mpp.host.services.http_limits import IDLE_SECONDS_MAX, REQUEST_BODY_MAX, SERVICE_FILES_MAX, SERVICE_MEMORY_MAX, WAITING_MAX
from mpp.host.services.http_line import Patience
from mpp.host.services.http_turns import Turns
from mpp.host.services.http_types import Hop, HopAnswer, HttpConfig, HttpRefusal, Stopped
from mpp.jail import landlock, process

KEY_BYTES = 64

_SYSTEM_FOLDERS = ("/etc", "/usr", "/lib", "/lib64", "/nix/store", "/run/NetworkManager", "/run/resolvconf", "/run/systemd/resolve", "/dev/urandom")
"""Where the resolver, the certificate authorities and the interpreter are."""
_LAST_FILES_ONLY = 3
"""The last version of Landlock that knows of files alone."""
_STACK_BYTES = 512 * 1024
_FRAME_SECONDS = 30.0

Exchange = Callable[[Hop, Patience], "HopAnswer | HttpRefusal"]


def main(arguments: list[str]) -> None:
    """``FD PARENT CA_FILE BODY_MAX AT_ONCE AT_ONCE_EACH``."""
    fd, parent, ca_file, body_max, at_once, at_once_each = arguments
    readable = (*_SYSTEM_FOLDERS, sys.base_prefix, sys.path[-1], ca_file)
    harden(int(parent), readable=readable, landlock_abi=landlock.version())
    threading.stack_size(_STACK_BYTES)
    config = HttpConfig(extra_ca_file=ca_file, body_max=int(body_max), at_once=int(at_once), at_once_each=int(at_once_each))
    client = Client(config)
    with socket.socket(fileno=int(fd)) as control:
        serve(control, client.exchange, config, client.pool.purge)
    # Requests still under way have nobody to answer to.
    os._exit(0)


def harden(parent: int, *, readable: tuple[str, ...], landlock_abi: int) -> None:
    """Give up what an HTTP client does not need. A failure ends the process before it serves; without Landlock the rest holds."""
    # Attack: another process of the same user that reads secrets out of our memory, or a core file that keeps them.
    process.hide()
    process.no_new_privileges()
    process.limit(process.Limits(data=SERVICE_MEMORY_MAX, files=SERVICE_FILES_MAX))
    if landlock_abi:
        # Attack: a service that was taken over by an answer reads the keys of the host. Files only: it is here to connect.
        rules = tuple(landlock.Rule(path) for path in readable if path and os.path.exists(path))
        landlock.restrict(rules, abi=min(landlock_abi, _LAST_FILES_ONLY))
    process.drop_capabilities()
    process.end_with(parent)


def serve(control: socket.socket, exchange: Exchange, config: HttpConfig, rest: Callable[[], None]) -> None:
    """Take channels until the host closes ``control``, and ``rest`` when none comes. Each message is the digest of the rights, with one descriptor."""
    control.settimeout(IDLE_SECONDS_MAX)
    turns: Turns[socket.socket] = Turns(config.at_once, config.at_once_each, WAITING_MAX)
    while True:
        try:
            key, fds, _, _ = socket.recv_fds(control, KEY_BYTES, 1)
        except TimeoutError:
            rest()
            continue
        except OSError:
            break
        if not key:
            break
        if fds:
            channel = socket.socket(fileno=fds[0])
            if not turns.offer(key.decode("ascii", "replace"), channel):
                channel.close()
            _start_next(turns, exchange)
    for channel in turns.drain():
        channel.close()


def _start_next(turns: Turns[socket.socket], exchange: Exchange) -> None:
    while (job := turns.start()) is not None:
        key, channel = job
        try:
            threading.Thread(target=_run, args=(turns, key, channel, exchange), daemon=True).start()
        except RuntimeError:  # no thread to be had: the host is told by the end of the channel
            channel.close()
            turns.finish(key)


def _run(turns: Turns[socket.socket], key: str, channel: socket.socket, exchange: Exchange) -> None:
    try:
        with channel, suppress(OSError, FrameError, Stopped):
            answer_one(key, channel, exchange)
    finally:
        turns.finish(key)
        _start_next(turns, exchange)


def answer_one(key: str, channel: socket.socket, exchange: Exchange) -> None:
    """Read the hop, carry it out, write the answer."""
    reader = FrameReader(REQUEST_BODY_MAX)
    patience = Patience(time.monotonic() + _FRAME_SECONDS)
    while True:
        patience.wait(channel.fileno())
        piece = channel.recv(256 * 1024)
        if not piece:
            return
        if reader.feed(piece):
            break
    hop = read_hop(*reader.take())
    if hop.key != key:
        raise FrameError("a frame has another key than its channel")
    channel.sendall(BEGUN)
    answer = exchange(hop, Patience(time.monotonic() + hop.remaining_ms / 1000, channel.fileno()))
    channel.settimeout(_FRAME_SECONDS)
    channel.sendall(pack_answer(answer))
