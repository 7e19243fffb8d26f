"""Reading the store: what is installed and served, and each package out of it verified anew.

Spec: spec/store.md section 4.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.home import Home
from mpp.host.sources.naming import public_name
from mpp.host.store.disk import load_lock, NO_FILE, places_of, read_package, Revision, revision_of
from mpp.host.store.limits import OPENED_MAX
from mpp.host.store.lockfile import EMPTY, Installed, Lock
from mpp.host.trust_store import TrustStore
from mpp.host.watched import watched_trust
from mpp.model.fields import near
from mpp.model.jsontext import shown
from mpp.ports import Clock
from mpp.stages.archive import Buffer
from mpp.stages.gatekeeper import attest, AttestationResult, GATEKEEPER_VERSION, VerifiedPackage

_Key = tuple[str, int, str]


class PackageStore:
    """The packages of one home. Safe for threads, and for several processes on one home; it holds nothing open."""

    def __init__(self, home: Home, trust: TrustStore, clock: Clock) -> None:
        self.places = places_of(home)
        self.trust, self.clock = trust, clock
        self._watch = watched_trust(trust)
        self._guard = threading.Lock()
        self._seen: Revision = NO_FILE
        self._lock = EMPTY
        self._opened: OrderedDict[_Key, AttestationResult] = OrderedDict()
        self._ends: dict[str, int] = {}
        """When the trust in what was opened ends, by file hash."""

    def revision(self) -> tuple[Revision, int]:
        """What differs after each change of the lockfile, and when the trust in something that was opened has ended. One look at one file: cheap enough for each call.

        What else of the trust changes, its own document says.
        """
        return revision_of(self.places.lockfile), self._ended() if self._ends else 0

    def _ended(self) -> int:
        now = self.clock.now()
        return sum(1 for end in [*self._ends.values()] if now > end)

    def lock(self) -> Lock:
        """What the lockfile says now. Raises HostFailed where it is damaged: then nothing is served."""
        with self._guard:
            # Looked at before it is read, so that one that comes meanwhile is read once more.
            seen = revision_of(self.places.lockfile)
            if seen != self._seen:
                # Remembered only once it was read: a damaged one is a fault each time.
                self._lock, self._seen = load_lock(self.places), seen
                self._let_go()
            return self._lock

    def active(self) -> tuple[Installed, ...]:
        """The version of each package that is served, by package id."""
        return tuple(row for row in self.lock().rows() if row.active)

    def all(self) -> tuple[Installed, ...]:
        """Every installed version, by package id and version."""
        return tuple(self.lock().rows())

    def find(self, name: str) -> Installed:
        """The one row that ``name`` means: a package id or alias (the active version), or either with ``@VERSION``."""
        wanted, at, version = name.partition("@")
        rows = [row for row in self.all() if wanted in {row.package_id, row.alias}]
        found = [row for row in rows if (row.version == version if at else row.active)]
        if not found and not at:
            found = rows
        if len(found) == 1:
            return found[0]
        raise _no_such(name, rows, {row.package_id for row in self.all()})

    def path(self, row: Installed) -> str:
        """Where its file is, for those who read and verify it themselves."""
        one = self.lock().entry(row.package_id).find(row.content_hash)
        return "" if one is None else self.places.file(row.package_id, one)

    def open(self, row: Installed) -> VerifiedPackage:
        """The package of a row, verified against the trust of this moment. Its bytes are read and hashed anew each time; only the verdict on them is remembered.

        Raises HostFailed ``host.package`` where the file is not the one that was installed, and Refused where it does not hold any more.
        """
        package = self._verified(row, self.read(row))
        found = (package.package_id, package.version, package.content_hash, package.publisher_id)
        # Attack: a lockfile that gives a package another id, under which policy and approvals are kinder to it.
        if found != (row.package_id, row.version, row.content_hash, row.publisher_id):
            raise HostFailed("host.package", "the lockfile says something else of the file than the file itself", where=row.package_id, hint="install it again")
        return package

    def tool_names(self, besides: str) -> frozenset[str]:
        """The tools of all packages but one, as they call themselves and as agents see them. What cannot be opened has none."""
        found: set[str] = set()
        for row in self.active():
            with suppress(MppError):
                for tool in self.open(row).manifest.tool_definitions if row.package_id != besides else ():
                    found |= {tool.name, public_name(row.alias, tool.name)}
        return frozenset(found)

    def forget(self) -> None:
        """Forget all verdicts, and with them the memory of their packages."""
        with self._guard:
            self._opened.clear()
            self._ends.clear()

    def _let_go(self) -> None:
        """Under the guard. Attack: many large updates; each version that was served once would stay in memory, with a descriptor."""
        served = {row.file_hash for row in self._lock.rows() if row.active}
        for key in [one for one in self._opened if one[0] not in served]:
            del self._opened[key]
        self._ends = {file_hash: end for file_hash, end in self._ends.items() if file_hash in served}

    def read(self, row: Installed) -> Buffer:
        """The bytes of a row, which are those that were installed; whether they are still believed, ``open`` says."""
        one = self.lock().entry(row.package_id).find(row.content_hash)
        if one is None or one.file_hash != row.file_hash:
            raise HostFailed("host.package", "this version is not installed any more", where=f"{row.package_id} {row.version}", hint="look at the store again")
        return read_package(self.places, row.package_id, one)

    def _verified(self, row: Installed, data: Buffer) -> VerifiedPackage:
        """Spec: store D-32. A verdict counts for these bytes, this gatekeeper and this trust, until the trust in the publisher ends."""
        trust, now = self._watch.current(), self.clock.now()
        key = (row.file_hash, GATEKEEPER_VERSION, trust.digest)
        with self._guard:
            kept = self._opened.get(key)
            if kept is not None and (kept.until is None or now <= kept.until):
                self._opened.move_to_end(key)
                return kept.package
        found = attest(data, trust, now)
        with self._guard:
            # What was found under another trust counts no more, and each verdict holds the bytes of a package.
            for other in [one for one in self._opened if one[2] != trust.digest]:
                del self._opened[other]
            self._opened[found.key] = found
            self._ends.pop(row.file_hash, None)
            if found.until is not None:
                self._ends[row.file_hash] = found.until
            while len(self._opened) > OPENED_MAX:
                self._opened.popitem(last=False)
        return found.package


def _no_such(name: str, rows: list[Installed], known: set[str]) -> Refused:
    if rows:
        versions = ", ".join(f"{row.version}" for row in rows)
        return Refused("usage.installed", f"{shown(name)!r} does not mean one installed version", hint=f"installed are: {versions}; write NAME@VERSION")
    hint = near(name.partition("@")[0], known) or "see `mpp list --all`"
    return Refused("usage.installed", f"no package {shown(name)!r} is installed", hint=hint)
