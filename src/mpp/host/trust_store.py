"""The keystore of publishers: one document, changed under a lock, replaced whole.

Spec: spec/keys.md section 5. The document is not signed: whoever can write ``$MPP_HOME`` can already act as its
owner. It is judged strictly when read all the same, because half a file must never mean half the trust.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace

from mpp.crypto.ed25519 import KEY_ID
from mpp.crypto.roots import RootChain, named_by_hand, read_chain
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX
from mpp.stages.gatekeeper import NO_TRUST, TrustedPublisher, TrustState, judge_first_use, newest_chain, pin_mismatch
from mpp.stages.gatekeeper.limits import TRUST_BYTES_MAX

DIGEST_FORM = "the 64 hex digits of a SHA-256"
ENTRIES_MAX = 10_000
"""Publishers, pins, prefixes or revocations in one trust document. Reason: bounds reading; a person manages hundreds."""

FINGERPRINT_DIGITS_MIN = 16
"""Digits of a fingerprint that name a publisher. Reason: as many as we show in short; fewer are ground in minutes."""

UNTIL_MAX = 253402300799
"""Latest end of trust: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""


def read_trust(data: bytes, *, where: str) -> TrustState:
    """Parse a trust document; every root chain in it is verified again."""
    faults = Faults("trust")
    fields = Fields(read(data, family="trust", where=where), where, faults)
    fields.number("mpp_trust", least=1, most=1)
    publishers = fields.each("publishers", lambda item, at: _read_publisher(Fields(item, at, faults)), most=ENTRIES_MAX)
    known: dict[str, TrustedPublisher] = {}
    for one in publishers:
        # Attack: a second entry with older root documents would undo a rotation.
        if one is not None and known.setdefault(one.chain.publisher_id, one) is not one:
            faults.add(
                "duplicate", f"{where}/publishers", f"publisher {one.chain.publisher_id[:16]} stands twice", "keep the entry with the newest root documents"
            )
    state = TrustState(
        publishers=known,
        pins=_read_bindings(fields, "pins", prefix=False),
        prefixes=_read_bindings(fields, "prefixes", prefix=True),
        revoked_publishers=_digests(fields, "revoked_publishers"),
        revoked_content=_digests(fields, "revoked_content"),
        installed=_digests(fields, "installed"),
        first_use=fields.flag("first_use", default=True),
    )
    fields.end()
    faults.stop()
    return state


def _digests(fields: Fields, key: str) -> frozenset[str]:
    return frozenset(fields.texts(key, most=ENTRIES_MAX, each_most=64, pattern=KEY_ID, form=DIGEST_FORM))


def _read_publisher(fields: Fields) -> TrustedPublisher | None:
    roots = fields.raw("roots")
    until = fields.number("until", least=0, most=UNTIL_MAX) if fields.has("until") else None
    any_package = fields.flag("any_package", default=False)
    fields.end()
    try:
        chain = read_chain(canonical({"roots": roots}), where=fields.where)
    except (Refused, ValueError):
        fields.faults.add("roots", fields.where, "holds no sound root documents", "take the entry out of the file, or restore the file from a copy")
        return None
    return TrustedPublisher(chain=chain, any_package=any_package, until=until)


def _read_bindings(fields: Fields, key: str, *, prefix: bool) -> dict[str, str]:
    listed = fields.object(key, required=False)
    found: dict[str, str] = {}
    if listed is not None and len(listed.found) > ENTRIES_MAX:
        fields.faults.add("length", fields.path(key), f"has more than {ENTRIES_MAX} entries", "remove some with `mpp trust remove`")
        return found
    for name in listed.found if listed else ():
        bound = name[:-1] if prefix and name.endswith(".") else "" if prefix else name
        if listed is None or PACKAGE_ID.fullmatch(bound + ".x" if prefix else bound) is None:
            fields.faults.add(
                "form", fields.path(key), f"{name[:80]!r} is not {PACKAGE_ID_FORM}" + (" ending in '.'" if prefix else ""), "mend or remove the entry"
            )
        else:
            found[name] = listed.text(name, most=64, pattern=KEY_ID, form=DIGEST_FORM)
    return found


