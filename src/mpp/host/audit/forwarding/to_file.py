"""A file as a target: lines at its end, on the disk before they count as taken."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mpp.files import PRIVATE, sync_folder
from mpp.host.audit.forwarding.answers import Answer, LATER, Piece, YES


class ToFile:
    """It is opened anew for each batch, so that whoever rotates it may rename or remove it at any time."""

    def __init__(self, path: str) -> None:
        self._path = path

    def send(self, pieces: Sequence[Piece]) -> Answer:
        try:
            self._append(b"".join(piece.data + b"\n" for piece in pieces))
        except OSError as fault:
            return Answer(kind=LATER, why=f"the file cannot be written: {fault.strerror}")
        return YES

    def _append(self, data: bytes) -> None:
        is_new = not os.path.lexists(self._path)
        # Attack: a link in the place of the file leads the record, or us, elsewhere.
        fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        try:
            size = os.fstat(fd).st_size
            if size and os.pread(fd, 1, size - 1) != b"\n":
                # What a crash or a full disk tore is sent again, and must not swallow the next line.
                data = b"\n" + data
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        if is_new:
            sync_folder(os.path.dirname(self._path))
