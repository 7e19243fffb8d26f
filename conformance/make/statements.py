"""Check 5, forms: the JSON, the base64, the keys and the values of envelope and statement. What is spoilt below a signature is signed as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.make.build import EXAMPLE, GONE, package
from conformance.make.case import Case, refuse
from mpp.model.jsontext import Json
from mpp.testing.keys import fixed_signer

# One case a line, however long.
# fmt: off

Spoil = Callable[[bytes], bytes]
HEX = "0" * 64


def _swap(old: bytes, new: bytes) -> Spoil:
    def change(found: bytes) -> bytes:
        if old not in found:
            raise ValueError(old)
        return found.replace(old, new, 1)

    return change


def _type_first(found: bytes) -> bytes:
    """An envelope with its payload type before its payload."""
    mark = b'"payloadType":"application/vnd.in-toto+json",'
    return b"{" + mark + found[1:].replace(mark, b"", 1)


# Ways to write a document that are not its canonical form; each fits every document.
# Name, what it is, spoiler of a canonical document, clauses.
FORMS: tuple[tuple[str, str, Spoil, str], ...] = (
    ("space", "a space after a colon", _swap(b":", b": "), "K-12"),
    ("space-before", "a space before the document", lambda found: b" " + found, "K-12"),
    ("line-feed-after", "a line feed after the document", lambda found: found + b"\n", "K-12"),
    ("byte-order-mark", "a byte-order mark", lambda found: b"\xef\xbb\xbf" + found, "K-10"),
    ("utf16", "UTF-16", lambda found: found.decode().encode("utf-16-le"), "K-10"),
    ("not-utf8", "a byte that is not UTF-8", lambda found: found[:-1] + b',"z":"\xff"}', "K-10"),
    ("cut", "its last byte missing", lambda found: found[:-1], "K-10"),
    ("two-values", "a second value after it", lambda found: found + b"{}", "K-10"),
    ("trailing-comma", "a comma too many", lambda found: found[:-1] + b",}", "K-10"),
    ("comment", "a comment", lambda found: b"/**/" + found, "K-10"),
    ("empty", "no byte at all", lambda _: b"", "K-10"),
    ("nan", "NaN", lambda found: found[:-1] + b',"z":NaN}', "K-10"),
    ("infinity", "a number beyond all doubles", lambda found: found[:-1] + b',"z":1e999}', "K-10"),
    ("surrogate", "half of a surrogate pair", lambda found: found[:-1] + b',"z":"\\ud800"}', "K-10"),
    ("deep", "40 levels", lambda found: found[:-1] + b',"z":' + b"[" * 40 + b"]" * 40 + b"}", "K-10"),
    ("very-deep", "3,000 levels", lambda found: found[:-1] + b',"z":' + b"[" * 3000 + b"]" * 3000 + b"}", "K-10"),
    ("float", "a decimal", lambda found: found[:-1] + b',"z":1.5}', "K-11"),
    ("float-whole", "a whole number with a fraction", lambda found: found[:-1] + b',"z":1.0}', "K-11"),
    ("exponent", "a whole number with an exponent", lambda found: found[:-1] + b',"z":1e2}', "K-11"),
    ("big-integer", "2^53", lambda found: found[:-1] + b',"z":9007199254740992}', "K-11"),
    ("minus-zero", "a minus before zero", lambda found: found[:-1] + b',"z":-0}', "K-12"),
    ("leading-zero", "a zero before a number", lambda found: found[:-1] + b',"z":01}', "K-10"),
    ("huge-integer", "an integer of 5,000 digits", lambda found: found[:-1] + b',"z":' + b"9" * 5000 + b"}", "K-10"),
    ("key-not-ascii", "a key outside ASCII", lambda found: found[:-1] + ',"\xe9":1}'.encode(), "K-11"),
)

# What only one document can have. Document, name, words, spoiler, clauses.
OWN_FORMS: tuple[tuple[str, str, str, Spoil, str], ...] = (
    ("statement", "key-order", "keys out of order", _swap(b'"container":1,"created":1767225600', b'"created":1767225600,"container":1'), "K-12"),
    ("statement", "key-twice", "a key that stands twice", _swap(b'"container":1', b'"container":1,"container":1'), "K-10"),
    ("statement", "key-twice-differing", "a key that stands twice, with two values", _swap(b'"created":1767225600', b'"created":1,"created":1767225600'), "K-10"),
    ("statement", "needless-escape", "a letter written as an escape", _swap(b"com.example.hello", b"com.example.hell\\u006f"), "K-12"),
    ("statement", "escaped-slash", "an escaped slash", _swap(b"bin/main.wasm", b"bin\\/main.wasm"), "K-12"),
    ("statement", "created-float", "a time with a fraction", _swap(b"1767225600", b"1767225600.0"), "K-11"),
    ("envelope", "key-order", "keys out of order", _type_first, "K-12"),
    ("envelope", "key-twice", "a key that stands twice", _swap(b'"payloadType"', b'"payloadType":"x","payloadType"'), "K-10"),
    ("envelope", "needless-escape", "a letter written as an escape", _swap(b"vnd.in-toto", b"vnd.in-tot\\u006f"), "K-12"),
    ("envelope", "escaped-slash", "an escaped slash", _swap(b"application/", b"application\\/"), "K-12"),
)

# Changes to the statement, which is then signed. Name, words, changes, code, clauses.
STATEMENT: tuple[tuple[str, str, dict[str, Json], str, str], ...] = (
    ("type-other", "another _type", {"_type": "https://in-toto.io/Statement/v0.1"}, "choice", "K-25"),
    ("predicate-type-other", "another predicateType", {"predicateType": "urn:mpp:package:2"}, "choice", "K-25"),
    ("predicate-type-provenance", "a predicateType of another kind of document", {"predicateType": "https://slsa.dev/provenance/v1"}, "choice", "K-25"),
    ("container-2", "container 2", {"predicate>container": 2}, "range", "K-25"),
    ("container-0", "container 0", {"predicate>container": 0}, "range", "K-25"),
    ("container-text", "a text as container", {"predicate>container": "1"}, "type", "K-14"),
    ("container-true", "true as container", {"predicate>container": True}, "type", "K-14"),
    ("unknown-key", "an unknown key at the top", {"extra": 1}, "unknown_key", "K-13"),
    ("unknown-predicate-key", "an unknown key in the predicate", {"predicate>note": "hello"}, "unknown_key", "K-13"),
    ("unknown-subject-key", "an unknown key in the subject", {"subject>0>uri": "x"}, "unknown_key", "K-13"),
    ("unknown-digest", "a second digest of another algorithm", {"subject>0>digest>sha512": HEX * 2}, "unknown_key", "K-13"),
    ("digest-other", "a digest of another algorithm alone", {"subject>0>digest": {"sha512": HEX * 2}}, "missing", "K-13"),
    ("digest-short", "a digest of 63 digits", {"subject>0>digest>sha256": HEX[1:]}, "form", "K-14"),
    ("digest-upper", "a digest in upper case", {"predicate>publisher_id": EXAMPLE.id.upper()}, "form", "K-14"),
    ("subject-none", "no subject", {"subject": []}, "length", "K-26"),
    ("subject-two", "two subjects", {"subject": [{"name": "com.example.hello@0.1.0", "digest": {"sha256": HEX}}] * 2}, "length", "K-26"),
    ("subject-object", "a subject that is no list", {"subject": {}}, "type", "K-14"),
    ("subject-no-version", "a subject without version", {"subject>0>name": "com.example.hello"}, "subject", "K-26"),
    ("subject-no-package", "a subject without package id", {"subject>0>name": "@0.1.0"}, "subject", "K-26"),
    ("subject-upper", "a package id in upper case as subject", {"subject>0>name": "com.Example.hello@0.1.0"}, "subject", "K-26"),
    ("subject-two-at", "two at signs in the subject", {"subject>0>name": "com.example.hello@0.1.0@0.1.0"}, "subject", "K-26"),
    ("subject-long", "a subject of 401 characters", {"subject>0>name": "com.example." + "a" * 383 + "@0.1.0"}, "length", "K-26"),
    ("files-list", "a list as files", {"predicate>files": []}, "type", "K-14"),
    ("file-digest-short", "a file with a digest of 63 digits", {"predicate>files>README.md": HEX[1:]}, "form", "K-27"),
    ("file-digest-null", "a file with null as digest", {"predicate>files>README.md": None}, "type", "K-14"),
    ("created-negative", "a negative time", {"predicate>created": -1}, "range", "K-27"),
    ("created-late", "a time after 2100", {"predicate>created": 4102444801}, "range", "K-27"),
    ("created-text", "a text as time", {"predicate>created": "2026-01-01"}, "type", "K-14"),
    ("entrypoint-empty", "an empty entrypoint", {"predicate>entrypoint": ""}, "length", "K-27"),
    ("entrypoint-long", "an entrypoint of 241 characters", {"predicate>entrypoint": "a" * 241}, "length", "K-27"),
    ("entrypoint-control", "a control character in the entrypoint", {"predicate>entrypoint": "bin/\x01"}, "form", "K-14"),
    ("signers-none", "no signers", {"predicate>signers": []}, "signers", "K-28"),
    ("signers-text", "a text as signers", {"predicate>signers": "x"}, "type", "K-14"),
    ("signers-short-id", "a short key id as signer", {"predicate>signers": ["pub_0123456789abcdef"]}, "form", "K-28"),
    ("signers-number", "a number as signer", {"predicate>signers": [1]}, "type", "K-14"),
    ("signers-33", "33 signers", {"predicate>signers": [f"{i:064x}" for i in range(33)]}, "length", "K-28"),
    *((f"no-{key.rpartition('>')[2].lstrip('_').replace('_', '-').lower()}", f"no {key.rpartition('>')[2]}", dict[str, Json]({key: GONE}), "missing", "K-13") for key in (
        "_type", "predicateType", "subject", "predicate", "predicate>container", "predicate>created", "predicate>entrypoint", "predicate>files",
        "predicate>publisher_id", "predicate>publisher_sha256", "predicate>signers", "subject>0>name", "subject>0>digest",
    )),
)

# Changes to the envelope. Name, words, changes, code, clauses.
ENVELOPE: tuple[tuple[str, str, dict[str, Json], str, str], ...] = (
    ("payload-type", "another payload type", {"payloadType": "application/json"}, "choice", "K-21"),
    ("payload-type-root", "the payload type of root documents", {"payloadType": "application/vnd.mpp.root+json"}, "choice", "K-21"),
    ("payload-type-case", "the payload type in another case", {"payloadType": "Application/vnd.in-toto+json"}, "choice", "K-21"),
    ("payload-type-list", "a list as payload type", {"payloadType": ["application/vnd.in-toto+json"]}, "type", "K-14"),
    ("payload-empty", "an empty payload", {"payload": ""}, "base64", "K-22"),
    ("payload-object", "an object as payload", {"payload": {}}, "type", "K-14"),
    ("unknown-key", "an unknown key", {"note": "hello"}, "unknown_key", "K-13"),
    ("unknown-signature-key", "an unknown key beside a signature", {"signatures>0>alg": "ed25519"}, "unknown_key", "K-13"),
    ("certificate", "a certificate beside a signature", {"signatures>0>cert": "x"}, "unknown_key", "K-13"),
    ("signature-short-id", "a short key id", {"signatures>0>keyid": "pub_0123456789abcdef"}, "form", "K-23"),
    ("signature-no-id", "a signature without key id", {"signatures>0>keyid": GONE}, "missing", "K-13"),
    ("signature-empty-id", "a signature with an empty key id", {"signatures>0>keyid": ""}, "length", "K-14"),
    ("signature-no-sig", "a key id without signature", {"signatures>0>sig": GONE}, "missing", "K-13"),
    ("signatures-object", "an object as signatures", {"signatures": {}}, "type", "K-14"),
    ("no-payload", "no payload", {"payload": GONE}, "missing", "K-13"),
    ("no-payload-type", "no payload type", {"payloadType": GONE}, "missing", "K-13"),
    ("no-signatures", "no signatures", {"signatures": GONE}, "missing", "K-13"),
    ("signatures-33", "33 signatures", {"signatures": [{"keyid": f"{i:064x}", "sig": "A" * 86 + "=="} for i in range(33)]}, "length", "K-23"),
    ("signature-63-bytes", "a signature of 63 bytes", {"signatures>0>sig": "A" * 84}, "base64", "K-1"),
    ("signature-65-bytes", "a signature of 65 bytes", {"signatures>0>sig": "A" * 87 + "="}, "base64", "K-1"),
    ("signature-no-bytes", "a signature of no bytes", {"signatures>0>sig": ""}, "base64", "K-1"),
)


def _spare_bit(text: bytes) -> bytes:
    """The last letter before the padding with one of the bits set that no byte uses."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = len(text.rstrip(b"=")) - 1
    return text[:at] + bytes((alphabet[alphabet.index(text[at]) | 1],)) + text[at + 1 :]