def write_trust(state: TrustState) -> bytes:
    publishers: list[Json] = []
    for name in sorted(state.publishers):
        one = state.publishers[name]
        document = read(one.chain.data, family="trust", where="roots")
        row: dict[str, Json] = {"roots": document["roots"] if isinstance(document, dict) else [], "any_package": one.any_package}
        publishers.append(row if one.until is None else {**row, "until": one.until})
    return canonical(
        {
            "mpp_trust": 1,
            "publishers": publishers,
            "pins": dict(state.pins),
            "prefixes": dict(state.prefixes),
            "revoked_publishers": [*sorted(state.revoked_publishers)],
            "revoked_content": [*sorted(state.revoked_content)],
            "installed": [*sorted(state.installed)],
            "first_use": state.first_use,
        }
    )


class TrustStore:
    """The trust document of one home. ``known_only``: whatever it says, nobody is asked about a publisher on this machine."""

    def __init__(self, path: str, *, known_only: bool = False) -> None:
        self.path, self._known_only = path, known_only

    def load(self) -> TrustState:
        """The state; an absent file means that nobody is trusted yet."""
        return self._bound(self._read())

    def _bound(self, state: TrustState) -> TrustState:
        return replace(state, first_use=False) if self._known_only and state.first_use else state

    def _read(self) -> TrustState:
        # Only a file that is surely absent means "nobody"; one that cannot be looked at is an error, never first use.
        try:
            folder = os.path.dirname(os.path.abspath(self.path))
            for path in (os.path.dirname(folder), folder, self.path):
                _check_owned(path)
        except FileNotFoundError:
            return NO_TRUST
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the trust document: {fault.strerror}", where=self.path, hint="check who may read it") from None
        with named_by_hand():
            return read_trust(read_bounded(self.path, TRUST_BYTES_MAX), where=self.path)

    def change(self, step: Callable[[TrustState], TrustState]) -> TrustState:
        """Apply ``step`` to the newest state and write it, one process at a time."""
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the trust document"):
            document = self._read()
            before = self._bound(document)
            state = step(before)
            if state is before:
                return state
            # What the machine says is no part of the document.
            data = write_trust(state if before is document else replace(state, first_use=document.first_use))
            # A document that could not be read again would lock its owner out.
            if len(data) > TRUST_BYTES_MAX:
                message = f"the trust document would have more than {TRUST_BYTES_MAX} bytes"
                raise Refused("trust.length", message, where=self.path, hint="remove publishers that you no longer use with `mpp trust remove`")
            read_trust(data, where=self.path)
            write_atomic(self.path, data, PRIVATE)
        return state


def _check_owned(path: str) -> None:
    """Spec: keys K-48. Attack: whoever can write the document, or swap it in its folder, is trusted as its owner."""
    if os.name != "posix":
        return
    found = os.stat(path)
    if found.st_uid not in {os.getuid(), 0}:
        raise Refused(
            "trust.mode",
            "somebody else owns what says whom this machine trusts",
            where=path,
            hint="take it over with chown, or set MPP_HOME to a folder of yours",
        )
    if stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(
            "trust.mode", "others may change whom this machine trusts", where=path, hint=f"run: chmod go-w {shlex.quote(path)}; then `mpp trust list`"
        )


def with_publisher(state: TrustState, chain: RootChain, *, any_package: bool = False, until: int | None = None) -> TrustState:
    """``state`` with the publisher at the newest root seen; a known one keeps its rights and, unless ``until`` is given, its end."""
    known = state.publishers.get(chain.publisher_id)
    if known is not None:
        any_package, until = any_package or known.any_package, known.until if until is None else until
    entry = TrustedPublisher(chain=newest_chain(chain, state), any_package=any_package, until=until)
    return replace(state, publishers={**state.publishers, chain.publisher_id: entry})


def with_pin(state: TrustState, name: str, publisher_id: str) -> TrustState:
    """``name`` bound to the publisher: an exact id, or a prefix when it ends in '.'."""
    if name.endswith("."):
        return replace(state, prefixes={**state.prefixes, name: publisher_id})
    return replace(state, pins={**state.pins, name: publisher_id})


