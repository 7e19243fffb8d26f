"""What registries say now of the packages that are installed: looked at in the background, and what was withdrawn is stopped.

Who asks the registries and proves their answers is somebody else; here is what follows from a proven status. Spec: store section 8.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from threading import Event as Wake, Thread

from mpp.errors import MppError
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.host.audit.log import AuditLog
from mpp.host.home import Home
from mpp.host.stops import Stop, StopStore, WHY_CHARS_MAX, with_contents
from mpp.host.store import Installed, PackageStore
from mpp.host.trust_store import TrustStore
from mpp.limits import JSON_INT_MAX, MIB
from mpp.model.events import Event
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.limits import VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM
from mpp.model.value import value
from mpp.ports import Clock, Events, Random

STATUSES = ("active", "deprecated", "yanked", "quarantined", "revoked")
STATUSES_BYTES_MAX = 4 * MIB
"""Bytes of the document of statuses. Reason: a row has 300 bytes; ten thousand versions fit."""

STATUSES_MAX = 10_000
"""Versions whose status is kept. Reason: a host has tens installed; what is gone is taken out."""

REGISTRY_CHARS_MAX = 64
"""Characters of the name of a registry in a status. Reason: names have half of it."""

JITTER = 5
"""A part of the time between two looks, by which it varies. Reason: a thousand hosts must not ask in the same second."""

DEFAULT_SECONDS = 300.0
"""Seconds to the next look where nobody could read what is configured. Reason: as long as where nothing is."""

CLOSE_SECONDS = 1.0
"""Seconds that an ending host waits for a look. Reason: a registry that is silent must not hold it; what is written is whole in any case."""

UNPROVEN = "nobody could prove for too long that it was not withdrawn"


@value
class Seen:
    """What a registry proved of one installed version. ``status`` empty: it could not be proven now."""

    content_hash: str
    status: str
    registry: str
    at: int = 0
    """The moment of which the proof speaks."""
    reason: str = ""


@value
class Status:
    """The last proven status of an installed version."""

    package_id: str
    version: str
    registry: str
    status: str
    at: int
    """Of which moment the proof speaks."""
    stale: bool = False
    """Could it not be proven again when it was looked for last?"""


@value
class Rules:
    """What the owner of this host wants."""

    seconds: int
    max_staleness: int
    """0: what is stale is marked and goes on."""
    stop_yanked: bool


def statuses_path(home: Home) -> str:
    return os.path.join(home.path, "registries", "statuses.json")


def read_statuses(data: bytes, *, where: str) -> dict[str, Status]:
    faults = Faults("registry")
    fields = Fields(read(data, family="registry", where=where), where, faults)
    fields.number("mpp_statuses", least=1, most=1)
    listed = fields.object("contents")
    names = [] if listed is None else list(listed.found)
    if len(names) > STATUSES_MAX:
        faults.add("length", where, f"has more than {STATUSES_MAX} versions", "remove the file; it is made again")
    found: dict[str, Status] = {}
    for name in names[:STATUSES_MAX]:
        one = None if listed is None else listed.object(name)
        if SHA256_HEX.fullmatch(name) is None:
            faults.add("form", where, f"{shown(name)!r} is not {SHA256_HEX_FORM}", "remove the file; it is made again")
        elif one is not None:
            found[name] = _read_status(one)
    fields.end()
    faults.stop()
    return found


def _read_status(fields: Fields) -> Status:
    found = Status(
        package_id=fields.text("package_id", most=200, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        version=fields.text("version", most=VERSION_MAX),
        registry=fields.text("registry", most=REGISTRY_CHARS_MAX),
        status=fields.one_of("status", STATUSES),
        at=fields.number("at", least=0, most=JSON_INT_MAX),
        stale=fields.flag("stale", default=False),
    )
    fields.end()
    return found


def write_statuses(found: Mapping[str, Status]) -> bytes:
    rows: dict[str, Json] = {
        name: {
            "package_id": one.package_id, "version": one.version, "registry": one.registry, "status": one.status, "at": one.at, "stale": one.stale,
        }
        for name, one in found.items()
    }  # fmt: skip
    return canonical({"mpp_statuses": 1, "contents": rows})


def load_statuses(home: Home) -> dict[str, Status]:
    """The last proven ones. A damaged document is none: it is made again, and stops do not depend on it."""
    path = statuses_path(home)
    if not os.path.lexists(path):
        return {}
    with suppress(MppError):
        return read_statuses(read_bounded(path, STATUSES_BYTES_MAX), where=path)
    return {}


def remember(home: Home, content_hash: str, proven: Status) -> None:
    """What an install has proven: the first status of a version."""
    found = load_statuses(home)
    if found.get(content_hash, proven).status != "revoked":
        _save(home, {**found, content_hash: proven})


def take_in(home: Home, rows: Sequence[Installed], seen: Sequence[Seen], rules: Rules, now: int) -> list[str]:
    """What follows from what was proven: trust, stops, statuses and the record. Gives lines for whoever watches.

    In this order, so that a host that dies in between has stopped and not told, and never told and not stopped.
    """
    before = load_statuses(home)
    after = _statuses(rows, seen, before)
    names = {row.content_hash: row for row in rows}
    reasons = {one.content_hash: one.reason for one in seen}
    revoked = {name for name, one in after.items() if one.status == "revoked"}
    wanted = {name: Stop(since=now, why=why) for name, one in after.items() if name in names and (why := _why(one, reasons.get(name, ""), rules, now))}
    # The stop first: a trust document that cannot take more must not keep a revoked version running.
    changes = [*_stop(home, names.keys(), wanted), *_revoke(home, revoked & names.keys())]
    _save(home, after)
    lines = [_line(names[name], why, lifted=lifted) for name, why, lifted in changes]
    if changes:
        with AuditLog(home) as log:
            for name, why, lifted in changes:
                _record(log, names[name], after[name].registry, why, lifted=lifted, now=now)
    return lines


def _statuses(rows: Sequence[Installed], seen: Sequence[Seen], before: Mapping[str, Status]) -> dict[str, Status]:
    """Of what is installed; what is gone is forgotten. Attack: a registry that makes a revoked version good again."""
    found = {one.content_hash: one for one in seen}
    after: dict[str, Status] = {}
    for row in rows:
        one, old = found.get(row.content_hash), before.get(row.content_hash)
        if old is not None and old.status == "revoked":
            after[row.content_hash] = old
        elif one is not None and one.status in STATUSES:
            after[row.content_hash] = Status(package_id=row.package_id, version=row.version, registry=one.registry, status=one.status, at=one.at)
        elif one is not None:
            # Never proven here: it was at the install, of which the lockfile has the time.
            known = old or Status(package_id=row.package_id, version=row.version, registry=one.registry, status="active", at=row.installed_at)
            after[row.content_hash] = replace(known, stale=True)
        elif old is not None:
            after[row.content_hash] = old
    return after


def _why(one: Status, reason: str, rules: Rules, now: int) -> str:
    """Why a version must not run; empty: it may."""
    words = f": {reason}" if reason else ""
    if one.status in {"revoked", "quarantined"} or (one.status == "yanked" and rules.stop_yanked):
        return shown(f"{one.status} by its registry {one.registry}{words}", WHY_CHARS_MAX)
    if one.stale and rules.max_staleness and now - one.at > rules.max_staleness:
        return shown(f"{UNPROVEN} (registry {one.registry})", WHY_CHARS_MAX)
    return ""


def _revoke(home: Home, revoked: AbstractSet[str]) -> list[tuple[str, str, bool]]:
    """Spec: store D-93. For good: the trust document refuses this content from now on, whoever asks."""
    trust = TrustStore(home.trust)
    new = set(revoked) - trust.load().revoked_content
    if new:
        trust.change(lambda state: replace(state, revoked_content=state.revoked_content | new))
    return [(name, "revoked", False) for name in sorted(new)]


def _stop(home: Home, rows: AbstractSet[str], wanted: Mapping[str, Stop]) -> list[tuple[str, str, bool]]:
    """Spec: store D-94. Stops of versions follow what was proven, both ways; those of persons are not touched."""
    store = StopStore(home.stops)
    known = store.current().contents
    put = {name: one for name, one in wanted.items() if name not in known or not _same(known[name].why, one.why)}
    lifted = {name for name in known if name in rows and name not in wanted}
    if put or lifted:
        store.change(lambda stops: with_contents(stops, put, lifted))
    return [*((name, put[name].why, False) for name in sorted(put)), *((name, known[name].why, True) for name in sorted(lifted))]


def _same(old: str, new: str) -> bool:
    """The registry's own words may be missing from a later look; what follows is the same."""
    return old == new or old.startswith(f"{new}: ")


