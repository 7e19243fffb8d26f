"""What this home remembers of policy bundles: the newest that it has seen, and where its own come from.

Spec: policy-bundle B-24, B-25. Two small documents in ``$MPP_HOME/policy``, each changed under a lock and replaced whole.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mpp.crypto.ed25519 import KEY_ID
from mpp.crypto.roots import KEY_FORM, RootChain, read_chain
from mpp.errors import Refused
from mpp.files import PRIVATE, locked, make_private_folder, write_atomic
from mpp.host.policy_files import check_folder, read_owned
from mpp.limits import MIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.value import value
from mpp.stages.policy import BUNDLE_NAME_MAX, BUNDLE_VERSION_MAX, PolicyBundle, Remembered, judge_order, remember
from mpp.stages.policy.types import LAYERS

SEEN_BYTES_MAX = 16 * MIB
"""Bytes of each of the two documents. Reason: the longest root documents of all publishers fit."""

SEEN_PUBLISHERS_MAX = 50
"""Publishers of policies that are remembered. Reason: a machine has one or two; bounds reading."""

SOURCE_CHARS_MAX = 2000
"""Characters of the path or address that bundles are pulled from. Reason: no web server takes longer ones."""

SEEN_FILE, PULLS_FILE = "seen.json", "pulls.json"


@value
class Mark:
    """The newest bundle of one publisher for one layer."""

    name: str
    version: int
    digest: str


@value
class Seen:
    """Root documents and marks by publisher id."""

    chains: Mapping[str, RootChain]
    marks: Mapping[tuple[str, str], Mark]
    """By publisher id and layer."""

    def recall(self, enrolled: RootChain, layer: str, name: str = "") -> Remembered:
        """What to judge the next bundle by. ``name``: the one that it must have, where enrolment says so."""
        known = self.chains.get(enrolled.publisher_id, enrolled)
        if not known.begins_with(enrolled) and not enrolled.begins_with(known):
            message = "the enrolled root documents part from those seen here"
            raise Refused("policy.roots_fork", message, where=layer, hint="ask the signer which of the two is true, and enrol anew")
        chain = max(known, enrolled, key=lambda one: len(one.roots))
        mark = self.marks.get((enrolled.publisher_id, layer))
        if mark is None:
            return Remembered(chain=chain, name=name)
        return Remembered(chain=chain, name=name or mark.name, version=mark.version, digest=mark.digest)

    def noting(self, layer: str, bundle: PolicyBundle) -> Seen:
        """With ``bundle`` as the newest; never a step back."""
        known = self.recall(bundle.chain, layer)
        judge_order(bundle.body, bundle.digest, known, layer)
        after = remember(known, bundle)
        publisher = bundle.chain.publisher_id
        chain = max(after.chain, known.chain, key=lambda one: len(one.roots))
        mark = Mark(name=after.name, version=after.version, digest=after.digest)
        before = self.chains.get(publisher)
        if before is not None and len(before.roots) == len(chain.roots) and self.marks.get((publisher, layer)) == mark:
            return self
        return Seen(chains={**self.chains, publisher: chain}, marks={**self.marks, (publisher, layer): mark})


NOTHING_SEEN = Seen(chains={}, marks={})


@value
class Pulls:
    """Where bundles are pulled from, and whom a user has enrolled for."""

    fleet_source: str = ""
    user_source: str = ""
    user_chain: RootChain | None = None
    """The root documents of the signer that a person confirmed; None: no bundle is the user's policy."""


class PolicyMemory:
    """The two documents of one home. One that is damaged is refused: nobody knows what it said."""

    def __init__(self, folder: str, owners: tuple[int, ...]) -> None:
        self.folder, self._owners = folder, owners
        self.seen_path, self.pulls_path = os.path.join(folder, SEEN_FILE), os.path.join(folder, PULLS_FILE)

    def _read(self, path: str) -> bytes | None:
        """Attack: whoever may write the home, or this folder in it, puts a memory of their own there."""
        there = [check_folder(folder, self._owners) for folder in (os.path.dirname(self.folder), self.folder)]
        return read_owned(path, SEEN_BYTES_MAX, self._owners) if all(there) else None

    def seen(self) -> Seen:
        data = self._read(self.seen_path)
        return NOTHING_SEEN if data is None else read_seen(data, where=self.seen_path)

    def note(self, layer: str, bundle: PolicyBundle) -> None:
        """Keep ``bundle`` as the newest seen. Two processes never take each other a step back."""
        seen = self.seen()
        if seen.noting(layer, bundle) is seen:
            return
        make_private_folder(self.folder)
        with locked(self.seen_path + ".lock", "the memory of policies"):
            before = self.seen()
            after = before.noting(layer, bundle)
            if after is not before:
                self._write(self.seen_path, write_seen(after))

    def pulls(self) -> Pulls:
        data = self._read(self.pulls_path)
        return Pulls() if data is None else read_pulls(data, where=self.pulls_path)

    def change_pulls(self, step: Callable[[Pulls], Pulls]) -> None:
        make_private_folder(self.folder)
        with locked(self.pulls_path + ".lock", "the sources of policies"):
            self._write(self.pulls_path, write_pulls(step(self.pulls())))

    def _write(self, path: str, data: bytes) -> None:
        # A document that could not be read again would lock its owner out.
        if len(data) > SEEN_BYTES_MAX:
            raise Refused("policy.length", f"the document would have more than {SEEN_BYTES_MAX} bytes", where=path, hint="remove it, and enrol anew")
        write_atomic(path, data, PRIVATE)


