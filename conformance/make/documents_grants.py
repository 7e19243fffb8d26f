"""What one host lets another open: grant chains. Spec: identity.md section 8."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from conformance.make import curve
from conformance.make.build import GONE, NOW, compact, edit
from conformance.make.documents import DAY, HOST, JTI, OTHER_HOST, STRANGER, Change, Document, public, sealed, signer_id, spoilt
from mpp.crypto.base64text import encode
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.testing.keys import fixed_signer

# One case a line, however long.
# fmt: off

GRANT_TYPE = "application/vnd.mpp.grant+json"
OTHER_TYPE = "application/vnd.mpp.delegation+json"
ISSUER, MIDDLE, HOLDER = HOST, OTHER_HOST, fixed_signer("third host")
PACKAGE: dict[str, Json] = {"publisher": "a" * 64, "id": "com.example.crm", "content": "c" * 64}


def rule(host: str, **more: Json) -> dict[str, Json]:
    """A rule of the network; any method and any path, where nothing else is said."""
    return {"host": host, "schemes": ["https"], "ports": [443], "methods": [], "paths": [], **more}


TOKEN: dict[str, Json] = {"name": "CRM_TOKEN", "host": "api.example.com", "header": "Authorization", "format": "Bearer {secret}"}
DEVICE: dict[str, Json] = {"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "rw"}
WIDE: dict[str, Json] = {
    "network": [rule("*.example.com", ports=[443, 8443], methods=["GET", "POST"], paths=["/v1"])],
    "read": ["/data"], "write": ["/data/out"], "env": ["REGION", "STAGE"], "secrets": [TOKEN], "kv_max_bytes": 1000, "devices": [DEVICE], "tools": ["lookup", "list"], "until": None,
}
NARROW: dict[str, Json] = {
    "network": [rule("api.example.com", methods=["GET"], paths=["/v1/customers"])],
    "read": ["/data/in"], "write": [], "env": ["REGION"], "secrets": [], "kv_max_bytes": 500, "devices": [{**DEVICE, "mode": "r"}], "tools": ["lookup"], "until": None,
}
CONTEXT: dict[str, Json] = {"now": NOW, "trusted": [public(ISSUER)], "holder": signer_id(HOLDER), "package": PACKAGE}
SHARED: Mapping[str, Mapping[str, Json]] = {"grant": CONTEXT}


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One link, and who signs it."""

    body: Json
    by: SeedSigner

    @property
    def data(self) -> bytes:
        return sealed(GRANT_TYPE, compact(self.body), self.by)

    @property
    def digest(self) -> str:
        return sha256(compact(self.body)).hexdigest()


def grant(scope: Json, by: SeedSigner, to: SeedSigner, *, after: Grant | None = None, depth: int = 0, change: Change | None = None) -> Grant:
    """``by`` lets ``to`` open ``scope``. ``change`` is as ``edit`` takes it."""
    body: Json = {
        "mpp_grant": 1, "scope": scope, "package": PACKAGE, "holder": {"key": signer_id(to), "public": public(to)}, "parent": after.digest if after is not None else "",
        "depth_left": depth, "not_before": NOW - 10, "not_after": NOW + 1000, "issuer": signer_id(by), "jti": JTI,
    }
    return Grant(body=edit(body, change or {}), by=by)


def chain(*links: bytes, **more: Json) -> bytes:
    """The links in one document."""
    found: list[Json] = [json.loads(one) for one in links]
    return compact({"mpp_grants": 1, "links": found, **more})


FIRST = grant(WIDE, ISSUER, MIDDLE, depth=1)
DIRECT = grant(WIDE, ISSUER, HOLDER)


def second(change: Change | None = None, *, by: SeedSigner = MIDDLE, to: SeedSigner = HOLDER, first: Grant = FIRST) -> tuple[Grant, ...]:
    """A sound first link, and a second one with something changed."""
    return (first, grant(NARROW, by, to, after=first, change=change))


