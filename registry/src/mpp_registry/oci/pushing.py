"""To publish over the OCI protocol: the file first, then a manifest that names it. The manifest is when it is published, by the same rules as ever.

Such clients cannot sign requests, so they bring a token: of a build service, or one that a publisher takes by a signed request.
"""

from __future__ import annotations

from hashlib import sha256

from mpp.errors import Refused
from mpp.model.limits import MANIFEST_BYTES_MAX
from mpp.model.manifest import parse_manifest
from mpp.protocol.registry.bodies import read_token_wish
from mpp.protocol.registry.documents import TokenDoc
from mpp.stages.archive import MANIFEST_NAME, read_member, read_structure
from mpp_registry.api.answering import Answer, document, NEVER
from mpp_registry.api.asking import Ask, not_found
from mpp_registry.oci import rows as kept
from mpp_registry.oci.limits import MANIFESTS_EACH_MAX, TOKEN_BYTES, TOKEN_SECONDS
from mpp_registry.oci.manifests import digest_of, EMPTY_SHA256, read_manifest, tag_of, version_of
from mpp_registry.oci.pulling import DIGEST
from mpp_registry.publishing import demand_key, publish
from mpp_registry.publishing.uploads import keep_file

RULE = "oci"
"""By which rule a token was made that a publisher took for itself."""


def token(ask: Ask) -> Answer:
    """For one package and some minutes; it publishes and does nothing else. It is the password that such a client is given."""
    body, actor = read_token_wish(ask.body), ask.need_actor()
    demand_key(actor)
    text, until = ask.services.random.bytes(TOKEN_BYTES).hex(), ask.services.clock.now() + TOKEN_SECONDS
    with ask.services.database.write() as rows:
        rows.run(
            "INSERT INTO tokens (token_hash, publisher_id, rule_id, packages, until) VALUES (?, ?, ?, ?, ?)",
            sha256(text.encode()).hexdigest(), actor.publisher_id, RULE, body.package_id, until,
        )  # fmt: skip
    return document(TokenDoc(token=text, expires_at=until, publisher_id=actor.publisher_id).to_json(), status=201, cache=NEVER)


def begin(ask: Ask) -> Answer:
    """``POST``: where the file may be sent; with its digest, here and now."""
    _may_publish(ask)
    if ask.query["digest"]:
        return _keep(ask, ask.query["digest"], ask.body)
    where = f"/v2/{ask.package_id}/blobs/uploads/{ask.services.random.bytes(16).hex()}"
    return Answer(status=202, cache=NEVER, headers=(("location", where), ("range", "0-0")))


def patch(ask: Ask) -> Answer:
    """The whole file in one piece. Its digest goes into the next address, so that no replica has to remember anything."""
    _may_publish(ask)
    if "~" in ask.path["upload"]:
        raise Refused("registry.unsatisfiable", "a file is sent in one piece here", where="content-range", hint="send it without chunks")
    digest = sha256(ask.body).hexdigest()
    _put(ask, digest, ask.body)
    where = f"/v2/{ask.package_id}/blobs/uploads/{ask.path['upload']}~{digest}"
    return Answer(status=202, cache=NEVER, headers=(("location", where), ("range", f"0-{max(len(ask.body) - 1, 0)}")))


def finish(ask: Ask) -> Answer:
    """``PUT``: the file, or the end of one that came before."""
    _may_publish(ask)
    wanted = digest_of(ask.query["digest"])
    _, _, sent = ask.path["upload"].partition("~")
    if not sent:
        return _keep(ask, ask.query["digest"], ask.body)
    with ask.services.database.read() as rows:
        is_here = kept.has_upload(rows, sent, ask.need_actor().publisher_id)
    if ask.body or wanted != sent or not (is_here or sent == EMPTY_SHA256):
        raise _wrong_digest()
    return _kept(ask, sent)


def _keep(ask: Ask, digest: str, body: bytes) -> Answer:
    wanted = digest_of(digest)
    if not wanted or sha256(body).hexdigest() != wanted:
        raise _wrong_digest()
    _put(ask, wanted, body)
    return _kept(ask, wanted)


def _put(ask: Ask, digest: str, body: bytes) -> None:
    if digest == EMPTY_SHA256:
        return
    with ask.services.database.write() as rows:
        kept.keep_upload(rows, digest, ask.need_actor().publisher_id, len(body), ask.services.clock.now())
    keep_file(ask.services, digest, body)


def _kept(ask: Ask, digest: str) -> Answer:
    return Answer(status=201, cache=NEVER, headers=(("location", f"/v2/{ask.package_id}/blobs/sha256:{digest}"), (DIGEST, f"sha256:{digest}")))


def _wrong_digest() -> Refused:
    return Refused("registry.digest", "the bytes have another digest than was said", where="?digest", hint="send sha256: and the digest of the whole file")


def put_manifest(ask: Ask) -> Answer:
    actor, pushed, version = ask.need_actor(), read_manifest(ask.body), version_of(ask.path["reference"])
    with ask.services.database.read() as rows:
        is_sent, known = kept.has_upload(rows, pushed.file_hash, actor.publisher_id), kept.version_with_file(rows, ask.package_id, pushed.file_hash)
    # Attack: a manifest over the file that another publisher is sending.
    if not (is_sent or known):
        raise not_found("the file of this manifest was not sent")
    data = b"".join(ask.services.blobs.read(pushed.file_hash))
    _judge_name(ask, data, version)
    found = publish(ask.services, data, actor)
    digest = sha256(ask.body).hexdigest()
    with ask.services.database.write() as rows:
        kept.forget_upload(rows, pushed.file_hash, actor.publisher_id)
        if found.state == "published" and kept.count_manifests(rows, found.package_id, found.version) < MANIFESTS_EACH_MAX:
            kept.keep_manifest(rows, digest, found.package_id, found.version, ask.services.clock.now(), ask.body)
    if found.state == "staged":
        return document({"staged_id": found.staged_id}, status=202, cache=NEVER)
    where = f"/v2/{ask.package_id}/manifests/sha256:{digest}"
    return Answer(status=201, cache=NEVER, headers=(("location", where), (DIGEST, f"sha256:{digest}")))


def _judge_name(ask: Ask, data: bytes, version: str) -> None:
    """Attack: a file is published under another name or version than its sender asked for. Publishing itself judges the file anew, whole."""
    archive = read_structure(data)
    member = archive.find(MANIFEST_NAME)
    if member is None or member.size > MANIFEST_BYTES_MAX:
        raise Refused("registry.manifest", "the file holds no manifest", where="manifest", hint="push a .mpp file")
    named = parse_manifest(read_member(archive, member))
    if (named.package_id, named.version) != (ask.package_id, version):
        hint = f"push it as {named.package_id}:{tag_of(named.version)}"
        raise Refused("registry.manifest", f"the file is {named.package_id} {named.version}", where=ask.path["reference"], hint=hint)


def _may_publish(ask: Ask) -> None:
    actor = ask.need_actor()
    if actor.packages and ask.package_id not in actor.packages:
        raise Refused("registry.forbidden", "the token is for other packages", where=ask.package_id, hint="take a token for this one")