# Ways to write base64 that are not the one way. Only a signature has room for those of equal length.
BASE64: tuple[tuple[str, str, Spoil], ...] = (
    ("no-padding", "no padding", lambda text: text.rstrip(b"=")),
    ("url-alphabet", "two letters of the alphabet for addresses", lambda text: b"-_" + text[2:]),
    ("spare-bits", "a bit set that no byte uses", _spare_bit),
    ("other-character", "a character of no alphabet", lambda text: b"!" + text[1:]),
    ("padding-inside", "padding in the middle", lambda text: text[:4] + b"==" + text[6:]),
    ("not-ascii", "a letter outside ASCII", lambda text: "\xe9".encode() + text[1:]),
)


def _sig(spoil: Spoil) -> Spoil:
    def change(found: bytes) -> bytes:
        before, mark, rest = found.rpartition(b'"sig":"')
        text, quote, after = rest.partition(b'"')
        if spoil(text) == text:
            raise ValueError(text)
        return before + mark + spoil(text) + quote + after

    return change


def _payload(spoil: Spoil) -> Spoil:
    def change(found: bytes) -> bytes:
        before, mark, rest = found.partition(b'"payload":"')
        text, quote, after = rest.partition(b'"')
        if spoil(text) == text:
            raise ValueError(text)
        return before + mark + spoil(text) + quote + after

    return change