def passed_on(count: int) -> tuple[Grant, ...]:
    """A chain of so many links to the holder, each with the whole scope."""
    hosts = [ISSUER, *(fixed_signer(f"host {i}") for i in range(count - 1)), HOLDER]
    found: list[Grant] = []
    for i in range(count):
        found.append(grant(WIDE, hosts[i], hosts[i + 1], after=found[-1] if found else None, depth=count - 1 - i))
    return tuple(found)


def _opened(scope: Json, until: int) -> Json:
    filled = {key: item for key, item in scope.items() if item not in ([], 0, None)} if isinstance(scope, dict) else {}
    return {**filled, "until": until}


CUT = grant({**WIDE, "until": NOW + 100}, ISSUER, MIDDLE, depth=1)
READ_ONLY = grant({**WIDE, "devices": [{**DEVICE, "mode": "r"}]}, ISSUER, MIDDLE, depth=1)
EXACT = grant({**WIDE, "network": [rule("api.example.com")]}, ISSUER, MIDDLE, depth=1)
END = NOW + 1000
NETWORK = "scope>network>0"

# Chains that hold: name, title, clauses, links, until when, changes of the context.
SOUND: tuple[tuple[str, str, str, tuple[Grant, ...], int, Change], ...] = (
    ("one-link", "One host lets another open something", "I-70 I-71 I-77", (DIRECT,), END, {}),
    ("two-links", "The second host passes on less", "I-72 I-74 I-75 I-77", second(), END, {}),
    ("eight-links", "As many links as may be, each with the whole scope", "I-74 I-75", passed_on(8), END, {}),
    ("two-trusted", "Another host is trusted too", "I-71", (DIRECT,), END, {"trusted": [public(STRANGER), public(ISSUER)]}),
    ("first-second", "It holds from this very second on", "I-27", (grant(WIDE, ISSUER, HOLDER, change={"not_before": NOW}),), END, {}),
    ("last-second", "It holds until this very second", "I-27", (grant(WIDE, ISSUER, HOLDER, change={"not_after": NOW}),), NOW, {}),
    ("ends-earlier", "The second link ends earlier", "I-75 I-77", second({"not_after": NOW + 60}), NOW + 60, {}),
    ("scope-ends-earlier", "The scope ends before the link", "I-77", second({"scope>until": NOW + 30}), NOW + 30, {}),
    ("scope-ends-later", "The scope ends after the link", "I-77", second({"scope>until": NOW + 5000}), END, {}),
    ("narrow-wildcard", "A wildcard below the wildcard", "I-75", second({f"{NETWORK}>host": "*.eu.example.com"}), END, {}),
    ("narrow-same-wildcard", "The wildcard itself", "I-75", second({f"{NETWORK}>host": "*.example.com"}), END, {}),
    ("narrow-deep-host", "A host two labels below the wildcard", "I-75", second({f"{NETWORK}>host": "a.eu.example.com"}), END, {}),
    ("narrow-other-port", "The other of two ports", "I-75", second({f"{NETWORK}>ports": [8443]}), END, {}),
    ("narrow-same-path", "The path of the rule itself", "I-75", second({f"{NETWORK}>paths": ["/v1"]}), END, {}),
    ("narrow-methods-all", "All of the methods, named one by one", "I-75", second({f"{NETWORK}>methods": ["GET", "POST"]}), END, {}),
    ("narrow-read-what-is-written", "Reading where the link before lets write", "I-75", (below := grant({**WIDE, "read": []}, ISSUER, MIDDLE, depth=1), grant({**NARROW, "read": ["/data/out/a"]}, MIDDLE, HOLDER, after=below)), END, {}),
    ("narrow-write", "Writing below", "I-75", second({"scope>write": ["/data/out/today"]}), END, {}),
    ("narrow-secret", "The secret itself", "I-75", second({"scope>secrets": [TOKEN]}), END, {}),
    ("narrow-exact-host", "The one host that the first names", "I-75", (EXACT, grant({**NARROW, "network": [rule("api.example.com", methods=["GET"])]}, MIDDLE, HOLDER, after=EXACT)), END, {}),
    ("scope-ends-alike", "Both scopes end in the same second", "I-75 I-77", (CUT, grant({**NARROW, "until": NOW + 100}, MIDDLE, HOLDER, after=CUT)), NOW + 100, {}),
    ("narrow-nothing", "Nothing is passed on but the tool", "I-75", (FIRST, grant({**NARROW, "network": [], "read": [], "env": [], "kv_max_bytes": 0, "devices": []}, MIDDLE, HOLDER, after=FIRST)), END, {}),
)

