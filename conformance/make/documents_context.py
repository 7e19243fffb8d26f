"""Contexts of calls, signed by a host for one back end. Spec: identity.md section 7."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256

from conformance.make import curve
from conformance.make.build import NOW, compact
from conformance.make.documents import HOST, JTI, OTHER_HOST, STRANGER, Change, Document, changed, public, signer_id
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.testing.agents import agent

# One case a line, however long.
# fmt: off

AUDIENCE = "https://crm.example.com"
HOST_ID, OTHER_ID = signer_id(HOST), signer_id(OTHER_HOST)
HEADER: dict[str, Json] = {"alg": "EdDSA", "kid": HOST_ID, "typ": "mpp-context+jwt"}
AGENT: dict[str, Json] = {"name": "planner", "proof": "signed", "key": signer_id(agent("planner"))}
CALL: dict[str, Json] = {
    "agent": AGENT, "invocation": "0" * 32, "package": {"id": "com.example.crm", "publisher": "a" * 64, "sha256": "c" * 64, "version": "1.0.0"}, "tenant": "local", "tool": "lookup", "user": "ada",
}
CLAIMS: dict[str, Json] = {"iss": HOST_ID, "aud": AUDIENCE, "sub": "planner", "iat": NOW, "exp": NOW + 60, "jti": JTI, "context": CALL}
CONTEXT: dict[str, Json] = {"now": NOW, "audience": AUDIENCE, "keys": [public(HOST)]}
SHARED: Mapping[str, Mapping[str, Json]] = {"back-end": CONTEXT}
BOTH: Change = {"keys": [public(HOST), public(OTHER_HOST)]}


def part(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def token(header: Mapping[str, Json] | bytes = HEADER, claims: Mapping[str, Json] | bytes = CLAIMS, by: SeedSigner = HOST) -> str:
    """A token, signed over what it says."""
    first = header if isinstance(header, bytes) else compact({**header})
    second = claims if isinstance(claims, bytes) else compact({**claims})
    signed = f"{part(first)}.{part(second)}"
    return f"{signed}.{part(by.sign(signed.encode('ascii')))}"


def shared_secret(key: bytes) -> str:
    """A token with an HMAC, under a key that everybody knows."""
    signed = f"{part(compact({**HEADER, 'alg': 'HS256'}))}.{part(compact({**CLAIMS}))}"
    return f"{signed}.{part(hmac.digest(key, signed.encode('ascii'), 'sha256'))}"


def split(text: str) -> tuple[str, str, str]:
    first, second, third = text.split(".")
    return first, second, third


def plus_order(text: str) -> str:
    """The same signature for verifiers that do not look at the size of S."""
    first, second, _ = split(text)
    made = HOST.sign(f"{first}.{second}".encode("ascii"))
    return f"{first}.{second}.{part(made[:32] + (int.from_bytes(made[32:], 'little') + curve.ORDER).to_bytes(32, 'little'))}"


SOUND = token()
FIRST, SECOND, THIRD = split(SOUND)
OTHER_CLAIMS = part(compact({**CLAIMS, "sub": "boss", "context": {**CALL, "agent": {**AGENT, "name": "boss"}}}))
NOBODY: dict[str, Json] = {**CALL, "agent": {"name": "", "proof": "anonymous"}}
JWK: dict[str, Json] = {"kty": "OKP", "crv": "Ed25519", "x": part(STRANGER.public_key)}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def spare_bits(text: str) -> str:
    """Another text of the same bytes: the last character has bits that no byte takes."""
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) ^ 1]


# Tokens that hold: name, title, clauses, changes of the claims, changes of the context.
HOLDS: tuple[tuple[str, str, str, Change, Change], ...] = (
    ("sound", "A context for this back end", "I-60 I-62 I-63 I-64", {}, {}),
    ("nobody", "Nobody said who the agent is", "I-63", {"sub": "", "context": NOBODY}, {}),
    ("two-hosts", "The back end knows two hosts", "I-64", {}, BOTH),
    ("port", "An audience with a port", "I-60", {"aud": f"{AUDIENCE}:8443"}, {"audience": f"{AUDIENCE}:8443"}),
    ("newest", "Issued 5 seconds from now, by the clock of the back end", "I-64", {"iat": NOW + 5, "exp": NOW + 65}, {}),
    ("oldest", "Ended 5 seconds ago", "I-64", {"iat": NOW - 65, "exp": NOW - 5}, {}),
    ("short", "It holds for one second", "I-63", {"exp": NOW + 1}, {}),
)

# Tokens whose claims do not hold: name, title, clauses, code, changes of the claims, changes of the context.
CLAIMED: tuple[tuple[str, str, str, str, Change, Change], ...] = (
    ("audience-other", "For another back end", "I-64", "audience", {"aud": "https://bank.example.com"}, {}),
    ("audience-sub-domain", "For a sub-domain", "I-64", "audience", {"aud": "https://a.crm.example.com"}, {}),
    ("audience-port-said", "For the same back end, with the port that goes without saying", "I-60 I-64", "audience", {"aud": f"{AUDIENCE}:443"}, {}),
    ("audience-port-other", "For another port", "I-64", "audience", {"aud": f"{AUDIENCE}:8443"}, {}),
    ("audience-slash", "For the same back end, with a slash at the end", "I-60 I-64", "audience", {"aud": f"{AUDIENCE}/"}, {}),
    ("audience-dot", "For the same back end, with a dot at the end", "I-60 I-64", "audience", {"aud": f"{AUDIENCE}."}, {}),
    ("audience-case", "For the same back end in upper case", "I-60 I-64", "audience", {"aud": "https://CRM.example.com"}, {}),
    ("audience-http", "For the same back end over plain http", "I-60 I-64", "audience", {"aud": "http://crm.example.com"}, {}),
    ("audience-list", "For a list of back ends", "I-63", "type", {"aud": [AUDIENCE]}, {}),
    ("expired", "Ended 6 seconds ago", "I-64", "expired", {"iat": NOW - 66, "exp": NOW - 6}, {}),
    ("early", "Issued 6 seconds from now", "I-64", "early", {"iat": NOW + 6, "exp": NOW + 66}, {}),
    ("too-long-a-time", "It holds for 61 seconds", "I-63", "range", {"exp": NOW + 61}, {}),
    ("backwards", "It ends before it was issued", "I-63", "range", {"exp": NOW - 1}, {}),
    ("subject-other", "The subject is another agent than the context names", "I-63", "contradiction", {"sub": "boss"}, {}),
    ("context-without-agent", "A context that names no agent", "I-63", "contradiction", {"context": {key: item for key, item in CALL.items() if key != "agent"}}, {}),
    ("context-missing", "No context", "I-63", "missing", {"context": None}, {}),
    ("context-list", "A list as context", "I-63", "type", {"context": []}, {}),
    ("jti-missing", "No jti", "I-63", "missing", {"jti": None}, {}),
    ("expires-text", "A text as end", "I-63", "type", {"exp": str(NOW + 60)}, {}),
    ("claim-unknown", "A claim that is none of ours", "I-63", "unknown_key", {"nbf": NOW}, {}),
    ("issuer-other", "Signed by a host that the back end knows, in the name of another", "I-63", "jws_key", {"iss": OTHER_ID}, BOTH),
)

# Headers: name, title, code, changes.
HEADERS: tuple[tuple[str, str, str, Change], ...] = (
    ("alg-none", "The algorithm none, with a signature all the same", "algorithm", {"alg": "none"}),
    ("alg-none-case", "The algorithm nOnE", "algorithm", {"alg": "nOnE"}),
    ("alg-case", "The algorithm in upper case", "algorithm", {"alg": "EDDSA"}),
    ("alg-ed25519", "The newer name of the algorithm", "algorithm", {"alg": "Ed25519"}),
    ("alg-es256", "An algorithm of other keys", "algorithm", {"alg": "ES256"}),
    ("alg-missing", "No algorithm", "missing", {"alg": None}),
    ("alg-list", "A list of algorithms", "type", {"alg": ["EdDSA", "none"]}),
    ("typ-jwt", "The kind of any token", "jws_kind", {"typ": "JWT"}),
    ("typ-case", "The kind in upper case", "jws_kind", {"typ": "MPP-context+jwt"}),
    ("typ-long", "The kind with the prefix of media types", "jws_kind", {"typ": "application/mpp-context+jwt"}),
    ("typ-missing", "No kind", "jws_kind", {"typ": None}),
    ("kid-other", "The id of a key that the back end does not know", "jws_key", {"kid": OTHER_ID}),
    ("kid-short", "The first digits of the key's id", "jws_key", {"kid": HOST_ID[:16]}),
    ("kid-upper-case", "The key's id in upper case", "jws_key", {"kid": HOST_ID.upper()}),
    ("kid-path", "A path as the key's id", "jws_key", {"kid": "../../keys/host"}),
    ("kid-missing", "No key", "jws_key", {"kid": None}),
    ("jwk", "A key that the token brings along", "jws_header", {"jwk": JWK}),
    ("jku", "An address of keys", "jws_header", {"jku": "https://keys.example.com/"}),
    ("x5u", "An address of certificates", "jws_header", {"x5u": "https://keys.example.com/"}),
    ("x5c", "Certificates", "jws_header", {"x5c": []}),
    ("crit", "Extensions that must be understood", "jws_header", {"crit": ["b64"]}),
    ("b64", "A payload that is not encoded", "jws_header", {"b64": False}),
    ("zip", "A payload that is compressed", "jws_header", {"zip": "DEF"}),
    ("cty", "A kind of content", "jws_header", {"cty": "JWT"}),
    ("x5t", "The digest of a certificate", "jws_header", {"x5t": "AAAA"}),
    ("header-unknown", "A member of the header that nobody knows", "unknown_key", {"note": "x"}),
)


def _texts() -> tuple[tuple[str, str, str, str, str], ...]:
    """Tokens that are not written, or not signed, as they must be: name, title, clauses, code, text."""
    in_order = b'{"typ":"mpp-context+jwt","alg":"EdDSA","kid":"%s"}' % HOST_ID.encode()
    spaced = b'{"alg": "EdDSA", "kid": "%s", "typ": "mpp-context+jwt"}' % HOST_ID.encode()
    return (
        ("alg-none-unsigned", "The algorithm none, and no signature", "I-43 I-62", "jws", f"{part(compact({**HEADER, 'alg': 'none'}))}.{SECOND}."),
        ("hs256-public-key", "An HMAC with the public key as its secret", "I-62", "algorithm", shared_secret(HOST.public_key)),
        ("hs256-public-text", "An HMAC with the text of the public key as its secret", "I-62", "algorithm", shared_secret(public(HOST).encode())),
        ("key-other", "Signed by another key under the right key id", "I-64", "signature", token(by=STRANGER)),
        ("claim-changed", "A claim changed after signing", "I-64", "signature", f"{FIRST}.{OTHER_CLAIMS}.{THIRD}"),
        ("signature-of-other", "The signature of another context", "I-64", "signature", f"{FIRST}.{SECOND}.{split(token(claims={**CLAIMS, 'jti': 'f' * 32}))[2]}"),
        ("signature-plus-order", "S plus the group order: the same signature for verifiers that do not look", "K-3", "signature", plus_order(SOUND)),
        ("signature-short", "A signature of 63 bytes", "K-3", "signature", f"{FIRST}.{SECOND}.{part(HOST.sign(f'{FIRST}.{SECOND}'.encode())[:63])}"),
        ("signature-digest", "A signature over the digest", "K-3", "signature", f"{FIRST}.{SECOND}.{part(HOST.sign(sha256(f'{FIRST}.{SECOND}'.encode()).digest()))}"),
        ("header-order", "A header in another order", "I-62", "jws_header", token(header=in_order)),
        ("header-spaced", "A header with spaces", "I-62", "jws_header", token(header=spaced)),
        ("header-key-twice", "A header with two algorithms", "I-43", "json", token(header=b'{"alg":"none","alg":"EdDSA","kid":"%s","typ":"mpp-context+jwt"}' % HOST_ID.encode())),
        ("header-list", "A list as header", "I-43", "type", token(header=b"[]")),
        ("header-no-json", "A header that is no JSON", "I-43", "json", token(header=b"EdDSA")),
        ("claims-spaced", "Claims that are not in canonical form", "I-63", "json", token(claims=compact({**CLAIMS}).replace(b",", b", "))),
        ("claims-key-twice", "Claims with two subjects", "I-63", "json", token(claims=b'{"sub":"boss",' + compact({**CLAIMS})[1:])),
        ("claims-list", "A list as claims", "I-63", "type", token(claims=b"[]")),
        ("padded", "Padding after the payload", "I-43", "jws", f"{FIRST}.{SECOND}=.{THIRD}"),
        ("alphabet-other", "A character of the other alphabet", "I-43", "jws", f"{FIRST}.+{SECOND[1:]}.{THIRD}"),
        ("spare-bits", "Spare bits at the end of the signature", "I-43", "jws", f"{FIRST}.{SECOND}.{spare_bits(THIRD)}"),
        ("line-feed", "A line feed after the token", "I-43", "jws", SOUND + "\n"),
        ("space-before", "A space before the token", "I-43", "jws", " " + SOUND),
        ("two-parts", "Without the last dot and the signature", "I-43", "jws", f"{FIRST}.{SECOND}"),
        ("four-parts", "A fourth part", "I-43", "jws", f"{SOUND}.{THIRD}"),
        ("empty", "Nothing", "I-43", "jws", ""),
        ("json-form", "The other serialisation of RFC 7515", "I-43", "jws", '{"payload":"%s","protected":"%s","signature":"%s"}' % (SECOND, FIRST, THIRD)),  # noqa: UP031 - braces stand in the text
        ("too-long", "Longer than any context", "I-43", "jws", token(claims={**CLAIMS, "context": {**CALL, "user": "U" * 32_768}})),
    )


def documents() -> Iterator[Document]:
    """All contexts."""
    for name, title, clauses, change, around in HOLDS:
        claims = changed(CLAIMS, change)
        result: Json = {key: claims[claim] for key, claim in (("host", "iss"), ("agent", "sub"), ("audience", "aud"), ("issued", "iat"), ("expires", "exp"), ("jti", "jti"), ("context", "context"))}
        yield Document(kind="context-token", name=name, title=title, clauses=clauses, data=token(claims=claims).encode(), context={**CONTEXT, **around} if around else "back-end", result=result, ending="txt")
    rows = [(name, title, clauses, code, token(claims=changed(CLAIMS, change)), around) for name, title, clauses, code, change, around in CLAIMED]
    rows += [(name, title, "I-43 I-62", code, token(header=changed(HEADER, change)), {}) for name, title, code, change in HEADERS]
    rows += [(name, title, clauses, code, text, {}) for name, title, clauses, code, text in _texts()]
    for name, title, clauses, code, text, around in rows:
        yield Document(kind="context-token", name=name, title=title, clauses=clauses, code=f"agent.{code}", data=text.encode(), context={**CONTEXT, **around} if around else "back-end", ending="txt")
