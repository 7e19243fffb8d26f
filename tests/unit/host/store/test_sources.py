"""Where packages come from: files, folders and addresses; which of several is newer, and which is the one that was meant."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused, RemoteFailed
from mpp.host.store import sources
from mpp.host.store.sources import by_hash, candidates, check_hash, from_address, from_file, from_folder, is_address, newest_of, package_files, path_of, says_of
from mpp.testing.packages import signed, unsigned

HELLO, OTHER = "com.example.hello", "com.example.other"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "many"
    found.mkdir()
    for version in ("0.9.0", "0.10.0", "0.10.0-rc.1"):
        (found / f"a{version}.mpp").write_bytes(signed(changes={"version": version}))
    (found / "b.mpp").write_bytes(signed(changes={"package_id": OTHER}))
    (found / "notes.txt").write_text("no package")
    (found / "folder.mpp").mkdir()
    return found


def test_of_each_id_the_newest_by_its_version(folder: Path) -> None:
    found = from_folder(str(folder))
    assert [(says.package_id, says.version) for says in map(says_of, found)] == [(HELLO, "0.10.0"), (OTHER, "0.1.0")]
    assert found[0].source == str(folder / "a0.10.0.mpp")


@pytest.mark.parametrize("data", [b"no package", unsigned(), signed()[:-1]], ids=["noise", "unsigned", "cut"])
def test_what_is_no_signed_package_is_named_with_its_place(folder: Path, data: bytes) -> None:
    (folder / "bad.mpp").write_bytes(data)
    with pytest.raises(Refused) as fault:
        from_folder(str(folder))
    assert str(folder / "bad.mpp") in fault.value.where
    # Beside a package that is updated it is passed over: nobody asked for it.
    newer = newest_of(HELLO, "0.9.0", "0.9.0", candidates(str(folder)))
    assert newer is not None
    assert says_of(newer).version == "0.10.0"


NEWER: list[tuple[str, str, str | None]] = [
    ("0.1.0", "0.1.0", "0.10.0"),
    ("0.9.0", "0.9.0", "0.10.0"),
    ("0.10.0-rc.1", "0.10.0-rc.1", "0.10.0"),
    ("0.10.0", "0.10.0", None),
    ("1.0.0", "1.0.0", None),
    # Somebody went back: what lies between is not taken by itself.
    ("0.1.0", "0.11.0", None),
    ("0.1.0", "0.10.0", "0.10.0"),
]


@pytest.mark.parametrize(("above", "mark", "wanted"), NEWER)
def test_which_is_newer(folder: Path, above: str, mark: str, wanted: str | None) -> None:
    found = newest_of(HELLO, above, mark, candidates(str(folder / "a0.9.0.mpp")))
    assert (None if found is None else says_of(found).version) == wanted


def test_a_source_that_is_gone_has_nothing_newer(tmp_path: Path) -> None:
    assert list(candidates(str(tmp_path / "gone" / "x.mpp"))) == []
    with pytest.raises(Refused):
        package_files(str(tmp_path / "gone"))


def test_a_folder_of_too_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "FOLDER_FILES_MAX", 3)
    with pytest.raises(Refused, match="more than 3"):
        package_files(str(folder))


def test_the_file_of_a_hash(folder: Path) -> None:
    one = from_file(str(folder / "b.mpp"))
    found = by_hash(candidates(str(folder)), one.sha256)
    assert found is not None
    assert found.source == one.source
    assert by_hash(candidates(str(folder)), "0" * 64) is None
    check_hash(one, one.sha256)
    with pytest.raises(Refused) as fault:
        check_hash(one, "0" * 64)
    assert fault.value.code == "content.file"


def test_what_is_an_address() -> None:
    assert [is_address(text) for text in ("https://a", "HTTP://a", "file:///a", "a.mpp", "/https://a", "ftp://a")] == [True, True, True, False, False, False]


@pytest.mark.parametrize("url", ["file://host/a.mpp", "file:a.mpp", "file:///a%00b", "file:///a?b=c", "file:///a#b", "file://", "file://../a"])
def test_what_names_no_file_of_this_machine(url: str) -> None:
    with pytest.raises(Refused) as fault:
        path_of(url)
    assert fault.value.code == "usage.address"


def test_a_file_address(folder: Path) -> None:
    (folder / "with space.mpp").write_bytes(signed())
    url = (folder / "with space.mpp").as_uri()
    assert from_address(url).source == str(folder / "with space.mpp")
    assert path_of("file://localhost/a/b") == "/a/b"
    assert len(list(candidates(url))) == 5


@pytest.mark.parametrize("path", ["absent.mpp", "folder.mpp"])
def test_what_is_no_file(folder: Path, path: str) -> None:
    with pytest.raises(HostFailed):
        from_file(str(folder / path))


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, tuple[int, dict[str, str], bytes]]]]:
    """A web server of this machine, and what it answers."""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, text in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    found = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}", answers
    found.shutdown()
    found.server_close()
    thread.join()


def test_an_address_gives_its_bytes(server: tuple[str, dict[str, tuple[int, dict[str, str], bytes]]]) -> None:
    base, answers = server
    answers["/a.mpp"] = (200, {}, signed())
    answers["/moved"] = (302, {"Location": "/a.mpp"}, b"")
    for path in ("/a.mpp", "/moved"):
        found = from_address(base + path)
        assert (bytes(found.data), found.source) == (signed(), base + path)
    assert [one.source for one in candidates(base + "/a.mpp")] == [base + "/a.mpp"]


SERVED: list[tuple[tuple[int, dict[str, str], bytes], str]] = [
    ((404, {}, b""), "remote.answer"),
    ((200, {"Content-Length": "100"}, b"short"), "remote.connection"),
    ((200, {}, b"x" * 2001), "remote.length"),
    ((200, {"Content-Encoding": "gzip"}, b"x"), "remote.answer"),
    ((302, {"Location": "/a"}, b""), "remote.redirect"),
    ((302, {"Location": "ftp://example.com/"}, b""), "usage.address"),
    ((302, {"Location": "http://example.com/"}, b""), "usage.address"),
]


@pytest.mark.parametrize(("answer", "code"), SERVED, ids=[code for _, code in SERVED])
def test_what_a_server_can_do_wrong(
    server: tuple[str, dict[str, tuple[int, dict[str, str], bytes]]], answer: tuple[int, dict[str, str], bytes], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "TOTAL_BYTES_MAX", 2000)
    base, answers = server
    answers["/a"] = answer
    with pytest.raises((Refused, RemoteFailed)) as fault:
        from_address(base + "/a")
    assert fault.value.code == code
    assert "policy" not in str([one.hint + one.message for one in fault.value.faults])


def test_no_server_is_there(server: tuple[str, dict[str, tuple[int, dict[str, str], bytes]]]) -> None:
    with pytest.raises(MppError) as fault:
        from_address("http://127.0.0.1:1/a.mpp")
    assert fault.value.code == "remote.connection"
