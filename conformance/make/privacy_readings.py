"""The same values in many coats, which a filter must see through; and what looks like a value and is none. Spec: 6-privacy F-1, F-4, F-10 to F-13."""

from __future__ import annotations

import base64
import binascii
import json
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

PASS, TOKEN = "hunter2§-Zq81", "ghp§_" + "x1Y2" * 9
LONG = f"the mail of the shop goes to {MAIL} now, and to {MAIL} later, as was said before"
# The same text in an archive of one file, in bzip2 and in xz: as one program wrote them, because another writes other bytes.
ARCHIVE = (
    "UEsDBBQAAAAIAAAAIQDpcceKTgAAAHAAAAAFAAAAYS5lbnZ9ytENgCAMRdFV3gDGGVylSrEYSgltguPLBH7c5H6cEIZSqbCMWO9iHbexIwyPSdtdS8jBL2mvvF+maDY3UEs/pFLwWMgx"
    "V04l4eRsgz9QSwECFAMUAAAACAAAACEA6XHHik4AAABwAAAABQAAAAAAAAAAAAAAgAEAAAAAYS5lbnZQSwUGAAAAAAEAAQAzAAAAcQAAAAAA"
)
BZIP2 = (
    "QlpoOTFBWSZTWYcN0e8AADQVgEAFQAA/99zAIABoJVPU00009R6TNT1NBKp7UZQGmhoyIUxguqX9k1JH0TIHJ1yNwipYitSY+fGc1srhIr6dDlGsQKCCg0tC6wYIv5tQ5W6bUsKpOeTs"
    "j8XckU4UJCHDdHvA"
)
XZ = (
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ABvAFRdADoaCM52o252ww33z9kQAwGl+wE/AOq8SktldDPM4Gscsw57g4n7cjC5RcUbZmHmwCH+kH6/ySFGQuz75ZQNCAUwXG3bLh8QJb6/"
    "YKDWnDEPgx3FAAD9Bt1erk/zZgABcHDhvbxfH7bzfQEAAAAABFla"
)
BASE32, ASCII85 = base64.b32encode(LONG.encode()).decode(), base64.a85encode(LONG.encode(), adobe=True).decode()
UU = "".join(binascii.b2a_uu(LONG.encode()[at : at + 45]).decode() for at in range(0, len(LONG), 45))
DRAWN = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
OPEN_HALF = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
SEALED = _base64("sekret-99")
MANIFEST = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\ndata:\n  smtp: {SEALED}\n---\nkind: ConfigMap\ndata:\n  colour: aubergine\n"

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
    ("wide-base64", "Base64 in full-width letters", "F-10 F-11", {"note": f"see {_wide(_base64(f'mail {MAIL}'))} there"}, (_wide(_base64(f"mail {MAIL}")),), ("see ", " there")),
    ("key-look-alike", "A key with a letter of another script", "F-10 F-12", {"p\u0430ssword": PASS, "user": "ada"}, ("hunter2",), ("ada",)),
    ("key-wide", "A key in full-width letters, and its value", "F-10 F-12", {_wide("password"): PASS}, ("hunter2",), ()),
    ("name-look-alike", "A name with a letter of another script, its value beside it", "F-10 F-12", [{"name": "db_p\u0430ssword", "value": PASS}], ("hunter2",), ("value",)),
    ("base32", "Base32", "F-10 F-11", {"blob": BASE32}, (BASE32[8:40],), ()),
    ("ascii85", "Ascii85 in its frame", "F-10 F-11", {"blob": ASCII85}, (ASCII85[8:40],), ()),
    ("uuencode", "Lines of uuencode", "F-10 F-11", {"mail": f"begin 644 a.txt\n{UU}`\nend\n"}, (UU[:40],), ()),
    ("base64-zip", "Base64 of an archive of files", "F-10", {"blob": ARCHIVE}, (ARCHIVE[:60],), ()),
    ("base64-bzip2", "Base64 of bzip2", "F-10", {"blob": BZIP2}, (BZIP2[:60],), ()),
    ("base64-xz", "Base64 of xz", "F-10", {"blob": XZ}, (XZ[:60],), ()),
    ("split-blocks", "An address over two blocks of text", "F-10 F-11", {"content": [{"type": "text", "text": "write to john.smith@"}, {"type": "text", "text": "example.com today"}]}, ("john.smith", "example.com"), ("write to ", " today")),
    ("split-items", "A card over items of a list", "F-10 F-11", {"parts": ["4111", "1111", "1111", "1111"]}, ("4111", "1111"), ("parts",)),
    ("split-numbers", "A card over numbers of a list", "F-10 F-11", {"card": [4111, 1111, 1111, 1111]}, ("4111", "1111"), ("card",)),
    ("split-letters", "An address letter by letter", "F-10", {"letters": [*MAIL]}, ('"s", "m", "i", "t", "h"',), ("letters",)),
    ("column", "A column with a heading", "F-12", {"csv": "id,name,ssn,city\n1,John,457555462,Rome\n2,Jane,219099998,Oslo\n"}, ("457555462",), ("id,name,ssn,city", "Rome", "Oslo")),
    ("name-and-value", "A name and a value beside it", "F-12", {"fields": [{"name": "ssn", "value": SSN}, {"name": "color", "value": "blue"}]}, (SSN,), ("blue", "color")),
    ("object-and-value", "A password in an object below its name", "F-12", {"password": {"type": "string", "value": PASS}, "port": {"value": "5432"}}, ("hunter2",), ("string", "5432")),
    ("pair-in-text", "The same, and a pair of name and value, as JSON in a text", "F-12", {"text": json.dumps({"password": {"value": PASS}, "env": [{"name": "API_KEY", "value": "zX81kq0§Plm2Na8"}, {"name": "MODE", "value": "fast"}]})}, ("hunter2", "Plm2Na8"), ("MODE", "fast")),
    ("pair-in-yaml", "A list of variables in YAML", "F-12", {"text": f"env:\n  - name: DB_PASSWORD\n    value: {PASS}\n  - name: MODE\n    value: fast\n"}, ("hunter2",), ("DB_PASSWORD", "fast")),
    ("table-lists", "A table of lists below a list of headings", "F-12", {"columns": ["name", "password"], "rows": [["ada", PASS], ["bob", "sekret"]]}, ("hunter2", "sekret"), ("ada", "bob")),
    ("table-first-row", "A table of lists whose first row has the headings", "F-12", [["name", "password"], ["ada", PASS]], ("hunter2",), ("ada",)),
    ("table-in-text", "A table of lists as JSON in a text", "F-12", {"text": json.dumps({"columns": ["name", "password"], "rows": [["ada", PASS], ["bob", "sekret"]]})}, ("hunter2", "sekret"), ("ada", "bob")),
    ("table-midst", "A table in the midst of a text", "F-12", {"text": f"Two users were found:\n\n| name | password |\n|---|---|\n| ada | {PASS} |\n| bob | sekret |\n\nThat is all."}, ("hunter2", "sekret"), ("ada", "bob", "That is all.")),
    ("table-long", "The last of three hundred rows", "F-12", {"csv": "name,password\n" + "ada,\n" * 300 + f"bob,{PASS}\n"}, ("hunter2",), ("bob",)),
    ("block-yaml", "A block of YAML", "F-12", {"text": f"user: ada\npassword: |\n  {PASS}\nport: 3\n"}, ("hunter2",), ("ada", "port: 3")),
    ("list-yaml", "A list of YAML", "F-12", {"text": f"passwords:\n  - {PASS}\n  - sekret-99\nport: 3\n"}, ("hunter2", "sekret"), ("port: 3",)),
    ("card-mistyped", "A card with a wrong digit under a key that says what it is", "F-12", {"card": "4111 1111 1111 1112"}, ("4111 1111",), ()),
    ("token", "A token of an issuer who marks his tokens", "F-20", {"log": "push with ghp§_" + "x1Y2" * 9 + " failed"}, ("x1Y2x1Y2x1Y2",), ("push with ", " failed")),
    ("token-wrapped", "A token that is broken at the end of a line", "F-11 F-20", {"log": f"push with {TOKEN[:21]}\n{TOKEN[21:]} failed"}, ("x1Y2x1Y2x1Y2",), ("push with ", " failed")),
    ("token-continued", "A token over two lines of a shell", "F-11 F-20", {"log": f"TOKEN={TOKEN[:21]}\\\n{TOKEN[21:]} ./push"}, ("x1Y2x1Y2x1Y2",), (" ./push",)),
    ("pgpass", "A line of a password file of a database", "F-20", {"file": f"# host:port:database:user:password\ndb.example.net:5432:shop:app:{PASS}\n"}, ("hunter2",), ("db.example.net:5432:shop:app:",)),
    ("netrc", "A password file of log-ins, in lines", "F-20", {"file": "machine api.example.net\n  login ada\n  password sekret§word\n"}, ("sekretword",), ("login ada",)),
    ("json-web-key", "The private half of a key as JSON", "F-20", {"kty": "OKP", "crv": "Ed25519", "d": DRAWN, "x": OPEN_HALF}, (DRAWN,), (OPEN_HALF,)),
    ("json-web-key-text", "The same as a text", "F-20", {"text": json.dumps({"kty": "OKP", "crv": "Ed25519", "d": DRAWN, "x": OPEN_HALF}, indent=2)}, (DRAWN,), (OPEN_HALF,)),
    ("kubernetes-secret", "Each value of a Secret of Kubernetes", "F-20", {"kind": "Secret", "data": {"smtp": SEALED}, "metadata": {"name": "shop"}}, (SEALED,), ("shop",)),
    ("kubernetes-secret-text", "The same in YAML, beside an object of another kind", "F-20", {"text": MANIFEST}, (SEALED,), ("shop", "aubergine")),
    ("marked-sensitive", "A value that its tool marks as sensitive", "F-20", {"outputs": {"address": {"sensitive": True, "value": PASS}, "port": {"sensitive": False, "value": "sunny day"}}}, ("hunter2",), ("sunny day",)),
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
    ("json-web-key-open", "The open half of a key as JSON", "F-4 F-12", {"kty": "OKP", "crv": "Ed25519", "x": OPEN_HALF, "kid": "2026-01"}),
    ("schema", "A schema that speaks of a password", "F-4 F-12", {"properties": {"password": {"type": "string", "description": "The password of the user", "minLength": 8}}, "required": ["user", "password"]}),
    ("names-in-rows", "Lists of names that are no table", "F-4 F-12", {"anyOf": [{"required": ["user", "password"]}, {"required": ["email", "token"]}], "fields": ["user", "password"]}),
    ("table-open", "Tables without a secret", "F-4 F-12", {"columns": ["name", "city"], "rows": [["ada", "Rome"]], "text": "| name | city |\n|---|---|\n| ada | Rome |\n", "csv": "name,token count\nada,12\n"}),
    ("words-in-program", "Names of secrets with commas between in a program", "F-4 F-12", {"text": "from keys import (\n    password,\n    make_key,\n    open_store,\n)\nFIELDS = [\n    'token',\n    'size_2',\n]\n"}),
    ("colons", "Lines with colons", "F-4 F-12", {"text": "root:x:0:0:root:/root:/bin/sh\ncpe:2.3:a:example:shop:1.0:*:*:*:*:*:*:*\n12:5432:90\n"}),
    ("long-words", "Long words in capitals and small letters", "F-4", {"text": "THEQUICKBROWNFOXJUMPSOVERTHELAZYDOG donaudampfschifffahrtsgesellschaft <~ and ~> begin 644 times"}),
    ("config-map", "Values of a thing of Kubernetes that is no Secret", "F-4 F-12", {"kind": "ConfigMap", "data": {"colour": "aubergine", "mode": "fast-9"}}),
    ("keys-wide", "Keys and texts in wide letters that say nothing of a secret", "F-4", {"\uff29\uff24": "\uff21\uff22\uff23", "\u5927\u304d\u3055\uff08mm\uff09": 12}),
    ("lines-end", "Lines that end in a sign of going on", "F-4", {"text": "docker run \\\n  --name shop \\\n  -p 80:80 shop\nline one=\n"}),
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
