"""What ``mpp doctor --fix`` may mend in a home: who may look into it, what a dead process left, a cache that cannot be believed.

Nothing here grants, trusts, signs or forgets anything. Modes only become narrower; only temporaries and caches are removed; links are never followed;
what belongs to another user stays, with the command by which an administrator can change that. A plan is made first, and each of its steps looks again.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import Self

from mpp.errors import HostFailed
from mpp.files import make_private_folder
from mpp.host.home import Home
from mpp.model.value import value

MAKE, CLOSE, TEMPORARY, CACHE, CHECK = "make-folder", "close", "remove-temporary", "empty-cache", "check-cache"

ENTRIES_MAX = 100_000
"""Entries of a home that are looked at. Reason: a home has thousands; this bounds a wrong folder."""

DEPTH_MAX = 12
"""Folders below one another that are looked into. Reason: a home has six."""

TEMPORARY_SECONDS = 3600
"""Seconds after which an unfinished file is left over. Reason: no write of ours takes an hour, and one that is younger may be going on."""

OWN = frozenset(
    {"keys", "packages", "layers", "trust", "policy", "approvals", "secrets", "seal", "audit", "vault", "kv", "legacy", "registries", "monitors", "cache"}
)
"""Folders of a home. What else lies beside them is somebody's own, and is left alone."""

OWN_FILES = frozenset({"mpp.lock", "registries.toml"})
"""Files beside those folders."""

WORKSHOP = ("cache", "layers")
"""Where layers are compiled. What lies below it has the modes and links of compilers and sources, and only this folder must be closed."""

SECRET = frozenset({"keys", "secrets", "seal", "trust", "approvals", "audit", "vault", "kv"})
"""Folders whose files nobody else has a reason to read."""

SIGNED = frozenset({("audit", "checkpoint")})
"""Files there that are meant for everybody, and signed."""

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")
_SEALED = {"native": ("native", "images"), "patterns": ("patterns",)}
"""Folders of the cache that hold a key, and what that key seals."""

_OTHERS, _WRITE = 0o077, 0o022


@value
class Repair:
    """One change, before it is made."""

    kind: str
    path: str
    words: str
    mode: int = 0
    """The mode that it has when it is closed."""
    inode: tuple[int, int] = (0, 0)
    """Which file was looked at: another one in its place is left alone."""


@value
class Left:
    """What is not mended here, and what a person can do about it."""

    path: str
    words: str
    command: str = ""


@value
class Plan:
    repairs: tuple[Repair, ...]
    left: tuple[Left, ...]


@value
class _Seen:
    path: str
    parts: tuple[str, ...]
    found: os.stat_result


def plan_repairs(home: Home, *, uid: int, people: frozenset[str], now: int, unsound: Callable[[], int]) -> Plan:
    """What could be mended in ``home``. ``people``: folders of a person's own files, which are never a home of MPP. ``unsound``: how much of the cache is."""
    root = home.path
    try:
        found = os.lstat(root)
    except FileNotFoundError:
        return Plan(repairs=(Repair(kind=MAKE, path=root, words="make it, for you alone"),), left=())
    except OSError as fault:
        return Plan(repairs=(), left=(Left(path=root, words=f"cannot be looked at: {fault.strerror}"),))
    if not stat.S_ISDIR(found.st_mode):
        # Attack: a link in place of the home, so that the repair closes, or opens, a folder that somebody else chose.
        return Plan(repairs=(), left=(Left(path=root, words="is not a folder itself; set MPP_HOME to one"),))
    if os.path.realpath(root) in {os.path.sep, *map(os.path.realpath, people)}:
        return Plan(repairs=(), left=(Left(path=root, words="is no folder of MPP alone; set MPP_HOME to one"),))
    if found.st_uid != uid:
        return Plan(repairs=(), left=(_foreign(root, found.st_uid, uid),))
    return _planned(root, found, uid, now, unsound)


