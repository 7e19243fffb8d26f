"""Error numbers of WASI preview 1, and how each function turns what went wrong into one of them."""

from __future__ import annotations

import errno
import functools
import struct
from collections.abc import Callable
from typing import TypeVarTuple

Ts = TypeVarTuple("Ts")

SUCCESS = 0
_NAMES = (
    "2BIG ACCES ADDRINUSE ADDRNOTAVAIL AFNOSUPPORT AGAIN ALREADY BADF BADMSG BUSY CANCELED CHILD CONNABORTED CONNREFUSED CONNRESET DEADLK DESTADDRREQ"
    " DOM DQUOT EXIST FAULT FBIG HOSTUNREACH IDRM ILSEQ INPROGRESS INTR INVAL IO ISCONN ISDIR LOOP MFILE MLINK MSGSIZE MULTIHOP NAMETOOLONG NETDOWN"
    " NETRESET NETUNREACH NFILE NOBUFS NODEV NOENT NOEXEC NOLCK NOLINK NOMEM NOMSG NOPROTOOPT NOSPC NOSYS NOTCONN NOTDIR NOTEMPTY NOTRECOVERABLE NOTSOCK"
    " NOTSUP NOTTY NXIO OVERFLOW OWNERDEAD PERM PIPE PROTO PROTONOSUPPORT PROTOTYPE RANGE ROFS SPIPE SRCH STALE TIMEDOUT TXTBSY XDEV NOTCAPABLE"
)
NUMBERS = {name: number for number, name in enumerate(_NAMES.split(), 1)}
"""All names without their E, in the order of the interface."""

ACCES, AGAIN, BADF, BUSY, DQUOT, EXIST, FAULT = (NUMBERS[name] for name in ("ACCES", "AGAIN", "BADF", "BUSY", "DQUOT", "EXIST", "FAULT"))
FBIG, ILSEQ, INVAL, IO, ISDIR, LOOP, MFILE = (NUMBERS[name] for name in ("FBIG", "ILSEQ", "INVAL", "IO", "ISDIR", "LOOP", "MFILE"))
MSGSIZE, NAMETOOLONG, NOENT, NOSYS, NOTDIR, NOTEMPTY, NOTSOCK = (
    NUMBERS[name] for name in ("MSGSIZE", "NAMETOOLONG", "NOENT", "NOSYS", "NOTDIR", "NOTEMPTY", "NOTSOCK")
)
NOTSUP, PERM, SPIPE, XDEV, NOTCAPABLE = (NUMBERS[name] for name in ("NOTSUP", "PERM", "SPIPE", "XDEV", "NOTCAPABLE"))

FROM_HOST = {getattr(errno, f"E{name}"): number for name, number in NUMBERS.items() if hasattr(errno, f"E{name}")}
"""The host's number to ours. Two names with one number on the host give the later one."""
FROM_HOST[errno.ENOTSUP] = NOTSUP
FROM_HOST[errno.EAGAIN] = AGAIN


class Errno(Exception):
    """An answer other than success. It never leaves a WASI function."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class ProcExit(Exception):
    """The guest ended itself."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class OutputOver(Exception):
    """The guest wrote more than it may; it is stopped."""


class DeadlineOver(Exception):
    """The guest's time was over while it waited; it is stopped."""


def answers(work: Callable[[*Ts], None]) -> Callable[[*Ts], int]:
    """Make a WASI function of one that returns when all went well and raises when not."""

    @functools.wraps(work)
    def answer(*args: *Ts) -> int:
        try:
            work(*args)
        except Errno as found:
            return found.number
        except struct.error:
            # Attack: a pointer outside the memory. Each structure is read and written through a bounds-checked struct.
            return FAULT
        except OSError as fault:
            return FROM_HOST.get(fault.errno or 0, IO)
        return SUCCESS

    return answer
