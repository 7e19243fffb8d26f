"""The table of endpoints: the one place that says which there are. Routes, the OpenAPI document and the reference page are made of it."""

from __future__ import annotations

import re
from typing import TypeAlias

from mpp.ledger.notes import NOTE_BYTES_MAX
from mpp.ledger.tiles import LEVELS
from mpp.model.limits import NAME_MAX
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX, TOTAL_BYTES_MAX
from mpp_registry.api import advisories, log, packages, publishers, publishing
from mpp_registry.api.answering import JSON, OCTETS, PACKAGE as PACKAGE_MEDIA, TEXT
from mpp_registry.api.asking import COUNT, CURSOR, LIMIT, NAMESPACE, number, PACKAGE, Parameter, PUBLISHER, STAGED, START, TEXT as WORDS, VERSION_OF
from mpp_registry.api.endpoint import Auth, Endpoint, Handle, Reply
from mpp_registry.api.limits import BODY_BYTES_MAX
from mpp_registry.api.problems import MEDIA as PROBLEM

Replies: TypeAlias = tuple[Reply, ...]

LEVEL = number("level", "The level of the tile.", most=LEVELS - 1)
PLACE = Parameter(
    name="place", words="Its number in groups of three digits, with `.p/` and its width where it is not full.", most=60,
    pattern=re.compile(r"(?:x[0-9]{3}/){0,5}[0-9]{3}(?:\.p/[0-9]{1,3})?"), form="the name of a tile", example="000",
)  # fmt: skip
RULE = Parameter(
    name="rule_id", words="The rule.", most=NAME_MAX, pattern=re.compile(r"[A-Za-z0-9_-]{1,64}"), form="an id as the registry gave it", example="1a2b"
)
VISIBILITY = Parameter(
    name="visibility", words="Of a package that is new: `public`, or `private` for its owners only.", most=7, pattern=re.compile(r"public|private"),
    form="public or private", default="public", example="public",
)  # fmt: skip
ID, VERSION = "/v1/packages/{package_id}", "/v1/packages/{package_id}/versions/{version}"


def ok(words: str, schema: str = "", media: str = JSON, status: int = 200) -> Replies:
    return (Reply(status=status, words=words, schema=schema, media=media),)


def got(words: str, schema: str = "", media: str = JSON) -> Replies:
    """Of a GET that may be asked whether anything is new."""
    return (*ok(words, schema, media), Reply(status=304, words="It is as it was.", media=""))


def get(
    path: str, name: str, words: str, tag: str, handle: Handle, replies: Replies, *, places: tuple[Parameter, ...] = (), query: tuple[Parameter, ...] = (),
    auth: Auth = "reader",
) -> Endpoint:  # fmt: skip
    return Endpoint(method="GET", path=path, name=name, words=words, tag=tag, handle=handle, replies=replies, places=places, query=query, auth=auth)


def change(
    method: str, path: str, name: str, words: str, tag: str, handle: Handle, replies: Replies, *, body: str = "", places: tuple[Parameter, ...] = (),
    auth: Auth = "signed",
) -> Endpoint:  # fmt: skip
    return Endpoint(
        method=method, path=path, name=name, words=words, tag=tag, handle=handle, replies=replies, places=places, auth=auth, body=body,
        body_media=JSON if body else "", body_max=PUBLISHER_BYTES_MAX + 1 if body == "Roots" else BODY_BYTES_MAX,
    )  # fmt: skip


GONE = ok("It was quarantined or revoked.", "Problem", PROBLEM, 410)
REFUSED = (
    *ok("It is not allowed.", "Problem", PROBLEM, 403), *ok("It stands against what is there.", "Problem", PROBLEM, 409),
    *ok("It was judged and refused.", "Problem", PROBLEM, 422),
)  # fmt: skip

_ABOUT = (
    get("/v1/registry", "registry", "Which registry this is.", "about", log.registry, got("Its id, name and root document.", "Registry"), auth="open"),
)  # fmt: skip

_LOG = (
    get("/v1/log/checkpoint", "checkpoint", "The newest signed checkpoint, with cosignatures.", "log", log.checkpoint, got("A signed note.", media=TEXT)),
    get(
        "/v1/log/tile/{level}/{place:path}", "tile", "Hashes of the tree, as C2SP tlog-tiles lays them out.", "log", log.tile,
        got("32 bytes for each hash.", media=OCTETS), places=(LEVEL, PLACE),
    ),
    get("/v1/log/entries", "entries", "Leaves of the log.", "log", log.entries, got("Each leaf as its canonical text.", "Log"), query=(START, COUNT)),
    get(
        "/v1/log/consistency", "consistency", "That an earlier log is a beginning of a later one.", "log", log.consistency, got("The proof.", "Consistency"),
        query=(number("from", "The earlier size.", required=True), number("to", "The later size.", required=True)),
    ),
    Endpoint(
        method="POST", path="/v1/log/cosignatures", name="cosign", words="Signatures of witnesses under the newest checkpoint, as lines of a note.", tag="log",
        handle=log.post_cosignatures, auth="open", body_media="text/plain", body_max=NOTE_BYTES_MAX,
        replies=(*ok("They are kept.", media="", status=204), *ok("The newest checkpoint is another one.", "Problem", media=PROBLEM, status=409)),
    ),
)  # fmt: skip

