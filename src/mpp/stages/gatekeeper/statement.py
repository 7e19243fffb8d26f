"""The signed statement about a package. Spec: spec/keys.md section 3 and spec/2-gatekeeper.md section 3.

An in-toto Statement: the subject is the content hash, the predicate says what stands in the package.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpp.crypto.ed25519 import KEY_ID
from mpp.errors import Refused
from mpp.limits import SIGNERS_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, VERSION, VERSION_FORM
from mpp.model.paths import NAME_BYTES_MAX
from mpp.model.value import value
from mpp.stages.archive.limits import ENTRIES_MAX

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:mpp:package:1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
FORM = "the 64 hex digits of a SHA-256"
CREATED_MAX = 4102444800
"""Latest ``created``: 2100-01-01, in seconds since 1970. Reason: a bound for readers with small integers."""


@value
class Statement:
    """What the signers say. Found until check 5 has verified the signatures."""

    package_id: str
    version: str
    content_hash: str
    publisher_id: str
    publisher_digest: str
    files: Mapping[str, str]
    entrypoint: str
    """Name of the entrypoint member."""
    signers: tuple[str, ...]
    created: int
    """Seconds since 1970 by the signer's clock; never decides trust."""


def write_statement(statement: Statement) -> bytes:
    files: dict[str, Json] = dict(statement.files)
    predicate: dict[str, Json] = {
        "container": 1,
        "publisher_id": statement.publisher_id,
        "publisher_sha256": statement.publisher_digest,
        "entrypoint": statement.entrypoint,
        "files": files,
        "signers": [*statement.signers],
        "created": statement.created,
    }
    subject: Json = {"name": f"{statement.package_id}@{statement.version}", "digest": {"sha256": statement.content_hash}}
    return canonical({"_type": STATEMENT_TYPE, "predicateType": PREDICATE_TYPE, "subject": [subject], "predicate": predicate})


def read_statement(data: bytes, *, where: str) -> Statement:
    """Parse a statement strictly; unknown fields are refused. Spec: keys K-25 to K-29."""
    faults = Faults("signature")
    top = Fields(read_canonical(data, family="signature", where=where), where, faults)
    top.one_of("_type", (STATEMENT_TYPE,))
    top.one_of("predicateType", (PREDICATE_TYPE,))
    subjects = top.each("subject", lambda item, at: _read_subject(Fields(item, at, faults)), most=1, least=1, required=True)
    predicate = top.object("predicate")
    top.end()
    body = predicate if predicate is not None else Fields({}, where, Faults("signature"))
    body.number("container", least=1, most=1)
    name, content_hash = subjects[0] if subjects else ("", "")
    package_id, _, version = name.partition("@")
    statement = Statement(
        package_id=package_id,
        version=version,
        content_hash=content_hash,
        publisher_id=body.text("publisher_id", most=64, pattern=KEY_ID, form=FORM),
        publisher_digest=body.text("publisher_sha256", most=64, pattern=KEY_ID, form=FORM),
        files=_read_files(body),
        entrypoint=body.text("entrypoint", most=NAME_BYTES_MAX),
        signers=body.texts("signers", most=SIGNERS_MAX, each_most=64, required=True, pattern=KEY_ID, form=FORM),
        created=body.number("created", least=0, most=CREATED_MAX),
    )
    body.end()
    faults.stop()
    # Spec: keys K-28. Listed once each and in order, so that one set of signers has one statement.
    if not statement.signers or list(statement.signers) != sorted(statement.signers):
        raise Refused("signature.signers", "the signers are not an ascending list", where=where, hint="sign again with `mpp sign`")
    return statement


def _read_subject(fields: Fields) -> tuple[str, str]:
    name = fields.text("name", most=400)
    package_id, _, version = name.partition("@")
    if PACKAGE_ID.fullmatch(package_id) is None or VERSION.fullmatch(version) is None:
        fields.faults.add("subject", fields.path("name"), f"must be {PACKAGE_ID_FORM}, '@', {VERSION_FORM}", "sign again with `mpp sign`")
    digest = fields.object("digest")
    content_hash = digest.text("sha256", most=64, pattern=KEY_ID, form=FORM) if digest is not None else ""
    if digest is not None:
        digest.end()
    fields.end()
    return name, content_hash


def _read_files(body: Fields) -> dict[str, str]:
    listed = body.object("files")
    if listed is None:
        return {}
    if len(listed.found) > ENTRIES_MAX:
        body.faults.add("length", listed.where, f"at most {ENTRIES_MAX} files", "sign again with `mpp sign`")
        return {}
    return {name: listed.text(name, most=64, pattern=KEY_ID, form=FORM) for name in listed.found}