def with_first_use(state: TrustState, chain: RootChain, package_id: str, *, until: int | None = None) -> TrustState:
    """The publisher trusted for one package id, after a person said so.

    Attack: a confirmed question must never move an id away from the publisher it belongs to; `mpp trust pin` alone does.
    """
    judge_first_use(chain, state)
    owner = state.owner(package_id)
    if owner is not None and owner != chain.publisher_id:
        raise pin_mismatch(package_id, owner, chain.publisher_id)
    return with_pin(with_publisher(state, chain, until=until), package_id, chain.publisher_id)


def with_accepted(state: TrustState, chain: RootChain, *, until: int | None = None) -> TrustState:
    """The publisher known, without a package id, after a person said so."""
    judge_first_use(chain, state)
    return with_publisher(state, chain, until=until)


def remember_root(store: TrustStore, chain: RootChain) -> bool:
    """Keep a newer root chain of a known publisher. True if something was written. Spec: keys K-46.

    Attack: without this memory a stolen old key would be accepted again as soon as the newer package is gone.
    """

    def step(state: TrustState) -> TrustState:
        known = state.publishers.get(chain.publisher_id)
        return state if known is None or len(known.chain.roots) >= len(chain.roots) else with_publisher(state, chain)

    seen = store.load()
    if step(seen) is seen:
        return False
    # Judged again under the lock: a publisher that was removed meanwhile must not come back.
    changed: list[bool] = []

    def locked(state: TrustState) -> TrustState:
        after = step(state)
        changed.append(after is not state)
        return after

    store.change(locked)
    return changed[0]


def without_publisher(state: TrustState, publisher_id: str) -> TrustState:
    """The publisher and everything bound to it removed."""
    return replace(
        state,
        publishers={name: one for name, one in state.publishers.items() if name != publisher_id},
        pins=_without(state.pins, publisher_id),
        prefixes=_without(state.prefixes, publisher_id),
    )


def _without(bindings: Mapping[str, str], publisher_id: str) -> dict[str, str]:
    return {name: owner for name, owner in bindings.items() if owner != publisher_id}


def load_trust_file(path: str) -> TrustState:
    """A trust state from a file: a whole trust document, or one publisher's root documents, believed for any package."""
    with named_by_hand():
        data = read_bounded(path, TRUST_BYTES_MAX)
        document = read(data, family="trust", where=path)
        if isinstance(document, dict) and "roots" in document:
            return with_publisher(NO_TRUST, load_chain_file(path), any_package=True)
        return read_trust(data, where=path)


def load_chain_file(path: str) -> RootChain:
    """One publisher's root documents, as ``publisher.json`` holds them."""
    with named_by_hand():
        data = read_bounded(path, PUBLISHER_BYTES_MAX + 1).removesuffix(b"\n")
        document = read(data, family="trust", where=path)
        if not isinstance(document, dict) or "roots" not in document:
            raise Refused("trust.roots", "this is no publisher.json", where=path, hint="give the publisher.json that `mpp keygen` wrote, or a signed package")
        return read_chain(data, where=path)


def without_pin(state: TrustState, name: str) -> TrustState:
    """``state`` without the binding of one id or prefix."""
    pins = {one: owner for one, owner in state.pins.items() if one != name}
    prefixes = {one: owner for one, owner in state.prefixes.items() if one != name}
    return replace(state, pins=pins, prefixes=prefixes)


def find_publisher(state: TrustState, wanted: str) -> str:
    """The id of the one publisher that ``wanted`` means: its exact name, its fingerprint, or a beginning of that.

    Attack: a publisher whose fingerprint begins with another's name, or whose name is another's fingerprint. Two that fit are none.
    """
    digits = wanted.replace(" ", "").replace(":", "").lower()
    if len(digits) < FINGERPRINT_DIGITS_MIN:
        digits = ""
    found = [name for name, one in state.publishers.items() if one.chain.newest.name == wanted or (digits and name.startswith(digits))]
    if len(found) != 1:
        number = f"{len(found)} trusted publishers fit" if found else "no trusted publisher fits"
        hint = f"give the exact name, or {FINGERPRINT_DIGITS_MIN} or more digits of the fingerprint that `mpp trust list` shows"
        raise Refused("trust.publisher", f"{number} {wanted!r}", hint=hint)
    return found[0]