_PACKAGES = (
    get(
        "/v1/search", "search", "Packages that fit some words, the best first.", "packages", packages.search, got("A page of packages.", "Search"),
        query=(WORDS, CURSOR, LIMIT),
    ),
    get(ID, "package", "What is known of a package.", "packages", packages.package, got("The package.", "Package"), places=(PACKAGE,)),
    get(
        f"{ID}/versions", "versions", "Its versions, the highest first.", "packages", packages.versions, got("A page of versions.", "Versions"),
        places=(PACKAGE,), query=(CURSOR, LIMIT),
    ),
    get(f"{ID}/absence", "absence", "A proof that there is no such package.", "packages", packages.absence, got("The proof.", "Absence"), places=(PACKAGE,)),
    get(VERSION, "version", "One version.", "packages", packages.version, got("The version.", "Version"), places=(PACKAGE, VERSION_OF)),
    get(f"{VERSION}/bundle", "bundle", "Its proofs.", "packages", packages.bundle, got("The bundle.", "Bundle"), places=(PACKAGE, VERSION_OF)),
    get(
        f"{VERSION}/download", "download", "Its file; a part of it with a Range header.", "packages", packages.download,
        (*got("The .mpp file.", media=PACKAGE_MEDIA), Reply(status=206, words="A part of it.", media=PACKAGE_MEDIA), *GONE), places=(PACKAGE, VERSION_OF),
    ),
    *(
        get(f"{VERSION}/{name}", name, f"Its {words}.", "packages", handle, got("As it stands in the file.", media=media), places=(PACKAGE, VERSION_OF))
        for name, words, handle, media in (
            ("manifest", "manifest", packages.manifest, JSON), ("readme", "README", packages.readme, TEXT),
            ("sbom", "list of parts", packages.sbom, JSON), ("provenance", "provenance", packages.provenance, JSON),
        )
    ),
)  # fmt: skip

_PUBLISHING = (
    Endpoint(
        method="POST", path="/v1/packages", name="publish", words="Publish a version: the body is the .mpp file.", tag="publishing",
        handle=publishing.post_package, auth="signed", query=(VISIBILITY,), body_media=PACKAGE_MEDIA, body_max=TOTAL_BYTES_MAX, is_upload=True,
        replies=(
            *ok("These very bytes were published before.", "Published"), *ok("It is published.", "Published", status=201),
            *ok("A second person has to approve it.", "Published", status=202), *REFUSED,
        ),
    ),
    change(
        "PUT", f"{VERSION}/status", "put_status", "Deprecate, yank, quarantine or revoke a version.", "publishing", publishing.put_status,
        (*ok("The version, as it is now.", "Version"), *REFUSED), body="StatusBody", places=(PACKAGE, VERSION_OF), auth="admin",
    ),
    change(
        "PUT", f"{ID}/owners", "put_owners", "Who owns and maintains a package.", "publishing", publishing.put_owners,
        (*ok("It is so.", "OwnersChange"), *ok("Others have to ask for the same.", "OwnersChange", status=202), *REFUSED), body="OwnersBody",
        places=(PACKAGE,), auth="admin",
    ),
    get(
        "/v1/staged", "staged", "What waits for a second person of whoever asks.", "publishing", publishing.staged,
        (*ok("The versions, the oldest first.", "Staged"), *REFUSED[:1]), auth="signed",
    ),
    get(
        "/v1/staged/{staged_id}/download", "download_staged", "The file that waits, for its publisher's keys.", "publishing", publishing.staged_file,
        (*ok("The .mpp file.", media=PACKAGE_MEDIA), Reply(status=206, words="A part of it.", media=PACKAGE_MEDIA), *REFUSED[:1]), places=(STAGED,),
        auth="signed",
    ),
    change(
        "POST", "/v1/staged/{staged_id}/approve", "approve", "Approve what somebody else has staged.", "publishing", publishing.approve,
        (
            *ok("It was published before.", "Published"), *ok("It is published.", "Published", status=201),
            *ok("More approvals are needed.", "Published", status=202), *REFUSED,
        ), places=(STAGED,), auth="admin",
    ),
    change(
        "POST", "/v1/staged/{staged_id}/refuse", "refuse", "Refuse what is staged.", "publishing", publishing.refuse,
        (*ok("It is refused.", media="", status=204), *REFUSED), body="ReasonBody", places=(STAGED,), auth="admin",
    ),
    change(
        "POST", "/v1/oidc/exchange", "exchange", "A token of a build service for one of ours.", "publishing", publishing.exchange,
        (*ok("A token for some minutes.", "Token"), *REFUSED), body="ExchangeBody", auth="open",
    ),
    get(
        "/v1/oidc/rules", "rules", "Whose builds may publish for whoever asks.", "publishing", publishing.rules, (*ok("The rules.", "Rules"), *REFUSED[:1]),
        auth="signed",
    ),
    change(
        "POST", "/v1/oidc/rules", "post_rule", "Let builds publish.", "publishing", publishing.post_rule,
        (*ok("The rule.", "Rule", status=201), *REFUSED), body="RuleBody",
    ),
    change(
        "DELETE", "/v1/oidc/rules/{rule_id}", "delete_rule", "Let them publish no more.", "publishing", publishing.delete_rule,
        (*ok("It is gone.", media="", status=204), *REFUSED), places=(RULE,),
    ),
)  # fmt: skip

