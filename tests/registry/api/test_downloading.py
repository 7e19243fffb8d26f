"""Files: whole, in parts, again, and not any more."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from starlette.types import Message

from mpp.errors import HostFailed
from mpp.testing.packages import signed
from mpp_registry.api.answering import Blob, BlobResponse, Sending
from tests.registry.api.world import serving, somebody, World

FILE = "/v1/packages/com.example.hello/versions/0.1.0/download"
DATA = signed(somebody())


def test_a_file_comes_whole_with_a_strong_mark(stocked: World) -> None:
    reply = stocked.get(FILE)
    assert (reply.status, reply.body) == (200, DATA)
    assert reply.headers["content-type"] == "application/vnd.mpp.package"
    assert reply.headers["etag"] == '"' + str(stocked.get(FILE.removesuffix("/download")).json["file_hash"]) + '"'
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reply.headers["content-disposition"] == 'attachment; filename="com.example.hello-0.1.0.mpp"'
    assert stocked.get(FILE, if_none_match=reply.headers["etag"]).status == 304


@pytest.mark.parametrize(("asked", "begin", "end"), [
    ("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=100-", 100, len(DATA)), ("bytes=-5", len(DATA) - 5, len(DATA)),
    ("bytes=0-999999", 0, len(DATA)), ("bytes=-999999", 0, len(DATA)), ("bytes = 1 - 2", 1, 3),
])  # fmt: skip
def test_a_part_of_a_file(stocked: World, asked: str, begin: int, end: int) -> None:
    reply = stocked.get(FILE, range=asked)
    assert (reply.status, reply.body) == (206, DATA[begin:end])
    assert reply.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=x", "bytes=5-1", "bytes=", "bytes=--1", "bytes=" + "9" * 99 + "-"])
def test_what_is_no_single_part_gives_the_whole(stocked: World, asked: str) -> None:
    reply = stocked.get(FILE, range=asked)
    assert (reply.status, len(reply.body)) == (200, len(DATA))


@pytest.mark.parametrize("asked", ["bytes=99999-", "bytes=-0"])
def test_a_part_that_is_not_there(stocked: World, asked: str) -> None:
    reply = stocked.get(FILE, range=asked)
    assert (reply.status, reply.code) == (416, "registry.unsatisfiable")


def test_a_download_goes_on_only_where_the_file_is_the_same(stocked: World) -> None:
    etag = stocked.get(FILE).headers["etag"]
    assert stocked.get(FILE, range="bytes=5-", if_range=etag).status == 206
    for other in ('"other"', "W/" + etag, "Thu, 01 Jan 2026 00:00:00 GMT"):
        assert stocked.get(FILE, range="bytes=5-", if_range=other).status == 200


def test_downloads_are_counted_once_they_are_whole(world: World) -> None:
    by = somebody()
    world.register(by)
    world.publish(by)
    world.get(FILE)
    world.get(FILE)
    world.get(FILE, range="bytes=0-5")
    world.get(FILE, range="bytes=5-")
    world.ask("HEAD", FILE)
    assert world.app.downloads.flush(world.services.database, world.clock.now()) == 2
    assert world.get("/v1/packages/com.example.hello").json["downloads"] == 2
    assert "mpp_registry_downloads_total 2" in world.get("/metrics").body.decode()


@pytest.mark.parametrize("status", ["quarantined", "revoked"])
def test_the_file_of_a_stopped_version_is_given_to_nobody(world: World, status: str) -> None:
    by = somebody()
    world.register(by)
    world.publish(by)
    assert world.admin("PUT", FILE.replace("download", "status"), {"status": status, "reason": "It sends files away."}).status == 200
    reply = world.get(FILE)
    assert (reply.status, reply.code) == (410, "registry.gone")
    assert "It sends files away." in str(reply.json["detail"])
    assert world.signed(by, "GET", FILE).status == 410


def test_a_yanked_file_is_still_there_for_those_who_have_it_in_their_lock(world: World) -> None:
    by = somebody()
    world.register(by)
    world.publish(by)
    assert world.signed(by, "PUT", FILE.replace("download", "status"), b'{"status":"yanked","reason":"It is broken."}').status == 200
    assert world.get(FILE).body == DATA


class Pieces:
    """Blobs of which one cannot be read to its end."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def read(self, _sha256: str, _begin: int = 0, _end: int | None = None) -> object:
        for piece in self._pieces:
            if piece == b"broken":
                raise HostFailed("registry.blob", "it is not there", where="blob")
            yield piece


def sent_of(*pieces: bytes, size: int) -> list[Message]:
    sent: list[Message] = []
    counted: list[int] = []

    async def run() -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request"}

        blob = Blob(sha256="0" * 64, size=size, name="x.mpp", counted=lambda: counted.append(1))
        sending = Sending(blobs=Pieces(*pieces), pool=anyio.CapacityLimiter(1))  # type: ignore[arg-type]
        response = BlobResponse(blob, 0, size, 200, {}, "text/plain", sending)
        response.begin()
        await response({"type": "http", "method": "GET"}, receive, send)

    anyio.run(run)
    assert counted == [1]
    return sent


def test_a_file_of_several_pieces() -> None:
    sent = sent_of(b"one", b"two", b"end", size=9)
    assert [(message.get("body"), message.get("more_body")) for message in sent] == [(None, None), (b"one", True), (b"two", True), (b"end", False)]


def test_a_blob_that_ends_too_early_is_never_taken_for_whole() -> None:
    assert sent_of(b"one", size=9)[-1] == {"type": "http.response.body", "body": b"", "more_body": True}


def test_a_blob_that_cannot_be_read_is_a_refusal_before_anything_is_sent() -> None:
    with pytest.raises(HostFailed):
        sent_of(b"broken", size=3)


def test_a_server_in_front_sends_the_file(tmp_path: Path) -> None:
    with serving(str(tmp_path), accel="/internal/") as world:
        world.register(somebody())
        world.publish(somebody())
        reply = world.get(FILE)
        name = reply.headers["etag"].strip('"')
        assert (reply.status, reply.body, reply.headers["x-accel-redirect"]) == (200, b"", f"/internal/{name[:2]}/{name[2:4]}/{name}")
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        world.ask("HEAD", FILE)
        world.get(FILE, range="bytes=5-")
        assert world.app.downloads.flush(world.services.database, world.clock.now()) == 1
