"""Secrets in files whose form says where they stand, and tokens over the ends of lines."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.detectors.secrets import files
from mpp.stages.privacy.detectors.secrets.wrapped import unbroken
from tests.unit.privacy.test_secrets_search import found

HUNTER = "hunter" + "2"
DRAWN = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
KEY: dict[str, Json] = {"kty": "OKP", "crv": "Ed25519", "d": DRAWN, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
OPEN: dict[str, Json] = {name: item for name, item in KEY.items() if name != "d"}


@pytest.mark.parametrize(
    "message", [KEY, {"keys": [KEY, OPEN]}, {"t": json.dumps(KEY)}, {"t": json.dumps({"keys": [OPEN, KEY]}, indent=2)}, {"t": json.dumps(json.dumps(KEY))}]
)
def test_the_private_members_of_a_key(message: Json) -> None:
    assert found(message) == [DRAWN]


def test_each_private_member_is_found() -> None:
    names = ("d", "p", "q", "dp", "dq", "qi")
    key: Json = {"kty": "RSA", "n": "0vx7agoebGcQ" * 4, **{name: f"{DRAWN}{name}" for name in names}}
    assert found(key) == [f"{DRAWN}{name}" for name in names] == found({"t": json.dumps(key)})
    assert found({"kty": "oct", "k": DRAWN}) == [DRAWN]


@pytest.mark.parametrize(
    "message", [OPEN, {"t": json.dumps(OPEN)}, {"kty": "RSA", "d": "short"}, {"kty": "RSA", "d": 5}, {"t": 'kty" without an object'}, ["kty"], {"d": DRAWN}]
)
def test_an_open_key_stays(message: Json) -> None:
    assert found(message) == []


LINES: list[tuple[str, list[str]]] = [
    (f"db.example.net:5432:shop:app:{HUNTER}", [HUNTER]),
    (f"# host:port:database:user:password\n*:*:*:app:{HUNTER}\nlocalhost:5433:*:app:sekret\n", [HUNTER, "sekret"]),
    ("h:6432:b:u:se\\:kret", ["se\\:kret"]),
    ("*:*:*:app:sekret", []),
    ("cpe:2.3:a:x:y:1.0:*:*:*:*:*:*:*", []),
    ("12:5432:90", []),
    ("see h:5432:b:u:pw in a sentence", []),
    ("a" * 600 + ":5432:b:u:pw9", []),
    (f"machine a.example.net\n  login ada\n  password {HUNTER}\n", [HUNTER]),
    ("default\tlogin anonymous\npassword sekret\n", ["sekret"]),
    ("the user guide\npassword policy", []),
]


@pytest.mark.parametrize(("text", "values"), LINES, ids=lambda one: str(one)[:32])
def test_lines_of_password_files(text: str, values: list[str]) -> None:
    assert found({"file": text}) == values


SEALED, OTHER = b64encode(b"sekret-99").decode(), b64encode(b"geheim-88").decode()
YAML = f"""
apiVersion: v1
items:
- apiVersion: v1
  data:
    colour: aubergine-9x
  kind: ConfigMap
- apiVersion: v1
  data:
    smtp: {SEALED}
    list: [a]
    "tls.key": "{OTHER}"
  kind: Secret
  metadata:
    name: shown-name
kind: List
---
kind: Secret
stringData:
  word: sekret

  more: geheim
type: Opaque
---
data:
  colour: aubergine-9x
