"""Mail addresses, and names and passwords in URLs."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.detector import WEAK
from mpp.stages.privacy.detectors.contact import DETECTORS
from tests.unit.privacy import looking


def found(message: Json, kind: str = "email") -> list[str]:
    return [text for one, text in looking.found(DETECTORS, message) if one == kind]


MAILS = [
    "john@example.com",
    "john.doe+tag@mail.example.co.uk",
    "o'brien@example.ie",
    "алексей.сидоров68@zoho.com",
    "anna.liepiņš44@yahoo.com",
    "user@bücher.example",
    "用户@例子.公司",
    "a@xn--d1acufc.xn--p1ai",
    "user@xn--80ak6aa92e.com",
    '"john doe"@example.com',
    "x_1%y@a-b.c-d.org",
    "1234@163.com",
    "user@[192.168.1.1]",
    "user@[2001:db8::1]",
]


@pytest.mark.parametrize("text", MAILS)
@pytest.mark.parametrize(
    "around",
    ["{}", "to {}.", "<{}>", "({})", "mailto:{}", "a,{},b", "email={}&x=1", "'{}'", "{}; {}", "{}:secret", "mail: {}\nnext", "{}/x", "https://host/u/{}"],
)
def test_mail_addresses(text: str, around: str) -> None:
    assert set(found([around.format(text, text)])) == {text}


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:org/repo.git",
        "deploy@host.example.com:/var/www",
        "deploy@host.example.com:~/www",
        "@scope/package@1.2.3",
        "lodash@4.17.21",
        "react@18.2.0-beta.alpha",
        "actions/checkout@v4.1.x",
        "icon@2x.png",
        "@example.com",
        "user@host",
        "x@k.transpose(1)",
        "a@b.c",
        "a@b.1",
        "a@1.b",
        "https://user:pass@host.com/",
        "ssh://git@github.com/org",
        "info@presidio.",
        '"a", "@example.com"',
        "...@example.com",
        "mail root@host/path",
        "[EMAIL-gkbmrtqz]",
        "a @ b.com",
        "foo@-bar.com",
    ],
)
def test_what_is_no_mail_address_stays(text: str) -> None:
    assert found([text]) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a@example.com.1", "a@example.com"),
        ("a@example.com-Office", "a@example.com"),
        ("a@example.com.", "a@example.com"),
        ("--a@example.com", "a@example.com"),
        ("a@b@example.com", "b@example.com"),
        ("email root@localhost", "root@localhost"),
        ("UPI payment from 'rahul.upi@oksbi' with", "rahul.upi@oksbi"),
    ],
)
def test_where_a_mail_address_begins_and_ends(text: str, wanted: str) -> None:
    assert found([text]) == [wanted]


def test_a_key_makes_a_mail_address_without_a_dot() -> None:
    assert found({"email": "root@localhost", "login": "root@localhost"}) == ["root@localhost"]


@pytest.mark.parametrize(
    "text",
    [
        "john [at] example [dot] com",
        "john(at)example(dot)com",
        "john[at]example.com",
        "john.doe {at} example {dot} co {dot} uk",
        "john [dot] doe [at] example [dot] com",
        "john <at> example dot com",
        "john [@] example [.] com",
    ],
)
def test_addresses_with_words_in_brackets(text: str) -> None:
    assert set(found([f"see {text}, or"])) == {text}


@pytest.mark.parametrize("text", ["john at example dot com", "john dot doe at example dot co dot uk", "john.doe at example dot org"])
def test_spelled_out_addresses_need_a_word(text: str) -> None:
    assert found([f"he said {text}."]) == []
    hits = looking.hits(DETECTORS, [f"Send mail to {text}."])
    assert {(one, hit.sure) for one, hit in hits} == {(text, WEAK)}


@pytest.mark.parametrize("text", ["look at the dot in the middle", "a dot b", "a (at) b", "mail me at dot com", "contact: x [at] y", "mail it dot"])
def test_prose_with_at_and_dot_stays(text: str) -> None:
    assert found([text]) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("postgres://traci:E0ojxPtiKUmO@host.com/db", "traci:E0ojxPtiKUmO"),
        ("redis://:s3cr3tpw@cache:6379", ":s3cr3tpw"),
        ("mongodb+srv://u:p%40ss@cluster0.abc.net/x?y=z", "u:p%40ss"),
        ("https://user:a$b!c@host/", "user:a$b!c"),
        ("https://user:password@example.com", "user:password"),
        ("https://user:p@ss@host/a@b", "user:p@ss"),
        ("amqp://user:pa/ss+w=@host/", "user:pa/ss+w="),
        ("see ftp://bob:builder1@10.0.0.1.", "bob:builder1"),
        ("https://" + "ab1" * 12 + "@github.com/org/repo", "ab1" * 12),
    ],
)
def test_names_and_passwords_in_urls(text: str, wanted: str) -> None:
    assert found([text], "url_credentials") == [wanted]


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8080/a@b",
        "http://host:8080",
        "https://user:${PASSWORD}@host/",
        "https://user:<password>@host/",
        "https://user:****@host/",
        "ssh://git@github.com/org",
        "https://only-letters-in-here@host/",
        "https://[URL_CREDENTIALS-gkbmrtqz]@host/",
        "https://host/a:b@c",
        "https://host?a:b@c",
    ],
)
def test_urls_without_a_secret_stay(text: str) -> None:
    assert found([text], "url_credentials") == []


def test_a_place_without_an_address_is_nothing() -> None:
    arena = gather(["nothing at all, nowhere"])
    assert all(list(one.look(looking.place_at(arena, 4))) == [] for one in DETECTORS[:2])