def _planned(root: str, found: os.stat_result, uid: int, now: int, unsound: Callable[[], int]) -> Plan:
    repairs: list[Repair] = []
    left: list[Left] = []
    emptied = _open_caches(root, uid)
    repairs += (_closing(root, found, _OTHERS),) if stat.S_IMODE(found.st_mode) & _OTHERS else ()
    for seen in _walk(root, left):
        if seen.found.st_uid != uid:
            left.append(_foreign(seen.path, seen.found.st_uid, uid))
        elif stat.S_ISLNK(seen.found.st_mode):
            left.append(Left(path=seen.path, words="is a link, and is not followed; look where it leads, and remove it if it is not yours"))
        else:
            repairs += _of_one(seen, now)
    repairs += (Repair(kind=CACHE, path=path, words="others could know its key: forget the key and all that it seals") for path in emptied)
    native = os.path.join(root, "cache", "native")
    # The cache is read only where its key can be believed.
    count = unsound() if native not in emptied and os.path.isdir(native) else 0
    repairs += (Repair(kind=CHECK, path=native, words=f"remove {count} compiled pieces that do not check, or are of another engine"),) if count else ()
    return Plan(repairs=tuple(repairs), left=tuple(left))


def _of_one(seen: _Seen, now: int) -> Iterator[Repair]:
    found, mode = seen.found, stat.S_IMODE(seen.found.st_mode)
    if stat.S_ISDIR(found.st_mode):
        if mode & _OTHERS:
            yield _closing(seen.path, found, _OTHERS)
    elif stat.S_ISREG(found.st_mode):
        if _TEMPORARY.fullmatch(seen.parts[-1]):
            if now - found.st_mtime > TEMPORARY_SECONDS:
                yield Repair(kind=TEMPORARY, path=seen.path, words="left by a process that died: remove it", inode=(found.st_dev, found.st_ino))
            return
        # A file with two names may be somebody's elsewhere, too.
        is_public = seen.parts[-1].endswith(".json") or seen.parts in SIGNED
        closed = _OTHERS if (seen.parts[0] in SECRET and not is_public) or seen.parts[-1] == "key" else _WRITE
        if mode & closed and found.st_nlink == 1:
            yield _closing(seen.path, found, closed)


def _closing(path: str, found: os.stat_result, others: int) -> Repair:
    mode = stat.S_IMODE(found.st_mode)
    what = "write to" if mode & _WRITE else "look into" if stat.S_ISDIR(found.st_mode) else "read"
    words = f"others may {what} it: mode {mode:o} becomes {mode & ~others:o}"
    return Repair(kind=CLOSE, path=path, words=words, mode=mode & ~others, inode=(found.st_dev, found.st_ino))


def _foreign(path: str, owner: int, uid: int) -> Left:
    return Left(path=path, words=f"belongs to user {owner}", command=f"sudo chown -h {uid} {_quoted(path)}")


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "'\\''") + "'"


def _open_caches(root: str, uid: int) -> tuple[str, ...]:
    """Sealed folders whose key somebody else could have read or put there.

    Attack: who knows the key seals native code of their own. To close the file afterwards would only hide that.
    """
    cache = os.path.join(root, "cache")
    found = (name for holder, sealed in _SEALED.items() if _is_open(os.path.join(cache, holder), uid) for name in sealed)
    return tuple(folder for name in found if os.path.isdir(folder := os.path.join(cache, name)))


def _is_open(folder: str, uid: int) -> bool:
    try:
        key, around = os.lstat(os.path.join(folder, "key")), os.lstat(folder)
    except OSError:
        return False
    if not stat.S_ISDIR(around.st_mode) or around.st_uid != uid:
        return False
    return not stat.S_ISREG(key.st_mode) or bool(stat.S_IMODE(key.st_mode) & _OTHERS) or bool(stat.S_IMODE(around.st_mode) & _WRITE)


def _walk(root: str, left: list[Left]) -> Iterator[_Seen]:
    """All below the folders of a home, parents first. A link is seen and not entered; whoever exchanges a folder meanwhile is met by ``_Held``."""
    count = 0
    waiting: list[tuple[str, ...]] = [(name,) for name in sorted(OWN | _own_files(root))]
    while waiting:
        parts = waiting.pop()
        path = os.path.join(root, *parts)
        try:
            found = os.lstat(path)
        except OSError:
            continue
        count += 1
        if count > ENTRIES_MAX:
            left.append(Left(path=root, words=f"holds more than {ENTRIES_MAX} entries; the rest was not looked at"))
            return
        yield _Seen(path=path, parts=parts, found=found)
        if stat.S_ISDIR(found.st_mode) and len(parts) < DEPTH_MAX and parts != WORKSHOP:
            try:
                waiting += ((*parts, name) for name in sorted(os.listdir(path), reverse=True))
            except OSError as fault:
                left.append(Left(path=path, words=f"cannot be looked into: {fault.strerror}"))


