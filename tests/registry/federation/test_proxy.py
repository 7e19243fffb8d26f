"""Files of other registries: kept within bounds, and never in the way of our own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp_registry.federation.page import peers_json
from mpp_registry.federation.proxy import keep_bytes, kept_bytes
from tests.registry.federation.worlds import registries, Registry


def download(registry: Registry, package_id: str, version: str = "1.0.0") -> bytes:
    blob = registry.federation.download(registry.ask({"package_id": package_id, "version": version})).blob
    assert blob is not None
    return b"".join(registry.services.blobs.read(blob.sha256))


def code_of(work: object) -> str:
    with pytest.raises(MppError) as caught:
        work()  # type: ignore[operator]
    return caught.value.code


def test_the_files_that_were_asked_for_longest_ago_make_room(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b") as (a, b):
        a.peer(b, "*")
        hashes = [b.put(f"org.sea.t{i}", data=bytes([i]) * 100) for i in range(4)]
        assert code_of(lambda: download(a, "org.sea.t0")) == "registry.absent"
        keep_bytes(a.services, 250)
        with a.services.database.read() as rows:
            assert kept_bytes(rows) == 250
        for i in (0, 1, 0, 2):
            assert download(a, f"org.sea.t{i}") == bytes([i]) * 100
            a.clock.moment += 1
        sizes = [a.services.blobs.size(one) for one in hashes]
        assert sizes == [100, None, 100, None]
        # One that is published here too is not taken away.
        a.put("net.own.tool", data=bytes([2]) * 100)
        with a.services.database.write() as rows:
            rows.run("INSERT INTO uploads (file_hash, at) VALUES (?, 0)", hashes[2])
        assert download(a, "org.sea.t3") == bytes([3]) * 100
        a.clock.moment += 1
        assert download(a, "org.sea.t1") == bytes([1]) * 100
        assert a.services.blobs.size(hashes[2]) == 100
        keep_bytes(a.services, 50)
        assert code_of(lambda: download(a, "org.sea.t0")) == "registry.quota"


def test_what_cannot_be_fetched(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b") as (a, b):
        a.peer(b, "*")
        b.put("org.sea.fish")
        keep_bytes(a.services, 1000)
        assert code_of(lambda: download(a, "org.sea.crab")) == "registry.absent"
        a.cable.twists["b"] = lambda path, headers, answer: replace(answer, status=404) if path.endswith("download") else answer
        assert code_of(lambda: download(a, "org.sea.fish")) == "remote.answer"
        a.cable.twists.clear()
        places = a.federation.proxy._places
        assert places.acquire(blocking=False)
        assert places.acquire(blocking=False)
        assert code_of(lambda: download(a, "org.sea.fish")) == "registry.busy"
        places.release()
        places.release()
        assert download(a, "org.sea.fish")


def test_the_page_of_peers_says_how_they_do(tmp_path: Path) -> None:
    with registries(tmp_path, "a", "b", "c") as (a, b, c):
        a.peer(b, "*", introduces=True)
        b.peer(c, "*")
        c.put("org.sea.fish")
        a.discover("org.sea.fish")
        with a.services.database.read() as rows:
            page = peers_json(a.services, rows, a.federation.discovery.breakers)
        (peer,) = page["peers"]  # type: ignore[misc]
        assert (peer["name"], peer["state"], peer["introduces"], peer["seen"]) == ("b", "ok", True, None)  # type: ignore[index, call-overload]
        (other,) = page["others"]  # type: ignore[misc]
        assert other["registry_id"] == c.id  # type: ignore[index, call-overload]
        a.cable.down.add("b")
        for number in range(3):
            assert code_of(lambda number=number: a.discover(f"org.sea.x{number}")) == "registry.absent"
        with a.services.database.read() as rows:
            page = peers_json(a.services, rows, a.federation.discovery.breakers)
        assert page["peers"][0]["state"] == "resting"  # type: ignore[index, call-overload]
        assert "remote.connection" in page["peers"][0]["fault"]  # type: ignore[index, call-overload, operator]
        answer = a.federation.peers(a.ask({}))
        assert answer.status == 200
        assert b"resting" in answer.data


def test_the_signed_list_is_given_as_it_is(tmp_path: Path) -> None:
    from mpp_registry.federation.endpoints import federation_endpoints, signed_list

    with registries(tmp_path, "a", "b") as (a, b):
        assert code_of(lambda: signed_list(a.ask({}))) == "registry.absent"
        a.peer(b, "*")
        assert b"vnd.mpp.peers" in signed_list(a.ask({})).data
        assert [row.path for row in federation_endpoints(a.services)] == [
            "/v1/discover/{package_id}", "/v1/discover/{package_id}/versions/{version}/download", "/v1/peers", "/v1/peers/list",
        ]  # fmt: skip
