"""The zygote: a small process that holds the loaded engine and forks workers. It never runs a guest and never compiles.

Run by path, as ``python -I -S -B zygote_main.py SOURCE LIBRARY CONTROL``. It is exec'ed, so it shares no thread, lock or memory with
the host; a worker that it forks starts in about a millisecond, because interpreter and engine are there already.
Spec: 5-sandbox S-30, S-31.
"""

import array
import contextlib
import json
import os
import signal
import socket
import sys

DESCRIPTORS_MAX = 250
"""Descriptors that one message carries. Reason: the kernel's own limit is 253."""


def _receive(control: socket.socket, size: int) -> tuple[bytes, list[int]]:
    body, ancillary, _, _ = control.recvmsg(size, socket.CMSG_SPACE(DESCRIPTORS_MAX * 4), socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % 4])
    return body, list(fds)


def _announce(channel: int, pid: int, started: bytes) -> None:
    """The worker's process, as a descriptor, over the worker's own channel: whoever holds it can end the process and nothing else."""
    handle = os.pidfd_open(pid)
    with socket.socket(fileno=os.dup(channel)) as line:
        line.sendmsg([started], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]))])
    os.close(handle)


def main(arguments: list[str]) -> None:
    """Serve until the host goes: the end of its channel is the end of the zygote, and of the workers with it."""
    source, library, control_fd = arguments[0], arguments[1], int(arguments[2])
    sys.path.insert(0, source)
    from mpp.stages.sandbox import frames, limits, worker  # noqa: PLC0415 - the path is known only now

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ended workers leave no trace: the kernel reaps them at once.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    shared = worker.prepare(library)
    started = frames.frame(frames.STARTED)
    with socket.socket(fileno=control_fd) as control:
        spare = _fork(shared, control)
        while True:
            body, fds = _receive(control, limits.ZYGOTE_MESSAGE_BYTES_MAX)
            if not body:
                os._exit(0)
            spare = spare or _fork(shared, control)
            if spare is not None:
                pid, line = spare
                # A spare that was killed is not missed: the message fails, the host sees the end of its channel and asks again.
                with contextlib.suppress(OSError):
                    socket.send_fds(line, [body], fds)
                    _announce(fds[0], pid, started)
                line.close()
            for fd in fds:
                os.close(fd)
            spare = _fork(shared, control)


def _fork(shared: object, control: socket.socket) -> tuple[int, socket.socket] | None:
    """One worker ahead, waiting to hear whose it is: the next start does not wait for a fork. None if there can be none now."""
    from mpp.stages.sandbox import limits, worker  # noqa: PLC0415 - imported long before

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid = os.fork()
    except OSError:
        # Attack: a process that takes all numbers of processes that there are. The workers of others must outlive the fork that fails.
        ours.close()
        theirs.close()
        return None
    if pid:
        theirs.close()
        return pid, ours
    control.close()
    ours.close()
    if not isinstance(shared, worker.Shared):
        os._exit(1)
    worker.rehearse(shared)
    with theirs:
        body, fds = _receive(theirs, limits.ZYGOTE_MESSAGE_BYTES_MAX)
    if body:
        worker.main(shared, json.loads(body), fds)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