_PUBLISHERS = (
    change(
        "POST", "/v1/publishers", "register", "Register: the body is publisher.json, and one of its keys signs the request.", "publishers",
        publishers.post_publisher, (*ok("It was registered before.", "Publisher"), *ok("It is registered.", "Publisher", status=201), *REFUSED),
        body="Roots", auth="new",
    ),
    get(
        "/v1/publishers/{publisher_id}", "publisher", "A publisher, with its root document.", "publishers", publishers.publisher,
        got("The publisher.", "Publisher"), places=(PUBLISHER,),
    ),
    change(
        "PUT", "/v1/publishers/{publisher_id}/root", "put_root", "A newer root document.", "publishers", publishers.put_root,
        (*ok("The publisher, as it is now.", "Publisher"), *REFUSED), body="Roots", places=(PUBLISHER,), auth="new",
    ),
    change(
        "POST", "/v1/publishers/{publisher_id}/recovery", "recovery", "Ask to succeed a publisher that lost its keys, or say no to it.", "publishers",
        publishers.recovery, (*ok("It is noted; the log says when it takes effect.", "Publisher", status=202), *REFUSED), body="RecoveryBody",
        places=(PUBLISHER,),
    ),
    change(
        "POST", "/v1/site/entry", "site_entry", "A word that opens the web site for whoever signed, once and soon.", "publishers", publishers.site_entry,
        (*ok("The word.", "Entry", status=201), *REFUSED), body="SiteBody",
    ),
    change(
        "PUT", "/v1/publishers/{publisher_id}/status", "put_publisher_status", "Suspend or revoke a publisher, for an administrator.", "publishers",
        publishers.put_status, (*ok("The publisher, as it is now.", "Publisher"), *REFUSED), body="PublisherStatusBody", places=(PUBLISHER,), auth="admin",
    ),
    change(
        "POST", "/v1/namespaces", "claim", "Prove a name space.", "publishers", publishers.post_namespace,
        (*ok("It is proven.", "Namespace"), *ok("The proof is awaited.", "Namespace", status=202), *REFUSED), body="NamespaceBody",
    ),
    get(
        "/v1/namespaces/{namespace}", "namespace", "Who has proven a name space.", "publishers", publishers.namespace, got("Who has it.", "Namespace"),
        places=(NAMESPACE,),
    ),
)  # fmt: skip

_ADVISORIES = (
    get(
        "/v1/advisories", "advisories", "What is wrong with which versions, the newest first.", "advisories", advisories.advisories,
        got("A page of advisories.", "Advisories"), query=(CURSOR, LIMIT),
    ),
    change(
        "POST", "/v1/advisories", "post_advisory", "Warn of versions of a package.", "advisories", advisories.post_advisory,
        (*ok("The advisory.", "Advisory", status=201), *REFUSED), body="AdvisoryBody", auth="admin",
    ),
    change(
        "POST", "/v1/reports", "report", "Tell the people of the registry about a package.", "advisories", advisories.post_report,
        (*ok("They will read it.", "Reported", status=201), *REFUSED), body="ReportBody", auth="open",
    ),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (*_ABOUT, *_LOG, *_PACKAGES, *_PUBLISHING, *_PUBLISHERS, *_ADVISORIES)