# Second links that open more than the first: name, title, changes of the sound second one.
WIDENED: tuple[tuple[str, str, Change], ...] = (
    ("host-other", "Another host", {f"{NETWORK}>host": "api.example.org"}),
    ("host-domain-itself", "The domain of the wildcard itself", {f"{NETWORK}>host": "example.com"}),
    ("host-suffix-alike", "A host whose name ends alike", {f"{NETWORK}>host": "badexample.com"}),
    ("host-goes-on", "A wildcard whose domain begins alike and goes on", {f"{NETWORK}>host": "*.example.com.evil.net"}),
    ("port-other", "Another port", {f"{NETWORK}>ports": [443, 9443]}),
    ("scheme-http", "Plain http", {f"{NETWORK}>schemes": ["https", "http"]}),
    ("method-other", "Another method", {f"{NETWORK}>methods": ["GET", "DELETE"]}),
    ("method-any", "Any method", {f"{NETWORK}>methods": []}),
    ("path-above", "A path above", {f"{NETWORK}>paths": ["/"]}),
    ("path-alike", "A path that begins alike", {f"{NETWORK}>paths": ["/v10"]}),
    ("path-case", "The path in upper case", {f"{NETWORK}>paths": ["/V1"]}),
    ("path-any", "Any path", {f"{NETWORK}>paths": []}),
    ("rule-more", "A second rule for another host", {"scope>network": [rule("api.example.com", methods=["GET"], paths=["/v1"]), rule("evil.example.net")]}),
    ("read-other", "Another folder", {"scope>read": ["/home/ada"]}),
    ("read-alike", "A folder that begins alike", {"scope>read": ["/database"]}),
    ("read-case", "The folder in upper case", {"scope>read": ["/Data"]}),
    ("read-workspace", "The workspace", {"scope>read": ["${workspace}"]}),
    ("write-beyond", "Writing where the first lets only read", {"scope>write": ["/data/in"]}),
    ("write-above", "Writing in the folder above", {"scope>write": ["/data"]}),
    ("env-other", "Another variable", {"scope>env": ["REGION", "ACCOUNT"]}),
    ("env-alike", "A variable that begins alike", {"scope>env": ["REGION2"]}),
    ("secret-other", "Another secret", {"scope>secrets": [{**TOKEN, "name": "BANK_TOKEN"}]}),
    ("secret-header", "The secret in another header", {"scope>secrets": [{**TOKEN, "header": "X-Token"}]}),
    ("secret-format", "The secret in another form", {"scope>secrets": [{**TOKEN, "format": "{secret}"}]}),
    ("kv-more", "One byte more of storage", {"scope>kv_max_bytes": 1001}),
    ("device-other", "Another device", {"scope>devices": [{**DEVICE, "path": "/dev/ttyUSB1"}]}),
    ("tool-other", "Another tool", {"scope>tools": ["lookup", "delete"]}),
    ("tool-case", "The tool in upper case", {"scope>tools": ["Lookup"]}),
    ("time-longer", "A second longer", {"not_after": END + 1}),
    ("time-earlier", "From a second earlier on", {"not_before": NOW - 11}),
)


def _over_work() -> tuple[Grant, ...]:
    """64 rules, and 64 rules of as many requests as a rule may have."""
    every: list[Json] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    wide: Json = {**WIDE, "network": [rule(f"h{i}.example.com", ports=[*range(1000, 1016)]) for i in range(64)], "secrets": []}
    narrow: Json = {**NARROW, "network": [rule(f"h{i}.example.com", ports=[*range(1000, 1016)], methods=every, paths=["/a", "/b"]) for i in range(64)]}
    first = grant(wide, ISSUER, MIDDLE, depth=1)
    return first, grant(narrow, MIDDLE, HOLDER, after=first)


