"""What an agent may read beside tools: the manifest and README of each package, proofs of its own calls, and what packages ship as prompts and resources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mpp.errors import MppError, Refused
from mpp.host.audit.reader import LogReader
from mpp.host.filtering import Whose
from mpp.host.leaving import callee_of
from mpp.host.static import Shelves
from mpp.model.jsontext import Json, shown
from mpp.model.limits import MANIFEST_BYTES_MAX
from mpp.protocol.mcp.ports import Caller, Listing
from mpp.stages.archive import MANIFEST_NAME
from mpp.stages.audit import glance, write_proof
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import privacy_for

if TYPE_CHECKING:
    from mpp.host.host import Host
    from mpp.host.legacy.beside import Beside

SCHEME = "mpp://"
README = "README.md"
README_BYTES_MAX = 256 * 1024
"""Bytes of a README that are shown. Reason: a model reads some pages."""

CALL_ENTRIES_MAX = 8_192
"""Entries before one of a call in which the first that names its agent is looked for. Reason: what many calls record while one runs for minutes; it is read in some milliseconds."""

PROOF = re.compile(r"mpp://audit/([0-9]{1,15})/proof")
PROOF_TEMPLATE = SCHEME + "audit/{entry}/proof"
_PACKAGE = re.compile(r"mpp://packages/([^/]+)/(manifest\.json|README\.md)")

_MEDIA = frozenset(("data", "blob"))


class Resources:
    """Reads nothing but what a host has verified or recorded itself."""

    def __init__(self, host: Host, *, plain_names: bool = False) -> None:
        self._host, self._plain_names = host, plain_names
        self._shelves = Shelves(self._packages, plain_names=plain_names)

    def listing(self, who: Caller) -> Listing:
        rows: list[Json] = []
        for alias, package in self._packages():
            about: dict[str, Json] = {"title": f"{package.manifest.name} {package.version}"}
            rows.append({"uri": f"{SCHEME}packages/{alias}/{MANIFEST_NAME}", "name": f"{alias}/{MANIFEST_NAME}", "mimeType": "application/json", **about})
            if package.archive.find(README) is not None:
                rows.append({"uri": f"{SCHEME}packages/{alias}/{README}", "name": f"{alias}/{README}", "mimeType": "text/markdown", **about})
        return Listing(revision=self._host.tools(who).revision, items=self._with_older("uri", (*rows, *self._shelves.now().resources())))

    def templates(self, who: Caller) -> Listing:
        proof: Json = {
            "uriTemplate": PROOF_TEMPLATE, "name": "audit-proof", "title": "Proof of a call", "mimeType": "application/json",
            "description": "Proves that the entry of a call of yours is in the signed record. The number is in the call's _meta.",
        }  # fmt: skip
        return Listing(revision=self._host.tools(who).revision, items=self._with_older("uriTemplate", (proof, *self._shelves.now().templates())))

    def read(self, who: Caller, uri: str) -> Sequence[Json]:
        proof = PROOF.fullmatch(uri)
        if proof is not None:
            return ({"uri": uri, "mimeType": "application/json", "text": self._proof(who, int(proof[1]), uri)},)
        named = _PACKAGE.fullmatch(uri)
        for alias, package in self._packages() if named is not None else ():
            if named is not None and alias == named[1]:
                return (self._member(who, package, named[2], uri),)
        shipped = self._shelves.now().read(uri)
        if shipped is None:
            older = self._older()
            found = None if older is None else older.read(who, uri)
            if found is None:
                raise unknown_resource(uri)
            contents = found["contents"]
            return contents if isinstance(contents, list) else ()
        shown = self._shown(who, shipped[0].package, {"contents": [*shipped[1]]})["contents"]
        return shown if isinstance(shown, list) else ()

    def prompts(self, who: Caller) -> Listing:
        return Listing(revision=self._host.tools(who).revision, items=self._with_older("name", self._shelves.now().prompts()))

    def prompt(self, who: Caller, name: str, arguments: Mapping[str, str], inputs: Mapping[str, Json]) -> Mapping[str, Json]:
        named = self._shelves.now().prompt(name)
        if named is None:
            older = self._older()
            found = None if older is None else older.prompt(who, name, arguments, inputs, self._taken(), plain=self._plain_names)
            if found is None:
                raise unknown_prompt(name)
            return found
        kept, own = named
        return self._shown(who, kept.package, kept.static.prompt(own, arguments, inputs))

    def complete(self, who: Caller, ref: Mapping[str, Json], argument: str, text: str) -> Sequence[str]:
        shelf, uri = self._shelves.now(), ref.get("uri")
        is_shipped = shelf.prompt(str(ref.get("name"))) is not None or any(isinstance(one, dict) and one.get("uriTemplate") == uri for one in shelf.templates())
        older = None if is_shipped else self._older()
        found = None if older is None else older.complete(who, ref, argument, text, self._taken(), plain=self._plain_names)
        return shelf.complete(ref, argument, text) if found is None else found

    def follow(self, who: Caller, uri: str) -> None:
        """What a package ships changes with the package alone."""
        older = self._older()
        if older is not None and not uri.startswith(SCHEME) and self._shelves.now().read(uri) is None:
            older.follow(who, uri)

    # -- older servers

    def _older(self) -> Beside | None:
        try:
            return self._host.legacy.beside()
        except MppError:
            # Attack: whoever damages the list of older servers takes what packages ship away with them.
            return None

    def _taken(self) -> frozenset[str]:
        return frozenset(_text(one, "name") for one in self._shelves.now().prompts())

    def _with_older(self, key: str, first: Sequence[Json]) -> tuple[Json, ...]:
        """Attack: an older server that answers under the name or address of a package. What a package gave is the package's."""
        older, taken = self._older(), frozenset(_text(one, key) for one in first)
        try:
            found = () if older is None else older.prompts(taken, plain=self._plain_names) if key == "name" else (
                older.resources(taken) if key == "uri" else older.templates(taken)
            )  # fmt: skip
        except MppError:
            found = ()
        return tuple(sorted((*first, *found), key=lambda one: _text(one, "name"))) if key == "name" else (*first, *found)

    def _packages(self) -> list[tuple[str, VerifiedPackage]]:
        return self._host.installed.packages()

    def _member(self, who: Caller, package: VerifiedPackage, name: str, uri: str) -> Json:
        most = MANIFEST_BYTES_MAX if name == MANIFEST_NAME else README_BYTES_MAX
        data = package.read(name)
        if data is None:
            raise unknown_resource(uri)
        kind = "application/json" if name == MANIFEST_NAME else "text/markdown"
        return {"uri": uri, "mimeType": kind, "text": self._filtered(who, package, data[:most].decode("utf-8", "replace"))}

    def _filtered(self, who: Caller, package: VerifiedPackage, text: str) -> str:
        found = self._shown(who, package, {"text": text})["text"]
        return found if isinstance(found, str) else ""

    def _shown(self, who: Caller, package: VerifiedPackage, document: dict[str, Json]) -> dict[str, Json]:
        """Attack: a package that carries somebody's data in its README or its resources, past the filter of answers. Spec: static-content X-8."""
        at, on = self._host.room.setting(), self._host.room.on
        said = privacy_for(at.privacy, callee_of(package, ""))
        media = media_of(document)
        filtered = on.filters.bind(said, package.manifest.privacy_filters, Whose(tenant=who.tenant, agent=who.agent.name))(document)
        found = filtered.message
        if not isinstance(found, dict) or media_of(found) != media:
            # Half a picture is none.
            raise Refused("privacy.withheld", "it is withheld: the privacy filter could not make it fit to be shown", where=filtered.report.withheld)
        return found

    def _proof(self, who: Caller, seq: int, uri: str) -> str:
        """Attack: an agent that reads what others did, or which rules let them, entry by entry. It gets proofs of its own calls alone."""
        places = self._host.room.home.log
        reader = LogReader(places)
        if not is_own(reader, who, seq):
            raise unknown_resource(uri)
        try:
            proof = reader.prove(seq)
        except Refused as fault:
            if fault.code not in {"audit.unsigned", "audit.no_checkpoint"}:
                raise
            self._host.checkpoint()
            proof = reader.prove(seq)
        return write_proof(proof).decode("utf-8")


