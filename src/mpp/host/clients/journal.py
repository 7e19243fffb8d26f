"""What was done to a client's file, on disk before it is done: so that a crash between any two steps loses nothing, and all can be taken back.

Each change of a file is a folder of its own, ``$MPP_HOME/clients/<client>/<file>/<number>/``: the bytes before, the bytes after,
and how far the change came. Whoever may read the folder can read the secrets that stood in the file.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Iterator

from mpp.errors import HostFailed, Refused
from mpp.files import locked, make_private_folder, PRIVATE, read_bounded, sync_folder, write_atomic
from mpp.host.clients.limits import CONFIG_BYTES_MAX, SERVER_NAME_MAX, SERVERS_MAX
from mpp.host.clients.place import digest
from mpp.limits import MIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read
from mpp.model.value import value

JOURNAL_BYTES_MAX = MIB
"""Bytes of the journal of one change. Reason: names only; a thousand of them fit."""

CHANGES_MAX = 1000
"""Changes of one file that are kept. Reason: each was agreed to by a person."""

PATH_MAX = 8192
"""Characters of the path of a configuration. Reason: twice what systems take."""

BEGUN, DONE, UNDOING = "begun", "done", "undoing"
PHASES = (BEGUN, DONE, UNDOING)

_DIGEST = re.compile("[0-9a-f]{64}")
_NUMBER = re.compile("[1-9][0-9]{0,5}")
JOURNAL = "journal.json"
_FILES = ("original", "written", JOURNAL)


@value
class Change:
    """One change of one file, and how far it came."""

    folder: str
    path: str
    """Of the client's file, in ASCII."""
    phase: str
    before: str
    """SHA-256 of the file before."""
    after: str
    servers: tuple[str, ...]
    """Names in the book of older servers, one for each server that was moved, in the order of the file."""
    owned: tuple[str, ...]
    """Those of them that are there because of this change or of one like it; the others somebody wrote by hand."""
    secrets: tuple[str, ...]
    """Names under which values were stored."""
    at: int
    target: str = ""
    """SHA-256 of the file that undoing writes, once it began; empty before."""

    def original(self) -> bytes:
        data = read_bounded(os.path.join(self.folder, "original"), CONFIG_BYTES_MAX)
        if digest(data) != self.before:
            raise HostFailed("host.client_changed", "the kept copy of the file is not what was kept", where=self.folder, hint="mend the client's file by hand")
        return data

    def written(self) -> bytes:
        return read_bounded(os.path.join(self.folder, "written"), CONFIG_BYTES_MAX)


@contextlib.contextmanager
def alone(home: str) -> Iterator[None]:
    """While no other process of this home changes a client's file."""
    folder = os.path.join(home, "clients")
    make_private_folder(folder)
    with locked(os.path.join(folder, "lock"), "the clients"):
        yield


class Changes:
    """All changes of one file, the newest last."""

    def __init__(self, home: str, client: str, path: str) -> None:
        self._path = path
        self._clients = os.path.join(home, "clients")
        self.folder = os.path.join(self._clients, client, digest(os.fsencode(path))[:16])

    def newest(self) -> Change | None:
        numbers = self._numbers()
        while numbers:
            folder = os.path.join(self.folder, str(numbers.pop()))
            # Without its journal, a folder is one that was begun and never counted, or whose end was not finished.
            if os.path.lexists(os.path.join(folder, JOURNAL)):
                return self._of(folder)
        return None

    def count(self) -> int:
        return len(self._numbers())

    def begin(self, before: bytes, after: bytes, *, servers: tuple[str, ...], owned: tuple[str, ...], secrets: tuple[str, ...], at: int) -> Change:
        """Everything that undoing needs, on the disk before anything is changed."""
        numbers = self._numbers()
        if len(numbers) >= CHANGES_MAX:
            raise HostFailed("host.client_changed", f"more than {CHANGES_MAX} changes of one file are kept", where=self.folder, hint="undo some, or remove it")
        folder = os.path.join(self.folder, str((numbers or [0])[-1] + 1))
        make_private_folder(folder)
        change = Change(
            folder=folder,
            path=_ascii(self._path),
            phase=BEGUN,
            before=digest(before),
            after=digest(after),
            servers=servers,
            owned=owned,
            secrets=secrets,
            at=at,
        )
        write_atomic(os.path.join(folder, "original"), before, PRIVATE)
        write_atomic(os.path.join(folder, "written"), after, PRIVATE)
        return self.put(change)

    def put(self, change: Change) -> Change:
        names: dict[str, Json] = {"servers": [*change.servers], "owned": [*change.owned], "secrets": [*change.secrets]}
        document: dict[str, Json] = {"mpp_client_change": 1, "path": change.path, "phase": change.phase, "before": change.before, "after": change.after}
        rest: dict[str, Json] = {"at": change.at, "target": change.target}
        write_atomic(os.path.join(change.folder, JOURNAL), canonical({**document, **names, **rest}), PRIVATE)
        return change

    def end(self, change: Change) -> None:
        """The change is taken back: what was kept goes, the journal first, so that half a folder counts for nothing."""
        for name in reversed(_FILES):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(change.folder, name))
            sync_folder(change.folder)
        with contextlib.suppress(OSError):
            os.rmdir(change.folder)

    def others(self, change: Change | None = None) -> tuple[Change, ...]:
        """All changes of all files but ``change``."""
        found: list[Change] = []
        for folder in sorted(glob.glob(os.path.join(glob.escape(self._clients), "*", "*", "[0-9]*"))):
            if change is None or os.path.realpath(folder) != os.path.realpath(change.folder):
                found += [_read(folder)] if os.path.lexists(os.path.join(folder, JOURNAL)) else []
        return tuple(found)

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(int(one) for one in names if _NUMBER.fullmatch(one))

    def _of(self, folder: str) -> Change:
        found = _read(folder)
        if found.path != _ascii(self._path):
            raise Refused("host.client_changed", "the kept copy belongs to another file", where=folder, hint="mend the client's file by hand")
        return found


def _ascii(path: str) -> str:
    return os.fsencode(path).decode("ascii", "backslashreplace")


def _read(folder: str) -> Change:
    where = os.path.join(folder, JOURNAL)
    faults = Faults("trust")
    fields = Fields(read(read_bounded(where, JOURNAL_BYTES_MAX), family="trust", where=where), where, faults)
    fields.number("mpp_client_change", least=1, most=1)
    found = Change(
        folder=folder,
        path=fields.text("path", most=PATH_MAX),
        phase=fields.one_of("phase", PHASES),
        before=fields.text("before", most=64, pattern=_DIGEST, form="a SHA-256 in hex"),
        after=fields.text("after", most=64, pattern=_DIGEST, form="a SHA-256 in hex"),
        servers=fields.each("servers", lambda item, at: _name(item, at, faults), most=SERVERS_MAX, required=True),
        owned=fields.texts("owned", most=SERVERS_MAX, each_most=SERVER_NAME_MAX, required=True),
        secrets=fields.texts("secrets", most=SERVERS_MAX * 64, each_most=512, required=True),
        at=fields.number("at", least=0, most=253402300799),
        target=fields.text("target", most=64, least=0, pattern=re.compile("(?:[0-9a-f]{64})?"), form="a SHA-256 in hex"),
    )
    fields.end()
    faults.stop()
    return found


def _name(item: Json, at: str, faults: Faults) -> str:
    """One name may stand several times: the same server in several places of a file."""
    if isinstance(item, str) and 1 <= len(item) <= SERVER_NAME_MAX:
        return item
    faults.add("form", at, "is no name of a server", "mend the client's file by hand")
    return ""
