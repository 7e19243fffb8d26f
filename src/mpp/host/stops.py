"""Stops: packages, publishers, or everything, refused from the next call on. One small document, looked at before each call.

Spec: spec/4-approval.md section 9.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Set as AbstractSet
from dataclasses import field, replace

from mpp.crypto.ed25519 import KEY_ID
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.limits import MIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.limits import PACKAGE_ID_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.model.value import value

STOPS_BYTES_MAX = MIB
"""Bytes of the document of stops. Reason: it is read before a call; thousands of stops fit."""

STOPS_MAX = 5000
"""Stops of one kind. Reason: a person writes a handful; a script must not slow down every call."""

WHY_CHARS_MAX = 200
"""Characters of the reason of a stop. Reason: it is shown on two lines at most."""

STOP_TIME_MAX = 253402300799
"""Latest time of a stop: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""


@value
class Stop:
    since: int
    why: str


@value
class Stops:
    """What is stopped. Empty: nothing is."""

    all: Stop | None
    packages: dict[str, Stop]
    publishers: dict[str, Stop]
    contents: dict[str, Stop] = field(default_factory=dict)
    """Single versions, by content hash: what their registry has withdrawn."""

    def judge(self, package_id: str, publisher_id: str, content_hash: str = "") -> None:
        """Refuse what is stopped; whatever else was granted or approved."""
        if self.all is None and not (self.packages or self.publishers or self.contents):
            return
        for what, stop in (
            ("everything", self.all),
            (package_id, self.packages.get(package_id)),
            (f"publisher {publisher_id[:16]}", self.publishers.get(publisher_id)),
            ("this version", self.contents.get(content_hash)),
        ):
            if stop is not None:
                message = f"{what} is stopped on this host" + (f": {stop.why}" if stop.why else "")
                raise Refused("policy.stopped", message, where=package_id, hint="`mpp stop --list` shows what is stopped, `mpp stop --lift` ends a stop")


NO_STOPS = Stops(all=None, packages={}, publishers={})


def read_stops(data: bytes, *, where: str) -> Stops:
    faults = Faults("policy")
    fields = Fields(read(data, family="policy", where=where), where, faults)
    fields.number("mpp_stops", least=1, most=1)
    whole = fields.object("all", required=False)
    found = Stops(
        all=None if whole is None else _read_stop(whole),
        packages=_read_stops(fields, "packages"),
        publishers=_read_stops(fields, "publishers"),
        contents=_read_stops(fields, "contents"),
    )
    fields.end()
    faults.stop()
    return found


def _read_stops(fields: Fields, key: str) -> dict[str, Stop]:
    listed = fields.object(key, required=False)
    if listed is None:
        return {}
    form, words = (PACKAGE_ID, PACKAGE_ID_FORM) if key == "packages" else (KEY_ID, "the 64 hex digits of a SHA-256")
    found: dict[str, Stop] = {}
    for name in list(listed.found)[: STOPS_MAX + 1]:
        if len(found) >= STOPS_MAX or form.fullmatch(name) is None:
            fields.faults.add("form", fields.path(key), f"holds more than {STOPS_MAX} entries or one that is not {words}", "mend the file, or lift stops")
            break
        one = listed.object(name)
        if one is not None:
            found[name] = _read_stop(one)
    return found


def _read_stop(fields: Fields) -> Stop:
    found = Stop(since=fields.number("since", least=0, most=STOP_TIME_MAX), why=fields.text("why", most=WHY_CHARS_MAX, default="", least=0))
    fields.end()
    return found


def write_stops(stops: Stops) -> bytes:
    document: dict[str, Json] = {"mpp_stops": 1, "packages": _rows(stops.packages), "publishers": _rows(stops.publishers)}
    if stops.contents:
        document["contents"] = _rows(stops.contents)
    return canonical(document if stops.all is None else {**document, "all": _row(stops.all)})


def _rows(stops: dict[str, Stop]) -> Json:
    return {name: _row(one) for name, one in stops.items()}


def _row(stop: Stop) -> Json:
    return {"since": stop.since, "why": stop.why}


class StopStore:
    """The stops of one home. A document that cannot be read stops everything: nobody knows what it said."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._stops = NO_STOPS

    def current(self) -> Stops:
        """Read anew only when the file is another one."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            self._seen, self._stops = None, NO_STOPS
            return self._stops
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the stops: {fault.strerror}", where=self.path, hint="check who may read it") from None
        seen = (found.st_mtime_ns, found.st_ino, found.st_size)
        if seen != self._seen:
            self._stops = read_stops(read_bounded(self.path, STOPS_BYTES_MAX), where=self.path)
            self._seen = seen
        return self._stops

    def change(self, step: Callable[[Stops], Stops]) -> Stops:
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the stops"):
            stops = step(self.current())
            write_atomic(self.path, write_stops(stops), PRIVATE)
        return stops


def with_stop(stops: Stops, kind: str, name: str, stop: Stop) -> Stops:
    """``kind`` is all, package or publisher."""
    if kind == "all":
        return replace(stops, all=stop)
    if kind == "package":
        if len(name) > PACKAGE_ID_MAX or PACKAGE_ID.fullmatch(name) is None:
            raise Refused("usage.package_id", f"{name[:80]!r} is not {PACKAGE_ID_FORM}", hint="write the id that `mpp inspect` shows")
        return replace(stops, packages={**stops.packages, name: stop})
    return replace(stops, publishers={**stops.publishers, name: stop})


def without_stop(stops: Stops, kind: str, name: str) -> Stops:
    gone = stops.all is None if kind == "all" else name not in (stops.packages if kind == "package" else stops.publishers)
    if gone:
        raise Refused("policy.not_stopped", "there is no such stop", where=name or "all", hint="`mpp stop --list` shows what is stopped")
    if kind == "all":
        return replace(stops, all=None)
    if kind == "package":
        return replace(stops, packages={one: stop for one, stop in stops.packages.items() if one != name})
    return replace(stops, publishers={one: stop for one, stop in stops.publishers.items() if one != name})


def with_contents(stops: Stops, put: Mapping[str, Stop], lifted: AbstractSet[str]) -> Stops:
    """Versions that their registry has withdrawn, and those that it has proven sound again. No person puts or lifts these. Spec: store D-94."""
    kept = {name: one for name, one in stops.contents.items() if name not in lifted}
    return replace(stops, contents={**kept, **put})