"""


def test_each_value_of_a_secret_of_kubernetes() -> None:
    assert found({"t": YAML}) == [SEALED, OTHER, "sekret", "geheim"]
    one: Json = {"kind": "Secret", "data": {"smtp": SEALED, "no": "x", "n": 5}, "stringData": None, "metadata": {"name": "shown"}}
    assert found(one) == [SEALED]
    assert found({"t": json.dumps({"items": [one, {"kind": "ConfigMap", "data": {"a": "shown-9x"}}]}, indent=2)}) == [SEALED]


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "ConfigMap", "data": {"a": "shown-9x"}},
        {"name": "Secret", "data": {"a": "shown-9x"}},
        ["Secret"],
        {"kind": "Secret"},
        {"t": "kind: Secret\n" * 5},
    ],
)
def test_what_is_no_secret_of_kubernetes_stays(message: Json) -> None:
    assert found(message) == []


def test_a_value_that_is_marked() -> None:
    output: Json = {"sensitive": True, "type": "string", "value": "sunny day"}
    assert found({"outputs": {"a": output}}) == ["sunny day"] == found({"t": json.dumps(output)})
    assert found({"sensitive": True, "value": {"a": "one-x", "b": ["two-y", 5, None]}}) == ["one-x", "two-y"]
    others: tuple[Json, ...] = ({"sensitive": False, "value": "sunny day"}, {"sensitive": True}, {"sensitive": True, "value": "x"}, {"t": '"sensitive": true'})
    assert [one for one in others if found(one)] == []


TOKEN = "ghp" + "_" + "x1Y2" * 9
HEAD, CLAIMS, SIGN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0",
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
)
BROKEN: list[tuple[str, str, list[str]]] = [
    ("soft", f"see {TOKEN[:20]}\n{TOKEN[20:]} end", [f"{TOKEN[:20]}\n{TOKEN[20:]}"]),
    ("indented", f"see {TOKEN[:20]}\r\n    {TOKEN[20:]} end", [f"{TOKEN[:20]}\r\n    {TOKEN[20:]}"]),
    ("quoted", f"> see {TOKEN[:20]}\n> {TOKEN[20:]} end", [f"{TOKEN[:20]}\n> {TOKEN[20:]}"]),
    ("shell", f"T={TOKEN[:20]}\\\n{TOKEN[20:]} end", [f"{TOKEN[:20]}\\\n{TOKEN[20:]}"]),
    ("program", f'"{TOKEN[:20]}" +\n  "{TOKEN[20:]}"', [f'{TOKEN[:20]}" +\n  "{TOKEN[20:]}']),
    ("three lines", f"T={TOKEN[:18]}\\\n{TOKEN[18:25]}\\\n{TOKEN[25:]}", [f"{TOKEN[:18]}\\\n{TOKEN[18:25]}\\\n{TOKEN[25:]}"]),
    ("after its head", f"t {HEAD}.\n{CLAIMS}.{SIGN}\nNext line", [f"{HEAD}.\n{CLAIMS}.{SIGN}"]),
    ("after its claims", f"t {HEAD}.{CLAIMS}\\\n.{SIGN}", [f"{HEAD}.{CLAIMS}\\\n.{SIGN}"]),
    ("whole", f"t {HEAD}.{CLAIMS}.{SIGN}\nNext", [f"{HEAD}.{CLAIMS}.{SIGN}"]),
    ("no token", "ghp" + "_" + "x1Y2x1Y2x1Y2x\nthe next line", []),
    ("a sample", "ghp" + "_" + "xxxxxxxxxxxxxx\n" + "x" * 22, []),
    ("a digest", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\nand more words", []),
]


@pytest.mark.parametrize(("text", "values"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_token_over_the_ends_of_lines(text: str, values: list[str]) -> None:
    assert [one for one in found({"t": text}) if "Y2" in one or "ey" in one] == values


def test_what_is_broken_to_a_width_ends_with_a_short_line() -> None:
    text = "abcdefghij\nabcdefghij\nabc\nnext"
    whole = unbroken(text, 0, len(text))
    assert whole is not None
    assert whole.text == "abcdefghijabcdefghijabc"
    assert [whole.end(at) for at in (1, 10, 11, 23)] == [1, 10, 12, 25]
    assert unbroken("short\nabcdefghij", 0, 16) is None
    assert unbroken("abcdefghij", 0, 10) is None
    assert unbroken("a" * 2000 + "\nb", 0, 2002) is None
    long = "abcdefghij\n" * 200
    assert (unbroken(long, 0, len(long)) or whole).text == "abcdefghij" * 64


def test_limits_of_files() -> None:
    text = "{" + " " * files.KEY_CHARS_MAX + json.dumps(KEY)[1:]
    assert found({"t": text}) == []
