"""The endpoints of the OCI protocol. Package ids are names of repositories, versions are tags with ``_`` for ``+``."""

from __future__ import annotations

import re

from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp_registry.api.answering import JSON, OCTETS
from mpp_registry.api.asking import number, PACKAGE, Parameter
from mpp_registry.api.endpoint import Auth, Endpoint, Handle, Reply
from mpp_registry.oci import pulling, pushing
from mpp_registry.oci.limits import MANIFEST_BYTES_MAX, TAGS_MAX
from mpp_registry.oci.manifests import MANIFEST

_SHA256 = r"sha256:[0-9a-f]{64}"
REFERENCE = Parameter(
    name="reference", words="A tag, or the digest of a manifest.", most=128, pattern=re.compile(rf"{_SHA256}|[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}"),
    form="a tag or a digest", example="1.0.0",
)  # fmt: skip
DIGEST = Parameter(name="digest", words="The digest of a file.", most=71, pattern=re.compile(_SHA256), form="a digest", example="sha256:" + "4e" * 32)
SAID = Parameter(name="digest", words="The digest of what is sent.", most=71, pattern=re.compile(rf"(?:{_SHA256})?"), form="a digest")
UPLOAD = Parameter(
    name="upload", words="As the registry said.", most=100, pattern=re.compile(r"[0-9a-f]{32}(?:~[0-9a-f]{64})?"), form="an upload of this registry",
    example="0" * 32,
)  # fmt: skip
N = number("n", "Tags of a page.", least=1, most=TAGS_MAX, default=str(TAGS_MAX))
LAST = Parameter(name="last", words="The last tag of the page before.", most=128)
NAME = "/v2/{package_id}"


def _read(path: str, name: str, words: str, handle: Handle, *places: Parameter, media: str = JSON, query: tuple[Parameter, ...] = ()) -> Endpoint:
    return Endpoint(
        method="GET", path=path, name=name, words=words, tag="oci", handle=handle, replies=(Reply(status=200, words="It.", media=media),), places=places,
        query=query, passes_over=True, is_oci=True,
    )  # fmt: skip


def _write(
    method: str, path: str, name: str, words: str, handle: Handle, status: int, *places: Parameter, media: str = OCTETS, most: int = TOTAL_BYTES_MAX,
    query: tuple[Parameter, ...] = (), auth: Auth = "signed",
) -> Endpoint:  # fmt: skip
    return Endpoint(
        method=method, path=path, name=name, words=words, tag="oci", handle=handle, replies=(Reply(status=status, words="It is here.", media=""),),
        places=places, query=query, passes_over=True, is_oci=True, auth=auth, body_media=media, body_max=most, is_upload=True,
    )  # fmt: skip


OCI_ENDPOINTS: tuple[Endpoint, ...] = (
    _read("/v2/", "oci", "That this is such a registry.", pulling.base),
    _read(f"{NAME}/manifests/{{reference}}", "oci_manifest", "A manifest.", pulling.manifest, PACKAGE, REFERENCE, media=MANIFEST),
    _read(f"{NAME}/blobs/{{digest}}", "oci_blob", "A file.", pulling.blob, PACKAGE, DIGEST, media=OCTETS),
    _read(f"{NAME}/tags/list", "oci_tags", "The tags.", pulling.tags, PACKAGE, query=(N, LAST)),
    _read(f"{NAME}/referrers/{{digest}}", "oci_referrers", "Nothing: proofs are in the bundle.", pulling.referrers, PACKAGE, DIGEST, media=pulling.INDEX),
    _write("POST", f"{NAME}/blobs/uploads/", "oci_begin", "Where a file may be sent.", pushing.begin, 202, PACKAGE, query=(SAID,)),
    _write("PATCH", f"{NAME}/blobs/uploads/{{upload}}", "oci_patch", "A file in one piece.", pushing.patch, 202, PACKAGE, UPLOAD),
    _write("PUT", f"{NAME}/blobs/uploads/{{upload}}", "oci_finish", "A file, or its end.", pushing.finish, 201, PACKAGE, UPLOAD, query=(SAID,)),
    _write(
        "PUT", f"{NAME}/manifests/{{reference}}", "oci_put_manifest", "Publish the file that this manifest names.", pushing.put_manifest, 201, PACKAGE,
        REFERENCE, media=MANIFEST, most=MANIFEST_BYTES_MAX,
    ),
    Endpoint(
        method="POST", path="/v1/oci/token", name="oci_token", words="A token for clients that cannot sign: their password for some minutes.", tag="oci",
        handle=pushing.token, auth="signed", body="TokenWish", body_media=JSON,
        replies=(Reply(status=201, words="The token.", schema="Token"), Reply(status=403, words="It is not allowed.", schema="Problem")),
    ),
)  # fmt: skip
