"""``mpp registry peers``: the list of whom a registry asks, on the machine where it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Mpp
from tests.cli.registry_server import registry_server
from tests.registry.federation.worlds import registries, Registry


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Registry, Registry]]:
    with registries(tmp_path, "a", "b") as (a, b):
        yield a, b


def test_a_peer_is_added_shown_and_removed(mpp: Mpp, two: tuple[Registry, Registry], tmp_path: Path) -> None:
    a, b = two
    data = tmp_path / "a"
    assert "There are no peers" in mpp("registry", "peers", "list", "--data", data).out
    root = tmp_path / "b" / "keys" / "root.json"
    done = mpp("registry", "peers", "add", b.url, "--root", root, "--namespace", "com.bee", "--namespace", "org.sea", "--introduces", "--data", data)
    assert (done.code, "was added" in done.out) == (0, True), done.err
    found = mpp("registry", "peers", "list", "--data", data, "--json").json
    assert [(one["registry_id"], one["namespaces"], one["introduces"], one["url"]) for one in found["peers"]] == [(b.id, ["com.bee", "org.sea"], True, b.url)]
    b.put("com.bee.hive")
    a.discover("com.bee.hive")
    shown = mpp("registry", "peers", "list", "--data", data).out
    assert "com.bee, org.sea, introduces" in shown
    assert "4 leaves" in shown or "3 leaves" in shown
    assert mpp("registry", "peers", "remove", b.id[:16], "--data", data, "--json").json["peers"] == 0
    assert mpp("registry", "peers", "remove", b.id[:16], "--data", data).code == 41


def test_who_is_meant_is_never_learned_from_an_address_alone(mpp: Mpp, two: tuple[Registry, Registry], tmp_path: Path) -> None:
    a, _ = two
    data = tmp_path / "a"
    with registry_server(tmp_path / "c", "Third") as third:
        url, right = third.server.url, third.services.settings.registry_id
        assert mpp("registry", "peers", "add", url, "--namespace", "*", "--data", data).code == 2
        wrong = mpp("registry", "peers", "add", url, "--id", a.id, "--namespace", "*", "--data", data, "--json")
        assert wrong.json["error"]["code"] == "registry.identity"
        assert mpp("registry", "peers", "add", url, "--id", right, "--namespace", "*", "--data", data, "--json").json["change"] == "added"
    assert mpp("registry", "peers", "add", url, "--id", right, "--namespace", "*", "--data", data).code == 40
    bad = mpp("registry", "peers", "add", "http://elsewhere.example", "--id", right, "--namespace", "*", "--data", data, "--json")
    assert bad.json["error"]["code"] == "registry.peers"


def test_private_namespaces_and_the_proxy(mpp: Mpp, two: tuple[Registry, Registry], tmp_path: Path) -> None:
    data = tmp_path / "a"
    assert mpp("registry", "peers", "private", "add", "com.acme", "--data", data, "--json").json["private"] == ["com.acme"]
    assert "com.acme" in mpp("registry", "peers", "list", "--data", data).out
    assert "nothing that is named" in mpp("registry", "peers", "private", "remove", "com.acme", "--data", data).out
    assert mpp("registry", "peers", "private", "remove", "com.acme", "--data", data).code == 41
    assert mpp("registry", "peers", "proxy", "2g", "--data", data, "--json").json["proxy_bytes"] == 2 * 1024**3
    assert "up to 2147483648 bytes" in mpp("registry", "peers", "list", "--data", data).out
    assert "not handed on" in mpp("registry", "peers", "proxy", "off", "--data", data).out
    for size in ("2", "g", "0m", "-1g", "9999999g"):
        assert mpp("registry", "peers", "proxy", "--data", data, "--", size).code == 2


def test_evidence_is_shown_and_put_away(mpp: Mpp, two: tuple[Registry, Registry], tmp_path: Path) -> None:
    from mpp_registry.federation.peers import Evidence, keep_evidence

    a, b = two
    a.peer(b, "*")
    with a.services.database.write() as rows:
        keep_evidence(rows, Evidence(registry_id=b.id, kind="fork", at=1_767_225_600, words="it signed two logs of one size", before=b"one", after=b"two"))
    data = tmp_path / "a"
    assert "two logs of one size" in mpp("registry", "peers", "list", "--data", data).out
    assert mpp("registry", "peers", "clear", b.id[:10], "--data", data).code == 41
    assert mpp("registry", "peers", "clear", b.id[:16], "--forget", "--data", data, "--json").json == {"ok": True, "changed": b.id, "cleared": 1}
    assert mpp("registry", "peers", "clear", b.id, "--data", data).code == 41


def test_no_command_but_serve_makes_a_registry(mpp: Mpp, tmp_path: Path) -> None:
    answer = mpp("registry", "peers", "list", "--data", tmp_path / "nothing", "--json")
    assert answer.json["error"]["code"] == "usage.no_file"
    assert not (tmp_path / "nothing").exists()
    assert mpp("registry", "peers").code in {0, 2}
    assert mpp("registry", "peers", "lst").code == 2
