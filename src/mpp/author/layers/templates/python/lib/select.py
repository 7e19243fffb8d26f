"""Stand-in: waiting over the sockets of this process, of which each is ready or never will be."""

import time

import _socket

error = OSError
PIPE_BUF = 4096
NEVER = "the tool waits for something that nothing in this process can bring about"


def _number(one):
    return one if isinstance(one, int) else one.fileno()


def _can_read(one):
    number = _number(one)
    end = _socket.end_of(number)
    return end.is_ready() if end is not None else number < _socket._FIRST


class _Select:
    """An object, not a function: selectors keeps it as an attribute of a class, where a function would become a method."""

    def __call__(self, rlist, wlist, xlist, timeout=None):
        read = [one for one in rlist if _can_read(one)]
        write = list(wlist)
        if not read and not write:
            if timeout is None:
                raise RuntimeError(NEVER)
            if timeout > 0:
                time.sleep(timeout)
        return read, write, []


select = _Select()
