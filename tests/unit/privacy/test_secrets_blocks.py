"""Private keys, web tokens, headers, cookies, and the key files of this project."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from random import Random

import pytest

from mpp.crypto.keyfile import write_key
from mpp.model.jsontext import Json
from tests.unit.privacy.test_secrets_search import found, kinds

DASHES = "-" * 5
LINES = [b64encode(Random(line).randbytes(48)).decode() for line in range(6)]
SHORT = "q8Zk3Vt0=="
DRAWN = "q8Zk" + "3Vt0Xw7Lr5Pm"


def block(kind: str = "RSA PRIVATE KEY", lines: list[str] | None = None, end: str = "\n", *, closed: bool = True) -> str:
    body = LINES if lines is None else lines
    rows = [f"{DASHES}BEGIN {kind}{DASHES}", *body, SHORT]
    return end.join(rows + ([f"{DASHES}END {kind}{DASHES}"] if closed else []))


KINDS = (
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "PGP PRIVATE KEY BLOCK",
    "ANY PRIVATE KEY",
)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", r"\n", r"\r\n", " ", "\n    ", '"\n  + "', '",\n"', "\n> ", "\n# "])
@pytest.mark.parametrize("kind", KINDS)
def test_a_private_key_is_hidden_whole(kind: str, end: str, closed: bool) -> None:
    key = block(kind, end=end, closed=closed)
    assert found({"log": f"before {key}\nafter it came more"}) == [key]
    assert found({"private_key": key}) == [key]


def test_headers_of_a_private_key_are_part_of_it() -> None:
    key = block(lines=["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123456789ABCDEF", "", *LINES])
    assert found(key) == [key]
    assert found(key[:-60]) == [key[:-60]]
    pgp = block("PGP PRIVATE KEY BLOCK", lines=["Version: GnuPG v2", "Comment: none", "", *LINES, "=AbCd"])
    assert found(pgp) == [pgp]


def test_other_dashes() -> None:
    key = "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n" + "\n".join(LINES) + "\n---- END SSH2 ENCRYPTED PRIVATE KEY ----"
    assert found(f"{key}\nx") == [key]


def test_a_key_that_is_cut_ends_with_its_last_line() -> None:
    cut = block(closed=False)[: -len(SHORT) - 10]
    assert found(cut) == [cut]
    assert found(f"{cut} and so on")[0].startswith(cut)
    half = block()[:-12]
    assert found(half)[0].startswith(half[:-30])


@pytest.mark.parametrize("text", [
    f"{DASHES}BEGIN PRIVATE KEY{DASHES}\n...\n{DASHES}END PRIVATE KEY{DASHES}", f"a file that begins with {DASHES}BEGIN RSA PRIVATE KEY{DASHES} is a key",
    block("PUBLIC KEY"), block("CERTIFICATE"), block("RSA PUBLIC KEY"), f"{DASHES}BEGIN PRIVATE KEY{DASHES}", f"{DASHES}BEGIN TWO WORDS AND A FEW MORE PRIVATE KEY{DASHES}",
    f"{DASHES}BEGIN PRIVATE KEY{DASHES}\n" * 3, f"{DASHES}BEGIN PRIVATE KEY{DASHES}\nMII=\n{DASHES}END",
])  # fmt: skip
def test_what_is_no_private_key(text: str) -> None:
    assert found({"text": text}) == []


def test_a_key_as_a_list_of_lines() -> None:
    lines: list[Json] = ["text", *block().split("\n"), "after"]
    assert found(lines) == lines[1:-1]
    open_end: list[Json] = [*block(closed=False).split("\n"), "", "after all"]
    assert found(open_end) == open_end[:-2]
    assert found([f"{DASHES}BEGIN PRIVATE KEY{DASHES}", "short"]) == []
    assert found([[f"{DASHES}BEGIN PRIVATE KEY{DASHES}"], [LINES[0]]]) == []


def test_a_key_of_putty() -> None:
    body = "\n".join(LINES)
    text = f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 2\nAAAA\nBBBB\nPrivate-Lines: 6\n{body}\nPrivate-MAC: {'0a' * 32}"
    assert found(text) == [f"{body}\nPrivate-MAC: {'0a' * 32}"]
    assert found("Private-Lines: none") == []


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


SPACED = urlsafe_b64encode(b'{ "alg": "ES256" }').decode().rstrip("=")
CLAIMS = part({"sub": "bob", "exp": 1})
JWT = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{CLAIMS}.{'q8Zk3Vt0_-' * 4}"


@pytest.mark.parametrize("around", ["{}", "Bearer {}", 'token="{}"', "x={}&y=1", r"\n{}\n", "see {}, please"])
def test_a_web_token(around: str) -> None:
    assert JWT in found({"a": around.format(JWT)})
    assert kinds({"a": around.format(JWT)})["jwt"] == 1


@pytest.mark.parametrize("text", [
    f"{part({'alg': 'none'})}.{CLAIMS}.", f"{part({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.aaaaaaaa.bbbb.cccc.dddd",
    f"{SPACED}.{CLAIMS}.x", f"{part({'alg': 'HS256'})}.{CLAIMS}",
])  # fmt: skip
def test_other_web_tokens(text: str) -> None:
    assert kinds(text)["jwt"] == 1


@pytest.mark.parametrize("text", [
    f"{part({'typ': 'JWT'})}.{CLAIMS}.x", f"x{JWT}", f"-{JWT}", f"{part({'alg': 'HS256', 'typ': 'JWT'})}", "eyJ" + "a" * 16 + ".bbbbbbbb.c", "eyJ" + "a" * 40,
])  # fmt: skip
def test_what_is_no_web_token(text: str) -> None:
    assert found(text) == []


BASIC = b64encode(b"bob:hunter2").decode()


@pytest.mark.parametrize(("text", "value"), [
    (f"curl -H 'Authorization: Bearer {DRAWN}' x", DRAWN), (f"Bearer {DRAWN}.", DRAWN), (f"bearer%20{DRAWN}", DRAWN), (f"> Basic {BASIC}", BASIC), (f"Basic%20{BASIC}", BASIC),
    ("curl -u bob:hunter2 https://x", "hunter2"), ("curl --user 'bob:hunter2' https://x", "hunter2"), ("jdbc:oracle:thin:scott/tiger5@//db:1521/x", "tiger5"),
])  # fmt: skip
def test_headers(text: str, value: str) -> None:
    assert found({"log": text}) == [value]


@pytest.mark.parametrize("text", [
    "the bearer of this letter", "Bearer authentication-required", "Bearer token", "Bearer <token>", "forbearer q8Zk3Vt0Xw7Lr5Pm", "Basic understanding", "Basic QUJDREVGR0g=",
    "docker run -u root:root image", "Bearer ${ACCESS_TOKEN_1}", "Basic /////w==", "jdbc:oracle:thin:@db", "--user nobody", "bearer x",
])  # fmt: skip
def test_what_is_no_header(text: str) -> None:
    assert found({"log": text}) == []


SESSION = "s%3A" + "q8Zk3Vt0Xw7Lr5Pm2b"


@pytest.mark.parametrize("message", [
    f"Set-Cookie: sid={SESSION}; Path=/; HttpOnly", f"Cookie: theme=dark; lang=en; sid={SESSION}", {"Cookie": f"sid={SESSION}"}, {"set-cookie": [f"sid={SESSION}; Path=/; HttpOnly; SameSite=Lax"]},
    {"headers": {"Set-Cookie": f"sid={SESSION}; Expires=Wed, 21 Oct 2026 07:28:00 GMT"}}, f"curl --cookie 'sid={SESSION}'" .replace("--cookie ", "--cookie="), "document.cookie = " + f'"sid={SESSION}"',
])  # fmt: skip
def test_cookies(message: Json) -> None:
    assert found(message) == [SESSION]


@pytest.mark.parametrize("message", [
    "Cookie: theme=dark; lang=en-US-and-some-more-words", "we use cookies to improve", {"Cookie": {"a": SESSION}}, {"cookie": "none"}, {"cookie_policy": f"a={SESSION}"}, {"cookies": None},
    "Set-Cookie: <cookie>", "a; HttpOnly", "Cookie: " + "a=b; " * 100 + f"sid={SESSION}", "Set-Cookie: a=1; Domain=q8Zk3Vt0Xw7Lr5Pm2b.example.net",
])  # fmt: skip
def test_what_is_no_session_cookie(message: Json) -> None:
    assert found(message) == []


class Fixed:
    def bytes(self, count: int) -> bytes:
        return bytes(range(count))


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_key_file_of_this_project(passphrase: bytes | None) -> None:
    text = write_key(bytes(range(32)), "release", passphrase, Fixed(), ops=1, memory=8 * 1024 * 1024).decode()
    document = json.loads(text)
    private = document["seed"] if passphrase is None else document["sealed"]["box"]
    assert found({"file": text}) == [private]
    assert found({"file": json.dumps(text)}) == [private]
    assert found({"x": {"key": document, "other": {"seed": "a" * 44, "box": "b"}}}) == [private]


def test_other_things_named_so() -> None:
    assert found({"mpp_key": 1, "sealed": "no", "seed": 5}) == []
    assert found(["mpp_key", "x"]) == []