DEEP = grant({**WIDE, "read": ["/data/in"]}, ISSUER, MIDDLE, depth=1)
THREE = passed_on(3)
OLD = grant(WIDE, ISSUER, MIDDLE, depth=1, change={"not_after": NOW - 1, "not_before": NOW - 20})

# Chains that do not hold: name, title, clauses, code, links, changes of the context.
BAD: tuple[tuple[str, str, str, str, tuple[Grant, ...], Change], ...] = (
    ("widened-wildcard", "A wildcard where the first names a host", "I-75", "widened", (EXACT, grant({**NARROW, "network": [rule("*.example.com")]}, MIDDLE, HOLDER, after=EXACT)), {}),
    ("widened-sub-domain", "A sub-domain where the first names a host", "I-75", "widened", (EXACT, grant({**NARROW, "network": [rule("a.api.example.com")]}, MIDDLE, HOLDER, after=EXACT)), {}),
    ("widened-read-above", "The folder above", "I-75", "widened", (DEEP, grant({**NARROW, "read": ["/data"]}, MIDDLE, HOLDER, after=DEEP)), {}),
    ("widened-device-mode", "Writing to a device that may be read", "I-75", "widened", (READ_ONLY, grant({**NARROW, "devices": [DEVICE]}, MIDDLE, HOLDER, after=READ_ONLY)), {}),
    ("widened-until", "A scope that ends later", "I-75", "widened", (CUT, grant({**NARROW, "until": NOW + 101}, MIDDLE, HOLDER, after=CUT)), {}),
    ("widened-until-none", "A scope that does not end", "I-75", "widened", (CUT, grant(NARROW, MIDDLE, HOLDER, after=CUT)), {}),
    ("issuer-unknown", "Begun by a host that is not trusted", "I-71", "issuer", (grant(WIDE, STRANGER, HOLDER),), {}),
    ("issuer-nobody", "No host is trusted", "I-71", "issuer", (DIRECT,), {"trusted": []}),
    ("first-by-other", "The first link names a trusted host and is signed by another", "I-71", "signer", (Grant(body=DIRECT.body, by=STRANGER),), {}),
    ("second-by-other", "The second link is signed by somebody else", "I-72", "signer", (FIRST, Grant(body=second()[1].body, by=STRANGER)), {}),
    ("second-issuer-other", "The second link names another issuer than the key that signs", "I-72", "signer", second({"issuer": signer_id(STRANGER)}), {}),
    ("second-by-first", "The second link is signed by the first issuer", "I-72", "signer", second(by=ISSUER), {}),
    ("reordered", "The links in the wrong order", "I-71 I-72", "parent", tuple(reversed(second())), {}),
    ("middle-missing", "The second of three links is left out", "I-72", "parent", (THREE[0], THREE[2]), {}),
    ("beginning-missing", "The first link is left out", "I-71", "parent", second()[1:], {}),
    ("end-missing", "The last link is left out", "I-76", "holder", (FIRST,), {}),
    ("two-chains", "The second link follows a link of another chain", "I-72", "parent", (grant(NARROW, ISSUER, MIDDLE, depth=1), second()[1]), {}),
    ("link-twice", "The first link stands twice", "I-72", "parent", (DIRECT, DIRECT), {}),
    ("parent-none", "The second link names no parent", "I-72", "parent", second({"parent": ""}), {}),
    ("holder-other", "Given to another host", "I-76", "holder", (DIRECT,), {"holder": signer_id(STRANGER)}),
    ("package-changes", "The second link is about another package", "I-73", "package", second({"package>id": "com.example.bank"}), {}),
    ("content-changes", "The second link is about another content", "I-73", "package", second({"package>content": "d" * 64}), {}),
    ("package-changes-for-use", "The second link is about another package, and the chain is used for that one", "I-73", "package", second({"package>id": "com.example.bank"}), {"package": {**PACKAGE, "id": "com.example.bank"}}),
    ("package-other", "Used for another package", "I-73", "package", (DIRECT,), {"package": {**PACKAGE, "id": "com.example.bank"}}),
    ("content-other", "Used for another version of the package", "I-73", "package", (DIRECT,), {"package": {**PACKAGE, "content": "d" * 64}}),
    ("publisher-other", "Used for a package of the same name by another publisher", "I-73", "package", (DIRECT,), {"package": {**PACKAGE, "publisher": "b" * 64}}),
    ("depth-none", "The first link may not be passed on", "I-74", "depth", second(first=grant(WIDE, ISSUER, MIDDLE)), {}),
    ("depth-equal", "The second link may be passed on as often as the first", "I-74", "depth", second({"depth_left": 1}), {}),
    ("depth-8", "More steps than a chain has", "I-74", "range", (grant(WIDE, ISSUER, HOLDER, depth=8),), {}),
    ("expired", "It ended a second ago", "I-27", "expired", (grant(WIDE, ISSUER, HOLDER, change={"not_after": NOW - 1}),), {}),
    ("early", "It holds from the next second on", "I-27", "early", (grant(WIDE, ISSUER, HOLDER, change={"not_before": NOW + 1}),), {}),
    ("expired-first", "The first of two links ended a second ago", "I-27", "expired", (OLD, grant(NARROW, MIDDLE, HOLDER, after=OLD, change={"not_before": NOW - 20, "not_after": NOW - 1})), {}),
    ("too-long-a-time", "It holds for 400 days and a second", "I-27", "range", (grant(WIDE, ISSUER, HOLDER, change={"not_before": NOW, "not_after": NOW + 400 * DAY + 1}),), {}),
    ("no-link", "A chain without links", "I-74", "length", (), {}),
    ("nine-links", "Nine links", "I-74", "length", (*passed_on(8), DIRECT), {}),
    ("holder-small-order", "The key of the holder has small order", "I-27 K-2", "base64", (grant(WIDE, ISSUER, HOLDER, change={"holder>public": encode(curve.EIGHT)}),), {}),
    ("holder-id-other", "The id beside the key of the holder is another's", "I-70", "form", (grant(WIDE, ISSUER, HOLDER, change={"holder>key": signer_id(STRANGER)}),), {}),
    ("jti-short", "A jti of 31 digits", "I-27", "form", (grant(WIDE, ISSUER, HOLDER, change={"jti": JTI[1:]}),), {}),
    ("version-2", "A later version of the grant", "I-26", "range", (grant(WIDE, ISSUER, HOLDER, change={"mpp_grant": 2}),), {}),
    ("key-unknown", "A key that nobody knows", "I-26", "unknown_key", (grant(WIDE, ISSUER, HOLDER, change={"note": "x"}),), {}),
    ("scope-key-missing", "A scope without its secrets", "I-70", "missing", (grant(WIDE, ISSUER, HOLDER, change={"scope>secrets": GONE}),), {}),
    ("scope-key-unknown", "A scope with a key that nobody knows", "I-70", "unknown_key", (grant(WIDE, ISSUER, HOLDER, change={"scope>root": True}),), {}),
    ("scope-tools-text", "A text as list of tools", "I-70", "type", (grant(WIDE, ISSUER, HOLDER, change={"scope>tools": "lookup"}),), {}),
    ("scope-tools-twice", "One tool twice", "I-70", "duplicate", (grant({**WIDE, "tools": ["lookup", "lookup"]}, ISSUER, HOLDER),), {}),
    ("scope-private-name", "A private name", "I-70 M-40", "scope", (grant(WIDE, ISSUER, HOLDER, change={f"{NETWORK}>host": "db.internal"}),), {}),
    ("scope-address", "An address", "I-70 M-40", "scope", (grant(WIDE, ISSUER, HOLDER, change={f"{NETWORK}>host": "10.0.0.5"}),), {}),
    ("scope-trailing-dot", "A host with a dot at its end", "I-70 M-40", "scope", (grant(WIDE, ISSUER, HOLDER, change={f"{NETWORK}>host": "api.example.com."}),), {}),
    ("scope-host-case", "A host in upper case", "I-70 M-40", "scope", (grant(WIDE, ISSUER, HOLDER, change={f"{NETWORK}>host": "API.example.com"}),), {}),
    ("scope-system-path", "A path of the system", "I-70 M-53", "scope", (grant(WIDE, ISSUER, HOLDER, change={"scope>read": ["/proc/self"]}),), {}),
    ("scope-path-dots", "A path that goes up", "I-70 M-51", "scope", (grant(WIDE, ISSUER, HOLDER, change={"scope>read": ["/data/../etc"]}),), {}),
    ("scope-env-never", "A variable of the loader", "I-70 M-55", "scope", (grant(WIDE, ISSUER, HOLDER, change={"scope>env": ["LD_PRELOAD"]}),), {}),
    ("scope-form-ports", "Ports left out, as a manifest may", "I-70", "scope", (grant({**WIDE, "network": [{"host": "api.example.com", "schemes": ["https"], "methods": [], "paths": []}]}, ISSUER, HOLDER),), {}),
    ("scope-form-methods", "Methods in another order than that of the manifest's forms", "I-70", "scope", (grant(WIDE, ISSUER, HOLDER, change={f"{NETWORK}>methods": ["POST", "GET"]}),), {}),
    ("scope-form-text", "A rule as a text, as a manifest may have it", "I-70", "scope", (grant({**WIDE, "network": ["api.example.com"]}, ISSUER, HOLDER),), {}),
    ("work", "Rules that would take too long to compare", "I-75", "work", _over_work(), {}),
)


