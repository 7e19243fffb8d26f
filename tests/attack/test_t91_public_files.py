"""T91: a server in front that gives files without asking. Whatever a stranger writes, it gives nothing but files of public packages that may be had.

It is Debian's nginx with the file of deploy/, in front of a registry that is served for real.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mpp.errors import Refused
from mpp.remote.client import RegistryClient
from mpp.remote.config import Registry
from mpp.remote.downloading import download, File
from mpp.testing.packages import signed
from mpp_registry.publishing.public import Following, switch
from tests.registry.api.world import Reply, serving, somebody, World

BY, OTHER = somebody(), somebody("Other Publisher")
HELLO, SECRET = "/v1/packages/com.example.hello/versions/0.1.0/download", "/v1/packages/com.example.secret/versions/0.1.0/download"
DATA = signed(BY)
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ROOT = Path(__file__).parents[2]
START_SECONDS = 20.0


class Front:
    """The server in front, and the registry behind it."""

    def __init__(self, world: World, port: int, data: Path) -> None:
        self.world, self.port, self.data = world, port, data

    def raw(self, target: str, method: str = "GET", **headers: str) -> Reply:
        """As it is written, byte by byte: a client library would tidy the path up."""
        lines = [
            f"{method} {target} HTTP/1.1",
            "Host: registry.example",
            "Connection: close",
            *(f"{name.replace('_', '-')}: {text}" for name, text in headers.items()),
        ]
        with socket.create_connection(("127.0.0.1", self.port), 10) as line:
            line.sendall("\r\n".join((*lines, "", "")).encode())
            got = b""
            while piece := line.recv(1 << 16):
                got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        fields = {name.strip().lower(): text.strip() for row in head.decode().split("\r\n")[1:] for name, _, text in [row.partition(":")]}
        return Reply(int(head[9:12]), fields, body)

    def behind(self) -> int:
        """How many requests the registry has seen."""
        return len(self.world.lines)


def nginx_file(folder: Path, port: int, behind: str, data: Path) -> Path:
    """The file of deploy/ without TLS, at another port, with the folders of this test."""
    text = (ROOT / "deploy" / "nginx" / "mpp-registry.conf").read_text()
    text = text[: text.index("server {\n    listen 80;")].replace("/var/lib/mpp-registry", str(data)).replace("127.0.0.1:8765", behind)
    text = re.sub(r"listen 443 ssl http2;", f"listen 127.0.0.1:{port};", text)
    text = re.sub(r" *(?:listen \[::\].*|ssl_.*)\n", "", text)
    places = " ".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log; events {{ }} http {{ access_log off; {places}\n{text}\n}}\n"
    )
    return path


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("front")
    data = folder / "data"
    data.mkdir(mode=0o700)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving(str(data), behind_proxy=True, accel="/files/") as world:
        world.register(BY)
        assert world.publish(BY).status == 201
        for version in ("0.2.0", "0.3.0", "0.4.0+build.1"):
            assert world.publish(BY, {"version": version}).status == 201
        assert world.publish(BY, {"package_id": "com.example.secret"}, query="?visibility=private").status == 201
        switch(world.services, is_wanted=True)
        assert Following(world.services).work() == 4
        path = nginx_file(folder, port, urlsplit(world.server.url).netloc, data)
        child = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(path), "-e", str(folder / "log")])
        try:
            until = time.monotonic() + START_SECONDS
            while not _answers(port):
                assert child.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until
            yield Front(world, port, data)
        finally:
            child.terminate()
            child.wait(20)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_a_public_file_comes_without_a_question(front: Front) -> None:
    before = front.behind()
    reply = front.raw(HELLO)
    assert (reply.status, reply.body) == (200, DATA)
    assert reply.headers["content-type"] == "application/vnd.mpp.package"
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reply.headers["content-disposition"] == 'attachment; filename="com.example.hello-0.1.0.mpp"'
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert front.raw(HELLO.replace("0.1.0", "0.4.0%2Bbuild.1")).status == front.raw(HELLO.replace("0.1.0", "0.4.0+build.1")).status == 200
    assert front.behind() == before


def test_a_download_goes_on_where_it_stopped(front: Front) -> None:
    """As the client asks: by a part and the mark of what it has."""
    etag = front.raw(HELLO).headers["etag"]
    assert etag.startswith('"')
    part = front.raw(HELLO, range="bytes=100-", if_range=etag)
    assert (part.status, part.body, part.headers["content-range"]) == (206, DATA[100:], f"bytes 100-{len(DATA) - 1}/{len(DATA)}")
    assert front.raw(HELLO, range="bytes=100-", if_range='"other"').status == 200
    assert front.raw(HELLO, if_none_match=etag).status == 304


def test_a_private_package_is_given_to_its_owners_alone(front: Front) -> None:
    assert not (front.data / "public" / "com.example.secret").exists()
    stranger = front.raw(SECRET)
    assert stranger.status == 404
    nothing = front.raw(SECRET.replace("secret", "nothing"))
    assert (nothing.status, nothing.json["detail"]) == (404, stranger.json["detail"])
    # The path arrives as it was signed, and the registry lets nginx send the file.
    owner = front.raw(SECRET, authorization=front.world.header(BY, "GET", SECRET))
    assert (owner.status, owner.body) == (200, signed(BY, {"package_id": "com.example.secret"}))
    assert front.raw(SECRET, authorization=front.world.header(OTHER, "GET", SECRET)).status in {401, 404}


@pytest.mark.parametrize("status", ["quarantined", "revoked"])
def test_a_stopped_version_is_given_to_nobody_from_the_moment_of_the_decision(front: Front, status: str) -> None:
    target = HELLO.replace("0.1.0", {"quarantined": "0.2.0", "revoked": "0.3.0"}[status])
    etag = front.raw(target).headers["etag"]
    assert front.world.admin("PUT", target.replace("download", "status"), {"status": status, "reason": "It sends files away."}).status == 200
    for headers in ({}, {"range": "bytes=5-"}, {"if_none_match": etag}, {"authorization": front.world.header(BY, "GET", target)}):
        reply = front.raw(target, **headers)
        assert (reply.status, reply.code) == (410, "registry.gone")


def test_a_yanked_version_is_still_there(front: Front) -> None:
    target = HELLO.replace("0.1.0", "0.4.0+build.1")
    signed_target = target.replace("download", "status").replace("+", "%2B")
    assert front.world.signed(BY, "PUT", signed_target, b'{"status":"yanked","reason":"It is broken."}').status == 200
    assert Following(front.world.services).work() == 0
    assert front.raw(target).status == 200


OUT = (
    "/v1/packages/com.example.hello/versions/../../../../keys/root.key", "/v1/packages/../../../../etc/passwd", "/v1/packages/..%2f..%2f/versions/x/download",
    "/v1/packages/%2e%2e/versions/registry/download", "/v1/packages/com.example.hello/versions/..%2f..%2fregistry.db%00/download",
    "/v1/packages/com.example.hello/versions/%2e%2e%2f%2e%2e%2fkeys%2froot.key/download", "/v1/packages/com.example.hello/versions/0.1.0.mpp%00.x/download",
    "/v1/packages/./versions/com.example.hello%2f0.1.0/download", "/v1/packages/com.example.hello%2f..%2f..%2fblobs/versions/x/download",
    "/v1/packages/...../versions/0.1.0/download", "/files/", "/files/../keys/root.key", "/files/%2e%2e/registry.db", "/public/com.example.hello/0.1.0.mpp",
    "/com.example.hello/0.1.0.mpp", "//v1/packages/..//..//registry.db", "/v1/packages/com.example.hello/versions/0.1.0/download/../../../../../../registry.db",
    "/v1/packages/com.example.hello/versions//download", "/v1/packages//versions/0.1.0/download", "/v1/packages/com.example.hello/versions/0.1.0%0d%0aX:%20y/download",
    "/v1/packages/com.example.hello\\..\\..\\/versions/registry.db/download",
)  # fmt: skip


@pytest.mark.parametrize("target", OUT)
def test_no_path_leads_out_of_the_folder(front: Front, target: str) -> None:
    reply = front.raw(target)
    assert reply.status in {400, 404, 405}, reply
    assert b"SQLite format" not in reply.body
    assert b"root:" not in reply.body
    assert DATA not in reply.body
    assert "x" not in reply.headers


def test_the_folders_of_the_registry_are_nobodys(front: Front) -> None:
    """A file that is there for sure, by each name that it could have."""
    blob = front.world.services.blobs.path(front.world.get(HELLO).headers["etag"].strip('"'))
    assert blob is not None
    within = os.path.relpath(blob, front.data / "blobs")
    for target in (f"/files/{within}", f"/blobs/{within}", f"/v1/packages/..%2fblobs/versions/{within}/download", f"/FILES/{within}"):
        assert front.raw(target).status in {400, 404}, target


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND", "TRACE", "CONNECT"])
def test_nothing_but_reading(front: Front, method: str) -> None:
    assert front.raw(HELLO, method).status >= 400
    assert front.raw(HELLO).body == DATA
    head = front.raw(HELLO, "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(DATA)))


def test_a_link_that_somebody_put_there_is_gone_after_the_next_whole_pass(front: Front) -> None:
    """Attack: whoever writes into the folder for a moment. Only the registry may, and it mends the rest."""
    place = front.data / "public" / "com.example.hello" / "9.9.9.mpp"
    place.symlink_to(front.data / "keys" / "root.key")
    Following(front.world.services).work()
    assert not place.is_symlink()
    assert front.raw(HELLO.replace("0.1.0", "9.9.9")).status == 404


def test_the_client_takes_what_comes_from_there_as_it_takes_everything(front: Front, tmp_path: Path) -> None:
    """It goes on where it stopped by the mark of nginx, and other bytes under the name of the file are none."""
    place = front.data / "public" / "com.example.hello" / "0.1.0.mpp"
    wanted = File(package_id="com.example.hello", version="0.1.0", file_hash=sha256(DATA).hexdigest(), size=len(DATA))
    client = RegistryClient(Registry(name="front", url=f"http://127.0.0.1:{front.port}", registry_id=front.world.services.settings.registry_id))
    part = tmp_path / f"{wanted.file_hash}.part"
    part.write_bytes(DATA[:100])
    part.chmod(0o600)
    (tmp_path / f"{wanted.file_hash}.etag").write_text(front.raw(HELLO).headers["etag"])
    before = front.behind()
    assert Path(download(client, wanted, str(tmp_path))).read_bytes() == DATA
    assert front.behind() == before
    # Attack: whoever writes into the folder. The hash of the log decides.
    (tmp_path / f"{wanted.file_hash}.part").unlink()
    place.unlink()
    place.write_bytes(DATA[:-1] + b"x")
    with pytest.raises(Refused) as caught:
        download(client, wanted, str(tmp_path))
    assert caught.value.code == "content.file"
    Following(front.world.services).work()
    assert Path(download(client, wanted, str(tmp_path))).read_bytes() == DATA