def _own_files(root: str) -> frozenset[str]:
    """Files of a home that lie in it, and what was left of writing them."""
    try:
        names = os.listdir(root)
    except OSError:
        return OWN_FILES
    return OWN_FILES | {name for name in names if _TEMPORARY.fullmatch(name) and name[1:].rsplit(".", 2)[0] in OWN_FILES}


def carry_out(repair: Repair, home: Home, check_cache: Callable[[], int]) -> str:
    """Make one change, and say what was done. ``check_cache`` removes what does not check, and says how many."""
    if repair.kind == MAKE:
        make_private_folder(repair.path)
        return "made"
    if repair.kind == CHECK:
        return f"{check_cache()} removed"
    with _Held(home.path, repair.path) as at:
        if repair.kind == CLOSE:
            at.close_to(repair)
            return "closed"
        if repair.kind == TEMPORARY:
            at.remove(repair)
            return "removed"
        return f"{at.empty()} files removed"


class _Held:
    """The folder of one entry, opened step by step from the home down. Attack: a folder that becomes a link between the look and the change."""

    def __init__(self, root: str, path: str) -> None:
        self._path = path
        self._parts = os.path.relpath(path, root).split(os.sep) if path != root else []
        self._root, self._fd = root, -1

    def __enter__(self) -> Self:
        self._fd = self._opened(os.open, self._root, None)
        for part in self._parts[:-1]:
            above, self._fd = self._fd, self._opened(os.open, part, self._fd)
            os.close(above)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def _opened(self, opening: Callable[..., int], name: str, above: int | None) -> int:
        try:
            return opening(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        except OSError as fault:
            if above is not None:
                os.close(above)
            raise _changed(self._path, fault.strerror or "it cannot be opened") from None

    def close_to(self, repair: Repair) -> None:
        fd = self._entry(os.O_RDONLY | os.O_NONBLOCK) if self._parts else os.dup(self._fd)
        try:
            found = os.fstat(fd)
            if (found.st_dev, found.st_ino) != repair.inode or found.st_uid != os.getuid():
                raise _changed(self._path, "another one is in its place")
            # Narrower than it is now, whatever the plan saw.
            os.fchmod(fd, stat.S_IMODE(found.st_mode) & repair.mode)
        except OSError as fault:
            raise _changed(self._path, fault.strerror or "its mode cannot be changed") from None
        finally:
            os.close(fd)

    def _entry(self, flags: int) -> int:
        try:
            return os.open(self._parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)
        except OSError as fault:
            raise _changed(self._path, fault.strerror or "it cannot be opened") from None

    def remove(self, repair: Repair) -> None:
        try:
            found = os.stat(self._parts[-1], dir_fd=self._fd, follow_symlinks=False)
            if (found.st_dev, found.st_ino) != repair.inode or not stat.S_ISREG(found.st_mode):
                raise _changed(self._path, "another one is in its place")
            os.unlink(self._parts[-1], dir_fd=self._fd)
        except OSError as fault:
            raise _changed(self._path, fault.strerror or "it cannot be removed") from None

    def empty(self) -> int:
        """Files of one folder, its key first: from then on nothing in it can be believed."""
        fd, count = self._entry(os.O_RDONLY | os.O_DIRECTORY), 0
        try:
            for name in sorted(os.listdir(fd), key=lambda name: (name != "key", name)):
                if not stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=fd)
                    count += 1
            os.fchmod(fd, 0o700)
        except OSError as fault:
            raise _changed(self._path, fault.strerror or "it cannot be emptied") from None
        finally:
            os.close(fd)
        return count


def _changed(path: str, why: str) -> HostFailed:
    return HostFailed("host.file", f"left as it is: {why}", where=path, hint="look at it, and call `mpp doctor --fix` again")
