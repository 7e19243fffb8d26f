"""The policies in force: three layers from their files, compiled once and looked at before each judgement.

Spec: policy-bundle section 4. A change takes effect with the next call. Nothing half written is ever taken: a document that still
changes is left alone for a moment, one that cannot be read leaves the layer as it was, and at the first look denies everything.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from mpp.errors import Fault, MppError
from mpp.host import fleet
from mpp.host.fleet import CONFIG_FILE, FleetSettings, System, enrolled_root, fleet_settings
from mpp.host.home import Home
from mpp.host.policy_files import Glance, glance
from mpp.host.policy_layers import CLOSED, BundleLayer, DocumentLayer, Enrolled, LayerInfo, beside, closed, kept, standing_in
from mpp.host.policy_memory import PULLS_FILE, SEEN_FILE, PolicyMemory
from mpp.model.events import EntryRef, Event
from mpp.model.value import value
from mpp.ports import Clock, Events
from mpp.stages.policy import Policies, compile_policies, policy_event

SETTLE_NS = 100_000_000
"""How long a file must have been left alone before it is read, in nanoseconds. Reason: longer than an editor writes; two changes within one tick of the clock of a file system look like one."""

SETTLE_NS_MAX = 2_000_000_000
"""How long a new policy waits for that, in nanoseconds. Reason: whoever keeps touching a file must not keep a new policy from being read."""

LOOK_NS = 5_000_000
"""How long what was read holds without another look at the files, in nanoseconds. Reason: a twentieth of the time above; to look costs ten times what a decision does."""

JUDGED_SECONDS_MAX = 60
"""Seconds after which a layer with a fault is looked at again. Reason: a bundle that came too early is good a moment later."""

DOCUMENT_NAMES = ("policy.toml", "policy.json")
SYSTEM_BUNDLE, FLEET_BUNDLE, USER_BUNDLE = "policy-bundle.json", "fleet-bundle.json", "user-bundle.json"
LAST = ".last"


class NoEvents:
    """For commands that only look."""

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:  # noqa: ARG002 - it keeps nothing
        """Nothing is kept."""
        return EntryRef(0, "")


@value
class Loaded:
    """What holds now. Safe to use whatever ``faults`` says: what could not be read denies, or is what was read before."""

    policies: Policies
    layers: tuple[LayerInfo, ...]
    """In the order fleet, machine, user; those that are there."""
    faults: tuple[Fault, ...]
    settings: FleetSettings

    def layer(self, name: str) -> LayerInfo | None:
        return next((one for one in self.layers if one.layer == name), None)


class PolicyStore:
    """The policies of one home on one machine. Make it once per process: it remembers what it has read."""

    def __init__(
        self, home: Home, clock: Clock, *, system: System | None = None, events: Events | None = None,
        nanoseconds: Callable[[], int] = time.time_ns, sleep: Callable[[float], None] = time.sleep, look_ns: int = LOOK_NS,
    ) -> None:  # fmt: skip
        self.home, self.system = home, system if system is not None else fleet.SYSTEM
        self._clock, self._events, self._nanoseconds, self._sleep = clock, events if events is not None else NoEvents(), nanoseconds, sleep
        owners = (os.getuid(), 0)
        self.memory = PolicyMemory(home.policy, owners)
        self.bundle_paths = {"fleet": os.path.join(home.policy, FLEET_BUNDLE), "user": os.path.join(home.policy, USER_BUNDLE)}
        self._fleet = self._bundles("fleet", (self.system.path(SYSTEM_BUNDLE), self.bundle_paths["fleet"]))
        self._machine = DocumentLayer("machine", (self.system.folder,), DOCUMENT_NAMES, (self.system.owner,))
        self._user_bundle = self._bundles("user", (self.bundle_paths["user"],))
        self._user = DocumentLayer("user", (home.path, home.policy), DOCUMENT_NAMES, owners)
        self._settings: FleetSettings | None = None
        self._loaded: Loaded | None = None
        self._stamps: tuple[Glance | None, ...] = ()
        self._folders, self._present = (self.system.folder, home.policy), tuple[str, ...]()
        self._is_settled, self._noticed_ns, self._judge_at = False, 0, 0
        self._look_ns, self._looked_ns = look_ns, 0
        self._lock = threading.Lock()

    def _bundles(self, layer: str, paths: tuple[str, ...]) -> BundleLayer:
        return BundleLayer(layer, paths, paths[-1] + LAST, self.memory)

    @property
    def user_documents(self) -> tuple[str, ...]:
        """Where the user's own policy may be."""
        return self._user.paths

    def current(self) -> Loaded:
        """What holds now. Never raises for what stands in a file; it denies instead."""
        with self._lock:
            now, moment = self._clock.now(), self._nanoseconds()
            if self._loaded is None:
                self._wait(moment)
                return self._load(now)
            is_fresh = self._is_settled and now < self._judge_at
            if is_fresh and 0 <= moment - self._looked_ns < self._look_ns:
                return self._loaded
            stamps, self._looked_ns = self._look(), moment
            if is_fresh and stamps == self._stamps:
                return self._loaded
            # The end of a bundle is not put off by a file that changes.
            if stamps != self._stamps and now < self._judge_at and self._must_wait(stamps, moment):
                return self._loaded
            return self._load(now)

    def _files(self) -> tuple[str, ...]:
        root = (self._settings.policy_root,) if self._settings is not None and self._settings.policy_root else ()
        memory = (os.path.join(self.home.policy, SEEN_FILE), os.path.join(self.home.policy, PULLS_FILE))
        own = (*self._fleet.paths, *self._machine.paths, *self._user_bundle.paths, *self._user.paths)
        return (self.system.path(CONFIG_FILE), *root, *memory, *own)

    def _look(self) -> tuple[Glance | None, ...]:
        """The two folders, and the files that were there. A new file shows in its folder."""
        return tuple(map(glance, (*self._folders, *self._present)))

    def _must_wait(self, stamps: tuple[Glance | None, ...], now: int) -> bool:
        """Is a file changing at this moment? What was read before holds until it has been left alone."""
        self._noticed_ns = self._noticed_ns or now
        return not _settled(stamps, now) and now - self._noticed_ns < SETTLE_NS_MAX

    def _wait(self, now: int) -> None:
        """Before the first look. Half a TOML document can read as a whole one with fewer rules; half of all others cannot."""
        young = [one.changed_ns for path in self._files() if path.endswith(".toml") and (one := glance(path)) is not None]
        rest = max((changed + SETTLE_NS - now for changed in young if changed <= now), default=0)
        if rest > 0:
            self._sleep(rest / 1e9)

    def _load(self, now: int) -> Loaded:
        # Stamps come first: what changes after them shows as a change the next time.
        self._present = tuple(path for path in self._files() if glance(path) is not None)
        self._stamps, self._noticed_ns = self._look(), 0
        self._is_settled = _settled(self._stamps, self._nanoseconds())
        faults: list[Fault] = []
        layers = self._layers(now, faults)
        before = self._loaded
        policies = before.policies if before is not None and _same(before.layers, layers) else compile_policies({one.layer: one.policy for one in layers})
        settings = self._settings if self._settings is not None else FleetSettings(is_fleet=True)
        self._loaded = Loaded(policies=policies, layers=layers, faults=tuple(faults), settings=settings)
        self._judge_at = min([moment + 1 for one in layers for moment in (one.expires, one.ends) if moment is not None and moment >= now] or [1 << 62])
        if faults:
            self._judge_at = min(self._judge_at, now + JUDGED_SECONDS_MAX)
        self._tell(before, self._loaded, now)
        return self._loaded

    def _layers(self, now: int, faults: list[Fault]) -> tuple[LayerInfo, ...]:
        first = self._fleet_layer(now, faults)
        found = [one for one in (first, self._machine.load(faults), self._user_layer(now, faults)) if one is not None]
        is_fleet = self._settings is not None and self._settings.is_fleet
        if is_fleet and all(one.layer == "user" for one in found):
            # Attack: in fleet mode a user's own policy would be the only one, and could allow what it likes.
            found.insert(0, standing_in("fleet", "fleet"))
        return beside(tuple(found), faults) or (standing_in("user", "developer"),)

    def _fleet_layer(self, now: int, faults: list[Fault]) -> LayerInfo | None:
        try:
            self._settings = fleet_settings(self.system)
        except MppError as fault:
            faults.extend(fault.faults)
            if self._settings is None:
                return closed("fleet", fault.faults[0])
            faults.append(kept("fleet", self.system.path(CONFIG_FILE)))
        return self._fleet.load(self._enrolled_fleet, now, faults)

    def _enrolled_fleet(self) -> Enrolled | None:
        settings = self._settings
        chain = enrolled_root(settings, self.system) if settings is not None else None
        return None if settings is None or chain is None else Enrolled(chain=chain, name=settings.policy_name)

    def _user_layer(self, now: int, faults: list[Fault]) -> LayerInfo | None:
        found = self._user_bundle.load(self._enrolled_user, now, faults)
        if found is None:
            return self._user.load(faults)
        if found.kind == CLOSED:
            return found
        try:
            self._user.refuse_any()
        except MppError as fault:
            faults.extend(fault.faults)
            return closed("user", fault.faults[0])
        return found

    def _enrolled_user(self) -> Enrolled | None:
        chain = self.memory.pulls().user_chain
        return None if chain is None else Enrolled(chain=chain)

    def _tell(self, before: Loaded | None, after: Loaded, now: int) -> None:
        """To the record: what holds from now on, and what could not be read."""
        known = {one.layer: one for one in before.layers} if before is not None else {}
        for one in after.layers:
            if one != known.get(one.layer):
                self._events.record(layer_event("changed" if before is not None else "loaded", one, now))
        for gone in known.keys() - {one.layer for one in after.layers}:
            self._events.record(policy_event("removed", gone, at=now))
        told = set(before.faults) if before is not None else set()
        for fault in after.faults:
            if fault not in told:
                what = "kept" if fault.code == "policy.kept" else "refused"
                self._events.record(policy_event(what, "", at=now, source=fault.where, code=fault.code, why=fault.message))


def layer_event(what: str, one: LayerInfo, now: int) -> Event:
    return policy_event(
        what,
        one.layer,
        at=now,
        source=one.source,
        form=one.kind,
        name=one.name,
        digest=one.digest,
        version=one.version,
        state=one.state,
        publisher=one.publisher,
        privacy=one.policy.privacy,
    )


def open_policies(home: Home, clock: Clock, *, events: Events | None = None) -> PolicyStore:
    """The policies of ``home`` on this machine."""
    return PolicyStore(home, clock, events=events)


def _settled(stamps: tuple[Glance | None, ...], now: int) -> bool:
    # Far in the future is another machine's clock, as on a network file system: a later change has another time all the same.
    return all(one is None or abs(now - one.changed_ns) >= SETTLE_NS for one in stamps)


def _same(some: tuple[LayerInfo, ...], others: tuple[LayerInfo, ...]) -> bool:
    return [(one.layer, one.digest) for one in some] == [(one.layer, one.digest) for one in others]