def _save(home: Home, after: Mapping[str, Status]) -> None:
    path = statuses_path(home)
    make_private_folder(os.path.dirname(path))
    with locked(path + ".lock", "the statuses"):
        write_atomic(path, write_statuses(after), PRIVATE)


def _line(row: Installed, why: str, *, lifted: bool) -> str:
    return f"{row.package_id} {row.version} {'may run again' if lifted else 'is stopped'}: {why}"


def _record(events: Events, row: Installed, registry: str, why: str, *, lifted: bool, now: int) -> None:
    body: dict[str, Json] = {
        "what": "version", "name": f"{row.package_id}@{row.version}", "content": row.content_hash, "lifted": lifted, "why": why,
        "by": f"registry:{registry}", "amr": "",
    }  # fmt: skip
    events.record(Event(kind="stop", at=now, tenant="local", invocation="", body=body), durable=True)


Look = Callable[[Sequence[Installed]], Sequence[Seen]]
"""Asks the registries of these packages, and proves what they answer. It raises nothing: what could not be proven has no status."""


class Follower:
    """Looks again and again, in a thread of its own: no call ever waits for it."""

    def __init__(
        self, home: Home, look: Look, rules: Callable[[], Rules], clock: Clock, random: Random, *, told: Callable[[str], None] = lambda _: None
    ) -> None:  # fmt: skip
        """``rules`` is asked before each look, so that what the owner changes holds at once."""
        self._home, self._look, self._rules, self._clock, self._random, self._told = home, look, rules, clock, random, told
        self._wake = Wake()
        self._thread: Thread | None = None

    def once(self) -> list[str]:
        """One look, and what follows from it."""
        rules = self._rules()
        rows = [row for row in PackageStore(self._home, TrustStore(self._home.trust), self._clock).all() if row.registry_id]
        if not rows:
            return []
        return take_in(self._home, rows, self._look(rows), rules, self._clock.now())

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="mpp-registries", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while True:
            try:
                for line in self.once():
                    self._told(line)
                seconds = float(self._rules().seconds)
            except MppError as fault:
                # A home that cannot be read for a while, or a configuration that somebody edits: what was stopped stays stopped.
                self._told(f"the registries could not be looked at: {fault.message} [{fault.code}]")
                seconds = DEFAULT_SECONDS
            if self._wake.wait(seconds + seconds / JITTER * self._random.bytes(1)[0] / 256):
                return
