"""What a change of the store would do, and what of it a person must agree to. Nothing is written here.

Spec: spec/store.md section 5. What an update asks for is compared by the stage of approval, as it is before a call.
"""

from __future__ import annotations

from collections.abc import Callable, Set as AbstractSet
from dataclasses import replace

from mpp.errors import Refused
from mpp.host.sources.naming import usual_alias
from mpp.host.store.comparing import differences, of_publisher
from mpp.host.store.limits import PACKAGES_MAX, SOURCE_CHARS_MAX, VERSIONS_MAX
from mpp.host.store.lockfile import ALIAS, ALIAS_FORM, alike, Entry, Lock, order, Version
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.stages.approval import Consent, keeps
from mpp.stages.gatekeeper import VerifiedPackage

RESERVED = frozenset(("mpp",))
"""Aliases that nobody gets: tools of the host itself begin with it."""

NOT_SIGNED = "legacy."
"""How the ids begin by which policy and record know older servers, which nobody signs."""

UNREADABLE = "The version that is installed cannot be read any more, so nobody knows what is new."


@value
class Wish:
    """What whoever installs wants beyond the package."""

    alias: str = ""
    """Empty: the one that it has, or the last part of its id."""
    downgrade: bool = False
    """Was it said in so many words that an older version is wanted?"""
    source: str = ""
    registry_id: str = ""
    """The registry whose log proves the file; empty: it came from elsewhere."""
    log_index: int = 0
    bundle: bytes = b""
    """What proves it, kept beside the file."""


@value
class Agreed:
    """A person's yes to the lines of a plan, and how it was given: an option or a terminal."""

    lines: tuple[str, ...]
    amr: str
    by: str


@value
class Plan:
    """A change that was judged. ``change`` is install, update, downgrade, repair, alias, or none."""

    change: str
    package_id: str
    before: str
    """The version that is served now; empty: none."""
    asks: tuple[str, ...]
    """What a person must agree to first, in words; empty: nothing."""
    entry: Entry
    """The entry of the lockfile as it would be."""

    @property
    def one(self) -> Version:
        """The version that would be served."""
        found = self.entry.serving
        if found is None:
            raise Refused("usage.installed", "nothing of this package would be served", where=self.package_id)
        return found


Baseline = Callable[[Version], VerifiedPackage | None]
"""Opens an installed version, to compare with it; None where it cannot be read any more."""


def plan(lock: Lock, package: VerifiedPackage, wish: Wish, *, baseline: Baseline, consent: Consent | None, now: int, reserved: AbstractSet[str]) -> Plan:
    """``consent``: what a person agreed to before, which counts where no version is served."""
    entry = lock.entry(package.package_id)
    _judge_id(package.package_id)
    one = _version(package, wish, now)
    alias = _alias(lock, entry, wish, reserved)
    serving = entry.serving
    same = entry.find(one.content_hash)
    if serving is not None and same is serving:
        change = "none" if alias == entry.alias else "alias"
        return Plan(change=change, package_id=entry.package_id, before=serving.version, asks=(), entry=replace(entry, alias=alias))
    back = _is_back(entry, serving, one.version)
    _judge_back(entry, one, serving, is_back=back, wish=wish)
    asks = [*_numbers(entry, serving, one, is_back=back), *_growth(package, serving, baseline, consent)]
    after = replace(entry, alias=alias, active=one.content_hash, mark=_higher(entry.mark, one.version), versions=_with(lock, entry, same or one))
    change = "downgrade" if back else "update" if serving is not None else "install"
    return Plan(change=change, package_id=entry.package_id, before="" if serving is None else serving.version, asks=tuple(asks), entry=after)


def _judge_id(package_id: str) -> None:
    """Spec: store D-16. Attack: a package that gets what policy allows an older server, by having its name."""
    if package_id.startswith(NOT_SIGNED):
        message = f"ids that begin with {NOT_SIGNED} are those of older servers, which nobody signs"
        raise Refused("usage.package_id", message, where=package_id, hint="its publisher gives it another id")


