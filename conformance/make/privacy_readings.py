"""The same values in many coats, which a filter must see through; and what looks like a value and is none. Spec: 6-privacy F-1, F-4, F-10 to F-13."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator

from conformance.make.privacy import Message
from mpp.model.jsontext import Json

MAIL, CARD, SSN = "john.smith@example.com", "4111 1111 1111 1111", "457-55-5462"
BLOB = "AAAAC3NzaC1lZDI1NTE5"


def _base64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode("ascii")


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _wide(text: str) -> str:
    """Full-width forms."""
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


def _bold(text: str) -> str:
    """Letters of formulas."""
    return "".join(chr(0x1D41A + ord(one) - 97) if "a" <= one <= "z" else one for one in text)


TWICE = _base64(_base64(f"mail {MAIL}"))
THRICE = _base64("q=" + _percent(_base64(f"to {MAIL}")))
WRAPPED = "\r\n".join(_base64("lorem ipsum dolor sit amet " * 4 + f"mail {MAIL} now")[at : at + 76] for at in range(0, 200, 76))
PACKED = _base64(zlib.compress(f"mail to {MAIL} now, or to {MAIL} later".encode()))

# One case a line, however long: name, title, clauses, message, what must be gone, what must stay.
# fmt: off

SEEN: tuple[tuple[str, str, str, Json, tuple[str, ...], tuple[str, ...]], ...] = (
    ("text", "An address in a sentence", "F-1", {"note": f"write to {MAIL} today"}, (MAIL, "john.smith"), ("write to ", " today")),
    ("key", "A key that is an address", "F-1", {"users": {MAIL: {"plan": "free"}}}, ("john.smith",), ("free", "users")),
    ("key-and-value", "An address as key and as value", "F-1", {MAIL: MAIL}, ("john.smith",), ()),
    ("number", "A card as a number", "F-1 F-12", {"credit_card": 4111111111111111}, ("4111111111111111",), ("credit_card",)),
    ("number-float", "A card as a number with a point", "F-1", {"credit_card": 4111111111111111.0}, ("4111111111111111", "4.1111111"), ()),
    ("number-long-beside", "A number of thirty digits beside a card keeps all of them", "F-1 F-4", {"n": 123456789012345678901234567890, "card": "4111111111111111"}, ("4111111111111111",), ("123456789012345678901234567890",)),
    ("top", "A message that is a text", "F-1", f"call me at {MAIL}", ("john.smith",), ("call me at ",)),
    ("deep", "Forty levels down", "F-1", [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[MAIL]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]], ("john.smith",), ()),
    ("json-in-text", "JSON in a text of JSON in a text", "F-10", {"body": '{"inner": "{\\"email\\": \\"' + MAIL + '\\"}"}'}, ("john.smith",), ("inner",)),
    ("percent", "A percent sign for the at sign", "F-10", {"q": "user=john.smith%40example.com&lang=en"}, ("john.smith",), ("lang=en",)),
    ("percent-all", "Percent signs for every character", "F-10 F-11", {"q": _percent(MAIL)}, (_percent("smith"),), ()),
    ("percent-twice", "Percent signs of percent signs", "F-10", {"q": "user=john.smith%2540example.com"}, ("john.smith",), ()),
    ("reference", "Character references by number and by name", "F-10", {"html": "john.smith&#64;example&#x2E;com or john.smith&commat;example&period;com"}, ("john.smith",), (" or ",)),
    ("escape", "An escape of a programming language", "F-10", {"log": "mail john.smith\\u0040example.com sent"}, ("john.smith",), ("mail ", " sent")),
    ("base64", "Base64 in a sentence", "F-10 F-11", {"note": f"decode {_base64(f'card {CARD}')} please"}, (_base64(f"card {CARD}"),), ("decode ", " please")),
    ("base64-twice", "Base64 of base64", "F-10 F-11", {"blob": TWICE}, (TWICE,), ()),
    ("base64-percent-base64", "Three encodings within one another", "F-10 F-11", {"blob": THRICE}, (THRICE,), ()),
    ("base64-lines", "Base64 in lines", "F-10 F-11", {"mime": WRAPPED}, (WRAPPED,), ()),
    ("base64-utf-16", "Base64 of UTF-16", "F-10", {"blob": _base64(f"mail {MAIL}".encode("utf-16-le"))}, (_base64(f"mail {MAIL}".encode("utf-16-le")),), ()),
    ("base64-compressed", "Base64 of something compressed", "F-10", {"blob": PACKED}, (PACKED,), ()),
    ("hex", "Hexadecimal", "F-10 F-11", {"blob": binascii.hexlify(MAIL.encode()).decode()}, (binascii.hexlify(b"smith").decode(),), ()),
    ("quoted-printable", "Quoted-printable with a soft end of a line", "F-10", {"mail": "To: john.smi=\r\nth@example.com\r\nSubject: x"}, ("john.smi", "th@example"), ("Subject",)),
    ("wide", "Full-width letters and digits", "F-10", {"note": f"mail {_wide(MAIL)} card {_wide('4111111111111111')}"}, (_wide("smith"), _wide("4111")), ("mail ",)),
    ("bold", "Letters of formulas", "F-10", {"note": f"mail {_bold(MAIL)}"}, (_bold("smith"),), ("mail ",)),
    ("digits-arabic", "Digits of another script", "F-10", {"card": "".join(chr(0x660 + int(one)) if one.isdigit() else one for one in CARD)}, ("\u0664\u0661\u0661\u0661",), ()),
    ("homoglyph", "Letters of another script among Latin ones", "F-10", {"note": "mail j\u043ehn.smith@ex\u0430mple.com now"}, ("hn.smith", "mple.com"), (" now",)),
    ("zero-width", "Characters without width within a number", "F-7 F-10", {"note": "card 4111\u200b1111\u200b1111\u200b1111"}, ("4111",), ("card ",)),
    ("soft-hyphen", "Soft hyphens within an address", "F-7 F-10", {"note": "mail john.sm\u00adith@exam\u00adple.com"}, ("john.sm", "ple.com"), ()),
    ("spaces", "Spaces of other widths within a number", "F-10", {"note": "card 4111\u00a01111\u20091111\u202f1111 ok"}, ("4111", "1111"), ("card ", " ok")),
    ("dashes", "Dashes that are no hyphen", "F-10", {"ssn": "457\u201155\u20115462"}, ("457", "5462"), ()),
    ("spelled", "At and dot as words", "F-10", {"note": "write to john.smith [at] example [dot] com"}, ("john.smith",), ("write to ",)),
    ("tags", "Markup within an address", "F-10", {"html": "john.smith<b>@</b>example.com"}, ("john.smith",), ()),
    ("split-blocks", "An address over two blocks of text", "F-10 F-11", {"content": [{"type": "text", "text": "write to john.smith@"}, {"type": "text", "text": "example.com today"}]}, ("john.smith", "example.com"), ("write to ", " today")),
    ("split-items", "A card over items of a list", "F-10 F-11", {"parts": ["4111", "1111", "1111", "1111"]}, ("4111", "1111"), ("parts",)),
    ("split-numbers", "A card over numbers of a list", "F-10 F-11", {"card": [4111, 1111, 1111, 1111]}, ("4111", "1111"), ("card",)),
    ("split-letters", "An address letter by letter", "F-10", {"letters": [*MAIL]}, ('"s", "m", "i", "t", "h"',), ("letters",)),
    ("column", "A column with a heading", "F-12", {"csv": "id,name,ssn,city\n1,John,457555462,Rome\n2,Jane,219099998,Oslo\n"}, ("457555462",), ("id,name,ssn,city", "Rome", "Oslo")),
    ("name-and-value", "A name and a value beside it", "F-12", {"fields": [{"name": "ssn", "value": SSN}, {"name": "color", "value": "blue"}]}, (SSN,), ("blue", "color")),
    ("card-mistyped", "A card with a wrong digit under a key that says what it is", "F-12", {"card": "4111 1111 1111 1112"}, ("4111 1111",), ()),
    ("token", "A token of an issuer who marks his tokens", "F-20", {"log": "push with ghp§_" + "x1Y2" * 9 + " failed"}, ("x1Y2x1Y2x1Y2",), ("push with ", " failed")),
    ("private-key", "A private key in one line", "F-20", {"key": "-----BEGIN RSA§ PRIVATE KEY-----\\n" + BLOB * 8 + "\\n-----END RSA§ PRIVATE KEY-----"}, (BLOB,), ()),
    ("password-url", "A password in a URL", "F-20", {"db": "postgres://app:S3cr3t§Pw9@db.example.com/x"}, ("S3cr3tPw9",), ("postgres://", "db.example.com/x")),
    ("password-key", "A password under its name", "F-20", {"password": "hunter2-Zq81", "user": "ada"}, ("hunter2",), ("ada",)),
    ("header", "A header with a bearer token", "F-20", {"headers": {"Authorization": "Bearer§ a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6"}}, ("a1B2c3D4e5F6",), ("headers",)),
    ("iban-groups", "An account number in groups", "F-20", {"note": "to DE89 3704 0044 0532 0130 00 by Friday"}, ("3704 0044",), ("to ", " by Friday")),
    ("phone", "A telephone number", "F-20", {"phone": "+1 415 555 2671"}, ("415 555 2671",), ()),
    ("national", "A citizen service number beside its word", "F-12 F-20", {"bsn": "111222333"}, ("111222333",), ()),
)

SAME: tuple[tuple[str, str, str, Json], ...] = (
    ("empty", "Nothing", "F-4", {}),
    ("null", "Null", "F-4", None),
    ("small", "Small values of every kind", "F-4", {"a": [1, -2.5, True, False, None, ""], "": "x", "b": {"c": "d"}}),
    ("ids", "Identifiers and digests", "F-4 F-12", {"uuid": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "sha1": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}),
    ("times", "Days, moments and clock times in milliseconds", "F-4 F-12", {"date": "2024-02-29", "stamp": "2024-05-01T10:00:00.123456Z", "epoch_ms": 1714557600123}),
    ("versions", "Versions, prices, sizes, coordinates", "F-4 F-12", {"version": "1.24.3-rc.1", "price": "1,299.00", "size": 1048576, "latitude": 52.520008, "longitude": 13.404954}),
    ("order", "Digits that are a sound number of a card nowhere else", "F-12", {"n": "4111111111111112", "order": "order 111222333 shipped"}),
    ("placeholder", "Placeholders of an earlier answer", "F-32", {"note": "[EMAIL-bcdfghjk] wrote to [EMAIL] about [CREDIT_CARD:***1111]"}),
    ("scripts", "Texts in many scripts", "F-4 F-7", {"text": "Grüße, \u4f60\u597d, \u0645\u0631\u062d\u0628\u0627, \u0928\u092e\u0938\u094d\u0924\u0947, \U0001f44b\U0001f3fd"}),
)

# fmt: on


def readings() -> Iterator[Message]:
    """What must be seen."""
    for name, title, clauses, message, gone, stays in SEEN:
        yield Message(group="readings", name=name, title=title, clauses=clauses, message=message, gone=gone, stays=stays)


def alike() -> Iterator[Message]:
    """What must be left alone."""
    for name, title, clauses, message in SAME:
        yield Message(group="alike", name=name, title=title, clauses=clauses, message=message, same=True)


TABLES = (readings, alike)
