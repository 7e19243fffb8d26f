"""Secrets that their name gives away, in the ways in which people write a name and a value."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.detector import WEAK
from mpp.stages.privacy.detectors.secrets.names import announces
from mpp.stages.privacy.detectors.secrets.values import CODE, FIRM, MIXED, OPEN, PHRASE, is_secret, is_wordy, words
from tests.unit.privacy.test_secrets_search import found, hits, kinds

HUNTER = "hunter" + "2"
DRAWN = "q8Zk" + "3Vt0Xw7Lr5Pm"
HEX = "9f86d081" + "884c7d659a2feaa0c55ad015"

TEXTS: list[tuple[str, str]] = [
    (f"password: {HUNTER}", HUNTER),
    (f"Password : {HUNTER}", HUNTER),
    (f"password={HUNTER}", HUNTER),
    (f"PASSWORD = '{HUNTER}'", HUNTER),
    (f'"password": "{HUNTER}"', HUNTER),
    (f"{{'password': '{HUNTER}'}}", HUNTER),
    (f'{{\\"password\\":\\"{HUNTER}\\"}}', HUNTER),
    (f"export DB_PASSWORD={HUNTER}", HUNTER),
    (f"set DB_PASSWORD={HUNTER}\nnext", HUNTER),
    (f"ENV ADMIN_PASSWORD {HUNTER}x '{HUNTER}'", ""),
    (f'$env:DB_PASSWORD = "{HUNTER}"', HUNTER),
    (f"mysql --password {HUNTER} -h db", HUNTER),
    (f"mysql --password={HUNTER} -h db", HUNTER),
    (f"tool --api-key {DRAWN} run", DRAWN),
    (f"machine ftp.example.net login bob password {HUNTER}", HUNTER),
    (f"requirepass {DRAWN}", DRAWN),
    (f"Server=db;User Id=sa;Password={HUNTER}!;Encrypt=true", HUNTER + "!"),
    (f"Server=db;UID=sa;Pwd={HUNTER}!;", HUNTER + "!"),
    (f"host=db user=bob password={HUNTER} dbname=x", HUNTER),
    (f"jdbc:sqlserver://db:1433;user=sa;password={HUNTER};encrypt=true", HUNTER),
    (f"jdbc:mysql://db/x?user=bob&password={HUNTER}&ssl=1", HUNTER),
    (f"spring.datasource.password={HUNTER}", HUNTER),
    (f"ALTER USER bob WITH PASSWORD '{HUNTER}';", HUNTER),
    (f"CREATE USER bob IDENTIFIED BY '{HUNTER}';", HUNTER),
    (f"<password>{HUNTER}</password>", HUNTER),
    (f'<add key="DbPassword" value="{HUNTER}" />', HUNTER),
    (f'<property name="password" value="{HUNTER}"/>', HUNTER),
    (f"<td>Password</td><td>{HUNTER}</td>", HUNTER),
    (f'var password: string = "{HUNTER}";', HUNTER),
    (f'password := "{HUNTER}"', HUNTER),
    (f'"password" => "{HUNTER}"', HUNTER),
    (f'os.environ["API_KEY"] = "{DRAWN}"', DRAWN),
    (f'setenv("API_KEY", "{DRAWN}")', DRAWN),
    (f"apiKey: '{DRAWN}'", DRAWN),
    (f"api_key={DRAWN}", DRAWN),
    (f"API-KEY: {DRAWN}", DRAWN),
    (f"Your API key is {DRAWN}.", DRAWN),
    (f"X-Api-Key: {DRAWN}", DRAWN),
    (f"https://host/x?api_key={DRAWN}&page=2", DRAWN),
    (f"https://host/x?access_token={DRAWN}", DRAWN),
    (f"client_secret={DRAWN}", DRAWN),
    (f"clientSecret = {DRAWN}", DRAWN),
    (f"SECRET_KEY = 'django-insecure-{DRAWN}'", f"django-insecure-{DRAWN}"),
    ("aws_secret_access_key = wJ4lrXUtnF3MI/K7MD3NG+bPxRfiCYzz9ABCDEFG", "wJ4lrXUtnF3MI/K7MD3NG+bPxRfiCYzz9ABCDEFG"),
    (f"encryption_key: {HEX}", HEX),
    (f"token={HEX}", HEX),
    (f"Authorization: Bearer {DRAWN}", DRAWN),
    (f"Authorization: token {DRAWN}", DRAWN),
    (f'-H "Authorization: {DRAWN}"', DRAWN),
    (f"The password is {HUNTER} for now", HUNTER),
    (f"password for the wifi is {HUNTER}", HUNTER),
    (f"Password for bob@host: {HUNTER}", HUNTER),
    (f"Password:\n  {HUNTER}\nUser:", HUNTER),
    (f"user: bob, pass: {HUNTER}", HUNTER),
    (f"SMTP_PASS={HUNTER}", HUNTER),
    (f"| password | {HUNTER} |", HUNTER),
    (f"Passwort: {HUNTER}", HUNTER),
    (f"Ihr Kennwort lautet: {HUNTER}", HUNTER),
    (f"Das Passwort ist {HUNTER}", HUNTER),
    (f"contraseña: {HUNTER}", HUNTER),
    (f"La contraseña es {HUNTER}", HUNTER),
    (f"clave: {HUNTER}", HUNTER),
    (f"senha: {HUNTER}", HUNTER),
    (f"mot de passe : {HUNTER}", HUNTER),
    (f"Mot de passe: {HUNTER}", HUNTER),
    (f"mdp: {HUNTER}", HUNTER),
    (f"wachtwoord: {HUNTER}", HUNTER),
    (f"hasło: {HUNTER}", HUNTER),
    (f"heslo: {HUNTER}", HUNTER),
    (f"lösenord: {HUNTER}", HUNTER),
    (f"jelszó: {HUNTER}", HUNTER),
    (f"salasana: {HUNTER}", HUNTER),
    (f"adgangskode: {HUNTER}", HUNTER),
    (f"şifre: {HUNTER}", HUNTER),
    (f"Пароль: {HUNTER}", HUNTER),
    (f"密码：{HUNTER}", HUNTER),
    (f"パスワード: {HUNTER}", HUNTER),
    (f"비밀번호: {HUNTER}", HUNTER),
    ("PIN: 4821", "4821"),
    ("Your verification code is 482913.", "482913"),
    ("OTP: 482 913", ""),
    ("password: correcthorse", "correcthorse"),
    ("password=secret", "secret"),
    ("password: changeme", "changeme"),
    ("(password: hunter22)", "hunter22"),
    ("{password: P@(b)c1}", "P@(b)c1"),
    ("mnemonic: 'legal winner thank year wave sausage worth useful'", "legal winner thank year wave sausage worth useful"),
    (f"password_hash: {HEX}", HEX),
    (f"datadog_api_key: {HEX}", HEX),
    ('user,password,email\nbob,hunter2,b@x.org\nann,"s3cret!",a@x.org', "hunter2"),
    ("user;password\r\nbob;hunter2\r\n", "hunter2"),
    ("| user | password |\n| bob | hunter2 |", "hunter2"),
]


@pytest.mark.parametrize(("text", "value"), TEXTS, ids=lambda text: text[:40])
def test_a_value_after_its_name(text: str, value: str) -> None:
    assert (value in found({"log": text})) is bool(value), found({"log": text})


def test_cells_below_a_heading_are_found_in_their_column_only() -> None:
    table = 'user,password,email\nbob,hunter2,b@x.org\nann,"s3cret!",a@x.org\nshort,row\n\nmax,,m@x.org'
    # A row that is short holds its cells in the same columns.
    assert found({"csv": table}) == ["hunter2", "s3cret!", "row"]
    assert found({"csv": "a,c\npassword,b\nhunter2,x"}) == []
    assert found({"csv": "user,password"}) == []
    assert found({"csv": "user,password\n" + "b,hunter2\n" * 300}) == ["hunter2"]
    assert kinds({"csv": "user,password\n" + "b,hunter2\n" * 300})["password"] == 300


MESSAGES: list[tuple[Json, str]] = [
    ({"password": HUNTER}, HUNTER),
    ({"userPassword": "correcthorse"}, "correcthorse"),
    ({"user-password": "x y 1"}, "x y 1"),
    ({"a": {"Client Secret": DRAWN}}, DRAWN),
    ({"password": 12345678}, "12345678"),
    ({"apiKey": DRAWN}, DRAWN),
    ({"Authorization": f"Bearer {DRAWN}"}, DRAWN),
    ({"auth": "Ym9iOmh1bnRl" + "cjI="}, "Ym9iOmh1bnRl" + "cjI="),
    ({"name": "password", "value": HUNTER}, HUNTER),
    ({"value": DRAWN, "name": "API_TOKEN"}, DRAWN),
    ({"env": [{"name": "X", "value": "y"}, {"name": "DB_PASS", "value": HUNTER}]}, HUNTER),
    ({"pin": "4821"}, "4821"),
    ({"pin": 4821}, "4821"),
    ({"passwords": [None, 7, HUNTER]}, HUNTER),
    ({"password": "correct horse battery"}, "correct horse battery"),
    ({"pin": 48213}, "48213"),
    ({"seed_phrase": "legal winner thank year wave sausage worth useful"}, "legal winner thank year wave sausage worth useful"),
    ({"password_hash": "x" * 3 + HEX}, "x" * 3 + HEX),
    ({"private_key": "q8Zk3Vt0" * 6}, "q8Zk3Vt0" * 6),
    ({"access_token": DRAWN, "expires_in": 3600}, DRAWN),
    ({"refresh_token": HEX}, HEX),
    ({"password_confirmation": HUNTER}, HUNTER),
    ({"ключ": "", "пароль": HUNTER}, HUNTER),
    ({"env": [f"API_KEY={DRAWN}"]}, DRAWN),
    ({f"password={HUNTER}": 1}, HUNTER),
    ({"x" * 100 + f" password={HUNTER}": {}}, HUNTER),
]


@pytest.mark.parametrize(("message", "value"), MESSAGES, ids=str)
def test_a_value_under_its_key(message: Json, value: str) -> None:
    assert found(message) == [value]


def test_the_object_around_tells_whose_secret_it_is() -> None:
    assert kinds({"datadog": {"api_key": HEX}}) == {"datadog_key": 1}
    assert kinds({"SNYK_TOKEN": "9f86d081-884c-7d65-9a2f-eaa0c55ad015"}) == {"snyk_token": 1}
    assert kinds({"datadog": {"password": HUNTER}}) == {"password": 1}
    assert kinds({"config": {"api_key": HEX}}) == {"secret_value": 1}


def test_a_message_about_a_password_is_none() -> None:
    for text in ("must be at least eight characters", "please enter", "Forgot password", "is too short", "the same as before", "horse"[:2] + " a"):
        assert found({"password": text}) == [], text


def test_a_key_of_another_object_gives_nothing() -> None:
    assert found([{"password": {"a": HUNTER}}, {"password": [{"a": HUNTER}]}, {"password": None, "b": HUNTER}, {"password": {}}]) == []
    assert found({"field": "password", "message": HUNTER}) == []
    assert found({"other": "password", "value": HUNTER}) == []
    assert found(["password", HUNTER]) == []


def test_prose_gives_weak_hits() -> None:
    assert {hit.sure for hit, _ in hits(f"the password is {HUNTER}")} == {WEAK}


NAMES = {
    "password": "password", "dbPassword": "password", "DB_PASS": "password", "pass": "password", "compass": None, "token_count": None, "next_page_token": None,
    "nextPageToken": None, "max_tokens": None, "accessToken": "secret_value", "public_key": None, "publishable_key": None, "key": None, "cache_key": None,
    "api-key": "secret_value", "TWILIO_AUTH_TOKEN": "twilio_key", "secret_name": None, "password_policy": None, "has_password": None, "spin": None, "pin": "access_code",
    "card_pin": "access_code", "auth": "auth_header", "author": None, "x" * 90 + "password": None, "": None, "value": None, "passwordHash": "password_hash",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_a_name_announces(name: str) -> None:
    kind = announces(name)
    assert (kind.type if kind else None) == NAMES[name]


def test_words_of_names() -> None:
    assert words("dbPassword_v2-x") == ["db", "password", "v2", "x"]
    assert is_wordy("oauth2-bearer")
    assert is_wordy("aes-256-gcm")
    assert not is_wordy("q8Zk3Vt0")
    assert not is_wordy("aBcDeF")
    assert not is_wordy("")


VALUES = [
    (HUNTER, OPEN, True), ("ab", OPEN, False), ("a" * 5000, OPEN, False), ("12", OPEN, False), ("123", OPEN, False), ("1234", OPEN, True), ("a b", OPEN, False), ("a\nb", OPEN, False),
    ("a b 1", OPEN, True), ("a b c d 1", OPEN, False), ("secretKeyRef:", OPEN, False), ("swordfish", MIXED, False), ("swordfishes1", MIXED, True),
    ("abcdefghijkl", MIXED, True), ("p@ss", MIXED, True), ("12345", MIXED, False), ("a1", MIXED, False), ("a1b", MIXED, False), ("short1", FIRM, False), ("has a space 1x", FIRM, False), ("20240101", FIRM, False),
    ("two\nlines1x", FIRM, False), ("9f86d0818", FIRM, True), ("aBcDeFgHi", FIRM, True), ("qwrtzpsdfghjklyxcvbnm", FIRM, True), ("ABC!DEF!GHI!", FIRM, False), ("12!34!567", FIRM, False),
    ("1234", CODE, True), ("12a4", CODE, False), ("one two three four", PHRASE, True), ("This, then that and", PHRASE, False), ("phrase", PHRASE, False), ("abc12345", PHRASE, True),
]  # fmt: skip


@pytest.mark.parametrize(("value", "level", "good"), VALUES)
def test_how_much_a_value_must_have(value: str, level: int, good: bool) -> None:
    assert is_secret(value, level, quoted=True) is good