@contextlib.contextmanager
def _judged(where: str) -> Iterator[None]:
    try:
        yield
    except Refused:
        hint = "nobody knows any more which policies were seen: compare the policy in force with its signer's, then remove this file"
        raise Refused("policy.seen", "the memory of policies is damaged", where=where, hint=hint) from None


def read_seen(data: bytes, *, where: str) -> Seen:
    chains: dict[str, RootChain] = {}
    marks: dict[tuple[str, str], Mark] = {}
    with _judged(where):
        faults = Faults("policy")
        fields = Fields(read(data, family="policy", where=where), where, faults)
        fields.number("mpp_policy_seen", least=1, most=1)
        rows = fields.each("publishers", lambda item, at: _read_publisher(Fields(item, at, faults)), most=SEEN_PUBLISHERS_MAX, required=True)
        fields.end()
        faults.stop()
        for chain, layers in rows:
            # Attack: a second entry with an older version would undo the first.
            if chains.setdefault(chain.publisher_id, chain) is not chain:
                raise Refused("policy.seen", "a publisher stands twice", where=where)
            marks.update({(chain.publisher_id, layer): mark for layer, mark in layers.items()})
    return Seen(chains=chains, marks=marks)


def _read_publisher(fields: Fields) -> tuple[RootChain, dict[str, Mark]]:
    roots, listed = fields.raw("roots"), fields.object("layers")
    found: dict[str, Mark] = {}
    for layer in LAYERS:
        one = listed.object(layer, required=False) if listed is not None else None
        if one is not None:
            found[layer] = _read_mark(one)
    if listed is not None:
        listed.end()
    fields.end()
    fields.faults.stop()
    return _chain(roots, fields.where), found


def _read_mark(fields: Fields) -> Mark:
    mark = Mark(
        name=fields.text("name", most=BUNDLE_NAME_MAX),
        version=fields.number("version", least=1, most=BUNDLE_VERSION_MAX),
        digest=fields.text("digest", most=64, pattern=KEY_ID, form=KEY_FORM),
    )
    fields.end()
    return mark


def write_seen(seen: Seen) -> bytes:
    publishers: list[Json] = []
    for name in sorted(seen.chains):
        layers: dict[str, Json] = {
            layer: {"name": mark.name, "version": mark.version, "digest": mark.digest} for (owner, layer), mark in seen.marks.items() if owner == name
        }
        publishers.append({"roots": _roots(seen.chains[name]), "layers": layers})
    return canonical({"mpp_policy_seen": 1, "publishers": publishers})


def read_pulls(data: bytes, *, where: str) -> Pulls:
    with _judged(where):
        faults = Faults("policy")
        fields = Fields(read(data, family="policy", where=where), where, faults)
        fields.number("mpp_policy_pulls", least=1, most=1)
        found = Pulls(fleet_source=_source(fields, "fleet_source"), user_source=_source(fields, "user_source"))
        roots = fields.raw("user_roots", required=False)
        fields.end()
        faults.stop()
        return found if roots is None else replace(found, user_chain=_chain(roots, where))


def _source(fields: Fields, key: str) -> str:
    return fields.text(key, most=SOURCE_CHARS_MAX, default="", least=0)


def write_pulls(pulls: Pulls) -> bytes:
    document: dict[str, Json] = {"mpp_policy_pulls": 1, "fleet_source": pulls.fleet_source, "user_source": pulls.user_source}
    return canonical(document if pulls.user_chain is None else {**document, "user_roots": _roots(pulls.user_chain)})


def _roots(chain: RootChain) -> Json:
    document = read(chain.data, family="policy", where="roots")
    return document["roots"] if isinstance(document, dict) else []


def _chain(roots: Json, where: str) -> RootChain:
    try:
        return read_chain(canonical({"roots": roots}), where=where)
    except ValueError:
        raise Refused("policy.seen", "the root documents hold what none can hold", where=where) from None
