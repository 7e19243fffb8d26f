"""The YAML block of the oldest texts, said as capabilities."""

from __future__ import annotations

import pytest

from mpp.author.migrating.permissions import read_permissions
from mpp.errors import Refused
from mpp.model.jsontext import Json

OLDEST = """\
permissions:
  filesystem:
    read: ["/tmp/agent-workspace"]
    write: ["/tmp/agent-workspace/output"]
  network:
    outbound: ["api.example.com:443"]
  env: []
"""


def capabilities(text: str) -> dict[str, Json]:
    return read_permissions(text.encode(), "p.yaml").capabilities


def test_the_oldest_example_reads() -> None:
    assert capabilities(OLDEST) == {
        "network": ["api.example.com:443"],
        "filesystem": {"read": ["/tmp/agent-workspace"], "write": ["/tmp/agent-workspace/output"]},
        "env_vars": [],
    }


@pytest.mark.parametrize(
    ("text", "read", "env"),
    [
        ("permissions:\n  env: [CITY, 'TOWN', \"LAND\"]  # words\n", [], ["CITY", "TOWN", "LAND"]),
        ("# first\n---\nname: x\npermissions:\n  filesystem:\n    read:\n      - /a b\n      - '/c # d'\nversion: 1\n", ["/a b", "/c # d"], []),
        ('permissions:\n  filesystem:\n    read:\n    - /a\n    - "/b"\n', ["/a", "/b"], []),
        ('permissions:\n  filesystem:\n    read: ["${workspace}/a", /b,]\r\n', ["${workspace}/a", "/b"], []),
        ("permissions:\n  env: [ ]\n", [], []),
        ("permissions:\n", [], []),
    ],
)
def test_its_forms_read(text: str, read: list[str], env: list[str]) -> None:
    found = capabilities(text)
    assert found["filesystem"] == {"read": read, "write": []}
    assert found["env_vars"] == env


def test_keys_beside_the_block_are_named() -> None:
    assert read_permissions(b"name: x\npermissions:\n  env: []\nother:\n  deep: 1\n", "p").others == ("name", "other")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "exactly one block"),
        ("permission:\n", "exactly one block"),
        ("permissions:\npermissions:\n", "exactly one block"),
        ("permissions: []\n", "nothing stands behind"),
        ("permissions:\n  files: []\n", "not known"),
        ("permissions:\n  filesystem:\n    reed: []\n", "not known"),
        ("permissions:\n  env:\n    deep: []\n", "not known"),
        ("permissions:\n  env: []\n  env: []\n", "twice"),
        ("permissions:\n  env: CITY\n", "list in brackets"),
        ("permissions:\n  env: [CITY TOWN', X]\n", "comma"),
        ("permissions:\n  env: ['a' 'b']\n", "comma"),
        ("permissions:\n  env: [&a CITY]\n", "cannot be read"),
        ("permissions:\n  env: [[CITY]]\n", "cannot be read"),
        ("permissions:\n  env: [\n", "list in brackets"),
        ("permissions:\n  env: *all\n", "list in brackets"),
        ("permissions:\n  - CITY\n", "without a list"),
        ("permissions:\n  filesystem:\n    - /a\n", "without a list"),
        ("permissions:\n  env:\n    - !tag CITY\n", "plain or in quotes"),
        ("permissions:\n\tenv: []\n", "tab"),
        ("permissions:\n  just words\n", "no `key:`"),
        ("permissions:\n  env:\n    - " + ":a" * 5000 + " #x:\n", "plain or in quotes"),
        ("permissions:\n  env:\n    - a" + ":a" * 5000 + " b\n", "plain or in quotes"),
        ("permissions:\n  env: {a: b}\n", "list in brackets"),
    ],
)
def test_what_the_block_does_not_need_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refused) as caught:
        capabilities(text)
    assert caught.value.code == "usage.file"
    assert words in caught.value.message


def test_what_a_manifest_may_not_ask_for_is_refused_by_its_own_code() -> None:
    with pytest.raises(Refused) as caught:
        capabilities("permissions:\n  filesystem:\n    read: [/proc]\n  env: [LD_PRELOAD]\n")
    assert {fault.code for fault in caught.value.faults} == {"capability.path_never", "capability.env_never"}


@pytest.mark.parametrize("data", [b"\xff", b"a" * 70_000, b"\n" * 3000])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_permissions(data, "p.yaml")
    assert caught.value.code == "usage.file"