def _json_cases() -> Iterator[Case]:
    for name, words, spoil, clauses in FORMS:
        if name != "empty":  # an empty payload is refused as base64, see ENVELOPE
            yield refuse(f"signature/statement-{name}", f"A statement with {words}", clauses, "signature.json", package(payload=spoil))
        yield refuse(f"signature/envelope-{name}", f"An envelope with {words}", clauses, "signature.json", package(text=spoil))
    for document, name, words, spoil, clauses in OWN_FORMS:
        found = package(payload=spoil) if document == "statement" else package(text=spoil)
        yield refuse(f"signature/{document}-{name}", f"{'A statement' if document == 'statement' else 'An envelope'} with {words}", clauses, "signature.json", found)
    for name, text in (("list", b"[]"), ("null", b"null"), ("text", b'"x"')):
        yield refuse(f"signature/statement-is-{name}", f"A statement that is a {name}", "K-25", "signature.type", package(payload=lambda _, text=text: text))
        yield refuse(f"signature/envelope-is-{name}", f"An envelope that is a {name}", "K-20", "signature.type", package(text=lambda _, text=text: text))


def cases() -> Iterator[Case]:
    """All cases about the form of envelope and statement."""
    yield from _json_cases()
    for name, words, changes, code, clauses in STATEMENT:
        yield refuse(f"signature/statement-{name}", f"A statement with {words}", clauses, f"signature.{code}", package(statement=changes))
    for name, words, changes, code, clauses in ENVELOPE:
        yield refuse(f"signature/envelope-{name}", f"An envelope with {words}", clauses, f"signature.{code}", package(envelope=changes))
    for name, words, spoil in BASE64:
        yield refuse(f"signature/base64-{name}", f"A signature in base64 with {words}", "K-7", "signature.base64", package(text=_sig(spoil)))
    for name, words, spoil in BASE64[3:5]:
        yield refuse(f"signature/payload-{name}", f"A payload in base64 with {words}", "K-7 K-22", "signature.base64", package(text=_payload(spoil)))
    yield refuse("signature/payload-line-feed", "A payload in base64 with a line end", "K-7 K-22", "signature.base64", package(text=_payload(lambda text: text[:76] + b"\\n" + text[76:])))
    yield refuse("signature/base64-line-feed", "A signature in base64 with a line end in place of its padding", "K-7", "signature.base64", package(text=_sig(lambda text: text[:-2] + b"\\n\\n")))
    signers = (fixed_signer("Example Publisher release 0"),)
    yield refuse("signature/signed-other-type", "A signature over the same payload with another type", "K-24", "signature.invalid", package(signers=signers, kind="application/vnd.mpp.root+json"))
    yield refuse("signature/signed-no-type", "A signature over the same payload with an empty type", "K-24", "signature.invalid", package(signers=signers, kind=""))
