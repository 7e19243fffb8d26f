from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.host.secret_entry import SECRET_BYTES_MAX, SECRET_PACKAGES_MAX, SecretEntry, binding_words, check_value, make_entry, same_binding
from mpp.model.capabilities import Secret
from mpp.model.secretvalue import SecretValue

VALUE = "sk-" + "abc" * 9


def made(**changes: object) -> SecretEntry:
    given: dict[str, object] = {"name": "CRM_TOKEN", "text": VALUE, "created": 5, **changes}
    return make_entry(given.pop("name"), given.pop("text"), **given)  # type: ignore[arg-type]


def test_a_variable_and_a_bound_secret() -> None:
    assert (made().host, made().header, made().packages, made().kind) == ("", "", (), "literal")
    bound = made(host="api.example.com:443", header="X-Api-Key", packages=("com.b.x", "com.a.x", "com.b.x"))
    assert (bound.host, bound.header, bound.packages) == ("api.example.com", "X-Api-Key", ("com.a.x", "com.b.x"))
    assert made(host="api.example.com:8443", header="X").host == "api.example.com:8443"


def test_words_for_the_binding() -> None:
    assert binding_words(made()) == "as a variable of the environment"
    words = binding_words(made(host="api.example.com", header="X", packages=("com.a.x",)))
    assert words == "for the header X of requests to api.example.com, for com.a.x only"


def test_one_binding_has_one_meaning() -> None:
    one = made(host="api.example.com", header="Authorization")
    assert same_binding(one, made(host="api.example.com:443", header="authorization", text="other"))
    for other in (made(), made(host="api.example.com", header="X"), made(host="b.example.com", header="Authorization")):
        assert not same_binding(one, other)
    assert not same_binding(one, made(host="api.example.com", header="Authorization", packages=("com.a.x",)))


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r}".format, lambda entry: repr([entry]), lambda entry: repr({"x": entry})])
def test_no_text_of_it_holds_the_value(shown: object) -> None:
    assert callable(shown)
    carried = SecretValue(secret=Secret(name="N", host="h.example", header="X", format="{secret}"), value=VALUE)
    for one in (made(), made(kind="command"), carried):
        assert VALUE not in shown(one)
        assert one.value == VALUE


WRONG = [
    ({"name": ""}, "name"),
    ({"name": "1A"}, "name"),
    ({"name": "-A"}, "name"),
    ({"name": "A B"}, "name"),
    ({"name": "A\n"}, "name"),
    ({"name": "É"}, "name"),
    ({"name": "A" * 129}, "name"),
    ({"host": "api.example.com"}, "host"),
    ({"header": "X"}, "host"),
    ({"host": "localhost", "header": "X"}, "host"),
    ({"host": "10.0.0.1", "header": "X"}, "host"),
    ({"host": "[::1]", "header": "X"}, "host"),
    ({"host": "*.example.com", "header": "X"}, "host"),
    ({"host": "https://api.example.com", "header": "X"}, "host"),
    ({"host": "API.example.com", "header": "X"}, "host"),
    ({"host": "api.example.com:0", "header": "X"}, "host"),
    ({"host": "api.example.com:99999", "header": "X"}, "host"),
    ({"host": "api.example.com", "header": "Host"}, "header"),
    ({"host": "api.example.com", "header": "content-length"}, "header"),
    ({"host": "api.example.com", "header": "X:"}, "header"),
    ({"host": "api.example.com", "header": "X\r\nY"}, "header"),
    ({"host": "api.example.com", "header": "X" * 65}, "header"),
    ({"packages": ("hello",)}, "package"),
    ({"packages": ("com.example.",)}, "package"),
    ({"packages": ("com.Example.a",)}, "package"),
    ({"packages": tuple(f"com.example.p{i}" for i in range(SECRET_PACKAGES_MAX + 1))}, "package"),
    ({"text": ""}, "value"),
    ({"text": "x" * (SECRET_BYTES_MAX + 1)}, "value"),
    ({"text": "é" * (SECRET_BYTES_MAX // 2 + 1)}, "value"),
    ({"text": "a\0b"}, "value"),
    ({"text": "\ud800"}, "value"),
]


@pytest.mark.parametrize(("changes", "code"), WRONG)
def test_what_is_unsound_is_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        made(**changes)
    assert refusal.value.code == f"secret.{code}"
    assert refusal.value.hint
    assert VALUE not in str(refusal.value)


HEADER_WRONG = ["a\nb", "a\r\nX: y", "a\rb", "a\tb", " a", "a ", " ", "a\x7f", "ä", "a\x0b", "a\u2028b"]


@pytest.mark.parametrize("text", HEADER_WRONG)
def test_a_header_takes_one_plain_line(text: str) -> None:
    for check in (lambda: check_value(text, "N", for_header=True), lambda: made(text=text, host="api.example.com", header="X")):
        with pytest.raises(Refused) as refusal:
            check()
        assert refusal.value.code == "secret.value"
    check_value(text, "N", for_header=False)


@pytest.mark.parametrize("text", ["a", "a b", "!~", "x" * SECRET_BYTES_MAX])
def test_a_header_takes_what_is_plain(text: str) -> None:
    assert made(text=text, host="api.example.com", header="X").value == text


def test_a_command_is_no_header_value_itself() -> None:
    assert made(text="pass show 'ä'", kind="command", host="api.example.com", header="X").value == "pass show 'ä'"