def documents() -> Iterator[Document]:
    """All grant chains."""
    for name, title, clauses, links, until, around in SOUND:
        last = links[-1].body
        scope = last.get("scope") if isinstance(last, dict) else None
        holders: list[Json] = [one.body["holder"]["key"] for one in links if isinstance(one.body, dict) and isinstance(one.body["holder"], dict)]
        result: Json = {"issuer": signer_id(ISSUER), "holders": holders, "digest": links[-1].digest, "scope": _opened(scope, until)}
        yield Document(kind="grant-chain", name=name, title=title, clauses=clauses, data=chain(*(one.data for one in links)), context={**CONTEXT, **around} if around else "grant", result=result)
    for name, title, change in WIDENED:
        yield Document(kind="grant-chain", name=f"widened-{name}", title=title, clauses="I-75", code="token.widened", data=chain(*(one.data for one in second(change))), context="grant")
    for name, title, clauses, code, links, around in BAD:
        yield Document(kind="grant-chain", name=name, title=title, clauses=clauses, code=f"token.{code}", data=chain(*(one.data for one in links)), context={**CONTEXT, **around} if around else "grant")
    yield from _forms()


def _forms() -> Iterator[Document]:
    """Chains and links that are not written as they must be."""
    body = DIRECT.body if isinstance(DIRECT.body, dict) else {}
    for name, title, clauses, what, data in spoilt(GRANT_TYPE, body, ISSUER, other_type=OTHER_TYPE):
        # A link stands inside of the chain, which has one form of bytes for all of it.
        if name not in {"envelope-spaced", "envelope-line-feed"}:
            code = {"signature": "token.signer"}.get(what, f"token.{what}")
            yield Document(kind="grant-chain", name=name, title=title, clauses=f"I-25 {clauses}", code=code, data=chain(data), context="grant")
    sound = chain(DIRECT.data)
    rows: tuple[tuple[str, str, str, bytes], ...] = (
        ("chain-spaced", "A chain with a space after each colon", "json", json.dumps(json.loads(sound), sort_keys=True).encode()),
        ("chain-line-feed", "A line feed after the chain", "json", sound + b"\n"),
        ("chain-key-unknown", "A chain with a key that nobody knows", "unknown_key", chain(DIRECT.data, note="x")),
        ("chain-version-2", "A later version of the chain", "range", chain(DIRECT.data, mpp_grants=2)),
        ("chain-empty", "No byte", "json", b""),
        ("chain-half", "Half of a chain", "json", sound[: len(sound) // 2]),
    )
    for name, title, code, data in rows:
        yield Document(kind="grant-chain", name=name, title=title, clauses="I-26 K-10", code=f"token.{code}", data=data, context="grant")
