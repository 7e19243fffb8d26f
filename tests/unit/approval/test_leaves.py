from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.approval.leaves import Leaf, count_leaves, leaves, says_secret

HIDDEN = "(not shown: its name says that it is secret)"

SHOWN: list[tuple[str, Json, list[str]]] = [
    ("one", {"name": "Ada"}, ['/name = "Ada"']),
    ("sorted", {"b": 1, "a": 2}, ["/a = 2", "/b = 1"]),
    ("nested", {"to": {"account": "1", "list": [1, {"x": None}]}}, ['/to/account = "1"', "/to/list/0 = 1", "/to/list/1/x = null"]),
    ("numbers", {"a": 100, "b": 1e2, "c": -0.5, "d": 2**53}, ["/a = 100", "/b = 100.0", "/c = -0.5", "/d = 9007199254740992"]),
    ("truth", {"a": True, "b": False}, ["/a = true", "/b = false"]),
    ("empty ones", {"a": {}, "b": [], "c": ""}, ["/a = {}", "/b = []", '/c = ""']),
    ("a strange key", {"a\nb": 1, "c = d": 2, "\u202e": 3}, ['/"a\\nb" = 1', '/"c = d" = 2', '/"\\u202e" [hidden characters] = 3']),
    ("a secret", {"password": "x", "user": "ada"}, [f"/password = {HIDDEN}", '/user = "ada"']),
    ("below a secret", {"credentials": {"a": "x", "b": [1, None, True]}}, [f"/credentials/a = {HIDDEN}", f"/credentials/b/0 = {HIDDEN}", "/credentials/b/1 = null", "/credentials/b/2 = true"]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "lines"), [row[1:] for row in SHOWN], ids=[row[0] for row in SHOWN])
def test_each_value_is_a_line(document: Json, lines: list[str]) -> None:
    found = list(leaves(document, 100))
    assert [leaf.line for leaf in found] == lines
    assert not any(leaf.cut for leaf in found)
    assert count_leaves(document) == len(found)


def test_a_long_value_is_cut() -> None:
    assert next(iter(leaves({"a": "x" * 200}, 100))).cut


def test_a_long_key_is_cut_and_said() -> None:
    found = list(leaves({"k" * 50: 1}, 100))
    assert found[0].cut
    assert found[0].line.endswith(" (1 steps) = 1")


def test_a_deep_path_shows_its_ends() -> None:
    document: Json = "x"
    for i in range(12):
        document = {f"s{i}": document}
    found = list(leaves(document, 100))
    assert found == [Leaf('/s11/s10/s9/s8/s3/s2/s1/s0 (12 steps) = "x"', cut=True)]


SECRET = [
    "password", "Password", "PASSWORD", "db_password", "dbPassword", "new-password", "passphrase", "token", "accessToken", "access_token", "apiKey", "api_key",
    "x-api-key", "X-API-KEY", "apikey", "private_key", "clientSecret", "client_secret", "secret", "pin", "otp", "cvv", "Authorization", "credentials", "cookie",
]  # fmt: skip
PLAIN = ["key", "keys", "max_tokens", "token_count", "secret_name", "password_hash", "keyword", "opinion", "spin", "pinned", "tokenizer", "name", "", "-", "1"]


@pytest.mark.parametrize("key", SECRET)
def test_what_says_that_it_is_secret(key: str) -> None:
    assert says_secret(key)


@pytest.mark.parametrize("key", PLAIN)
def test_what_does_not(key: str) -> None:
    assert not says_secret(key)


def test_leaves_are_written_when_they_are_asked_for() -> None:
    document: Json = {"a": ["x" * 1000] * 100_000}
    assert next(iter(leaves(document, 50))).cut
    assert count_leaves(document) == 100_000


def test_a_key_that_is_long_once_it_is_written_is_cut_too() -> None:
    """Attack: a key of thirty letters, each of which takes six columns."""
    assert next(iter(leaves({"\u65e5" * 30: 1}, 100))).cut


def test_whole_paths() -> None:
    document: Json = "x"
    for i in range(12):
        document = {f"s{i}" + "k" * 50: document}
    found = next(iter(leaves(document, 100, whole_paths=True)))
    assert not found.cut
    assert found.line == "".join(f"/s{i}{'k' * 50}" for i in reversed(range(12))) + ' = "x"'
    assert next(iter(leaves({"k" * 101: 1}, 100, whole_paths=True))).cut