def _version(package: VerifiedPackage, wish: Wish, now: int) -> Version:
    # A path of other bytes, or with a line break in it, cannot stand in the document: then no source is remembered.
    is_kept = wish.source.isprintable() and len(wish.source) <= SOURCE_CHARS_MAX
    return Version(
        version=package.version,
        publisher_id=package.publisher_id,
        content_hash=package.content_hash,
        file_hash=package.file_hash,
        size=len(package.archive.data),
        installed=now,
        source=wish.source if is_kept else "",
        registry_id=wish.registry_id,
        log_index=wish.log_index,
    )


def _alias(lock: Lock, entry: Entry, wish: Wish, reserved: AbstractSet[str]) -> str:
    """Spec: store D-14. Attack: a package under the name by which an agent knows the tools of another one."""
    alias = wish.alias or entry.alias or usual_alias(entry.package_id)
    if ALIAS.fullmatch(alias) is None:
        raise Refused("usage.alias", f"{shown(alias)!r} is not {ALIAS_FORM}", where=entry.package_id, hint="give another one with --alias")
    # What it is called already it stays, even where something else took the name later: an update must not wait for that.
    is_new = not entry.versions or alias != entry.alias
    if is_new and alike(alias) in {alike(one) for one in (*RESERVED, *reserved)}:
        raise Refused("usage.alias", f"the alias {alias!r} is not free", where=entry.package_id, hint="give another one with --alias")
    for other in lock.packages.values():
        if other.package_id != entry.package_id and other.versions and alike(other.alias) == alike(alias):
            message = f"{other.package_id} has the alias {other.alias!r}"
            raise Refused("usage.alias", message, where=entry.package_id, hint="give this package another one with --alias")
    return alias


def _is_back(entry: Entry, serving: Version | None, version: str) -> bool:
    """Is it older than what is served, or than what was ever served here?"""
    floor = [one for one in (entry.mark, serving.version if serving is not None else "") if one]
    return any(order(version) < order(one) for one in floor)


def _judge_back(entry: Entry, one: Version, serving: Version | None, *, is_back: bool, wish: Wish) -> None:
    """Spec: store D-44. Attack: an old version with a known hole, offered as if it were an update."""
    if is_back and not wish.downgrade:
        seen = entry.mark if serving is None or order(entry.mark) >= order(serving.version) else serving.version
        message = f"version {one.version} is older than {seen}, which was installed here"
        raise Refused("consent.downgrade", message, where=entry.package_id, hint="take a newer version; to go back on purpose add --downgrade")


def _numbers(entry: Entry, serving: Version | None, one: Version, *, is_back: bool) -> list[str]:
    """What the version numbers alone should make a person look at."""
    if is_back:
        before = "" if serving is None else f", {serving.version} is served now"
        return [f"Goes back to version {one.version}; the highest here was {entry.mark}{before}."]
    if serving is not None and order(serving.version) == order(one.version):
        return [f"Has the number of version {serving.version}, which is installed, and other content."]
    return []


def _growth(package: VerifiedPackage, serving: Version | None, baseline: Baseline, consent: Consent | None) -> list[str]:
    """Spec: store D-40 to D-42."""
    if serving is None:
        return [] if consent is None else _compared(consent, package)
    old = baseline(serving)
    if old is None:
        return [*of_publisher(serving.publisher_id, package), UNREADABLE, *([] if consent is None else _compared(consent, package))]
    return differences(old, package)


def _compared(consent: Consent, package: VerifiedPackage) -> list[str]:
    kept = keeps(consent, package.manifest, tenant=consent.tenant, publisher_id=package.publisher_id)
    return [] if kept.kept else [*kept.lines]


def _higher(mark: str, version: str) -> str:
    return version if not mark or order(version) > order(mark) else mark


def _with(lock: Lock, entry: Entry, one: Version) -> tuple[Version, ...]:
    others = tuple(old for old in entry.versions if old.content_hash != one.content_hash)
    if len(others) >= VERSIONS_MAX:
        message = f"{VERSIONS_MAX} versions of this package are installed"
        raise Refused("usage.installed", message, where=entry.package_id, hint="uninstall some with `mpp uninstall NAME@VERSION`")
    if entry.package_id not in lock.packages and len(lock.packages) >= PACKAGES_MAX:
        raise Refused("usage.installed", f"{PACKAGES_MAX} packages are known here", where=entry.package_id, hint="install fewer")
    return (*others, one)