def is_own(reader: LogReader, who: Caller, seq: int) -> bool:
    """Is the entry of a call that this agent made? What belongs to no call is nobody's."""
    try:
        wanted = glance(reader.line(seq)) if reader.is_there() else None
    except Refused:
        # It is not there. Whether it was or will be is not for an agent.
        return False
    if wanted is None or wanted.tenant != who.tenant or not wanted.invocation:
        return False
    call, agent = wanted.invocation.encode("utf-8", "surrogatepass"), who.agent
    for data in reader.lines(max(0, seq - CALL_ENTRIES_MAX)):
        line = glance(data) if call in data else None
        if line is not None and line.seq > seq:
            return False
        named = _agent_of(line.body) if line is not None and line.invocation == wanted.invocation else {}
        if named:
            return tuple(named.get(key, "") for key in ("name", "key", "issuer")) == (agent.name, agent.key, agent.issuer) and agent.level in {
                named.get("proof"), named.get("level")
            }  # fmt: skip
    return False


def _agent_of(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """As an intent, a refusal or a decision names it."""
    facts = body.get("facts")
    found = body.get("agent") or (facts.get("agent") if isinstance(facts, dict) else None)
    return found if isinstance(found, dict) else {}


def media_of(found: Json) -> list[Json]:
    """Pictures, sounds and files in a message, as base64 text."""
    if isinstance(found, list):
        return [one for item in found for one in media_of(item)]
    if isinstance(found, dict):
        return [one for key, item in found.items() for one in ([item] if key in _MEDIA else media_of(item))]
    return []


def _text(found: Json, key: str) -> str:
    text = found.get(key) if isinstance(found, dict) else None
    return text if isinstance(text, str) else ""


def unknown_resource(uri: str) -> Refused:
    return Refused("call.resource", f"there is no resource {shown(uri, 200)!r}", where="uri", hint="resources/list names those that there are")


def unknown_prompt(name: str) -> Refused:
    return Refused("call.prompt", f"there is no prompt {shown(name, 200)!r}", where="name", hint="prompts/list names those that there are")
